package admin

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOurHost(t *testing.T) {
	for _, c := range []struct {
		host, address string
		want          bool
	}{
		{"127.0.0.1:8090", "127.0.0.1:8090", true},
		{"127.0.0.1", "127.0.0.1:8090", true},
		{"127.8.8.8:1", "127.0.0.1:8090", true},
		{"localhost:8090", "127.0.0.1:8090", true},
		{"LocalHost.", "127.0.0.1:8090", true},
		{"[::1]:8090", "127.0.0.1:8090", true},
		{"[::1]", "127.0.0.1:8090", true},
		{"10.1.2.3:8090", "10.1.2.3:8090", true},
		{"Edge.Internal:99", "edge.internal:8090", true},
		{"10.1.2.4:8090", "10.1.2.3:8090", false},
		{"evil.example", "127.0.0.1:8090", false},
		{"127.0.0.1.evil.example", "127.0.0.1:8090", false},
		{"localhost.evil.example:8090", "127.0.0.1:8090", false},
		{"", "127.0.0.1:8090", false},
		{"", ":8090", false},
		{"[::1%25eth0]", "127.0.0.1:8090", false},
		{"0.0.0.0:8090", "127.0.0.1:8090", false},
		{"evil.example", "/run/edged/admin.sock", true},
	} {
		if got := ourHost(c.host, c.address); got != c.want {
			t.Errorf("ourHost(%q, %q) = %v", c.host, c.address, got)
		}
	}
}

// A name that was made to resolve to this machine gets nothing, whatever it asks for.
func TestRebinding(t *testing.T) {
	s := fixedAdmin(t)
	for _, target := range []string{"/", "/status", "/status.json", "/metrics", "/healthz", "/readyz", "/nothing"} {
		w := get(t, s, target, "Host", "evil.example:8090")
		if w.Code != http.StatusMisdirectedRequest || strings.Contains(w.Body.String(), "acme") {
			t.Errorf("GET %s as evil.example: %d\n%s", target, w.Code, w.Body)
		}
	}
}

func TestMethods(t *testing.T) {
	s := fixedAdmin(t)
	for _, target := range []string{"/status", "/status.json", "/metrics", "/healthz", "/readyz", "/api/v1/status"} {
		for method, want := range map[string]int{"HEAD": 200, "POST": 405, "PUT": 405, "DELETE": 405, "OPTIONS": 405, "TRACE": 405} {
			if w := ask(t, s, method, target); w.Code != want {
				t.Errorf("%s %s: %d, want %d", method, target, w.Code, want)
			}
		}
	}
	if w := get(t, s, "/api/v1/drain"); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET /api/v1/drain: %d", w.Code)
	}
	for _, target := range []string{"/nothing", "/status/", "/status/status.html", "/status/%2e%2e/page.go"} {
		if w := get(t, s, target); w.Code == http.StatusOK {
			t.Errorf("GET %s: %d", target, w.Code)
		}
	}
	if w := get(t, s, "/"); w.Header().Get("Location") != "/status" {
		t.Errorf("GET /: %d, Location %q", w.Code, w.Header().Get("Location"))
	}
}

func TestHeaders(t *testing.T) {
	s := fixedAdmin(t)
	for _, target := range []string{"/status", "/status.json", "/status/status.js", "/nothing"} {
		h := get(t, s, target).Header()
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'", "X-Content-Type-Options": "nosniff",
			"Cache-Control": "no-store", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := h.Get(name); !strings.HasPrefix(got, want) {
				t.Errorf("GET %s: %s is %q", target, name, got)
			}
		}
		if got := h.Get("Access-Control-Allow-Origin"); got != "" {
			t.Errorf("GET %s: other sites may read it: %q", target, got)
		}
	}
}

func TestReadiness(t *testing.T) {
	s := newServer(t, fixedOptions())
	for _, c := range []struct {
		set  State
		code int
		text string
	}{
		{Starting, 503, "starting\n"},
		{Serving, 200, "serving\n"},
		{Starting, 200, "serving\n"},
		{Draining, 503, "draining\n"},
		{Serving, 503, "draining\n"},
	} {
		s.SetState(c.set)
		if w := get(t, s, "/readyz"); w.Code != c.code || w.Body.String() != c.text {
			t.Errorf("after %v: %d %q, want %d %q", c.set, w.Code, w.Body, c.code, c.text)
		}
		if w := get(t, s, "/healthz"); w.Code != http.StatusOK {
			t.Errorf("after %v: /healthz is %d", c.set, w.Code)
		}
	}
}

