package edge

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// versioned is an origin whose resource changes with every unsafe request.
func versioned(w http.ResponseWriter, r *http.Request) {
	if r.Method != "GET" {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Location", r.Header.Get("Point-At"))
		if r.URL.Path == "/refused" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		fmt.Fprintf(w, "%s %s %s", r.Method, r.Header.Get("Content-Type"), body)
		return
	}
	w.Header().Set("Cache-Control", "max-age=600")
	w.Header().Set("Vary", r.Header.Get("Vary-On"))
	io.WriteString(w, "data")
}

// unsafe sends one unsafe request.
func (b *bench) unsafe(method, target, body string, header ...string) answer {
	f := fields{"Content-Type": "text/x"}
	for i := 0; i+1 < len(header); i += 2 {
		f[header[i]] = header[i+1]
	}
	x := b.edge.NewExchange()
	b.fill(x, request{method: method, target: target, header: f, framed: body != ""})
	if body != "" {
		x.Req.Body = strings.NewReader(body)
	}
	b.edge.Serve(x)
	a := answer{status: x.Resp.Status, close: x.Resp.Close}
	a.header = append(a.header, x.Resp.Header...)
	if x.Resp.Body != nil {
		for {
			span, err := x.Resp.Body.Next()
			if err != nil {
				break
			}
			a.body += string(span)
		}
	}
	for i := range a.header {
		a.header[i].Value = strings.Clone(a.header[i].Value)
	}
	b.edge.Finish(x, Delivery{Body: int64(len(a.body))})
	return a
}

func passing(s *Site) {
	s.Methods, s.Forward = []string{"POST", "DELETE"}, []string{"Point-At", "Vary-On", "Lang"}
}

func TestUnsafeMethodsPass(t *testing.T) {
	b := newBench(t, versioned, passing)
	a := b.unsafe("POST", "/a", "hello")
	b.want(a, 200, "fwd=method", "fwd-status=200")
	if a.body != "POST text/x hello" {
		t.Errorf("the origin saw %q", a.body)
	}
	if a := b.unsafe("PUT", "/a", "hello"); a.status != 400 || !a.close {
		t.Errorf("a method with content that the site does not pass: %d, close %v", a.status, a.close)
	}
	b.want(b.unsafe("PUT", "/a", ""), 405)
	b.want(b.unsafe("POST", "/a", strings.Repeat("x", maxContent+1)), 413, "content-too-large")
}

func TestUnsafeAnswersAreNotRepresentations(t *testing.T) {
	b := newBench(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/part.m3u8":
			w.Header().Set("Content-Range", "bytes 0-0/9")
			w.WriteHeader(http.StatusPartialContent)
		case "/same.m3u8":
			w.WriteHeader(http.StatusNotModified)
		}
	}, passing)
	a := b.unsafe("POST", "/a.m3u8", "x")
	if b.want(a, 200, "fwd=method"); a.header.Has("Accept-Ranges") || a.header.Has("Vary") {
		t.Errorf("header of an action: %v", a.header)
	}
	b.want(b.unsafe("POST", "/part.m3u8", "x"), 502, "origin-protocol")
	b.want(b.unsafe("POST", "/same.m3u8", "x"), 502, "origin-protocol")
	for _, a := range []answer{b.unsafe("OPTIONS", "/a", ""), b.unsafe("PUT", "/a", "")} {
		if got := a.header.Get("Allow"); got != "GET, HEAD, OPTIONS, POST, DELETE" {
			t.Errorf("status %d: Allow %q", a.status, got)
		}
	}
}

func TestUnsafeMethodsInvalidate(t *testing.T) {
	for _, c := range []struct {
		name, target, point string
		gone                bool
	}{
		{"the target", "/a", "", true},
		{"another target", "/b", "", false},
		{"Location as a path", "/b", "/a", true},
		{"Location at the site", "/b", "http://media.test/a", true},
		{"Location elsewhere", "/b", "http://other.test/a", false},
		{"Location relative", "/b", "a", false},
		{"Location not canonical", "/b", "/x/../a", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, versioned, passing)
			b.want(b.get("/a"), 200, "fwd=uri-miss")
			b.want(b.get("/a"), 200, "hit")
			b.want(b.unsafe("POST", c.target, "x", "Point-At", c.point), 200)
			word := "hit"
			if c.gone {
				word = "fwd=uri-miss"
			}
			b.want(b.get("/a"), 200, word)
		})
	}
}

func TestRefusedUnsafeRequestInvalidatesNothing(t *testing.T) {
	b := newBench(t, versioned, passing)
	b.want(b.get("/refused"), 200)
	b.want(b.unsafe("DELETE", "/refused", ""), 403)
	b.want(b.get("/refused"), 200, "hit")
}

func TestInvalidationReachesVariants(t *testing.T) {
	b := newBench(t, versioned, passing)
	for range 2 {
		b.want(b.get("/a", "Vary-On", "Lang", "Lang", "nl"), 200)
		b.want(b.get("/a", "Vary-On", "Lang", "Lang", "de"), 200)
	}
	b.wantFetches(2)
	b.want(b.unsafe("DELETE", "/a", ""), 200)
	b.want(b.get("/a", "Vary-On", "Lang", "Lang", "nl"), 200, "fwd=")
	b.want(b.get("/a", "Vary-On", "Lang", "Lang", "de"), 200, "fwd=")
	b.wantFetches(5)
}

func TestUnsafeConditionsReachTheOrigin(t *testing.T) {
	b := newBench(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Header.Get("If-Match"), r.Header.Get("Content-Range"))
	}, passing)
	a := b.unsafe("POST", "/a", "x", "If-Match", `"v1"`, "Content-Range", "bytes 0-0/9")
	if a.body != `"v1"bytes 0-0/9` {
		t.Errorf("the origin saw %q", a.body)
	}
}

func TestUnsafeRequestsDoNotStopCollapsing(t *testing.T) {
	b := newBench(t, versioned, passing)
	b.want(b.unsafe("POST", "/a", "x"), 200)
	f := b.cache.Validate([]byte("acme\x00media.test\x00/a"), nil, b.clock.now().UnixNano())
	if f == nil {
		t.Fatal("requests for the target of a POST fetch each for themselves")
	}
	f.Abort(errPanic)
	f.Leave()
}
