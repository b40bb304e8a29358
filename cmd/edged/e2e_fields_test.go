package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"edged/internal/edgetest"
)

func TestE2EFields(t *testing.T) {
	s := newSuite(t)
	t.Run("of one connection", func(t *testing.T) { t.Parallel(); s.hopByHop(t) })
	t.Run("to the origin", func(t *testing.T) { t.Parallel(); s.clientFields(t) })
	t.Run("once", func(t *testing.T) { t.Parallel(); s.onceOnly(t) })
	t.Run("Vary", func(t *testing.T) { t.Parallel(); s.variants(t) })
	t.Run("selected coding", func(t *testing.T) { t.Parallel(); s.selectedCoding(t) })
	t.Run("cookies", func(t *testing.T) { t.Parallel(); s.cookies(t) })
	t.Run("Authorization", func(t *testing.T) { t.Parallel(); s.authorized(t) })
	t.Run("updated by a 304", func(t *testing.T) { t.Parallel(); s.freshenedFields(t) })
	t.Run("private fields", func(t *testing.T) { t.Parallel(); s.privateFields(t) })
	t.Run("HEAD", func(t *testing.T) { t.Parallel(); s.headMisses(t) })
	t.Run("unsafe methods", func(t *testing.T) { t.Parallel(); s.unsafeMethods(t) })
	t.Run("passed errors", func(t *testing.T) { t.Parallel(); s.passedErrors(t) })
}

// hopByHop: what concerns one connection goes no further (RFC 9110 §7.6.1), neither
// does what Connection lists, and trailers are dropped (§6.5).
func (s *suite) hopByHop(t *testing.T) {
	s.origin.Handle("/hop.bin", edgetest.Raw("HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nConnection: X-Listed, close, cache-control\r\nConnection: x-also\r\n"+
		"X-Listed: 1\r\nX-Also: 1\r\nx-listed: 2\r\nKeep-Alive: timeout=5\r\nProxy-Authenticate: Basic\r\nProxy-Authentication-Info: x\r\nProxy-Connection: keep-alive\r\n"+
		"TE: trailers\r\nTrailer: X-T\r\nUpgrade: h2c\r\nX-Kept: 1\r\nWarning: 110 - \"stale\"\r\nProxy-Status: near-origin\r\nVia: 1.1 near\r\nAlt-Svc: h3=\":443\"\r\n"+
		"Access-Control-Allow-Origin: https://else.example\r\nAccess-Control-Allow-Methods: PUT\r\nContent-Length: 2\r\n\r\nhi"))
	for range 2 {
		for _, p := range protocols() {
			got := s.ask(t, p, "GET", openHost, "/hop.bin", "Origin", "https://page.example")
			want(t, got, 200, []byte("hi"))
			for _, name := range []string{
				"X-Listed", "X-Also", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authentication-Info", "Proxy-Connection", "Te", "Trailer", "Upgrade", "Alt-Svc",
				"Access-Control-Allow-Methods", "Transfer-Encoding",
			} {
				wantNo(t, got, name)
			}
			wantField(t, got, "X-Kept", "1")
			wantField(t, got, "Cache-Control", "max-age=60") // §7.6.1 forbids to list it
			wantField(t, got, "Access-Control-Allow-Origin", "*")
		}
	}
	s.wantFetches(t, "/hop.bin", 1)
}

