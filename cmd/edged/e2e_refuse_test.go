package main

import (
	"bufio"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"edged/internal/edgetest"
)

func TestE2EBadRequests(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.video("/ok.m4s", 5000)
	want(t, r.get(t, "/ok.m4s"), 200, nil)
	t.Run("targets", func(t *testing.T) { t.Parallel(); r.badTargets(t) })
	t.Run("framing", func(t *testing.T) { t.Parallel(); r.badFraming(t) })
	t.Run("methods", func(t *testing.T) { t.Parallel(); r.badMethods(t) })
	t.Run("hosts", func(t *testing.T) { t.Parallel(); r.badHosts(t) })
	t.Run("HTTP/1.0", func(t *testing.T) { t.Parallel(); r.http10(t) })
	t.Run("keep-alive", func(t *testing.T) { t.Parallel(); r.keepAlive(t) })
	t.Run("one Date", func(t *testing.T) { t.Parallel(); r.oneDate(t) })
}

// exchange sends one raw request on a connection of its own and returns all that
// comes back until the node closes it.
func (r *rig) exchange(text string) string {
	c := r.node.Dial()
	c.Send(text)
	return c.ReadAll()
}

// parse reads the first response of raw bytes, and what comes after it.
func parse(t *testing.T, raw string) (*http.Response, string) {
	t.Helper()
	in := bufio.NewReader(strings.NewReader(raw))
	got, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatalf("no response in %q: %v", raw, err)
	}
	defer got.Body.Close()
	var rest strings.Builder
	if _, err := bufio.NewReader(got.Body).WriteTo(&rest); err != nil {
		t.Fatalf("body of %q: %v", raw, err)
	}
	rest.Reset()
	if _, err := in.WriteTo(&rest); err != nil {
		t.Fatal(err)
	}
	return got, rest.String()
}

// refused holds that a raw request is answered once with status and the connection
// closed.
func (r *rig) refused(t *testing.T, request string, status int) *http.Response {
	t.Helper()
	got, rest := parse(t, r.exchange(request))
	if got.StatusCode != status {
		t.Errorf("%.80q got %d, want %d", request, got.StatusCode, status)
	}
	if rest != "" {
		t.Errorf("%.80q got more than one answer: %q", request, rest)
	}
	return got
}

func (r *rig) badTargets(t *testing.T) {
	for _, target := range []string{
		"/a/../ok.m4s", "/./ok.m4s", "/a/..", "/%2e%2e/ok.m4s", "/..;x/ok.m4s", "/.%2e/ok.m4s",
		"/%252e%252e/ok.m4s", "/a%2520b", "/a%2Fok.m4s", "/a%2f", "/a%5Cb", `/a\b`,
		"/a%00", "/a%01b", "/a%7f", "/a%0d%0aX: y", "/a%", "/a%4", "/a%zz", "/a%ff", "//ok.m4s", "/a//ok.m4s",
		"ok.m4s", "*", "/a\x01b", "/a\x7fb", "/caf\xc3\xa9", "/a#b", "http://", "ftp://" + openHost + "/ok.m4s",
	} {
		got := r.refused(t, "GET "+target+" HTTP/1.1\nHost: "+openHost+"\n\n", 400)
		if !got.Close {
			t.Errorf("%q: the answer does not say that the connection ends", target)
		}
	}
	known := []string{"/ok.m4s", "/missing.m4s", "/chunked10.m3u8", "/date-cold.m4s", "/dated.m4s"} // of other subtests
	for _, a := range r.origin.Everything() {
		if !slices.Contains(known, a.Target) && a.Target != "/ok.m4s?x=1" {
			t.Errorf("a bad target was fetched: %q", a.Target)
		}
	}
	got := r.refused(t, "GET /%2e%2e/x HTTP/1.1\nHost: "+openHost+"\n\n", 400)
	if cors := got.Header.Values("Access-Control-Allow-Origin"); len(cors) != 1 {
		t.Errorf("Access-Control-Allow-Origin is %q", cors)
	}
}

