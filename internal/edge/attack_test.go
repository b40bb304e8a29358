package edge

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"edged/cache"
	"edged/origin"
)

// Each test here is an attack on the request path, or a fault of an origin that
// viewers must not feel more than they have to.

// A response that must be validated before every use is new for nobody by the time
// a crowd gets to see it.
func TestCrowdOnWhatMustAlwaysBeValidated(t *testing.T) {
	b := newBench(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("ETag", `"1"`)
		if r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(304)
			return
		}
		io.WriteString(w, "data")
	})
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			for range 20 {
				if a := b.get("/a.bin"); a.status != 200 || a.body != "data" || a.err != nil {
					t.Errorf("status %d, body %q, %v, %s", a.status, a.body, a.err, a.cacheStatus())
				}
			}
		})
	}
	all.Wait()
}

// gate lets a test decide what a fetch meets.
type gate struct {
	Origins
	before func(r *origin.Request) error
}

func (g *gate) Fetch(ctx context.Context, r *origin.Request) (*origin.Response, error) {
	if err := g.before(r); err != nil {
		return nil, err
	}
	return g.Origins.Fetch(ctx, r)
}

// A client can forge CDN-Loop. What that does must stay its own.
func TestForgedLoopHitsNobodyElse(t *testing.T) {
	waiting, release := make(chan struct{}), make(chan struct{})
	b := newBench(t, ok("data", "video/mp4"), func(s *Site) {
		s.Origins = &gate{s.Origins, func(r *origin.Request) error {
			if r.Header.Has("CDN-Loop") {
				close(waiting)
				<-release
			}
			return nil
		}}
	})
	var all sync.WaitGroup
	all.Go(func() {
		a := b.get("/v/a.m4s", "CDN-Loop", "node-1")
		b.want(a, 508, "detail=origin-loop")
	})
	<-waiting
	for range 10 {
		all.Go(func() { b.want(b.get("/v/a.m4s"), 200) })
	}
	close(release)
	all.Wait()
}

// faulty panics when it is asked for a field for the n-th time.
type faulty struct {
	fields
	left *atomic.Int64
}

func (f faulty) Append(dst [][]byte, name string) [][]byte {
	if name == "CDN-Loop" && f.left.Add(-1) >= 0 {
		panic("a fault in an adapter")
	}
	return f.fields.Append(dst, name)
}

func TestPanicOfALeaderFreesTheKey(t *testing.T) {
	b := newBench(t, ok("data", "video/mp4"))
	x := b.edge.NewExchange()
	b.fill(x, request{target: "/v/a.m4s"})
	var left atomic.Int64
	left.Store(1)
	x.Req.Header = faulty{fields{}, &left}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		b.edge.Serve(x)
	}()
	b.edge.Panicked(x)
	b.edge.Finish(x, Delivery{})
	b.want(b.get("/v/a.m4s"), 200, "fwd=uri-miss")
	b.edge.fetchers.Wait()
	if n := b.cache.Stats().Fills; n != 0 {
		t.Errorf("%d fills have not ended", n)
	}
}

func TestPanicInAFetchIsAnError(t *testing.T) {
	var once atomic.Bool
	b := newBench(t, ok("data", "video/mp4"), func(s *Site) {
		s.Origins = &gate{s.Origins, func(*origin.Request) error {
			if once.CompareAndSwap(false, true) {
				panic("a fault")
			}
			return nil
		}}
	})
	b.want(b.get("/v/a.m4s"), 502)
	b.want(b.get("/v/a.m4s"), 200)
}

func TestRangeIsForGETOnly(t *testing.T) {
	b := newBench(t, ok("hello", "video/mp4"))
	for range 2 { // on a miss and on a hit
		a := b.do(request{method: "HEAD", target: "/v/a.m4s", header: fields{"Range": "bytes=1-2"}})
		b.want(a, 200)
		if a.size != 5 || a.header.Has("Content-Range") {
			t.Errorf("HEAD with Range: size %d, header %v", a.size, a.header)
		}
	}
	a := b.get("/v/a.m4s", "Range", "bytes=7-")
	b.want(a, 416)
	if a.header.Get("Content-Range") != "bytes */5" || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("416: %v", a.header)
	}
}

func TestOnlyIfCachedAsksNobody(t *testing.T) {
	b := newBench(t, ok("hello", "video/mp4"), func(s *Site) { s.ClientDirectives = true })
	b.want(b.get("/v/a.m4s", "Cache-Control", "only-if-cached"), 504, "detail=only-if-cached")
	b.wantFetches(0)
	b.want(b.get("/v/a.m4s"), 200)
	b.want(b.get("/v/a.m4s", "Cache-Control", "only-if-cached"), 200, "hit")
	b.wantFetches(1)
}

