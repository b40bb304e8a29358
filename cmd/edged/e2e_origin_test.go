package main

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"edged/internal/edgetest"
)

// Hosts of sites whose origins are in trouble.
const (
	downHost    = "down.test"    // nobody listens
	slowHost    = "slow.test"    // the usual origin, with little patience
	secondHost  = "second.test"  // nobody listens at the first origin
	sickHost    = "sick.test"    // an origin that can be taken down
	unavailHost = "unavail.test" // the first origin is unavailable
)

func TestE2EOriginTrouble(t *testing.T) {
	t.Parallel()
	sick, busy := edgetest.NewOrigin(t), edgetest.NewOrigin(t)
	r := newRig(t, func(c *edgetest.Config) {
		usual, closed := c.Sites[0].Origins, edgetest.Unused(t)
		c.Sites = append(c.Sites,
			edgetest.Site{Account: "acme", Host: downHost, Origins: []string{closed}},
			edgetest.Site{Account: "acme", Host: slowHost, Origins: usual, Extra: "[site.origin]\nconnect_timeout = \"1m\"\nfirst_byte_timeout = \"3s\"\nidle_timeout = \"3s\""},
			edgetest.Site{Account: "acme", Host: secondHost, Origins: []string{closed, usual[0]}},
			edgetest.Site{Account: "acme", Host: unavailHost, Origins: []string{busy.URL, usual[0]}},
			edgetest.Site{Account: "acme", Host: sickHost, Origins: []string{sick.URL}})
	})
	t.Run("down", func(t *testing.T) { t.Parallel(); r.originDown(t) })
	t.Run("stale if error", func(t *testing.T) { t.Parallel(); r.staleIfError(t) })
	t.Run("stale when down", func(t *testing.T) { t.Parallel(); r.staleWhenDown(t, sick) })
	t.Run("slow", func(t *testing.T) { t.Parallel(); r.originSlow(t) })
	t.Run("stall", func(t *testing.T) { t.Parallel(); r.originStall(t) })
	t.Run("lying", func(t *testing.T) { t.Parallel(); r.originLying(t) })
	t.Run("truncated", func(t *testing.T) { t.Parallel(); r.originTruncated(t) })
	t.Run("truncated, resumed", func(t *testing.T) { t.Parallel(); r.originResumed(t) })
	t.Run("changed while resumed", func(t *testing.T) { t.Parallel(); r.originChanged(t) })
	t.Run("server errors", func(t *testing.T) { t.Parallel(); r.originErrors(t) })
	t.Run("client errors", func(t *testing.T) { t.Parallel(); r.originRefusals(t) })
	t.Run("next origin", func(t *testing.T) { t.Parallel(); r.nextOrigin(t, busy) })
	t.Run("loop", func(t *testing.T) { t.Parallel(); r.loop(t) })
	t.Run("what it is asked", func(t *testing.T) { t.Parallel(); r.originRequest(t) })
}

// failed holds a generated error for an origin's fault, which nobody may keep.
func failed(t *testing.T, got *edgetest.Response, status int) {
	t.Helper()
	want(t, got, status, nil, "fwd=")
	wantField(t, got, "Cache-Control", "no-store")
	wantField(t, got, "Access-Control-Allow-Origin", "*")
	if got.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	if strings.Contains(got.CacheStatus(), "stored") {
		t.Errorf("Cache-Status %q", got.CacheStatus())
	}
}

func (r *rig) originDown(t *testing.T) {
	for range 2 {
		failed(t, edgetest.Get(t, r.plain(), "http://"+downHost+"/a.m4s"), 502)
	}
	failed(t, edgetest.Get(t, r.plain(), "http://"+downHost+"/a.m4s", "Range", "bytes=0-"), 502)
}

// staleFields make a response stale on arrival, usable for a while when there is
// nothing better.
func staleFields() []string {
	return []string{"Content-Type", "video/mp4", "Cache-Control", "max-age=60, stale-if-error=600", "Age", "60", "ETag", `"v1"`}
}