func TestDrain(t *testing.T) {
	for _, c := range []struct {
		name    string
		header  []string
		code    int
		ordered int
	}{
		{"a form of a page", []string{"Content-Type", "application/x-www-form-urlencoded"}, 403, 0},
		{"without the header", nil, 403, 0},
		{"from another site", []string{orderHeader, "1", "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, 403, 0},
		{"as a strange host", []string{orderHeader, "1", "Host", "evil.example"}, 421, 0},
		{"by an operator", []string{orderHeader, "1"}, 202, 1},
		{"by our page", []string{orderHeader, "1", "Sec-Fetch-Site", "same-origin"}, 202, 1},
	} {
		ordered := 0
		o := fixedOptions()
		o.Drain = func() { ordered++ }
		s := newServer(t, o)
		s.SetState(Serving)
		w := ask(t, s, http.MethodPost, "/api/v1/drain", c.header...)
		if w.Code != c.code || ordered != c.ordered {
			t.Errorf("%s: %d, ordered %d times, want %d, %d", c.name, w.Code, ordered, c.code, c.ordered)
		}
		if ready := get(t, s, "/readyz").Code == http.StatusOK; ready != (c.ordered == 0) {
			t.Errorf("%s: ready is %v afterwards", c.name, ready)
		}
	}
	if w := ask(t, fixedAdmin(t), http.MethodPost, "/api/v1/drain", orderHeader, "1"); w.Code != http.StatusNotImplemented {
		t.Errorf("without anything to drain: %d", w.Code)
	}
}

// What a request to this listener holds is neither written nor sent back.
func TestRequestsLeaveNoTrace(t *testing.T) {
	var logged bytes.Buffer
	o := fixedOptions()
	o.Log = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s := newServer(t, o)
	const mark = "MARKED-203-0-113-77"
	for _, target := range []string{"/status", "/status.json", "/metrics", "/" + mark, "/status/" + mark, "/api/v1/drain"} {
		for _, method := range []string{"GET", "POST", mark} {
			w := ask(t, s, method, target+"?ect="+mark, "X-Forwarded-For", mark, "Cookie", "ect="+mark, "User-Agent", mark, orderHeader, mark)
			if strings.Contains(w.Body.String(), mark) {
				t.Errorf("%s %s: the answer repeats the request", method, target)
			}
		}
	}
	if strings.Contains(logged.String(), mark) {
		t.Errorf("the log holds what was asked:\n%s", &logged)
	}
	if !strings.Contains(logged.String(), "order=drain") {
		t.Errorf("the order is not in the log:\n%s", &logged)
	}
}

func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin.sock")
	o := fixedOptions()
	o.Address = path
	s := newServer(t, o)
	l, err := Listen(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	if _, err := Listen(t.Context(), path); err == nil {
		t.Error("a socket that is listened on was taken over")
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != socketMode {
		t.Errorf("mode of the socket: %v, %v", info.Mode(), err)
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}
	defer transport.CloseIdleConnections()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://any.example/healthz", nil)
	r.RequestURI = ""
	resp, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("over the socket: %d, %v", resp.StatusCode, err)
	}
	transport.CloseIdleConnections()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// A socket that a killed process left is replaced, any other file is not.
func TestLeftSocket(t *testing.T) {
	dir := t.TempDir()
	left := filepath.Join(dir, "left.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: left, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Listen(t.Context(), left)
	if err != nil {
		t.Fatalf("the socket of a dead process: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(t.Context(), file); err == nil {
		t.Error("a file was taken for a socket")
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "precious" {
		t.Errorf("the file is now %q, %v", b, err)
	}
	if _, err := Listen(t.Context(), "256.0.0.1:1"); err == nil {
		t.Error("an impossible address was listened on")
	}
}
