package edge

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"edged/origin"
)

func TestMissThenHit(t *testing.T) {
	body := pattern(3<<20 + 17)
	b := newBench(t, ok(body, "video/mp4"))
	first := b.get("/v/seg1.m4s")
	b.want(first, 200, "fwd=uri-miss", "stored", "detail=origin")
	second := b.get("/v/seg1.m4s")
	b.want(second, 200, "edged; hit", "detail=ram", "ttl=")
	if first.body != body || second.body != body {
		t.Error("body is not the origin's")
	}
	if second.header.Get("Age") == "" {
		t.Error("a hit has no Age")
	}
	b.wantFetches(1)
}

func TestRangesFromBlocks(t *testing.T) {
	body := pattern(2<<20 + 5)
	b := newBench(t, ok(body, "video/mp4"))
	b.want(b.get("/v/seg1.m4s"), 200)
	for _, c := range []struct {
		ask    string
		status int
		got    string
		field  string
	}{
		{"bytes=0-", 206, body, "bytes 0-2097156/2097157"},
		{"bytes=0-0", 206, body[:1], "bytes 0-0/2097157"},
		{"bytes=1048570-1048580", 206, body[1048570:1048581], "bytes 1048570-1048580/2097157"},
		{"bytes=2097150-", 206, body[2097150:], "bytes 2097150-2097156/2097157"},
		{"bytes=-3", 206, body[len(body)-3:], "bytes 2097154-2097156/2097157"},
		{"bytes=2097157-", 416, "416 range not satisfiable\n", "bytes */2097157"},
		{"bytes=9-3", 200, body, ""},
		{"lines=1-2", 200, body, ""},
	} {
		a := b.get("/v/seg1.m4s", "Range", c.ask)
		b.want(a, c.status)
		if a.body != c.got {
			t.Errorf("Range %s: %d bytes that differ from the %d wanted", c.ask, len(a.body), len(c.got))
		}
		if got := a.header.Get("Content-Range"); got != c.field {
			t.Errorf("Range %s: Content-Range %q, want %q", c.ask, got, c.field)
		}
		if a.header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("Range %s: no CORS field", c.ask)
		}
	}
	b.wantFetches(1)
}

func TestSeekOnAMissFetchesFromThere(t *testing.T) {
	body := pattern(6 << 20)
	var asked sync.Map
	b := newBench(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.Header.Get("Range"), true)
		ok(body, "video/mp4")(w, r)
	})
	a := b.get("/film.mp4", "Range", "bytes=4194400-4194499")
	b.want(a, 206)
	if a.body != body[4194400:4194500] {
		t.Error("range body differs")
	}
	if _, ok := asked.Load("bytes=4194304-"); !ok {
		t.Error("the origin was not asked from the block of the seek on")
	}
	b.edge.fetchers.Wait()
	b.want(b.get("/film.mp4", "Range", "bytes=-100"), 206, "edged; hit;")
	a = b.get("/film.mp4")
	if b.want(a, 200, "fwd=partial"); a.body != body || a.err != nil {
		t.Errorf("whole body after a seek: %d bytes, %v", len(a.body), a.err)
	}
	b.edge.fetchers.Wait()
	b.want(b.get("/film.mp4"), 200, "edged; hit;")
}

func TestWishesOfAClientGoForward(t *testing.T) {
	b := newBench(t, ok("data", "text/plain"), func(s *Site) { s.ClientDirectives = true })
	b.get("/v/seg1.m4s")
	b.want(b.get("/v/seg1.m4s", "Cache-Control", "no-cache"), 200, "edged; fwd=request;")
	b.want(b.get("/v/seg1.m4s"), 200, "edged; hit;")
}

func TestHundredsShareOneFetchWhileItFills(t *testing.T) {
	body := pattern(300_000)
	half, release := make(chan struct{}), make(chan struct{})
	b := newBench(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		io.WriteString(w, body[:150_000])
		w.(http.Flusher).Flush()
		<-half
		io.WriteString(w, body[150_000:])
		<-release
	})
	var begun, done sync.WaitGroup
	for range 300 {
		begun.Add(1)
		done.Go(func() {
			x := b.edge.NewExchange()
			b.fill(x, request{target: "/v/slow.m4s"})
			b.edge.Serve(x)
			span, err := x.Resp.Body.Next()
			if err != nil || len(span) == 0 || string(span) != body[:len(span)] {
				t.Errorf("first span: %d bytes, %v", len(span), err)
			}
			n := int64(len(span))
			begun.Done() // it has bytes while the origin is still holding back the rest
			for {
				span, err := x.Resp.Body.Next()
				if err == io.EOF {
					break
				}
				if err != nil || string(span) != body[n:int(n)+len(span)] {
					t.Errorf("at %d: %v", n, err)
					break
				}
				n += int64(len(span))
			}
			if n != int64(len(body)) {
				t.Errorf("%d bytes, want %d", n, len(body))
			}
			b.edge.Finish(x, Delivery{Body: n})
		})
	}
	begun.Wait()
	close(half)
	close(release)
	done.Wait()
	b.wantFetches(1)
}