// clientFields: the origin gets the fields that the site lists, and nothing of the
// client's connection.
func (s *suite) clientFields(t *testing.T) {
	s.video("/toorigin.bin", 100)
	fields := []string{
		"X-Tenant", "a", "X-Other", "b", "TE", "trailers", "Proxy-Authorization", "Basic eDp5", "Accept-Language", "en", "Range", "bytes=0-1",
		"If-None-Match", `"x"`, "Cache-Control", "no-cache", "Via", "1.1 somebody", "Forwarded", "for=1.2.3.4", "Max-Forwards", "5", "Cookie", "a=b",
	}
	want(t, s.ask(t, edgetest.HTTP1, "GET", forwardHost, "/toorigin.bin", fields...), 206, nil)
	h := s.origin.Asked("/toorigin.bin")[0].Header
	if h.Get("X-Tenant") != "a" || h.Get("Accept-Language") != "en" {
		t.Errorf("the origin got %v", h)
	}
	for _, name := range []string{"X-Other", "Te", "Proxy-Authorization", "Range", "If-None-Match", "Cache-Control", "Forwarded", "Max-Forwards", "Cookie", "Connection"} {
		if v := h.Values(name); len(v) > 0 {
			t.Errorf("the origin got %s %q", name, v)
		}
	}
	// What Connection lists is for us (§7.6.1), whatever the site lists.
	s.video("/listed.bin", 100)
	c := s.node.Dial()
	c.Send("GET /listed.bin HTTP/1.1\nHost: " + forwardHost + "\nConnection: x-tenant , CDN-Loop\nX-Tenant: a\nCDN-Loop: edge-other\nAccept-Language: de\n\n")
	if got := c.Receive("GET"); got.StatusCode != 200 {
		t.Errorf("status %d", got.StatusCode)
	}
	h = s.origin.Asked("/listed.bin")[0].Header
	if len(h.Values("X-Tenant")) > 0 || h.Get("Accept-Language") != "de" {
		t.Errorf("the origin got X-Tenant %q, Accept-Language %q", h.Values("X-Tenant"), h.Get("Accept-Language"))
	}
	// But a loop is one even if somebody wants it forgotten (RFC 8586 §2).
	if loop := h.Get("CDN-Loop"); !strings.Contains(loop, "edge-other") || !strings.Contains(loop, "edge-test-01") {
		t.Errorf("CDN-Loop at the origin is %q", loop)
	}
	got, _ := parse(t, s.exchange("GET /listed-loop.bin HTTP/1.1\nHost: "+openHost+"\nConnection: CDN-Loop, close\nCDN-Loop: edge-test-01\n\n"))
	if got.StatusCode != 508 {
		t.Errorf("a loop got status %d", got.StatusCode)
	}
}

// onceOnly: fields that edged writes itself are there once, whatever the origin sends.
func (s *suite) onceOnly(t *testing.T) {
	ours := []string{
		"X-Request-Id", "Accept-Ranges", "Access-Control-Allow-Origin", "Access-Control-Expose-Headers", "Timing-Allow-Origin", "Date", "Age", "Content-Length",
	}
	fields := []string{"Cache-Control", "max-age=60", "Content-Type", "video/mp4", "Cache-Status", "near; hit", "Age", "5", "ETag", `"o"`}
	for _, name := range ours {
		if name != "Content-Length" && name != "Date" && name != "Age" {
			fields = append(fields, name, "theirs", name, "theirs too")
		}
	}
	s.origin.Handle("/once.bin", edgetest.Plain([]byte("body"), fields...))
	s.fetch(t, "/once.bin")
	for _, p := range protocols() {
		for status, ask := range map[int][]string{200: {}, 206: {"Range", "bytes=1-2"}, 304: {"If-None-Match", `"o"`}} {
			got := s.ask(t, p, "GET", openHost, "/once.bin", ask...)
			want(t, got, status, nil)
			for _, name := range ours {
				v := got.Header.Values(name)
				if status == 304 && (name == "Content-Length" || name == "Accept-Ranges") {
					continue
				}
				if len(v) != 1 || strings.HasPrefix(v[0], "theirs") {
					t.Errorf("%s, %d: %s is %q", p, status, name, v)
				}
			}
			// Of Cache-Status the nearest to the origin comes first (RFC 9211 §2).
			if v := strings.Join(got.Header.Values("Cache-Status"), ", "); !strings.HasPrefix(v, "near; hit, edged; hit") {
				t.Errorf("Cache-Status %q", v)
			}
		}
	}
}