// An origin that answers a range with the whole of something that it does not
// name must not have it mixed with what we have.
func TestWholeAnswerWithoutValidatorIsNotMixedIn(t *testing.T) {
	old, other := pattern(6<<20), strings.Repeat("B", 6<<20)
	var changed atomic.Bool
	b := newBench(t, func(w http.ResponseWriter, r *http.Request) {
		if changed.Load() {
			io.WriteString(w, other)
			return
		}
		ok(old, "video/mp4")(w, r)
	})
	seek := b.get("/film.mp4", "Range", "bytes=4194304-4194400")
	b.want(seek, 206)
	b.edge.fetchers.Wait()
	changed.Store(true)
	a := b.get("/film.mp4")
	if a.err == nil || strings.Contains(a.body, "B") {
		t.Errorf("%d bytes, %d of another version, %v", len(a.body), strings.Count(a.body, "B"), a.err)
	}
	if a = b.get("/film.mp4"); a.body != other || a.err != nil {
		t.Errorf("afterwards: %d bytes, %v", len(a.body), a.err)
	}
}

func TestBusyOriginDoesNotBreakTheObject(t *testing.T) {
	body := pattern(6 << 20)
	var busy atomic.Bool
	b := newBench(t, func(w http.ResponseWriter, r *http.Request) {
		if busy.Load() {
			w.WriteHeader(429)
			return
		}
		ok(body, "video/mp4")(w, r)
	})
	b.want(b.get("/film.mp4", "Range", "bytes=4194304-4194400"), 206)
	b.edge.fetchers.Wait()
	busy.Store(true)
	if a := b.get("/film.mp4"); a.err == nil {
		t.Errorf("a body without its middle ended cleanly: %d bytes", len(a.body))
	}
	a := b.get("/film.mp4", "Range", "bytes=4194304-4194400")
	b.want(a, 206, "hit")
	if a.body != body[4194304:4194401] {
		t.Error("what was there is gone")
	}
	busy.Store(false)
	if a := b.get("/film.mp4"); a.body != body || a.err != nil {
		t.Errorf("%d bytes, %v", len(a.body), a.err)
	}
}

// What is evicted while it is validated cannot be served any more.
func TestEvictedWhileValidated(t *testing.T) {
	var b *bench
	b = newBench(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=10")
		w.Header().Set("ETag", `"v1"`)
		if r.Header.Get("If-None-Match") != "" {
			b.pressure()
			w.WriteHeader(304)
			return
		}
		io.WriteString(w, "data")
		w.(http.Flusher).Flush() // of unknown length: no range can complete it
	})
	b.want(b.get("/a.bin"), 200)
	b.clock.advance(time.Minute)
	a := b.get("/a.bin")
	b.want(a, 200)
	if a.body != "data" || a.err != nil {
		t.Errorf("body %q, %v", a.body, a.err)
	}
}

// pressure evicts everything.
func (b *bench) pressure() {
	var held []interface{ Release() }
	for {
		block, ok := b.memory.Alloc(1 << 20)
		if !ok {
			break
		}
		held = append(held, block)
	}
	for _, h := range held {
		h.Release()
	}
}

func TestUncacheableAnswerEndsStaleness(t *testing.T) {
	private := false
	b := newBench(t, func(w http.ResponseWriter, _ *http.Request) {
		if private {
			w.Header().Set("Cache-Control", "private")
			io.WriteString(w, "yours")
			return
		}
		w.Header().Set("Cache-Control", "max-age=10, stale-while-revalidate=600")
		io.WriteString(w, "everybody's")
	})
	b.want(b.get("/a.bin"), 200)
	private = true
	b.clock.advance(20 * time.Second)
	a := b.get("/a.bin")
	b.want(a, 200, "detail=stale-while-revalidate")
	b.edge.fetchers.Wait()
	a = b.get("/a.bin")
	b.want(a, 200, "fwd=")
	if a.body != "yours" {
		t.Errorf("stale after the origin took it back: %q", a.body)
	}
}