func (r *rig) staleIfError(t *testing.T) {
	const path = "/stale-if-error.m4s"
	body := edgetest.Pattern(path, 70_000)
	r.origin.Handle(path, edgetest.Serve(body, staleFields()...))
	want(t, r.get(t, path), 200, body)
	r.origin.Handle(path, edgetest.Answer(500, []byte("broken")))
	got := r.get(t, path)
	want(t, got, 200, body, "fwd=stale", "stale-if-error")
	if strings.HasPrefix(got.Header.Get("Age"), "0") || got.Header.Get("Age") == "" {
		t.Errorf("Age %q of a stale response", got.Header.Get("Age"))
	}
	want(t, r.get(t, path, "Range", "bytes=5-9"), 206, body[5:10], "stale-if-error")
	r.origin.Handle(path, edgetest.Serve(body, videoFields()...))
	want(t, r.get(t, path), 200, body, "fwd-status=304")
	want(t, r.get(t, path), 200, body, "hit")

	// Without leave to be served stale it is an error.
	const strict = "/must-revalidate.m4s"
	r.origin.Handle(strict, edgetest.Serve(body, "Cache-Control", "max-age=60, must-revalidate", "Age", "60", "ETag", `"v1"`))
	want(t, r.get(t, strict), 200, body)
	r.origin.Handle(strict, edgetest.Answer(503, nil))
	failed(t, r.get(t, strict), 502)
}

func (r *rig) staleWhenDown(t *testing.T, sick *edgetest.Origin) {
	const path = "/stale-down.m4s"
	body, url := edgetest.Pattern(path, 70_000), "http://"+sickHost+path
	sick.Handle(path, edgetest.Serve(body, staleFields()...))
	want(t, edgetest.Get(t, r.plain(), url), 200, body)
	sick.Down()
	want(t, edgetest.Get(t, r.plain(), url), 200, body, "stale-if-error")
	failed(t, edgetest.Get(t, r.plain(), "http://"+sickHost+"/never-seen.m4s"), 502)
}

func (r *rig) originSlow(t *testing.T) {
	r.origin.Handle("/silent.m4s", edgetest.Silent())
	failed(t, edgetest.Get(t, r.plain(), "http://"+slowHost+"/silent.m4s"), 504)
	body := edgetest.Pattern("x", 1000)
	r.origin.Handle("/silent.m4s", edgetest.Serve(body, videoFields()...))
	want(t, edgetest.Get(t, r.plain(), "http://"+slowHost+"/silent.m4s"), 200, body, "stored")
}

// originStall: an origin that stops in the middle is cut off, and so is its reader:
// a short body never looks whole.
func (r *rig) originStall(t *testing.T) {
	const path = "/stall.m4s"
	body := edgetest.Pattern(path, 100_000)
	r.origin.Handle(path, edgetest.Stall(body, 50_000, "Cache-Control", "max-age=60"))
	for _, p := range []edgetest.Protocol{edgetest.HTTP1, edgetest.HTTP2} {
		got := edgetest.Get(t, r.node.Client(p, 0), p.Scheme()+"://"+slowHost+path)
		if got.StatusCode == 200 && got.Err == nil {
			t.Errorf("%s: %d of %d bytes look like all", p, len(got.Bytes), len(body))
		}
	}
	r.origin.Handle(path, edgetest.Serve(body, videoFields()...))
	want(t, edgetest.Get(t, r.plain(), "http://"+slowHost+path), 200, body)
}

// originLying: an answer that contradicts itself costs one 502 or a cut body, and
// never reaches another request.
func (r *rig) originLying(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\n"
	for name, response := range map[string]string{
		"nothing":            "",
		"garbage":            "\x16\x03\x01 this is not HTTP\r\n\r\n",
		"two lengths":        ok + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
		"length and chunked": ok + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"bad length":         ok + "Content-Length: five\r\n\r\nhello",
		"negative length":    ok + "Content-Length: -5\r\n\r\nhello",
		"half a header":      "HTTP/1.1 200 OK\r\nCache-Con",
		"unasked 304":        "HTTP/1.1 304 Not Modified\r\n\r\n",
		"unasked 206":        "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 5-9/100\r\nContent-Length: 5\r\n\r\nhello",
		"status 99":          "HTTP/1.1 99 Odd\r\nContent-Length: 0\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			path := "/lying/" + strings.ReplaceAll(name, " ", "-") + ".m4s"
			r.origin.Handle(path, edgetest.Raw(response))
			got := r.get(t, path)
			failed(t, got, 502)
			body := r.video(path, 2000)
			want(t, r.get(t, path), 200, body, "stored")
		})
	}
	t.Run("bad chunk", func(t *testing.T) {
		r.origin.Handle("/lying/chunk.m4s", edgetest.Raw(ok+"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\nworld\r\n0\r\n\r\n"))
		if got := r.get(t, "/lying/chunk.m4s"); got.StatusCode == 200 && got.Err == nil {
			t.Errorf("a broken body of %d bytes looks whole", len(got.Bytes))
		}
		body := r.video("/lying/chunk.m4s", 2000)
		want(t, r.get(t, "/lying/chunk.m4s"), 200, body, "stored")
	})
	t.Run("more than announced", func(t *testing.T) {
		r.origin.Handle("/lying/more.m4s", edgetest.Raw(ok+"Content-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad"))
		want(t, r.get(t, "/lying/more.m4s"), 200, []byte("hello"))
		for _, path := range []string{"/lying/next-1.m4s", "/lying/next-2.m4s"} {
			body := r.video(path, 2000)
			want(t, r.get(t, path), 200, body)
		}
	})
}