// variants: RFC 9111 §4.1 and RFC 9110 §12.5.5.
func (s *suite) variants(t *testing.T) {
	echo := func(names ...string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "max-age=60")
			w.Header().Set("ETag", `"`+strings.Map(func(c rune) rune {
				if c == ' ' || c == '"' {
					return '-'
				}
				return c
			}, fmt.Sprint(r.Header["X-Tenant"], r.Header["Accept-Language"], r.Header["Accept-Encoding"]))+`"`)
			for _, n := range names {
				w.Header().Add("Vary", n)
			}
			fmt.Fprintf(w, "%q %q", r.Header["X-Tenant"], r.Header["Accept-Language"])
		})
	}
	for _, c := range []struct {
		name   string
		vary   []string
		a, b   []string // fields of a first and a second request
		shared bool
	}{
		{"same", []string{"X-Tenant"}, []string{"X-Tenant", "a"}, []string{"X-Tenant", "a"}, true},
		{"another", []string{"X-Tenant"}, []string{"X-Tenant", "a"}, []string{"X-Tenant", "b"}, false},
		{"absent", []string{"X-Tenant"}, []string{"X-Tenant", "a"}, nil, false},
		{"empty is not a", []string{"X-Tenant"}, []string{"X-Tenant", "a"}, []string{"X-Tenant", ""}, false},
		{"case of values", []string{"X-Tenant"}, []string{"X-Tenant", "a"}, []string{"X-Tenant", "A"}, false},
		{"case of names", []string{"x-tenant"}, []string{"X-Tenant", "a"}, []string{"X-Tenant", "b"}, false},
		{"white space", []string{"X-Tenant"}, []string{"X-Tenant", "a,b"}, []string{"X-Tenant", "  a ,  b "}, true},
		{"lines and lists", []string{"X-Tenant"}, []string{"X-Tenant", "a, b"}, []string{"X-Tenant", "a", "X-Tenant", "b"}, true},
		{"order", []string{"X-Tenant"}, []string{"X-Tenant", "a, b"}, []string{"X-Tenant", "b, a"}, false},
		{"two fields", []string{"X-Tenant, Accept-Language"}, []string{"X-Tenant", "a", "Accept-Language", "en"}, []string{"X-Tenant", "a", "Accept-Language", "de"}, false},
		{"two lines", []string{"X-Tenant", "Accept-Language"}, []string{"X-Tenant", "a", "Accept-Language", "en"}, []string{"X-Tenant", "a", "Accept-Language", "de"}, false},
		{"not of Vary", []string{"X-Tenant"}, []string{"X-Tenant", "a", "Accept-Language", "en"}, []string{"X-Tenant", "a", "Accept-Language", "de"}, true},
		{"not forwarded", []string{"X-Never"}, []string{"X-Never", "a"}, []string{"X-Never", "b"}, true},
		{"Origin", []string{"Origin"}, []string{"Origin", "https://a.example"}, []string{"Origin", "https://b.example"}, true},
		{"languages by weight", []string{"Accept-Language"}, []string{"Accept-Language", "en;q=0.5, de"}, []string{"Accept-Language", "de, en;q=0.5"}, true},
		{"languages unlike", []string{"Accept-Language"}, []string{"Accept-Language", "en;q=0.5, de"}, []string{"Accept-Language", "en, de;q=0.5"}, false},
		{"codings alike", []string{"Accept-Encoding"}, []string{"Accept-Encoding", "gzip, br"}, []string{"Accept-Encoding", "br;q=1.0, gzip, deflate"}, true},
		{"codings unlike", []string{"Accept-Encoding"}, []string{"Accept-Encoding", "gzip"}, []string{"Accept-Encoding", "gzip;q=0"}, false},
		{"injected separator", []string{"X-Tenant, Accept-Language"}, []string{"X-Tenant", "a", "Accept-Language", "en"}, []string{"X-Tenant", "a=accept-language=en"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, p := range protocols() {
				path := "/vary/" + slug(c.name) + p.String() + ".bin"
				s.origin.Handle(path, echo(c.vary...))
				first := s.ask(t, p, "GET", forwardHost, path, c.a...)
				second := s.ask(t, p, "GET", forwardHost, path, c.b...)
				want(t, first, 200, nil)
				want(t, second, 200, nil)
				if shared := s.origin.Count(path) == 1; shared != c.shared {
					t.Errorf("%s: shared %v, want %v (Cache-Status %q)", p, shared, c.shared, second.CacheStatus())
				}
				// Each is found again, as it was.
				want(t, s.ask(t, p, "GET", forwardHost, path, c.a...), 200, first.Bytes, "; hit")
				want(t, s.ask(t, p, "GET", forwardHost, path, c.b...), 200, second.Bytes, "; hit")
				if !c.shared {
					want(t, s.ask(t, p, "GET", forwardHost, path, append([]string{"If-None-Match", first.Header.Get("ETag")}, c.a...)...), 304, nil)
				}
			}
		})
	}
}