func (r *rig) badFraming(t *testing.T) {
	const head = "GET /ok.m4s HTTP/1.1\nHost: " + openHost + "\n"
	const smuggled = "GET /smuggled.m4s HTTP/1.1\nHost: " + openHost + "\n\n"
	for name, request := range map[string]string{
		"length":                head + "Content-Length: 5\n\nhello" + smuggled,
		"length of the request": head + "Content-Length: 54\n\n" + smuggled,
		"length 0":              head + "Content-Length: 0\n\n" + smuggled,
		"bad length":            head + "Content-Length: +5\n\nhello" + smuggled,
		"two lengths":           head + "Content-Length: 5\nContent-Length: 6\n\nhello" + smuggled,
		"length list":           head + "Content-Length: 5, 5\n\nhello" + smuggled,
		"chunked":               head + "Transfer-Encoding: chunked\n\n0\n\n" + smuggled,
		"chunked and length":    head + "Transfer-Encoding: chunked\nContent-Length: 3\n\n0\n\n" + smuggled,
		"unknown coding":        head + "Transfer-Encoding: gzip\n\n" + smuggled,
		"hidden coding":         head + "Transfer-Encoding : chunked\n\n0\n\n" + smuggled,
		"obsolete folding":      head + "X-A: b\n c\n\n" + smuggled,
		"space in name":         head + "X A: b\n\n" + smuggled,
		"no colon":              head + "nonsense\n\n" + smuggled,
		"bare version":          "GET /ok.m4s\n\n" + smuggled,
	} {
		t.Run(name, func(t *testing.T) { r.refused(t, request, 400) })
	}
	t.Run("content over HTTP/2", func(t *testing.T) {
		request := edgetest.NewRequest(t, "GET", "https://"+openHost+"/ok.m4s")
		request.Body, request.ContentLength = io.NopCloser(strings.NewReader("hello")), 5
		got, err := r.node.Client(edgetest.HTTP2, 0).Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer got.Body.Close()
		if got.StatusCode != 400 {
			t.Errorf("status %d, want 400", got.StatusCode)
		}
	})
	r.refused(t, head+"X-Big: "+strings.Repeat("x", 64<<10)+"\n\n", 431)
	r.wantFetches(t, "/smuggled.m4s", 0)
}

func (r *rig) badMethods(t *testing.T) {
	for _, p := range []edgetest.Protocol{edgetest.HTTP1, edgetest.HTTP1TLS, edgetest.HTTP2} {
		for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"} {
			got := edgetest.Do(t, r.node.Client(p, 0), method, p.Scheme()+"://"+openHost+"/ok.m4s")
			if method == "POST" || method == "PUT" || method == "PATCH" {
				// The library sends Content-Length: 0 with these.
				if got.StatusCode != 405 && got.StatusCode != 400 {
					t.Errorf("%s %s: status %d", p, method, got.StatusCode)
				}
				continue
			}
			want(t, got, 405, nil)
			wantField(t, got, "Allow", "GET, HEAD, OPTIONS")
			wantField(t, got, "Access-Control-Allow-Origin", "*")
		}
	}
	got, _ := parse(t, r.exchange("POST /ok.m4s HTTP/1.1\nHost: "+openHost+"\nConnection: close\n\n"))
	if got.StatusCode != 405 {
		t.Errorf("POST without content got %d, want 405", got.StatusCode)
	}
	for _, line := range []string{"get /ok.m4s", "CONNECT open.test:443", "G\x01T /ok.m4s"} {
		r.refused(t, line+" HTTP/1.1\nHost: "+openHost+"\n\n", 400)
	}
}

func (r *rig) badHosts(t *testing.T) {
	for name, request := range map[string]string{
		"none":         "GET /ok.m4s HTTP/1.1\n\n",
		"two":          "GET /ok.m4s HTTP/1.1\nHost: " + openHost + "\nHost: " + openHost + "\n\n",
		"not a host":   "GET /ok.m4s HTTP/1.1\nHost: a b\n\n",
		"with a path":  "GET /ok.m4s HTTP/1.1\nHost: " + openHost + "/x\n\n",
		"with a user":  "GET /ok.m4s HTTP/1.1\nHost: me@" + openHost + "\n\n",
		"empty":        "GET /ok.m4s HTTP/1.1\nHost:\n\n",
		"wrong target": "GET http://a%20b/ok.m4s HTTP/1.1\nHost: " + openHost + "\n\n",
	} {
		t.Run(name, func(t *testing.T) { r.refused(t, request, 400) })
	}
	const tail = " HTTP/1.1\nConnection: close\nHost: "
	for request, status := range map[string]int{
		"GET /ok.m4s" + tail + "nobody.test\n\n":                                 421,
		"GET /ok.m4s" + tail + "OPEN.TEST:8080\n\n":                              200,
		"GET /ok.m4s" + tail + openHost + ".\n\n":                                200,
		"GET http://" + openHost + "/ok.m4s" + tail + "nobody.test\n\n":          200, // RFC 9112 §3.2.2
		"GET http://nobody.test/ok.m4s" + tail + openHost + "\n\n":               421,
		"GET https://" + openHost + ":443/ok.m4s?x=1" + tail + openHost + "\n\n": 200,
	} {
		if got, _ := parse(t, r.exchange(request)); got.StatusCode != status {
			t.Errorf("%q got %d, want %d", request, got.StatusCode, status)
		}
	}
}

