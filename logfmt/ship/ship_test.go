package ship

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"edged/internal/edgetest"
	"edged/logfmt"
)

func TestMain(m *testing.M) { edgetest.Main(m) }

// The examples of Amazon's documentation, "Authenticating Requests: Using the
// Authorization Header", for the fictitious key that it uses.
func TestSignatures(t *testing.T) {
	s := &signer{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1"}
	now := time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		method, path, body, want string
		header                   []string
	}{
		{"GET", "/test.txt", "", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41", []string{"Range", "bytes=0-9"}},
		{"PUT", "/test$file.text", "Welcome to Amazon S3.", "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd", []string{"Date", "Fri, 24 May 2013 00:00:00 GMT", "X-Amz-Storage-Class", "REDUCED_REDUNDANCY"}},
	} {
		r, err := http.NewRequestWithContext(t.Context(), c.method, "https://examplebucket.s3.amazonaws.com/", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.URL.Path, r.URL.RawPath = c.path, escapePath(c.path)
		for i := 0; i < len(c.header); i += 2 {
			r.Header.Set(c.header[i], c.header[i+1])
		}
		hash := sha256.Sum256([]byte(c.body))
		s.sign(r, hex.EncodeToString(hash[:]), now)
		if got := r.Header.Get("Authorization"); !strings.HasSuffix(got, "Signature="+c.want) {
			t.Errorf("%s %s: %s, want signature %s", c.method, c.path, got, c.want)
		}
	}
}

// target keeps what it was given, and fails as often as it is told to.
type target struct {
	fails int
	puts  []string
	files map[string]string
}

var errDown = errors.New("target is down")

func (g *target) Put(_ context.Context, o *Object) error {
	g.puts = append(g.puts, o.Name)
	body, err := io.ReadAll(o.Body)
	sum := sha256.Sum256(body)
	if err != nil || int64(len(body)) != o.Size || hex.EncodeToString(sum[:]) != o.SHA256 {
		return errors.New("not the file that was announced")
	}
	if g.fails > 0 {
		g.fails--
		return errDown
	}
	if g.files == nil {
		g.files = map[string]string{}
	}
	g.files[o.Name] = string(body)
	return nil
}

// closedFiles writes n closed files.
func closedFiles(t *testing.T, dir string, n int) {
	t.Helper()
	w, err := logfmt.NewWriter(logfmt.Options{Dir: dir, Node: "n1"})
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		w.Write(&logfmt.Record{Account: "acme", Status: 200})
		if err := w.Rotate(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestShipper(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, state := t.TempDir(), filepath.Join(t.TempDir(), "deep", "shipped.json")
		closedFiles(t, dir, 3)
		g := &target{fails: 4}
		o := Options{Dir: dir, State: state, Target: g}
		s := New(o)
		time.Sleep(2 * time.Second)
		if st := s.Stats(); st.Failing == "" || st.Pending != 3 || st.Files != 0 {
			t.Errorf("while the target is down: %+v", st)
		}
		time.Sleep(time.Minute)
		if st := s.Stats(); st.Failing != "" || st.Pending != 0 || st.Files != 3 || st.Failures != 4 || st.Bytes == 0 {
			t.Errorf("afterwards: %+v", st)
		}
		for i := 4; i < len(g.puts); i += 2 {
			if stem(g.puts[i])+manifestSuffix != g.puts[i+1] {
				t.Errorf("%s is followed by %s", g.puts[i], g.puts[i+1])
			}
		}
		for name, text := range g.files {
			if own, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(own) != text {
				t.Errorf("%s is not what was shipped: %v", name, err)
			}
		}
		s.Close()
		puts := len(g.puts)
		s = New(o) // knows what was shipped
		time.Sleep(time.Minute)
		s.Close()
		if len(g.puts) != puts || len(g.files) != 6 {
			t.Errorf("shipped again: %q", g.puts[puts:])
		}
		o.Delete, o.State = true, state+"2"
		s = New(o)
		time.Sleep(time.Minute)
		s.Close()
		if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
			t.Errorf("left after delete: %v, %v", left, err)
		}
	})
}

func TestShipperWaitsForCompression(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		closedFiles(t, dir, 1)
		g := &target{}
		s := New(Options{Dir: dir, State: filepath.Join(t.TempDir(), "s"), Target: g, Compressed: true})
		time.Sleep(time.Minute)
		s.Close()
		if len(g.puts) != 0 {
			t.Errorf("shipped before it was compressed: %q", g.puts)
		}
	})
}

// object is a file that is what it says.
func object(name, text string) *Object {
	sum := sha256.Sum256([]byte(text))
	return &Object{name, int64(len(text)), hex.EncodeToString(sum[:]), strings.NewReader(text)}
}

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

func TestHTTP(t *testing.T) {
	const text = "log"
	sum := sha256.Sum256([]byte(text))
	status := 201
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || string(body) != text || r.Method != http.MethodPut || r.URL.EscapedPath() != "/logs/edge/a-1.log" || r.ContentLength != 3 {
			t.Errorf("%s %s: %q, %v", r.Method, r.URL, body, err)
		}
		if s3 := strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=id/"); !s3 &&
			(r.Header.Get("Authorization") != "Bearer t" || r.Header.Get("Content-Digest") != "sha-256=:"+base64.StdEncoding.EncodeToString(sum[:])+":") {
			t.Errorf("header %v", r.Header)
		}
		w.WriteHeader(status)
	}))
	defer server.Close()
	for _, h := range []*HTTP{
		{URL: server.URL + "/logs/edge/", Token: "t", Client: server.Client()},
		S3(server.URL+"/logs/edge", "eu-central-1", "id", "secret", server.Client()),
	} {
		put := func() error {
			return h.Put(t.Context(), &Object{"a-1.log", 3, hex.EncodeToString(sum[:]), strings.NewReader(text)})
		}
		status = 201
		if err := put(); err != nil {
			t.Error(err)
		}
		status = 403
		if err := put(); err == nil || !strings.Contains(err.Error(), "403") {
			t.Errorf("a refusal: %v", err)
		}
		h.URL = "http://127.0.0.1:1/secret"
		if err := put(); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("nobody there: %v", err)
		}
	}
}