// selectedCoding: what compares as alike is alike for the origin, or one client could
// get a coding that only another accepts.
func (s *suite) selectedCoding(t *testing.T) {
	s.origin.Handle("/selected.bin", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("Vary", "Accept-Encoding")
		if strings.Contains(r.Header.Get("Accept-Encoding"), "deflate") {
			w.Header().Set("Content-Encoding", "deflate")
		}
		fmt.Fprint(w, r.Header.Get("Accept-Encoding"))
	}))
	for _, c := range [][2]string{{"deflate, gzip", "gzip"}, {"gzip", "gzip"}, {"br;q=0.1, GZIP", "br,gzip"}, {"deflate", "identity"}, {"", "identity"}} {
		got := s.ask(t, edgetest.HTTP1, "GET", forwardHost, "/selected.bin", "Accept-Encoding", c[0])
		want(t, got, 200, []byte(c[1]))
		wantNo(t, got, "Content-Encoding")
	}
}

// cookies: RFC 9111 §7.3, as the site wants it.
func (s *suite) cookies(t *testing.T) {
	s.origin.Handle("/cookie.bin", edgetest.Plain([]byte("x"), "Cache-Control", "max-age=60", "Set-Cookie", "a=1", "Set-Cookie", "b=2", "ETag", `"c"`))
	for range 2 {
		wantNo(t, s.fetch(t, "/cookie.bin"), "Set-Cookie")
		wantNo(t, s.fetch(t, "/cookie.bin", "If-None-Match", `"c"`), "Set-Cookie")
		for _, p := range protocols() {
			if v := s.ask(t, p, "GET", cookieHost, "/cookie.bin").Header.Values("Set-Cookie"); len(v) != 2 {
				t.Errorf("kept cookies: %q", v)
			}
		}
	}
}

// authorized: RFC 9111 §3.5.
func (s *suite) authorized(t *testing.T) {
	for control, shared := range map[string]bool{
		"max-age=60": false, "public, max-age=60": true, "s-maxage=60": true, "max-age=60, must-revalidate": true, "max-age=60, immutable": false,
	} {
		path := "/authorized/" + slug(control) + ".bin"
		s.origin.Handle(path, edgetest.Plain([]byte("x"), "Cache-Control", control))
		for range 2 {
			want(t, s.ask(t, edgetest.HTTP1, "GET", forwardHost, path, "Authorization", "Bearer a"), 200, nil)
		}
		if n := s.origin.Count(path); (n == 1) != shared {
			t.Errorf("%s: the origin was asked %d times", control, n)
		}
		if !shared { // without credentials it is another matter
			want(t, s.ask(t, edgetest.HTTP1, "GET", forwardHost, path), 200, nil, "fwd=uri-miss")
			want(t, s.ask(t, edgetest.HTTP1, "GET", forwardHost, path), 200, nil, "; hit")
		}
	}
}