func TestBadInput(t *testing.T) {
	sign, mint := signing(t)
	b := newBench(t, ok("x", "video/mp4"), sign)
	good := "/ect=" + mint("/v/") + "/v/a.m4s"
	for _, c := range []struct {
		name   string
		r      request
		status int
		close  bool
		cors   bool
		field  string // "Name: value" that must be there
	}{
		{"good", request{target: good}, 200, false, true, ""},
		{"unknown host", request{target: good, host: "other.test"}, 421, false, false, "Cache-Control: no-store"},
		{"bad host", request{target: good, host: "a b"}, 400, true, false, ""},
		{"dot segment", request{target: "/v/../w"}, 400, true, true, ""},
		{"encoded dots", request{target: "/v/%2e%2e/w"}, 400, true, true, ""},
		{"encoded slash", request{target: "/v%2Fa"}, 400, true, true, ""},
		{"double encoding", request{target: "/v/%252e"}, 400, true, true, ""},
		{"nul", request{target: "/v/%00"}, 400, true, true, ""},
		{"backslash", request{target: `/v\a`}, 400, true, true, ""},
		{"no token", request{target: "/v/a.m4s"}, 403, false, true, "Cache-Control: no-store"},
		{"malformed token", request{target: "/ect=h1.x/v/a.m4s"}, 403, false, true, "Cache-Control: no-store"},
		{"out of scope", request{target: "/ect=" + mint("/w/") + "/v/a.m4s"}, 403, false, true, "Cache-Control: no-store"},
		{"post", request{target: good, method: "POST"}, 405, false, true, "Allow: GET, HEAD, OPTIONS"},
		{"get with a body", request{target: good, framed: true}, 400, true, true, ""},
		{"preflight without token", request{target: "/v/a.m4s", method: "OPTIONS"}, 204, false, true, "Access-Control-Max-Age: 86400"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := b.do(c.r)
			if a.status != c.status || a.close != c.close {
				t.Errorf("status %d close %v, want %d %v", a.status, a.close, c.status, c.close)
			}
			if got := a.header.Has("Access-Control-Allow-Origin"); got != c.cors {
				t.Errorf("CORS field present: %v, want %v", got, c.cors)
			}
			name, value, _ := strings.Cut(c.field, ": ")
			if name != "" && a.header.Get(name) != value {
				t.Errorf("%s %q, want %q", name, a.header.Get(name), value)
			}
			if a.header.Get("Cache-Status") == "" || a.header.Get("X-Request-Id") == "" {
				t.Error("Cache-Status or X-Request-Id is missing")
			}
		})
	}
}

func TestDenialsLookAlike(t *testing.T) {
	sign, mint := signing(t)
	b := newBench(t, ok("x", "video/mp4"), sign)
	want := b.get("/v/a.m4s")
	for _, target := range []string{
		"/ect=h1.x/v/a.m4s", "/ect=" + mint("/w/") + "/v/a.m4s", "/v/a.m4s?ect=" + mint("/w/"),
		"/ect=" + mint("/v/") + "/v/a.m4s?ect=" + mint("/v/"),
	} {
		got := b.get(target)
		if got.body != want.body || got.status != want.status || len(got.header) != len(want.header) {
			t.Errorf("%s: answer differs from that without a token", target)
		}
		if got.cacheStatus() != want.cacheStatus() {
			t.Errorf("%s: Cache-Status tells why: %q", target, got.cacheStatus())
		}
	}
	b.wantFetches(0)
}

func TestTokenNeverTravels(t *testing.T) {
	sign, mint := signing(t)
	token := mint("/v/")
	var seen sync.Map
	b := newBench(t, func(w http.ResponseWriter, r *http.Request) {
		seen.Store(r.RequestURI, r.Header)
		w.Header().Set("Cache-Control", "max-age=60")
		io.WriteString(w, "data")
	}, sign)
	for _, r := range []request{
		{target: "/ect=" + token + "/v/a.m4s"},
		{target: "/v/a.m4s?ect=" + token},
		{target: "/v/a.m4s?CMCD=sid%3D1&ect=" + token},
		{target: "/v/a.m4s", header: fields{"Cookie": "x=1; ect=" + token}},
	} {
		b.want(b.do(r), 200)
	}
	b.wantFetches(1)
	seen.Range(func(uri, header any) bool {
		if uri != "/v/a.m4s" || strings.Contains(fmt.Sprint(header), token) {
			t.Errorf("origin got %v %v", uri, header)
		}
		return true
	})
	for range len(b.log.lines) {
		if line := <-b.log.lines; strings.Contains(line, token[:20]) {
			t.Errorf("token in the log: %s", line)
		}
	}
}

