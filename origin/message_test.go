package origin_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"edged/cache/object"
	"edged/origin"
)

// wireOf returns what the origin is sent for r.
func wireOf(t *testing.T, o origin.Options, path string, r *origin.Request) string {
	t.Helper()
	sent := make(chan string, 1)
	h := start(t, func(p *peer) {
		var b strings.Builder
		for !strings.HasSuffix(b.String(), "\r\n\r\n") {
			line, err := p.br.ReadString('\n')
			b.WriteString(line)
			if err != nil {
				break
			}
		}
		sent <- b.String()
		p.write("HTTP/1.1 204 No Content\r\n\r\n")
	})
	resp, err := group(t, o, h.URL+path).Fetch(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Close()
	return strings.Replace(<-sent, strings.TrimPrefix(h.URL, "http://"), "ORIGIN", 1)
}

func TestRequestOnTheWire(t *testing.T) {
	tests := []struct {
		name, base string
		host       string
		r          origin.Request
		want       []string
	}{
		{"plain", "", "", origin.Request{Method: "GET", Target: "/a"}, []string{
			"GET /a HTTP/1.1", "Host: ORIGIN", "Accept-Encoding: identity", "Via: 1.1 edge-test-01", "CDN-Loop: edge-test-01",
		}},
		{"nothing is normalised", "", "", origin.Request{Method: "HEAD", Target: "//a/../b/%7e;x=1/?q=%2F&q=+&&z"}, []string{
			"HEAD //a/../b/%7e;x=1/?q=%2F&q=+&&z HTTP/1.1", "Host: ORIGIN", "Accept-Encoding: identity",
			"Via: 1.1 edge-test-01", "CDN-Loop: edge-test-01",
		}},
		{"base path and host", "/base/", "media.example:8080", origin.Request{Method: "GET", Target: "/a"}, []string{
			"GET /base/a HTTP/1.1", "Host: media.example:8080", "Accept-Encoding: identity",
			"Via: 1.1 edge-test-01", "CDN-Loop: edge-test-01",
		}},
		{"fields", "", "", origin.Request{Method: "GET", Target: "/a", Header: object.Header{
			{Name: "Range", Value: "bytes=0-9"},
			{Name: "if-none-match", Value: `"x"`},
			{Name: "accept-encoding", Value: "br"},
			{Name: "X-Empty", Value: ""},
		}}, []string{
			"GET /a HTTP/1.1", "Host: ORIGIN", "Range: bytes=0-9", `if-none-match: "x"`, "accept-encoding: br", "X-Empty: ",
			"Via: 1.1 edge-test-01", "CDN-Loop: edge-test-01",
		}},
		{"fields of the client's connection stay here", "", "", origin.Request{Method: "GET", Target: "/a", Header: object.Header{
			{Name: "Host", Value: "evil"},
			{Name: "Connection", Value: "close"},
			{Name: "Keep-Alive", Value: "1"},
			{Name: "TE", Value: "trailers"},
			{Name: "Transfer-Encoding", Value: "chunked"},
			{Name: "content-length", Value: "5"},
			{Name: "Upgrade", Value: "h2c"},
			{Name: "Expect", Value: "100-continue"},
			{Name: "Trailer", Value: "x"},
			{Name: "Proxy-Authorization", Value: "x"},
			{Name: "Proxy-Connection", Value: "x"},
		}}, []string{
			"GET /a HTTP/1.1", "Host: ORIGIN", "Accept-Encoding: identity", "Via: 1.1 edge-test-01", "CDN-Loop: edge-test-01",
		}},
		{"Via and CDN-Loop are extended", "", "", origin.Request{Method: "GET", Target: "/a", Header: object.Header{
			{Name: "via", Value: "1.0 fred"}, {Name: "CDN-Loop", Value: `foo; v="a, edge-test-01"`}, {Name: "Via", Value: "1.1 p"}, {Name: "cdn-loop", Value: "bar"},
		}}, []string{
			"GET /a HTTP/1.1", "Host: ORIGIN", "Accept-Encoding: identity", "Via: 1.0 fred, 1.1 p, 1.1 edge-test-01",
			`CDN-Loop: foo; v="a, edge-test-01", bar, edge-test-01`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := wireOf(t, origin.Options{Host: tt.host}, tt.base, &tt.r)
			want := strings.Join(tt.want, "\r\n") + "\r\n\r\n"
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("request differs (-want +got):\n%s", d)
			}
		})
	}
}