// freshenedFields: RFC 9111 §3.2, §4.3.4.
func (s *suite) freshenedFields(t *testing.T) {
	const path = "/freshened.bin"
	first := []string{
		"Cache-Control", "max-age=60", "Age", "60", "ETag", `"a"`, "X-Old", "1", "X-Changed", "1", "Content-Type", "text/one", "X-Many", "1", "X-Many", "2", "Expires", past,
	}
	s.origin.Handle(path, edgetest.Plain([]byte("0123456789"), first...))
	want(t, s.fetch(t, path), 200, nil)
	s.origin.Handle(path, edgetest.Raw("HTTP/1.1 304 Not Modified\r\nCache-Control: max-age=600\r\nETag: \"a\"\r\nX-Changed: 2\r\nX-New: 1\r\nX-Many: 3\r\n"+
		"Content-Length: 999\r\nContent-Encoding: gzip\r\nContent-Range: bytes 0-1/2\r\nTransfer-Encoding: chunked\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nSet-Cookie: a=b\r\n\r\n"))
	if got := s.fetch(t, path); got.StatusCode == 502 { // a 304 framed in two ways
		s.origin.Handle(path, edgetest.Raw("HTTP/1.1 304 Not Modified\r\nCache-Control: max-age=600\r\nETag: \"a\"\r\nX-Changed: 2\r\nX-New: 1\r\nX-Many: 3\r\n"+
			"Content-Length: 999\r\nContent-Encoding: gzip\r\nContent-Range: bytes 0-1/2\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nSet-Cookie: a=b\r\n\r\n"))
		want(t, s.fetch(t, path), 200, []byte("0123456789"), "fwd-status=304")
	}
	for _, p := range protocols() {
		got := s.ask(t, p, "GET", openHost, path)
		want(t, got, 200, []byte("0123456789"), "; hit")
		for name, value := range map[string]string{
			"Cache-Control": "max-age=600", "Etag": `"a"`, "X-Old": "1", "X-Changed": "2", "X-New": "1", "X-Many": "3", "Content-Type": "text/one", "Content-Length": "10", "Expires": past,
		} {
			wantField(t, got, name, value)
		}
		for _, name := range []string{"Content-Encoding", "Content-Range", "X-Hop", "Set-Cookie", "Transfer-Encoding"} {
			wantNo(t, got, name)
		}
		want(t, s.ask(t, p, "GET", openHost, path, "Range", "bytes=8-"), 206, []byte("89"))
	}
	// A 304 about another version is of no use: the origin is asked again, without conditions.
	const other = "/freshened-other.bin"
	s.origin.Handle(other, edgetest.Plain([]byte("old"), "Cache-Control", "max-age=60", "Age", "60", "ETag", `"a"`))
	want(t, s.fetch(t, other), 200, []byte("old"))
	s.origin.Handle(other, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("ETag", `"b"`)
		if r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(304)
			return
		}
		_, _ = w.Write([]byte("new"))
	}))
	want(t, s.fetch(t, other), 200, []byte("new"))
	want(t, s.fetch(t, other), 200, []byte("new"), "; hit")
}

// privateFields: RFC 9111 §5.2.2.4, §5.2.2.7.
func (s *suite) privateFields(t *testing.T) {
	for i, control := range []string{`max-age=60, private="X-Mine, x-also"`, `max-age=60, no-cache="X-Mine, x-also"`, `max-age=60, no-cache="x-mine", private="X-ALSO"`} {
		path := fmt.Sprintf("/privatefields/%d.bin", i)
		s.origin.Handle(path, edgetest.Plain([]byte("x"), "Cache-Control", control, "X-Mine", "1", "X-Also", "1", "X-Shared", "1"))
		for range 2 {
			got := s.fetch(t, path)
			wantNo(t, got, "X-Mine")
			wantNo(t, got, "X-Also")
			wantField(t, got, "X-Shared", "1")
		}
		s.wantFetches(t, path, 1)
	}
}