func TestBrokenTokensAreNotLogged(t *testing.T) {
	sign, mint := signing(t)
	b := newBench(t, ok("x", "video/mp4"), sign)
	token := mint("/v/")
	for _, target := range []string{
		"/ect=" + token + "x/v/a.m4s", "/ect=" + token[:len(token)-4] + "/v/a.m4s", "/v/a.m4s?ect=" + token + "%20",
		"/ect=" + token + "%2e/v/a.m4s", "/ECT=" + token + "/v/a.m4s", "/x/ect=" + token + "/v/a.m4s", "/v/a.m4s?a=1&ect=" + token + "&ect=" + token,
		"//ect=" + token + "/v/a.m4s", "/%65ct=" + token + "/v/a.m4s",
	} {
		a := b.get(target)
		if a.status != 403 && a.status != 400 {
			t.Errorf("%s: status %d", target, a.status)
		}
		if line := <-b.log.lines; strings.Contains(line, token[:len(token)-8]) {
			t.Errorf("%s\nis in the log: %s", target, line)
		}
	}
}

func TestManyKeysAtOnceThroughLittleMemory(t *testing.T) {
	body := pattern(1 << 20)
	b := newBench(t, ok(body, "video/mp4"))
	var all sync.WaitGroup
	var good, refused atomic.Int64
	for i := range 300 {
		all.Go(func() {
			switch a := b.get(fmt.Sprintf("/v/%d.m4s", i)); {
			case a.status == 200 && a.err == nil && a.body == body:
				good.Add(1)
			case a.status == 503 || a.status == 504 || a.status == 502:
				refused.Add(1)
			default:
				t.Errorf("status %d, %d bytes, %v: %s", a.status, len(a.body), a.err, a.cacheStatus())
			}
		})
	}
	all.Wait()
	t.Logf("%d good, %d refused", good.Load(), refused.Load())
	b.want(b.get("/v/next.m4s"), 200)
	b.edge.fetchers.Wait()
	if n := b.cache.Stats(); n.Fills != 0 || n.Objects > 64 {
		t.Errorf("%d fills, %d objects in 64 MiB", n.Fills, n.Objects)
	}
}

// Readers that stop reading hold what they were given. The others get an error that
// says so, and the node recovers when they are gone.
func TestStalledReadersHoldAllMemory(t *testing.T) {
	body := pattern(1 << 20)
	b := newBench(t, ok(body, "video/mp4"))
	var stalled []*Exchange
	for i := range 64 {
		x := b.edge.NewExchange()
		b.fill(x, request{target: fmt.Sprintf("/v/%d.m4s", i)})
		b.edge.Serve(x)
		if x.Resp.Status == 200 {
			if _, err := x.Resp.Body.Next(); err != nil {
				t.Logf("stalled reader %d: %v", i, err)
			}
		}
		stalled = append(stalled, x)
		if i > 50 && b.cache.Stats().RAM.AllocFailures > 0 {
			break
		}
	}
	for range 2 {
		a := b.get("/v/late.m4s")
		b.want(a, 503, "detail=no-memory")
		if a.header.Get("Retry-After") == "" {
			t.Error("503 without Retry-After")
		}
	}
	if a := b.get("/v/0.m4s"); a.status != 200 || a.body != body {
		t.Errorf("what is in memory: status %d, %d bytes", a.status, len(a.body))
	}
	for _, x := range stalled {
		b.edge.Finish(x, Delivery{Aborted: true})
	}
	if a := b.get("/v/late.m4s"); a.status != 200 || a.body != body {
		t.Errorf("after they left: status %d, %d bytes", a.status, len(a.body))
	}
}

func TestEndlessBodyEndsWithItsReader(t *testing.T) {
	for _, control := range []string{"no-store", "max-age=60"} {
		stopped := make(chan struct{})
		chunk := []byte(pattern(64 << 10))
		b := newBench(t, func(w http.ResponseWriter, _ *http.Request) {
			defer close(stopped)
			w.Header().Set("Cache-Control", control)
			for {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		})
		x := b.edge.NewExchange()
		b.fill(x, request{target: "/radio.bin"})
		b.edge.Serve(x)
		for n := 0; n < 100<<20; {
			span, err := x.Resp.Body.Next()
			if err != nil {
				t.Fatalf("%s: after %d bytes: %v", control, n, err)
			}
			n += len(span)
		}
		b.edge.Finish(x, Delivery{Aborted: true})
		<-stopped
		b.edge.fetchers.Wait()
		if s := b.cache.Stats(); s.Fills != 0 || s.Objects != 0 {
			t.Errorf("%s: %d fills, %d objects left", control, s.Fills, s.Objects)
		}
	}
}

// endless is a body of n bytes that is made while it is read.
type endless struct{ at, n int64 }

const lap = 1<<20 - 3 // so that blocks differ

func (e *endless) Read(p []byte) (int, error) {
	if e.at >= e.n {
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), e.n-e.at, lap-e.at%lap)]
	n := copy(p, bigLap[e.at%lap:])
	e.at += int64(n)
	return n, nil
}