func TestConditionals(t *testing.T) {
	b := newBench(t, ok("hello", "video/mp4"))
	b.want(b.get("/v/a.m4s"), 200)
	a := b.get("/v/a.m4s", "If-None-Match", `"5"`)
	b.want(a, 304, "hit")
	if a.body != "" || a.header.Get("ETag") != `"5"` || a.header.Has("Content-Type") {
		t.Errorf("304: body %q, header %v", a.body, a.header)
	}
	b.want(b.get("/v/a.m4s", "If-None-Match", `"6"`), 200)
	b.want(b.get("/v/a.m4s", "If-Match", `"6"`), 412)
	b.want(b.get("/v/a.m4s", "Range", "bytes=1-2", "If-Range", `"5"`), 206)
	b.want(b.get("/v/a.m4s", "Range", "bytes=1-2", "If-Range", `"6"`), 200)
	a = b.do(request{method: "HEAD", target: "/v/a.m4s"})
	b.want(a, 200, "hit")
	if a.body != "" || a.size != 5 {
		t.Errorf("HEAD: body %q, size %d", a.body, a.size)
	}
	b.wantFetches(1)
}

func TestStaleIsValidatedOnce(t *testing.T) {
	b := newBench(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=10")
		w.Header().Set("ETag", `"v1"`)
		if r.Header.Get("If-None-Match") == `"v1"` {
			w.WriteHeader(304)
			return
		}
		io.WriteString(w, "data")
	})
	b.want(b.get("/a.bin"), 200, "fwd=uri-miss")
	b.clock.advance(11 * time.Second)
	a := b.get("/a.bin")
	b.want(a, 200, "fwd=stale", "fwd-status=304", "stored")
	if a.body != "data" {
		t.Errorf("body %q", a.body)
	}
	b.want(b.get("/a.bin"), 200, "hit")
	b.wantFetches(2)
}

func TestStaleIfErrorAndErrors(t *testing.T) {
	var down bool
	b := newBench(t, func(w http.ResponseWriter, _ *http.Request) {
		if down {
			w.WriteHeader(500)
			return
		}
		w.Header().Set("Cache-Control", "max-age=10, stale-if-error=60")
		io.WriteString(w, "data")
	})
	b.want(b.get("/a.bin"), 200)
	b.clock.advance(11 * time.Second)
	down = true
	a := b.get("/a.bin")
	b.want(a, 200, "detail=stale-if-error")
	b.clock.advance(60 * time.Second)
	a = b.get("/a.bin")
	b.want(a, 502, "detail=origin-status")
	if a.header.Get("Retry-After") == "" || a.header.Get("Cache-Control") != "no-store" || !a.header.Has("Access-Control-Allow-Origin") {
		t.Errorf("502 header: %v", a.header)
	}
	fetches := b.fetches.Load()
	b.want(b.get("/a.bin"), 502)
	b.wantFetches(fetches + 1)
}

// TestSlowValidationIsRemembered: of an object that may be served stale on errors,
// one request waits for an origin that hangs, and none after it.
func TestSlowValidationIsRemembered(t *testing.T) {
	t.Parallel() // it waits more than it works
	var down atomic.Bool
	b := newBench(t, func(w http.ResponseWriter, r *http.Request) {
		if down.Load() {
			<-r.Context().Done()
			return
		}
		w.Header().Set("Cache-Control", "max-age=10, stale-if-error=600")
		io.WriteString(w, "data")
	})
	hasty, err := origin.New(origin.Options{URLs: []string{b.origin.URL}, Node: "node-1", ConnectTimeout: time.Minute, FirstByteTimeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer hasty.Close()
	b.want(b.get("/a.bin"), 200)
	b.clock.advance(11 * time.Second)
	down.Store(true)
	patient := b.site.Origins
	b.site.Origins = hasty
	b.want(b.get("/a.bin"), 200, "fwd=stale", "detail=stale-if-error")
	b.want(b.get("/a.bin"), 200, "hit", "detail=stale-if-error")
	b.wantFetches(2)
	b.clock.advance(retryInterval + time.Second)
	b.want(b.get("/a.bin"), 200, "hit", "detail=stale-if-error")
	b.edge.fetchers.Wait()
	b.wantFetches(3)
	down.Store(false)
	b.site.Origins = patient
	b.clock.advance(retryInterval + time.Second)
	b.want(b.get("/a.bin"), 200, "hit", "detail=stale-if-error")
	b.edge.fetchers.Wait()
	b.want(b.get("/a.bin"), 200, "hit", "detail=ram", "ttl=")
	b.wantFetches(4)
}

func TestStaleWhileRevalidate(t *testing.T) {
	answered := make(chan struct{}, 8)
	b := newBench(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "max-age=10, stale-while-revalidate=30")
		io.WriteString(w, "data")
		answered <- struct{}{}
	})
	b.want(b.get("/a.bin"), 200)
	<-answered
	b.clock.advance(15 * time.Second)
	b.want(b.get("/a.bin"), 200, "hit", "detail=stale-while-revalidate", "ttl=-")
	<-answered
	b.edge.fetchers.Wait()
	b.want(b.get("/a.bin"), 200, "hit", "detail=ram")
	b.wantFetches(2)
}