// headMisses: HEAD has the fields of GET (RFC 9110 §9.3.2) and never a body.
func (s *suite) headMisses(t *testing.T) {
	for name, h := range map[string]http.Handler{
		"sized":   edgetest.Plain(edgetest.Pattern("head", 9000), "Cache-Control", "max-age=60", "ETag", `"h"`, "Content-Type", "video/mp4", "X-A", "1"),
		"nostore": edgetest.Plain(edgetest.Pattern("head", 9000), "Cache-Control", "no-store", "ETag", `"h"`, "Content-Type", "video/mp4", "X-A", "1"),
		"empty":   edgetest.Plain(nil, "Cache-Control", "max-age=60", "Content-Type", "video/mp4", "X-A", "1"),
		"missing": edgetest.Answer(404, []byte("not here"), "Cache-Control", "max-age=60", "Content-Type", "text/plain", "X-A", "1"),
		"moved":   edgetest.Answer(301, nil, "Cache-Control", "max-age=60", "Location", "/elsewhere", "Content-Type", "text/plain", "X-A", "1"),
	} {
		t.Run(name, func(t *testing.T) {
			for _, p := range protocols() {
				path := "/headmiss/" + name + p.String() + ".bin"
				s.origin.Handle(path, h)
				cold, warm := s.ask(t, p, "HEAD", openHost, path), s.ask(t, p, "HEAD", openHost, path)
				get := s.ask(t, p, "GET", openHost, path)
				for _, got := range []*edgetest.Response{cold, warm} {
					want(t, got, get.StatusCode, []byte{})
					for _, f := range []string{"Content-Length", "Content-Type", "Etag", "Cache-Control", "X-A", "Accept-Ranges", "Location", "Vary"} {
						if a, b := got.Header.Values(f), get.Header.Values(f); fmt.Sprint(a) != fmt.Sprint(b) {
							t.Errorf("%s: %s is %q, of GET %q", p, f, a, b)
						}
					}
				}
			}
		})
	}
	c := s.node.Dial() // and the connection stays in step, HTTP/1.0 too
	for _, version := range []string{"1.1", "1.0", "1.1"} {
		c.Send("HEAD /headmiss/sized" + edgetest.HTTP1.String() + ".bin HTTP/" + version + "\nHost: " + openHost + "\nConnection: keep-alive\n\n")
		if got := c.Receive("HEAD"); got.StatusCode != 200 || got.ContentLength != 9000 {
			t.Errorf("HTTP/%s: status %d, length %d", version, got.StatusCode, got.ContentLength)
		}
	}
}

// unsafeMethods: RFC 9111 §4.4 and RFC 9110 §9.3: passed on, never stored, and what
// they succeed in changing is forgotten.
func (s *suite) unsafeMethods(t *testing.T) {
	for _, method := range []string{"POST", "PUT", "DELETE"} {
		for _, status := range []int{200, 201, 204, 303, 400, 404, 409} {
			path := fmt.Sprintf("/unsafe/%s-%d.bin", method, status)
			s.origin.Handle(path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Cache-Control", "max-age=60")
				if r.Method != "GET" {
					w.WriteHeader(status)
				}
			}))
			want(t, s.ask(t, edgetest.HTTP1, "GET", forwardHost, path), 200, nil)
			want(t, s.ask(t, edgetest.HTTP1, "GET", forwardHost, path), 200, nil, "; hit")
			got := s.ask(t, edgetest.HTTP1, method, forwardHost, path)
			want(t, got, status, nil, "fwd=method")
			wantNo(t, got, "Accept-Ranges")
			got = s.ask(t, edgetest.HTTP1, "GET", forwardHost, path)
			want(t, got, 200, nil)
			if kept := strings.Contains(got.CacheStatus(), "; hit"); kept != (status >= 400) {
				t.Errorf("after %s with status %d: Cache-Status %q", method, status, got.CacheStatus())
			}
		}
	}
	want(t, s.ask(t, edgetest.HTTP1, "PATCH", forwardHost, "/unsafe/x.bin"), 400, nil) // the library sends Content-Length: 0
	want(t, s.ask(t, edgetest.HTTP2, "LOCK", forwardHost, "/unsafe/x.bin"), 405, nil)
}

// passedErrors: a site may want its origin's own 5xx.
func (s *suite) passedErrors(t *testing.T) {
	for _, status := range []int{500, 501, 502, 503, 504, 599} {
		path := fmt.Sprintf("/passed/%d.bin", status)
		s.origin.Handle(path, edgetest.Answer(status, []byte("own words"), "Retry-After", "7"))
		for _, p := range protocols() {
			got := s.ask(t, p, "GET", cookieHost, path, "Range", "bytes=0-1", "If-None-Match", "*")
			want(t, got, status, []byte("own words"))
			wantField(t, got, "Retry-After", "7")
		}
	}
}
