package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"testing"

	"edged/internal/edgetest"
)

func TestE2ECache(t *testing.T) {
	r := newRig(t)
	t.Run("second request is a hit", func(t *testing.T) { t.Parallel(); r.secondIsHit(t) })
	t.Run("ranges from blocks", func(t *testing.T) { t.Parallel(); r.rangesFromBlocks(t) })
	t.Run("seek into a cold file", func(t *testing.T) { t.Parallel(); r.coldSeek(t) })
	t.Run("ranges that do not apply", func(t *testing.T) { t.Parallel(); r.oddRanges(t) })
	t.Run("If-Range", func(t *testing.T) { t.Parallel(); r.ifRange(t) })
	t.Run("conditions", func(t *testing.T) { t.Parallel(); r.conditions(t) })
	t.Run("HEAD", func(t *testing.T) { t.Parallel(); r.head(t) })
	t.Run("validation", func(t *testing.T) { t.Parallel(); r.validation(t) })
	t.Run("not stored", func(t *testing.T) { t.Parallel(); r.notStored(t) })
	t.Run("empty body", func(t *testing.T) { t.Parallel(); r.emptyBody(t) })
	t.Run("accounts do not share", func(t *testing.T) { t.Parallel(); r.fencedAccounts(t) })
	t.Run("other hosts", func(t *testing.T) { t.Parallel(); r.misdirected(t) })
}

func (r *rig) secondIsHit(t *testing.T) {
	for _, p := range []edgetest.Protocol{edgetest.HTTP1, edgetest.HTTP1TLS, edgetest.HTTP2} {
		path := "/hit/" + p.String() + ".m4s"
		body := r.video(path, 300_000)
		url, c := p.Scheme()+"://"+openHost+path, r.node.Client(p, 0)
		first, second := edgetest.Get(t, c, url), edgetest.Get(t, c, url)
		want(t, first, 200, body, "edged; fwd=uri-miss", "stored")
		want(t, second, 200, body, "edged; hit", "ttl=35")
		wantField(t, second, "Content-Length", "300000")
		if second.Header.Get("Age") == "" || second.Header.Get("X-Request-Id") == first.Header.Get("X-Request-Id") {
			t.Errorf("Age %q, X-Request-Id %q after %q", second.Header.Get("Age"), second.Header.Get("X-Request-Id"), first.Header.Get("X-Request-Id"))
		}
		wantProtocol(t, second, p)
		r.wantFetches(t, path, 1)
	}
}

// wantProtocol holds what ALPN agreed on.
func wantProtocol(t *testing.T, got *edgetest.Response, p edgetest.Protocol) {
	t.Helper()
	major, alpn := 1, "http/1.1"
	if p == edgetest.HTTP2 {
		major, alpn = 2, "h2"
	}
	if got.ProtoMajor != major {
		t.Errorf("%s came over %s", p, got.Proto)
	}
	if p != edgetest.HTTP1 && (got.TLS == nil || got.TLS.NegotiatedProtocol != alpn) {
		t.Errorf("%s: ALPN agreed on %q, want %q", p, got.TLS.NegotiatedProtocol, alpn)
	}
}

func (r *rig) rangesFromBlocks(t *testing.T) {
	const path, size = "/ranges.mp4", 3<<20 + 333_333
	body, c := r.video(path, size), r.plain()
	url := "http://" + openHost + path
	want(t, edgetest.Get(t, c, url), 200, body)
	type span struct{ from, to int } // both inclusive
	spans := []span{{0, 0}, {0, size - 1}, {size - 1, size - 1}, {1<<20 - 1, 1 << 20}, {1 << 20, 2<<20 - 1}, {5, 3 << 20}, {size - 10, size + 1000}}
	rnd := rand.New(rand.NewPCG(1, 2)) // the same ranges each time
	for range 150 {
		from := rnd.IntN(size)
		spans = append(spans, span{from, from + rnd.IntN(min(size-from, 1+1<<rnd.IntN(22)))})
	}
	for _, s := range spans {
		got := edgetest.Get(t, c, url, "Range", fmt.Sprintf("bytes=%d-%d", s.from, s.to))
		s.to = min(s.to, size-1)
		want(t, got, 206, body[s.from:s.to+1], "hit")
		wantField(t, got, "Content-Range", fmt.Sprintf("bytes %d-%d/%d", s.from, s.to, size))
		wantField(t, got, "Etag", `"v1"`)
		if t.Failed() {
			t.Fatalf("at range %d-%d", s.from, s.to)
		}
	}
	want(t, edgetest.Get(t, c, url, "Range", "bytes=-100"), 206, body[size-100:], "hit")
	want(t, edgetest.Get(t, c, url, "Range", "bytes=1000000-"), 206, body[1000000:], "hit")
	r.wantFetches(t, path, 1)
}