func TestRequestIsRefused(t *testing.T) {
	field := func(name, value string) object.Header { return object.Header{{Name: name, Value: value}} }
	tests := []struct {
		name string
		r    origin.Request
		want error
	}{
		{"method", origin.Request{Method: "CONNECT", Target: "/"}, origin.ErrProtocol},
		{"method with a space", origin.Request{Method: "GET /x", Target: "/"}, origin.ErrProtocol},
		{"body of a GET", origin.Request{Method: "GET", Target: "/", Body: []byte("x")}, origin.ErrProtocol},
		{"no target", origin.Request{Method: "GET"}, origin.ErrProtocol},
		{"absolute target", origin.Request{Method: "GET", Target: "http://x/"}, origin.ErrProtocol},
		{"space in target", origin.Request{Method: "GET", Target: "/a b"}, origin.ErrProtocol},
		{"line end in target", origin.Request{Method: "GET", Target: "/a\r\nX:y"}, origin.ErrProtocol},
		{"fragment", origin.Request{Method: "GET", Target: "/a#b"}, origin.ErrProtocol},
		{"line end in value", origin.Request{Method: "GET", Target: "/", Header: field("X", "a\r\nY: b")}, origin.ErrProtocol},
		{"name", origin.Request{Method: "GET", Target: "/", Header: field("X: y", "a")}, origin.ErrProtocol},
		{"loop", origin.Request{Method: "GET", Target: "/", Header: field("CDN-Loop", "edge-test-01")}, origin.ErrLoop},
		{"loop with parameter", origin.Request{Method: "GET", Target: "/", Header: field("cdn-loop", `a; b=",", EDGE-test-01 ; v=1, c`)}, origin.ErrLoop},
	}
	h := start(t, answering(short))
	g := group(t, origin.Options{}, h.URL)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := g.Fetch(t.Context(), &tt.r)
			if !errors.Is(err, tt.want) {
				t.Errorf("Fetch(%+v) = %v; want %v", tt.r, err, tt.want)
			}
			if tt.r.Target != "" && len(tt.r.Target) > 1 && strings.Contains(err.Error(), tt.r.Target) {
				t.Errorf("error %q tells the target", err)
			}
		})
	}
	if h.Conns.Load() != 0 {
		t.Errorf("a refused request made a connection")
	}
	near := origin.Request{Method: "GET", Target: "/", Header: field("CDN-Loop", `edge-test-0, edge-test-011, x; edge-test-01`)}
	if _, _, err := do(t.Context(), g, &near); err != nil {
		t.Errorf("similar ids: %v", err)
	}
}

func TestResponseHeader(t *testing.T) {
	h := start(t, answering("HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\netag: \"x\"\r\nContent-Encoding: gzip\r\nContent-Encoding: br\r\n"+
		"Connection: keep-alive, X-Hop, cache-control\r\nX-Hop: 1\r\nX-Empty:\r\nCache-Control:\tno-store \r\nKeep-Alive: timeout=5\r\n"+
		"Trailer: X-Sum\r\nUpgrade: h2c\r\nProxy-Authenticate: x\r\nTransfer-Encoding: chunked\r\nX-Obs: \xfc\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"))
	resp, body, err := get(t.Context(), group(t, origin.Options{}, h.URL), "/a")
	if err != nil || body != "hello" {
		t.Fatalf("%q, %v", body, err)
	}
	want := object.Header{
		{Name: "Content-Type", Value: "video/mp4"},
		{Name: "etag", Value: `"x"`},
		{Name: "Content-Encoding", Value: "gzip"},
		{Name: "Content-Encoding", Value: "br"},
		{Name: "X-Empty", Value: ""},
		{Name: "Cache-Control", Value: "no-store"},
		{Name: "X-Obs", Value: "\xfc"},
	}
	if d := cmp.Diff(want, resp.Header); d != "" {
		t.Errorf("header differs (-want +got):\n%s", d)
	}
	if resp.Size != -1 || resp.Status != 200 || resp.Requested == 0 || resp.Received < resp.Requested {
		t.Errorf("size %d, status %d, requested %d, received %d", resp.Size, resp.Status, resp.Requested, resp.Received)
	}
}

func TestSize(t *testing.T) {
	tests := []struct {
		method, answer string
		want           int64
		body           string
	}{
		{"GET", short, 5, "hello"},
		{"GET", chunked, -1, "hello"},
		{"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 5, ""},
		{"HEAD", "HTTP/1.1 200 OK\r\n\r\n", -1, ""},
		{"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 5, ""},
		{"GET", "HTTP/1.1 304 Not Modified\r\n\r\n", -1, ""},
		{"GET", "HTTP/1.1 204 No Content\r\n\r\n", 0, ""},
		{"GET", "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-4/9\r\nContent-Length: 5\r\n\r\nhello", 5, "hello"},
	}
	for _, tt := range tests {
		h := start(t, answering(tt.answer))
		resp, body, err := do(t.Context(), group(t, origin.Options{}, h.URL), &origin.Request{Method: tt.method, Target: "/a"})
		if err != nil || resp.Size != tt.want || body != tt.body {
			t.Errorf("%s %q: %+v, %q, %v; want size %d, body %q", tt.method, tt.answer, resp, body, err, tt.want, tt.body)
		}
	}
}

func TestRefusalBeforeAllContentWasSent(t *testing.T) {
	h := start(t, func(p *peer) {
		for line := ""; line != "\r\n"; {
			var err error
			if line, err = p.br.ReadString('\n'); err != nil {
				return
			}
		}
		p.write("HTTP/1.1 413 Content Too Large\r\nContent-Length: 5\r\n\r\nlarge")
	})
	g := group(t, origin.Options{}, h.URL)
	for range 3 { // none of them on the connection of another
		resp, body, err := do(t.Context(), g, &origin.Request{Method: "POST", Target: "/a", Body: make([]byte, 16<<20)})
		if err != nil {
			t.Fatal(err)
		}
		if resp.Status != 413 || body != "large" {
			t.Errorf("status %d, %q", resp.Status, body)
		}
	}
	if got := h.Conns.Load(); got != 3 {
		t.Errorf("%d connections, want 3", got)
	}
}
