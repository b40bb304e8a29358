package edgetest

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestPatternTellsPlaces(t *testing.T) {
	a, b := Pattern("a", 100_000), Pattern("b", 100_000)
	if bytes.Contains(b, a[:16]) {
		t.Error("two names share a run of bytes")
	}
	if bytes.Index(a[1:], a[50_000:50_016]) != 49_999 {
		t.Error("a run of bytes is there twice")
	}
	if !bytes.Equal(Pattern("a", 777), a[:777]) {
		t.Error("a shorter pattern is not the beginning of a longer one")
	}
}

func TestDiff(t *testing.T) {
	for _, c := range []struct{ got, want, says string }{
		{"abc", "abc", ""},
		{"abx", "abc", "byte 2 of 3"},
		{"ab", "abc", "2 bytes, want 3"},
		{"abcd", "abc", "4 bytes, want 3"},
	} {
		if d := Diff([]byte(c.got), []byte(c.want)); !strings.Contains(d, c.says) || (d == "") != (c.says == "") {
			t.Errorf("Diff(%q, %q) = %q, want %q in it", c.got, c.want, d, c.says)
		}
	}
}

// fetch asks an origin and returns what came, and how it ended.
func fetch(t *testing.T, url string, fields ...string) (status int, body string, err error) {
	t.Helper()
	resp, err := http.DefaultClient.Do(NewRequest(t, "GET", url, fields...))
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

func TestOriginBehaves(t *testing.T) {
	o := NewOrigin(t)
	body := []byte("0123456789")
	open, pieces := NewGate(t), make(chan []byte, 2)
	open.Open()
	pieces <- []byte("ab")
	pieces <- []byte("cd")
	close(pieces)
	for _, c := range []struct {
		name    string
		handler http.Handler
		fields  []string
		status  int
		body    string
		cut     bool
	}{
		{"serve", Serve(body), nil, 200, "0123456789", false},
		{"serve a range", Serve(body), []string{"Range", "bytes=2-4"}, 206, "234", false},
		{"serve a condition", Serve(body, "ETag", `"e"`), []string{"If-None-Match", `"e"`}, 304, "", false},
		{"plain", Plain(body), []string{"Range", "bytes=2-4"}, 200, "0123456789", false},
		{"answer", Answer(503, body), nil, 503, "0123456789", false},
		{"after", After(open, Plain(body)), nil, 200, "0123456789", false},
		{"halves", Halves(open, body, 5), nil, 200, "0123456789", false},
		{"pieces", Pieces(pieces), nil, 200, "abcd", false},
		{"truncate", Truncate(body, 4), nil, 200, "0123", true},
		{"truncate chunked", TruncateChunked(body, 4), nil, 200, "0123", true},
		{"raw", Raw("HTTP/1.1 299 Odd\r\nContent-Length: 1\r\n\r\nx"), nil, 299, "x", false},
		{"unknown", nil, nil, 404, "404 page not found\n", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := "/" + strings.ReplaceAll(c.name, " ", "-")
			if c.handler != nil {
				o.Handle(path, c.handler)
			}
			status, got, err := fetch(t, o.URL+path, c.fields...)
			if status != c.status || got != c.body || (err != nil) != c.cut {
				t.Errorf("got %d %q, %v; want %d %q, cut: %v", status, got, err, c.status, c.body, c.cut)
			}
			if asked := o.Asked(path); len(asked) != 1 || asked[0].Method != "GET" || asked[0].Target != path {
				t.Errorf("the origin remembers %+v", asked)
			}
		})
	}
	o.Down()
	for _, url := range []string{o.URL + "/serve", Unused(t)} {
		if _, _, err := fetch(t, url); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("at %s, where nobody listens: %v", url, err)
		}
	}
}

// Stall, Silent and Flood end with their client and say nothing whole before.
func TestOriginHolds(t *testing.T) {
	o := NewOrigin(t)
	var sent int64
	ended := make(chan struct{}, 3)
	for path, h := range map[string]http.Handler{
		"/stall": Stall([]byte("0123456789"), 4), "/silent": Silent(),
		"/flood": Flood(1<<40, func(n int) { sent += int64(n) }),
	} {
		o.Handle(path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() { ended <- struct{}{} }()
			h.ServeHTTP(w, r)
		}))
	}
	for _, path := range []string{"/stall", "/flood"} {
		resp, err := http.Get(o.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(resp.Body, make([]byte, 4)); err != nil {
			t.Error(err)
		}
		resp.Body.Close()
		Wait(t, ended, path+" to end")
	}
	if sent == 0 {
		t.Error("Flood did not say what it sent")
	}
}

func TestVolumeFillsUp(t *testing.T) {
	v := NewVolume(t, "64k")
	v.Fill()
	name := filepath.Join(v.Dir, "more")
	if err := os.WriteFile(name, make([]byte, 8192), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("writing to a full volume: %v", err)
	}
	v.Free()
	if err := os.WriteFile(name, make([]byte, 8192), 0o600); err != nil {
		t.Errorf("writing to a volume with room: %v", err)
	}
}

func TestConfigText(t *testing.T) {
	c := Config{Disk: "none", Extra: "[x]", Sites: []Site{
		{Account: "a", Host: "one.test two.test", Origins: []string{"http://o"}, Keys: []Key{{"k", "00"}}, Extra: "name = \"n\""},
	}}
	text := c.toml(places{http: "h:1", https: "h:2", admin: "/a", cert: "/c", key: "/k", disk: "/d", log: "/l", state: "/s"})
	for _, part := range []string{`hosts = ["one.test", "two.test"]`, `size = "64MiB"`, "[x]\n", `name = "n"`, `kid = "k"`, "required = true", `dir = "/l"`} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in\n%s", part, text)
		}
	}
	if strings.Contains(text, "[[disk]]") {
		t.Error("a disk that was not wanted")
	}
}