func (r *rig) coldSeek(t *testing.T) {
	const path, size = "/seek.mp4", 5<<20 + 77
	body, c := r.video(path, size), r.plain()
	url := "http://" + openHost + path
	got := edgetest.Get(t, c, url, "Range", "bytes=3500000-3600000")
	want(t, got, 206, body[3500000:3600001])
	wantField(t, got, "Content-Range", fmt.Sprintf("bytes 3500000-3600000/%d", size))
	if asked := r.origin.Asked(path); len(asked) == 0 || asked[0].Header.Get("Range") == "" {
		t.Errorf("the origin was asked for the whole file: %v", asked)
	}
	want(t, edgetest.Get(t, c, url, "Range", "bytes=100-199"), 206, body[100:200])
	want(t, edgetest.Get(t, c, url), 200, body)
	n := r.origin.Count(path)
	want(t, edgetest.Get(t, c, url), 200, body, "hit")
	r.wantFetches(t, path, n)

	// Origins that ignore ranges, or whose parts cannot be put together safely.
	for name, h := range map[string]func([]byte) http.Handler{
		"no-ranges":      func(b []byte) http.Handler { return edgetest.Plain(b, videoFields()...) },
		"no-validator":   func(b []byte) http.Handler { return edgetest.Serve(b, "Cache-Control", "max-age=60") },
		"weak-validator": func(b []byte) http.Handler { return edgetest.Serve(b, "Cache-Control", "max-age=60", "ETag", `W/"v1"`) },
	} {
		path := "/seek/" + name + ".mp4"
		body := edgetest.Pattern(path, 3<<20)
		r.origin.Handle(path, h(body))
		want(t, r.get(t, path, "Range", "bytes=2500000-2500999"), 206, body[2_500_000:2_501_000])
		want(t, r.get(t, path, "Range", "bytes=0-999"), 206, body[:1000])
		want(t, r.get(t, path), 200, body)
	}
}

func (r *rig) oddRanges(t *testing.T) {
	const size = 10_000
	c := r.plain()
	for i, ask := range []string{"bytes=abc", "items=0-5", "bytes=5-2", "bytes", "bytes=", "bytes=--5", "bytes=1-2-3", "bytes=0x1-5"} {
		path := "/odd/" + strconv.Itoa(i) + ".mp4"
		body := r.video(path, size)
		for _, kind := range []string{"cold", "warm"} {
			got := edgetest.Get(t, c, "http://"+openHost+path, "Range", ask)
			want(t, got, 200, body)
			if t.Failed() {
				t.Fatalf("%s, Range: %s", kind, ask)
			}
		}
	}
	for i, ask := range []string{"bytes=10000-", "bytes=99999-100000", "bytes=-0", "bytes=9000000-"} {
		path := "/unsatisfiable/" + strconv.Itoa(i) + ".mp4"
		r.video(path, size)
		for _, kind := range []string{"cold", "warm"} {
			got := edgetest.Get(t, c, "http://"+openHost+path, "Range", ask)
			want(t, got, 416, nil)
			wantField(t, got, "Content-Range", "bytes */10000")
			wantField(t, got, "Access-Control-Allow-Origin", "*")
			if t.Failed() {
				t.Fatalf("%s, Range: %s", kind, ask)
			}
		}
	}
}

func (r *rig) ifRange(t *testing.T) {
	const path, size = "/ifrange.mp4", 2<<20 + 5
	body, c := r.video(path, size), r.plain()
	url := "http://" + openHost + path
	tag := edgetest.Get(t, c, url, "Range", "bytes=0-99").Header.Get("ETag")
	for from := 0; from < size; from += 700_000 {
		to := min(from+1000, size) - 1
		got := edgetest.Get(t, c, url, "Range", fmt.Sprintf("bytes=%d-%d", from, to), "If-Range", tag)
		want(t, got, 206, body[from:to+1])
		wantField(t, got, "Etag", tag)
	}
	want(t, edgetest.Get(t, c, url, "Range", "bytes=0-99", "If-Range", `"other"`), 200, body)
	want(t, edgetest.Get(t, c, url, "Range", "bytes=0-99", "If-Range", "W/"+tag), 200, body)
	want(t, edgetest.Get(t, c, url, "Range", "bytes=0-99", "If-Range", "Sun, 06 Nov 1994 08:49:37 GMT"), 200, body)
}