func TestVaryOnForwardedFieldsOnly(t *testing.T) {
	b := newBench(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("Vary", "Accept-Language, Origin, X-Unforwarded")
		io.WriteString(w, "lang="+r.Header.Get("Accept-Language"))
	}, func(s *Site) { s.Forward = []string{"Accept-Language"} })
	for _, lang := range []string{"nl", "de", "nl", "de"} {
		a := b.get("/a.bin", "Accept-Language", lang, "Origin", "https://"+lang+".example", "X-Unforwarded", lang)
		if a.body != "lang="+lang {
			t.Errorf("language %s got %q", lang, a.body)
		}
	}
	b.wantFetches(2)
}

func TestUncacheableIsNotShared(t *testing.T) {
	var n int
	var mu sync.Mutex
	b := newBench(t, func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		n++
		body := fmt.Sprint("answer ", n)
		mu.Unlock()
		w.Header().Set("Cache-Control", "private")
		io.WriteString(w, body)
	})
	seen := map[string]bool{}
	for range 5 {
		a := b.get("/a.bin")
		b.want(a, 200, "fwd=")
		seen[a.body] = true
	}
	if len(seen) != 5 {
		t.Errorf("private answers were shared: %v", seen)
	}
	b.edge.fetchers.Wait()
	if used := b.cache.Stats().RAM.Used; used != 0 {
		t.Errorf("%d bytes of passed-through answers stay in memory", used)
	}
}

func TestTruncationIsNeverAnObject(t *testing.T) {
	whole := false
	b := newBench(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		if whole {
			io.WriteString(w, strings.Repeat("x", 1000))
			return
		}
		io.WriteString(w, strings.Repeat("x", 400))
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	a := b.get("/a.m4s")
	if a.err == nil {
		t.Fatalf("a truncated body ended cleanly after %d bytes", len(a.body))
	}
	whole = true
	a = b.get("/a.m4s")
	b.want(a, 200, "fwd=uri-miss")
	if len(a.body) != 1000 || a.err != nil {
		t.Errorf("after the truncation: %d bytes, %v", len(a.body), a.err)
	}
}

func TestHTTPSRedirectKeepsTheTarget(t *testing.T) {
	b := newBench(t, ok("x", "video/mp4"), func(s *Site) { s.RedirectHTTPS, s.HSTS = true, "max-age=60" })
	a := b.get("/ect=abc/v/a.m4s?x=1")
	b.want(a, 308)
	if got := a.header.Get("Location"); got != "https://media.test/ect=abc/v/a.m4s?x=1" {
		t.Errorf("Location %q", got)
	}
	a = b.do(request{target: "/v/a.m4s", tls: 0x304})
	b.want(a, 200)
	if a.header.Get("Strict-Transport-Security") != "max-age=60" {
		t.Error("no HSTS on TLS")
	}
}

func TestOriginErrorsPassWhereTheSiteWantsThem(t *testing.T) {
	status, control := 200, "max-age=10, stale-if-error=60"
	b := newBench(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", control)
		w.WriteHeader(status)
		io.WriteString(w, "from the origin")
	}, func(s *Site) { s.PassErrors = true })
	b.want(b.get("/a.bin"), 200)
	b.clock.advance(11 * time.Second)
	status, control = 503, "max-age=5"
	b.want(b.get("/a.bin"), 200, "detail=stale-if-error")
	b.clock.advance(60 * time.Second)
	a := b.get("/a.bin")
	b.want(a, 503, "fwd=stale", "fwd-status=503", "stored")
	if a.body != "from the origin" {
		t.Errorf("body %q", a.body)
	}
	b.want(b.get("/a.bin"), 503, "hit")
	b.clock.advance(6 * time.Second)
	control = "no-store"
	b.want(b.get("/a.bin"), 503, "fwd=stale")
	b.want(b.get("/a.bin"), 503, "fwd=")
}