func (e *endless) Seek(off int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
		e.at = off
	case io.SeekEnd:
		e.at = e.n + off
	default:
		e.at += off
	}
	return e.at, nil
}

var bigLap = pattern(lap)

// A body much larger than memory, read by viewers of different speed and interest.
func TestHugeBodyThroughLittleMemory(t *testing.T) {
	size := int64(160 << 20)
	b := newBench(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"huge"`)
		http.ServeContent(w, r, "", time.Time{}, &endless{n: size})
	})
	var all sync.WaitGroup
	for i := range int64(4) {
		all.Go(func() {
			x := b.edge.NewExchange()
			start := i * size / 5
			b.fill(x, request{target: "/huge.mp4", header: fields{"Range": fmt.Sprintf("bytes=%d-", start)}})
			b.edge.Serve(x)
			at := start
			for {
				span, err := x.Resp.Body.Next()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Errorf("viewer %d at %d: %v", i, at, err)
					break
				}
				for off := int64(0); off < int64(len(span)); {
					from := (at + off) % lap
					n := min(int64(len(span))-off, lap-from)
					if string(span[off:off+n]) != bigLap[from:from+n] {
						t.Errorf("viewer %d: wrong bytes at %d", i, at+off)
						return
					}
					off += n
				}
				at += int64(len(span))
			}
			if at != size {
				t.Errorf("viewer %d ended at %d", i, at)
			}
			b.edge.Finish(x, Delivery{Body: at - start})
		})
	}
	all.Wait()
	b.edge.fetchers.Wait()
	if s := b.cache.Stats().RAM; s.Used > s.Size {
		t.Errorf("%d bytes used of %d", s.Used, s.Size)
	}
}

// Clients that come and go at random must not harm what others get.
func TestAbortingClients(t *testing.T) {
	body := pattern(2<<20 + 99)
	b := newBench(t, func(w http.ResponseWriter, r *http.Request) {
		kind := r.URL.Path
		if strings.Contains(kind, "private") {
			w.Header().Set("Cache-Control", "private")
		}
		if strings.Contains(kind, "chunked") {
			w.Header().Set("Cache-Control", "max-age=60")
			for at := 0; at < len(body); at += 300_000 {
				io.WriteString(w, body[at:min(at+300_000, len(body))])
				w.(http.Flusher).Flush()
			}
			return
		}
		ok(body, "video/mp4")(w, r)
	})
	var all sync.WaitGroup
	for i := range uint64(16) {
		r := rand.New(rand.NewPCG(i, 7))
		all.Go(func() {
			x := b.edge.NewExchange()
			for range 25 {
				kind := []string{"private", "chunked", "plain"}[r.IntN(3)]
				b.fill(x, request{target: fmt.Sprintf("/%s%d.bin", kind, r.IntN(3))})
				b.edge.Serve(x)
				stop, at := len(body)+1, 0
				if r.IntN(2) == 0 {
					stop = r.IntN(len(body))
				}
				for at < stop {
					span, err := x.Resp.Body.Next()
					if err == io.EOF && at == len(body) {
						break
					}
					if err != nil || at+len(span) > len(body) || string(span) != body[at:at+len(span)] {
						t.Errorf("%s at %d: %d bytes, %v", kind, at, len(span), err)
						break
					}
					at += len(span)
				}
				b.edge.Finish(x, Delivery{Body: int64(at), Aborted: at < len(body)})
			}
		})
	}
	all.Wait()
	b.edge.fetchers.Wait()
	if s := b.cache.Stats(); s.Fills != 0 || s.RAM.Pinned != 0 {
		t.Errorf("%d fills, %d bytes pinned", s.Fills, s.RAM.Pinned)
	}
}

// What is only passed through and large is nobody else's: followers of different
// speed would have to be kept together.
func TestLargeUncacheableIsNotShared(t *testing.T) {
	body := pattern(cache.MaxShared + 1)
	asked, release := make(chan struct{}, 4), make(chan struct{})
	b := newBench(t, func(w http.ResponseWriter, _ *http.Request) {
		asked <- struct{}{}
		<-release
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		io.WriteString(w, body)
	})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if a := b.get("/large.bin"); a.body != body || a.err != nil {
				t.Errorf("%d bytes, %v", len(a.body), a.err)
			}
		})
	}
	<-asked
	close(release)
	all.Wait()
	b.edge.fetchers.Wait()
	if s := b.cache.Stats().RAM; s.Used != 0 {
		t.Errorf("%d bytes stay", s.Used)
	}
}