func (r *rig) conditions(t *testing.T) {
	const path = "/conditions.m4s"
	body, c := r.video(path, 5000), r.plain()
	url := "http://" + openHost + path
	for _, state := range []string{"cold", "warm"} {
		for _, tag := range []string{`"v1"`, `W/"v1"`, `"x", "v1"`, "*"} {
			got := edgetest.Get(t, c, url, "If-None-Match", tag)
			want(t, got, 304, []byte{})
			wantField(t, got, "Etag", `"v1"`)
			if got.Header.Get("Content-Type") != "" {
				t.Errorf("%s: a 304 has Content-Type", state)
			}
		}
		want(t, edgetest.Get(t, c, url, "If-None-Match", `"v2"`), 200, body)
		want(t, edgetest.Get(t, c, url, "If-Match", `"v2"`), 412, nil)
		want(t, edgetest.Get(t, c, url, "If-Match", `"v1"`), 200, body)
	}
	r.wantFetches(t, path, 1)
}

func (r *rig) head(t *testing.T) {
	for _, p := range []edgetest.Protocol{edgetest.HTTP1, edgetest.HTTP1TLS, edgetest.HTTP2} {
		path := "/head/" + p.String() + ".m4s"
		body, c := r.video(path, 123_456), r.node.Client(p, 1)
		url := p.Scheme() + "://" + openHost + path
		for range 2 { // cold, then warm
			got := edgetest.Do(t, c, "HEAD", url)
			want(t, got, 200, []byte{})
			wantField(t, got, "Content-Length", "123456")
			if got.Header.Get("Date") == "" {
				t.Error("no Date for the clocks of players")
			}
		}
		want(t, edgetest.Get(t, c, url), 200, body)
		want(t, edgetest.Do(t, c, "HEAD", url, "If-None-Match", `"v1"`), 304, []byte{})
	}
}

// validation: what is stale is validated, and a 304 makes it fresh again. An Age as
// high as the lifetime makes a response stale on arrival, without a wait.
func (r *rig) validation(t *testing.T) {
	const path = "/validated.m4s"
	body, c := edgetest.Pattern(path, 50_000), r.plain()
	url := "http://" + openHost + path
	stale := append(videoFields(), "Age", "3600")
	r.origin.Handle(path, edgetest.Serve(body, stale...))
	want(t, edgetest.Get(t, c, url), 200, body)
	r.origin.Handle(path, edgetest.Serve(body, videoFields()...))
	got := edgetest.Get(t, c, url)
	want(t, got, 200, body, "fwd=stale", "fwd-status=304")
	if asked := r.origin.Asked(path); asked[len(asked)-1].Header.Get("If-None-Match") != `"v1"` {
		t.Errorf("the validation has no validator: %v", asked[len(asked)-1].Header)
	}
	want(t, edgetest.Get(t, c, url), 200, body, "hit")
	r.wantFetches(t, path, 2)

	// Another version replaces it, and no byte of the old one is seen again.
	const changed = "/changed.m4s"
	r.origin.Handle(changed, edgetest.Serve(edgetest.Pattern("old", 40_000), stale...))
	edgetest.Get(t, c, "http://"+openHost+changed)
	fresh := edgetest.Pattern("new", 60_000)
	r.origin.Handle(changed, edgetest.Serve(fresh, "Cache-Control", "max-age=3600", "ETag", `"v2"`))
	want(t, edgetest.Get(t, c, "http://"+openHost+changed), 200, fresh, "fwd=stale", "fwd-status=200")
	want(t, edgetest.Get(t, c, "http://"+openHost+changed), 200, fresh, "hit")
}

func (r *rig) notStored(t *testing.T) {
	c := r.plain()
	for i, control := range []string{"no-store", "private", "private, max-age=60"} {
		path := "/nostore/" + strconv.Itoa(i) + ".m4s"
		body := edgetest.Pattern(path, 9000)
		r.origin.Handle(path, edgetest.Serve(body, "Cache-Control", control))
		for range 2 {
			got := edgetest.Get(t, c, "http://"+openHost+path)
			want(t, got, 200, body, "fwd=uri-miss")
			if bytes.Contains([]byte(got.CacheStatus()), []byte("stored")) {
				t.Errorf("%s: Cache-Status %q", control, got.CacheStatus())
			}
		}
		r.wantFetches(t, path, 2)
	}
}