func (r *rig) http10(t *testing.T) {
	const host = "\nHost: " + openHost + "\n"
	got, _ := parse(t, r.exchange("GET /ok.m4s HTTP/1.0"+host+"\n"))
	if got.StatusCode != 200 || got.ContentLength != 5000 || len(got.TransferEncoding) > 0 {
		t.Errorf("status %d, length %d, coding %v", got.StatusCode, got.ContentLength, got.TransferEncoding)
	}
	// A body without a length is ended by the connection, never in chunks.
	pieces := make(chan []byte, 2)
	pieces <- []byte("first ")
	pieces <- []byte("second")
	close(pieces)
	r.origin.Handle("/chunked10.m3u8", edgetest.Pieces(pieces, "Cache-Control", "no-store"))
	raw := r.exchange("GET /chunked10.m3u8 HTTP/1.0" + host + "\n")
	head, body, _ := strings.Cut(raw, "\r\n\r\n")
	if body != "first second" || strings.Contains(strings.ToLower(head), "chunked") {
		t.Errorf("HTTP/1.0 got %q", raw)
	}
	c := r.node.Dial()
	for range 2 {
		c.Send("GET /ok.m4s HTTP/1.0" + host + "Connection: keep-alive\n\n")
		if got := c.Receive("GET"); got.StatusCode != 200 || len(got.Bytes) != 5000 {
			t.Errorf("keep-alive of HTTP/1.0: status %d, %d bytes", got.StatusCode, len(got.Bytes))
		}
	}
}

// keepAlive: one connection carries answers of every kind, one after the other.
func (r *rig) keepAlive(t *testing.T) {
	c := r.node.Dial()
	for round := range 3 {
		for _, step := range []struct {
			method, host, path, fields string
			status                     int
		}{
			{"GET", openHost, "/ok.m4s", "", 200},
			{"GET", openHost, "/ok.m4s", "Range: bytes=10-99\n", 206},
			{"GET", openHost, "/ok.m4s", "If-None-Match: \"v1\"\n", 304},
			{"GET", signedHost, "/ok.m4s", "", 403},
			{"GET", openHost, "/missing.m4s", "", 404},
			{"HEAD", openHost, "/ok.m4s", "", 200},
			{"GET", openHost, "/ok.m4s", "Range: bytes=99999-\n", 416},
			{"OPTIONS", openHost, "/ok.m4s", "Origin: https://page.example\n", 204},
			{"DELETE", openHost, "/ok.m4s", "", 405},
			{"GET", "nobody.test", "/ok.m4s", "", 421},
			{"GET", openHost, "/ok.m4s", "If-Match: \"no\"\n", 412},
		} {
			c.Send(step.method + " " + step.path + " HTTP/1.1\nHost: " + step.host + "\n" + step.fields + "\n")
			got := c.Receive(step.method)
			if got.StatusCode != step.status || got.Err != nil || got.Close {
				t.Fatalf("round %d, %s %s%s: status %d, closing %v, %v; want %d", round, step.method, step.host, step.path, got.StatusCode, got.Close, got.Err, step.status)
			}
		}
	}
	c.Send(strings.Repeat("GET /ok.m4s HTTP/1.1\nHost: "+openHost+"\n\n", 5)) // pipelined
	for range 5 {
		if got := c.Receive("GET"); got.StatusCode != 200 || len(got.Bytes) != 5000 {
			t.Errorf("pipelined: status %d, %d bytes", got.StatusCode, len(got.Bytes))
		}
	}
}

func (r *rig) oneDate(t *testing.T) {
	r.origin.Handle("/dated.m4s", edgetest.Plain([]byte("x"), "Cache-Control", "max-age=60", "Date", "Sun, 06 Nov 1994 08:49:37 GMT"))
	for _, request := range []string{
		"GET /ok.m4s HTTP/1.1\nHost: " + openHost, "HEAD /ok.m4s HTTP/1.1\nHost: " + openHost,
		"GET /date-cold.m4s HTTP/1.1\nHost: " + openHost, "GET /dated.m4s HTTP/1.1\nHost: " + openHost,
		"GET /dated.m4s HTTP/1.1\nHost: " + openHost, "GET /ok.m4s HTTP/1.1\nHost: " + signedHost,
		"OPTIONS /ok.m4s HTTP/1.1\nHost: " + openHost, "GET /ok.m4s HTTP/1.1\nHost: nobody.test",
		"GET /ok.m4s HTTP/1.1\nRange: bytes=0-5\nHost: " + openHost, "GET /ok.m4s HTTP/1.1\nIf-None-Match: *\nHost: " + openHost,
		"GET /../x HTTP/1.1\nHost: " + openHost, "nonsense",
	} {
		head, _, _ := strings.Cut(r.exchange(request+"\nConnection: close\n\n"), "\r\n\r\n")
		if n := strings.Count(strings.ToLower(head), "\r\ndate: "); n != 1 {
			t.Errorf("%q: %d Date fields in %q", request, n, head)
		}
	}
	got := edgetest.Get(t, r.node.Client(edgetest.HTTP2, 0), "https://"+openHost+"/ok.m4s")
	if n := len(got.Header.Values("Date")); n != 1 {
		t.Errorf("HTTP/2: %d Date fields", n)
	}
}