func (r *rig) originTruncated(t *testing.T) {
	for name, h := range map[string]func(body []byte){
		"length": func(body []byte) {
			r.origin.Handle("/cut/length.m4s", edgetest.Truncate(body, 150_000, "Cache-Control", "max-age=60"))
		},
		"chunked": func(body []byte) {
			r.origin.Handle("/cut/chunked.m4s", edgetest.TruncateChunked(body, 150_000, "Cache-Control", "max-age=60"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := "/cut/" + name + ".m4s"
			body := edgetest.Pattern(path, 300_000)
			h(body)
			for _, p := range []edgetest.Protocol{edgetest.HTTP1, edgetest.HTTP1TLS, edgetest.HTTP2} {
				got := edgetest.Get(t, r.node.Client(p, 0), p.Scheme()+"://"+openHost+path)
				if got.StatusCode == 200 && got.Err == nil {
					t.Errorf("%s: %d of %d bytes look like all", p, len(got.Bytes), len(body))
				}
				if strings.Contains(got.CacheStatus(), "hit") {
					t.Errorf("%s: Cache-Status %q", p, got.CacheStatus())
				}
			}
			r.origin.Handle(path, edgetest.Serve(body, videoFields()...))
			want(t, r.get(t, path), 200, body, "stored")
			want(t, r.get(t, path), 200, body, "hit")
		})
	}
}

// originResumed: with a strong validator the rest is fetched by range, and the
// viewer notices nothing.
func (r *rig) originResumed(t *testing.T) {
	const path, size = "/resumed.mp4", 4<<20 + 99
	body := edgetest.Pattern(path, size)
	r.origin.Handle(path, onceThen(
		edgetest.Truncate(body, 2_500_000, videoFields()...),
		edgetest.Serve(body, videoFields()...)))
	want(t, r.get(t, path), 200, body)
	asked := r.origin.Asked(path)
	if last := asked[len(asked)-1].Header; last.Get("Range") == "" || last.Get("If-Range") != `"v1"` {
		t.Errorf("the rest was asked for with %v", last)
	}
	want(t, r.get(t, path), 200, body, "hit")
}

// originChanged: bytes of two versions never meet in one body.
func (r *rig) originChanged(t *testing.T) {
	const path, size = "/changing.mp4", 4<<20 + 99
	old, fresh := edgetest.Pattern("old"+path, size), edgetest.Pattern("new"+path, size)
	r.origin.Handle(path, onceThen(
		edgetest.Truncate(old, 2_500_000, videoFields()...),
		edgetest.Serve(fresh, "Cache-Control", "max-age=60", "ETag", `"v2"`)))
	if got := r.get(t, path); got.Err == nil {
		t.Errorf("a body of two versions looks whole: old: %s; new: %s", edgetest.Diff(got.Bytes, old), edgetest.Diff(got.Bytes, fresh))
	}
	want(t, r.get(t, path), 200, fresh)
}

func (r *rig) originErrors(t *testing.T) {
	for _, status := range []int{500, 502, 503, 504, 599} {
		r.origin.Handle("/5xx.m4s", edgetest.Answer(status, []byte("the origin's own words"), "Cache-Control", "max-age=60"))
		for range 2 {
			got := r.get(t, "/5xx.m4s")
			if got.StatusCode != 502 && got.StatusCode != 504 {
				t.Errorf("origin's %d became %d", status, got.StatusCode)
				continue
			}
			failed(t, got, got.StatusCode)
			if strings.Contains(string(got.Bytes), "own words") {
				t.Errorf("origin's %d: its body goes to viewers", status)
			}
		}
	}
	body := r.video("/5xx.m4s", 1000)
	want(t, r.get(t, "/5xx.m4s"), 200, body)
}

func (r *rig) originRefusals(t *testing.T) {
	for _, status := range []int{404, 410, 403, 401, 425} {
		path := "/4xx/" + string(rune('a'+status%26)) + ".m4s"
		r.origin.Handle(path, edgetest.Answer(status, []byte("no"), "Access-Control-Allow-Origin", "https://wrong.example"))
		got := r.get(t, path, "Origin", "https://page.example")
		want(t, got, status, []byte("no"), "fwd=uri-miss")
		wantField(t, got, "Access-Control-Allow-Origin", "*")
		want(t, r.get(t, path, "Range", "bytes=0-"), status, []byte("no"))
	}
	// A negative answer for a live segment is forgotten at once (PLAYERS 14).
	r.origin.Handle("/early.m4s", edgetest.Answer(404, nil))
	want(t, r.get(t, "/early.m4s"), 404, nil)
	body := r.video("/early.m4s", 1000)
	edgetest.Eventually(t, "the segment is there", func() bool { return r.get(t, "/early.m4s").StatusCode == 200 })
	want(t, r.get(t, "/early.m4s"), 200, body, "hit")
}

func (r *rig) nextOrigin(t *testing.T, busy *edgetest.Origin) {
	body := r.video("/second.m4s", 10_000)
	want(t, edgetest.Get(t, r.plain(), "http://"+secondHost+"/second.m4s"), 200, body, "stored")
	want(t, edgetest.Get(t, r.plain(), "http://"+secondHost+"/second.m4s"), 200, body, "hit")
	busy.Handle("/unavailable.m4s", edgetest.Answer(503, nil))
	body = r.video("/unavailable.m4s", 10_000)
	want(t, edgetest.Get(t, r.plain(), "http://"+unavailHost+"/unavailable.m4s"), 200, body, "stored")
}

// loop: a request that has been here before is not sent round again (RFC 8586).
func (r *rig) loop(t *testing.T) {
	r.video("/loop.m4s", 100)
	want(t, r.get(t, "/loop.m4s", "CDN-Loop", "other-cdn, edge-test-01"), 508, nil)
	r.wantFetches(t, "/loop.m4s", 0)
	want(t, r.get(t, "/loop.m4s", "CDN-Loop", "other-cdn"), 200, nil)
	if asked := r.origin.Asked("/loop.m4s"); len(asked) == 1 {
		loop := strings.Join(asked[0].Header.Values("CDN-Loop"), ", ")
		if !strings.Contains(loop, "other-cdn") || !strings.Contains(loop, "edge-test-01") {
			t.Errorf("CDN-Loop at the origin is %q", loop)
		}
	}
}

// originRequest: the origin learns the host and scheme that viewers see, and
// nothing about a viewer.
func (r *rig) originRequest(t *testing.T) {
	body := r.video("/private/a b.m4s", 100)
	want(t, r.get(t, "/private/a%20b.m4s?x=1&y=%20", "Cookie", "session=1", "User-Agent", "Spy/1", "Authorization", "Basic eDp5",
		"Referer", "https://page.example/", "X-Forwarded-For", "198.51.100.7", "Origin", "https://page.example",
		"Accept-Encoding", "gzip, br", "X-Request-Id", "mine"), 200, body)
	asked := r.origin.Asked("/private/a b.m4s")
	if len(asked) != 1 || asked[0].Target != "/private/a%20b.m4s?x=1&y=%20" || asked[0].Method != "GET" {
		t.Fatalf("the origin was asked for %+v", asked)
	}
	h := asked[0].Header
	for _, name := range []string{"Cookie", "Authorization", "Referer", "X-Forwarded-For", "Origin", "Forwarded", "X-Real-Ip"} {
		if v := h.Values(name); len(v) > 0 {
			t.Errorf("the origin sees %s: %q", name, v)
		}
	}
	for name, value := range map[string]string{"X-Forwarded-Host": openHost, "X-Forwarded-Proto": "https", "Accept-Encoding": "identity"} {
		if got := h.Get(name); got != value {
			t.Errorf("%s at the origin is %q, want %q", name, got, value)
		}
	}
	if h.Get("Via") == "" || strings.Contains(h.Get("User-Agent"), "Spy") {
		t.Errorf("Via %q, User-Agent %q", h.Get("Via"), h.Get("User-Agent"))
	}
}

// onceThen answers the first request with a, all others with b.
func onceThen(a, b http.Handler) http.Handler {
	var asked atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 1 {
			a.ServeHTTP(w, r)
			return
		}
		b.ServeHTTP(w, r)
	})
}