func (r *rig) emptyBody(t *testing.T) {
	r.origin.Handle("/empty.vtt", edgetest.Plain(nil, "Cache-Control", "max-age=60"))
	want(t, r.get(t, "/empty.vtt"), 200, []byte{}, "stored")
	got := r.get(t, "/empty.vtt")
	want(t, got, 200, []byte{}, "hit")
	wantField(t, got, "Content-Length", "0")
	want(t, r.get(t, "/empty.vtt", "Range", "bytes=0-"), 200, []byte{}, "hit") // Chromium asks so for everything
}

// fencedAccounts: the same path of two accounts are two objects.
func (r *rig) fencedAccounts(t *testing.T) {
	const path = "/fence/a.m4s"
	body, c := r.video(path, 4000), r.plain()
	want(t, edgetest.Get(t, c, r.sign(t, "http://"+signedHost+path)), 200, body, "fwd=uri-miss")
	want(t, edgetest.Get(t, c, r.sign(t, "http://"+otherHost+path)), 200, body, "fwd=uri-miss")
	r.wantFetches(t, path, 2)
}

func (r *rig) misdirected(t *testing.T) {
	r.video("/any.m4s", 100)
	for _, p := range []edgetest.Protocol{edgetest.HTTP1, edgetest.HTTP1TLS, edgetest.HTTP2} {
		c := r.node.Client(p, 0)
		got := edgetest.Get(t, c, p.Scheme()+"://nobody.test/any.m4s")
		want(t, got, 421, nil)
		wantField(t, got, "Cache-Control", "no-store")
		want(t, edgetest.Get(t, c, p.Scheme()+"://"+openHost+":4711/any.m4s"), 200, nil)
		want(t, edgetest.Get(t, c, p.Scheme()+"://OPEN.test./any.m4s"), 200, nil)
	}
}

// One cold, slow object, many clients at once: the origin is asked once, and
// everybody has bytes while it is still filling.
func TestE2ECollapsedForwarding(t *testing.T) {
	r := newRig(t)
	for _, p := range []edgetest.Protocol{edgetest.HTTP1, edgetest.HTTP1TLS, edgetest.HTTP2} {
		clients := 300
		if edgetest.RaceEnabled && p != edgetest.HTTP1 {
			clients = 100 // twenty times the work each
		}
		t.Run(p.String(), func(t *testing.T) { r.crowd(t, p, clients) })
	}
}

func (r *rig) crowd(t *testing.T, p edgetest.Protocol, clients int) {
	const size, half = 300_000, 150_000
	path := "/crowd/" + p.String() + ".m4s"
	body := edgetest.Pattern(path, size)
	gate := edgetest.NewGate(t)
	r.origin.Handle(path, edgetest.Halves(gate, body, half, videoFields()...))
	url := p.Scheme() + "://" + openHost + path
	some, done := make(chan string, clients), make(chan string, clients)
	var all sync.WaitGroup
	const perClient = 50             // streams of one HTTP/2 connection are limited
	setup := make(chan struct{}, 32) // a machine computes only so many handshakes in time
	for range clients / perClient {
		c := r.node.Client(p, 0)
		for range perClient {
			all.Go(func() { done <- watch(t, c, url, body, half/2, setup, some) })
		}
	}
	for range clients {
		if fault := edgetest.Wait(t, some, "every client to have bytes of the first half"); fault != "" {
			t.Fatal(fault)
		}
	}
	gate.Open()
	for range clients {
		if fault := edgetest.Wait(t, done, "every client to have all bytes"); fault != "" {
			t.Fatal(fault)
		}
	}
	all.Wait()
	r.wantFetches(t, path, 1)
	want(t, edgetest.Get(t, r.node.Client(p, 0), url), 200, body, "hit")
}

// watch reads n bytes, says so, and reads on to the end. What it returns or says
// is empty when all was well.
func watch(t *testing.T, c *http.Client, url string, body []byte, n int, setup chan struct{}, some chan<- string) string {
	setup <- struct{}{}
	got, err := c.Do(edgetest.NewRequest(t, "GET", url))
	<-setup
	if err != nil {
		some <- err.Error()
		return err.Error()
	}
	defer got.Body.Close()
	buf := make([]byte, len(body)+1)
	if _, err := io.ReadFull(got.Body, buf[:n]); err != nil {
		some <- fmt.Sprintf("status %d, first bytes: %v", got.StatusCode, err)
		return "cut"
	}
	some <- ""
	m, err := io.ReadFull(got.Body, buf[n:])
	if err != io.ErrUnexpectedEOF { // one byte more than there is was asked for
		return fmt.Sprintf("after %d bytes: %v", n+m, err)
	}
	return edgetest.Diff(buf[:n+m], body)
}
