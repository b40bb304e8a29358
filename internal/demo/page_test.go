package demo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"edged/auth"
)

func canceled(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// clock is the time at which the tests of the page play.
func clock() time.Time { return time.Unix(1_800_000_000, 0) }

func newHandler(t *testing.T, change func(*Options)) http.Handler {
	t.Helper()
	o := Options{Key: NewKey(), EdgePort: 8081, StatusPort: 8082, Version: "v1", Now: clock}
	if change != nil {
		change(&o)
	}
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	h.(*handler).origin.pause = func(*http.Request, time.Duration) {}
	return h
}

func TestPageFiles(t *testing.T) {
	h := newHandler(t, nil)
	for target, mime := range map[string]string{
		"/": "text/html; charset=utf-8", "/style.css": "text/css; charset=utf-8", "/main.js": "text/javascript; charset=utf-8",
		"/icon.svg": "image/svg+xml", "/vendor/hls.min.js": "text/javascript; charset=utf-8", "/session.json": "application/json",
		"/requests.json": "application/json", "/origin/ts/master.m3u8": "application/vnd.apple.mpegurl",
	} {
		w := ask(h, http.MethodGet, "http://localhost:8080"+target)
		if got := w.Header().Get("Content-Type"); w.Code != 200 || got != mime || w.Body.Len() == 0 {
			t.Errorf("%s: status %d, type %q, %d bytes, want 200, %q, some", target, w.Code, got, w.Body.Len(), mime)
		}
	}
}

// TestPageIsWhole holds that the page's files name files that are there, that no file
// is left over, and that nothing is fetched from elsewhere.
func TestPageIsWhole(t *testing.T) {
	player := sub(playerFiles, "player")
	reference := regexp.MustCompile(`(?:src|href)="([^"]+)"|(?:from |import\()'([^']+)'`)
	named := map[string]bool{"index.html": true}
	var all []string
	err := fs.WalkDir(player, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		all = append(all, name)
		if strings.HasPrefix(name, "vendor/") {
			return nil
		}
		text, err := fs.ReadFile(player, name)
		for _, m := range reference.FindAllStringSubmatch(string(text), -1) {
			named[path.Join(path.Dir(name), m[1]+m[2])] = true
		}
		if strings.Contains(strings.ReplaceAll(string(text), `"http://www.w3.org/2000/svg"`, ""), "://") {
			t.Errorf("%s holds an absolute URL", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range vendored(t) {
		named["vendor/"+v.LicenseFile] = true
	}
	for n := range named {
		if !slices.Contains(all, n) {
			t.Errorf("%s is named but does not exist", n)
		}
	}
	for _, n := range all {
		if !named[n] {
			t.Errorf("%s exists but nothing names it", n)
		}
	}
}

// vendor is one entry of VERSIONS.json.
type vendor struct{ Name, Version, License, LicenseFile, File, Source, SHA256 string }

func vendored(t *testing.T) []vendor {
	t.Helper()
	text, err := playerFiles.ReadFile("player/vendor/VERSIONS.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []vendor
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestVendored holds that the players are the published files that VERSIONS.json
// says, of the versions it says.
func TestVendored(t *testing.T) {
	all := vendored(t)
	if len(all) != 2 {
		t.Errorf("%d players, want hls.js and dash.js", len(all))
	}
	for _, v := range all {
		body, err := playerFiles.ReadFile("player/vendor/" + v.File)
		if err != nil {
			t.Error(err)
			continue
		}
		if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != v.SHA256 {
			t.Errorf("%s is not the file of %s %s", v.File, v.Name, v.Version)
		}
		if !strings.Contains(string(body), `"`+v.Version+`"`) {
			t.Errorf("%s does not say that it is version %s", v.File, v.Version)
		}
	}
}

// TestPolicy holds that a browser lets the page reach its own port and the edge's,
// and nothing else, and that the origin's answers are free of the page's fields.
func TestPolicy(t *testing.T) {
	h := newHandler(t, nil)
	for _, host := range []string{"localhost", "127.0.0.1"} {
		p := ask(h, http.MethodGet, "http://"+host+":8080/").Header().Get("Content-Security-Policy")
		if !strings.Contains(p, "connect-src 'self' http://"+host+":8081;") || !strings.HasPrefix(p, "default-src 'none';") {
			t.Errorf("as %s: policy %q", host, p)
		}
	}
	if p := ask(h, http.MethodGet, "http://localhost:8080/origin/ts/360p.m3u8").Header(); p.Get("Content-Security-Policy")+p.Get("Cache-Control") != "" {
		t.Errorf("the origin answers with fields of the page: %v", p)
	}
}

func TestHosts(t *testing.T) {
	h := newHandler(t, nil)
	for host, want := range map[string]int{
		"localhost": 200, "localhost:8080": 200, "127.0.0.1:8080": 200, "[::1]:8080": 200, "[::1]": 200,
		"attacker.example": 421, "attacker.example:8080": 421, "192.0.2.1:8080": 421, "localhost.attacker.example": 421,
	} {
		if w := ask(h, http.MethodGet, "http://"+host+"/session.json"); w.Code != want {
			t.Errorf("host %s: status %d, want %d", host, w.Code, want)
		}
	}
}

func session(t *testing.T, h http.Handler) Session {
	t.Helper()
	w := ask(h, http.MethodGet, "http://localhost:8080/session.json")
	if got := w.Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q: a token must not be stored", got)
	}
	var s Session
	if err := json.Unmarshal(w.Body.Bytes(), &s); err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
	return s
}

// TestSession holds that a session's URLs pass the edge's own check of tokens, and
// that two sessions never share one.
func TestSession(t *testing.T) {
	key := NewKey()
	h := newHandler(t, func(o *Options) { o.Key = key })
	s := session(t, h)
	if s.Edge != "http://localhost:8081" || s.Status != "http://localhost:8082/status" || s.Version != "v1" || s.CanRestart {
		t.Errorf("session %+v", s)
	}
	signatures, err := auth.NewSignatures(16)
	if err != nil {
		t.Fatal(err)
	}
	scheme, err := auth.NewECT(auth.Options{
		Account: "demo", Required: true, MaxLifetime: 24 * time.Hour, Signatures: signatures,
		Keys: []auth.Key{{ID: key.ID, Account: "demo", Type: auth.HMACSHA256, Secret: key.Secret, State: auth.StateActive}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range s.Streams {
		u, err := url.Parse(v.URL)
		if err != nil {
			t.Fatal(err)
		}
		var scratch auth.Scratch
		found, why := scheme.Find(&auth.Input{Path: []byte(u.Path)}, &scratch)
		if why != auth.Allowed || string(found.Path) != Streams()[i].Path {
			t.Fatalf("%s: %v, path %q, want %q", v.URL, why, found.Path, Streams()[i].Path)
		}
		verdict := scheme.Verify(&found, &auth.Request{Method: []byte("GET"), Path: found.Path, Now: clock().Unix()})
		if verdict.Reason != auth.Allowed {
			t.Errorf("%s: %v", v.URL, verdict.Reason)
		}
	}
	if again := session(t, h); again.Streams[0].URL == s.Streams[0].URL {
		t.Error("two sessions have the same token: the browser would answer from its own cache")
	}
	if s := session(t, newHandler(t, func(o *Options) { o.StatusPort = 0 })); s.Status != "" {
		t.Errorf("status page %q where there is none", s.Status)
	}
}

func TestRequests(t *testing.T) {
	h := newHandler(t, nil)
	ask(h, http.MethodGet, "http://localhost/origin/ts/master.m3u8")
	ask(h, http.MethodGet, "http://localhost/origin/ts/360p.m3u8")
	want := `{"total":2,"paths":{"/ts/360p.m3u8":1,"/ts/master.m3u8":1}}` + "\n"
	if got := ask(h, http.MethodGet, "http://localhost/requests.json").Body.String(); got != want {
		t.Errorf("requests %s, want %s", got, want)
	}
}

func TestRestart(t *testing.T) {
	var calls int
	var fault error
	able := newHandler(t, func(o *Options) { o.Restart = func() error { calls++; return fault } })
	own := []string{"X-Requested-With", "edged-demo"}
	for _, c := range []struct {
		name          string
		h             http.Handler
		header        []string
		fault         error
		status, calls int
	}{
		{"not offered", newHandler(t, nil), own, nil, 404, 0},
		{"from elsewhere", able, nil, nil, 403, 0},
		{"from the page", able, own, nil, 204, 1},
		{"failing", able, own, errors.New("port is taken"), 500, 1},
	} {
		calls, fault = 0, c.fault
		if w := ask(c.h, http.MethodPost, "http://localhost/restart", c.header...); w.Code != c.status || calls != c.calls {
			t.Errorf("%s: status %d after %d calls, want %d after %d", c.name, w.Code, calls, c.status, c.calls)
		}
	}
	if s := session(t, able); !s.CanRestart {
		t.Error("the page does not learn that it can restart the edge")
	}
}
