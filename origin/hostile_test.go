package origin_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"edged/origin"
)

// hostile is an origin on a raw socket that does what a test tells it.
type hostile struct {
	URL   string
	Conns atomic.Int32 // connections accepted
	Asked atomic.Int32 // requests read
}

// peer is the origin's end of one connection.
type peer struct {
	net.Conn
	t     *testing.T
	h     *hostile
	br    *bufio.Reader
	Index int // of the connection, from 0
}

// start runs serve for each connection, which is closed when serve returns.
func start(t testing.TB, serve func(p *peer)) *hostile {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &hostile{URL: "http://" + l.Addr().String()}
	tt, _ := t.(*testing.T)
	accepting, serving := make(chan struct{}), make(chan struct{}, 1024)
	var open atomic.Int32
	go func() {
		defer close(accepting)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			open.Add(1)
			p := &peer{Conn: c, t: tt, h: h, br: bufio.NewReader(c), Index: int(h.Conns.Add(1)) - 1}
			go func() {
				defer func() { _ = c.Close(); serving <- struct{}{} }()
				serve(p)
			}()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-accepting
		for range open.Load() {
			<-serving
		}
	})
	return h
}

// request reads one request; ok is false when the client hung up.
func (p *peer) request() (r *http.Request, ok bool) {
	r, err := http.ReadRequest(p.br)
	if err != nil {
		return nil, false
	}
	p.h.Asked.Add(1)
	return r, true
}

// write sends text as it is.
func (p *peer) write(text string) { _, _ = io.WriteString(p.Conn, text) }

// gone waits until the client has hung up.
func (p *peer) gone() { _, _ = io.Copy(io.Discard, p.br) }

// arrived waits until the client's kernel has all that was sent, the end included: the
// way through the loopback is short, but it takes another CPU's time.
func (p *peer) arrived() {
	raw, err := p.Conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		p.t.Error(err)
		return
	}
	for unacknowledged := 1; unacknowledged > 0 && err == nil; runtime.Gosched() {
		if e := raw.Control(func(fd uintptr) { unacknowledged, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) }); e != nil {
			err = e
		}
	}
	if err != nil {
		p.t.Error(err)
	}
}

// reset makes the coming close a TCP reset.
func (p *peer) reset() { _ = p.Conn.(*net.TCPConn).SetLinger(0) }

// answering serves text to every request on every connection.
func answering(text string) func(*peer) {
	return func(p *peer) {
		for {
			if _, ok := p.request(); !ok {
				return
			}
			p.write(text)
		}
	}
}

// once serves text to the first request and closes.
func once(text string) func(*peer) {
	return func(p *peer) {
		if _, ok := p.request(); ok {
			p.write(text)
		}
	}
}

// stalling serves text to the first request and then says nothing more.
func stalling(text string) func(*peer) {
	return func(p *peer) {
		if _, ok := p.request(); ok {
			p.write(text)
			p.gone()
		}
	}
}

// group makes a Group with limits that no test should reach unless it sets them.
func group(t testing.TB, o origin.Options, urls ...string) *origin.Group {
	t.Helper()
	o.URLs, o.Node = urls, "edge-test-01"
	for _, d := range []*time.Duration{&o.ConnectTimeout, &o.FirstByteTimeout, &o.IdleTimeout, &o.TotalTimeout} {
		if *d == 0 {
			*d = 20 * time.Second
		}
	}
	g, err := origin.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

// get fetches path and reads the whole body.
func get(ctx context.Context, g *origin.Group, path string) (*origin.Response, string, error) {
	return do(ctx, g, &origin.Request{Method: "GET", Target: path})
}

// do fetches r and reads the whole body.
func do(ctx context.Context, g *origin.Group, r *origin.Request) (*origin.Response, string, error) {
	resp, err := g.Fetch(ctx, r)
	if err != nil {
		return nil, "", err
	}
	defer resp.Close()
	body, err := io.ReadAll(resp)
	return resp, string(body), err
}

// kind returns the kind of err, KindNone for nil.
func kind(t *testing.T, err error) origin.Kind {
	t.Helper()
	if err == nil {
		return origin.KindNone
	}
	var e *origin.Error
	if !errors.As(err, &e) {
		t.Fatalf("%v (%T) is not an *origin.Error", err, err)
	}
	return e.Kind
}

const (
	short   = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello"
	chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nX-Sum: 1\r\n\r\n"
)

func TestTruncationAtEveryByte(t *testing.T) {
	for name, whole := range map[string]string{"fixed": short, "chunked": chunked} {
		t.Run(name, func(t *testing.T) {
			for _, reset := range []bool{false, true} {
				for n := range len(whole) {
					h := start(t, func(p *peer) {
						if _, ok := p.request(); ok {
							p.write(whole[:n])
							if reset {
								p.reset()
							}
						}
					})
					_, body, err := get(t.Context(), group(t, origin.Options{}, h.URL), "/a")
					if kind(t, err) != origin.KindClosed || !errors.Is(err, io.ErrUnexpectedEOF) || !errors.Is(err, origin.ErrClosed) {
						t.Errorf("%d of %d bytes, reset %v: body %q, error %v; want closed with unexpected EOF", n, len(whole), reset, body, err)
					}
				}
			}
			h := start(t, once(whole))
			if _, body, err := get(t.Context(), group(t, origin.Options{}, h.URL), "/a"); body != "hello" || err != nil {
				t.Errorf("whole response: %q, %v", body, err)
			}
		})
	}
}

func TestHostileAnswers(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	none, closed, protocol := origin.KindNone, origin.KindClosed, origin.KindProtocol
	tests := []struct {
		name, answer string
		want         origin.Kind
		body         string
	}{
		{"fixed", short, none, "hello"},
		{"chunked with extension and trailer", chunked, none, "hello"},
		{"chunk size with space", ok + "Transfer-Encoding: Chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n", none, "hello"},
		{"bare LF lines", "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", none, "hello"},
		{"no reason", "HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello", none, "hello"},
		{"space before colon", ok + "Content-Length : 5\r\n\r\nhello", none, "hello"},
		{"interim", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + short, none, "hello"},
		{"close-delimited", ok + "\r\nhello", none, "hello"},
		{"HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", none, "hello"},
		{"longer than its length", ok + "Content-Length: 5\r\n\r\nhello, world", none, "hello"},
		{"shorter than its length", ok + "Content-Length: 9\r\n\r\nhello", closed, "hello"},
		{"nothing", "", closed, ""},

		{"garbage", "\x16\x03\x01\x00\x05hello", protocol, ""},
		{"garbage without an end", strings.Repeat("x", 100), protocol, ""},
		{"HTTP/2", "HTTP/2.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", protocol, ""},
		{"HTTP/0.9", "<html>hello</html>", protocol, ""},
		{"status of two digits", "HTTP/1.1 20 OK\r\nContent-Length: 5\r\n\r\nhello", protocol, ""},
		{"status 999", "HTTP/1.1 999 OK\r\nContent-Length: 5\r\n\r\nhello", protocol, ""},
		{"empty line first", "\r\n" + short, protocol, ""},
		{"101", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", protocol, ""},
		{"1xx flood", strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 1000) + short, protocol, ""},
		{"oversize header", ok + "X: " + strings.Repeat("x", 70<<10) + "\r\n\r\n", protocol, ""},
		{"too many fields", ok + strings.Repeat("A:b\r\n", 600) + "\r\n", protocol, ""},
		{"folded field", ok + "X: a\r\n b\r\nContent-Length: 5\r\n\r\nhello", protocol, ""},
		{"field without colon", ok + "X\r\nContent-Length: 5\r\n\r\nhello", protocol, ""},
		{"field with NUL", ok + "X: a\x00b\r\nContent-Length: 5\r\n\r\nhello", protocol, ""},
		{"field with CR", ok + "X: a\rb\r\nContent-Length: 5\r\n\r\nhello", protocol, ""},
		{"space in name", ok + "X Y: a\r\nContent-Length: 5\r\n\r\nhello", protocol, ""},

		{"two equal lengths", ok + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", protocol, ""},
		{"contradicting lengths", ok + "Content-Length: 5\r\nContent-Length: 4\r\n\r\nhello", protocol, ""},
		{"list of lengths", ok + "Content-Length: 5, 5\r\n\r\nhello", protocol, ""},
		{"signed length", ok + "Content-Length: +5\r\n\r\nhello", protocol, ""},
		{"negative length", ok + "Content-Length: -5\r\n\r\nhello", protocol, ""},
		{"empty length", ok + "Content-Length:\r\n\r\nhello", protocol, ""},
		{"overflowing length", ok + "Content-Length: 9223372036854775808\r\n\r\nhello", protocol, ""},
		{"length and chunked", ok + "Content-Length: 5\r\n" + chunked[len(ok):], protocol, ""},
		{"chunked twice", ok + "Transfer-Encoding: chunked\r\n" + chunked[len(ok):], protocol, ""},
		{"gzip, chunked", ok + "Transfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", protocol, ""},
		{"chunked on HTTP/1.0", "HTTP/1.0 200 OK\r\n" + chunked[len(ok):], protocol, ""},

		{"chunk size not hex", ok + "Transfer-Encoding: chunked\r\n\r\n5g\r\nhello\r\n0\r\n\r\n", protocol, ""},
		{"chunk size empty", ok + "Transfer-Encoding: chunked\r\n\r\n\r\nhello\r\n0\r\n\r\n", protocol, ""},
		{"chunk size negative", ok + "Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n", protocol, ""},
		{"chunk size overflows", ok + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nhello\r\n0\r\n\r\n", protocol, ""},
		{"chunk ends in LF", ok + "Transfer-Encoding: chunked\r\n\r\n5\nhello\n0\n\n", protocol, ""},
		{"chunk longer than size", ok + "Transfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n", protocol, "hel"},
		{"endless extension", ok + "Transfer-Encoding: chunked\r\n\r\n5;" + strings.Repeat("x", 70<<10), protocol, ""},
		{"framing without data", ok + "Transfer-Encoding: chunked\r\n\r\n" +
			strings.Repeat("1;"+strings.Repeat("x", 3000)+"\r\nx\r\n", 9), protocol, "xxxxx"},
		{"endless trailer", ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n" + strings.Repeat("A: b\r\n", 4000), protocol, "hello"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := start(t, once(tt.answer))
			resp, body, err := get(t.Context(), group(t, origin.Options{}, h.URL), "/a")
			if got := kind(t, err); got != tt.want || body != tt.body {
				t.Fatalf("kind %v (%v), body %q; want %v, %q", got, err, body, tt.want, tt.body)
			}
			if resp != nil && resp.CloseDelimited != (tt.name == "close-delimited") {
				t.Errorf("CloseDelimited = %v", resp.CloseDelimited)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	const tick = 40 * time.Millisecond
	drip := func(p *peer) {
		if _, ok := p.request(); !ok {
			return
		}
		p.write("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
		tk := time.NewTicker(time.Millisecond)
		defer tk.Stop()
		for range tk.C {
			if _, err := p.Write([]byte("x")); err != nil {
				return
			}
		}
	}
	head := "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
	tests := []struct {
		name  string
		serve func(*peer)
		o     origin.Options
		hold  bool
		text  string
	}{
		{"silence", stalling(""), origin.Options{FirstByteTimeout: tick}, false, "first byte timeout"},
		{"half a header", stalling("HTTP/1.1 200 OK\r\nContent-"), origin.Options{FirstByteTimeout: tick}, false, "first byte timeout"},
		{"interim and silence", stalling("HTTP/1.1 103 Early Hints\r\n\r\n"), origin.Options{FirstByteTimeout: tick}, false, "first byte timeout"},
		{"hold", stalling(""), origin.Options{HoldTimeout: tick}, true, "first byte timeout"},
		{"stall after header", stalling(head), origin.Options{IdleTimeout: tick}, false, "idle timeout"},
		{"stall in body", stalling(head + "hello"), origin.Options{IdleTimeout: tick}, false, "idle timeout"},
		{"stall in chunk size", stalling("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5"), origin.Options{IdleTimeout: tick}, false, "idle timeout"},
		{"drip below the rate", drip, origin.Options{MinRate: 1 << 20, RateWindow: tick}, false, "below the minimum rate"},
		{"drip for ever", drip, origin.Options{TotalTimeout: 2 * tick}, false, "total timeout"},
		{"silence in total", stalling(""), origin.Options{TotalTimeout: tick}, false, "total timeout"},
		{"stall in total", stalling(head), origin.Options{TotalTimeout: tick}, false, "total timeout"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := group(t, tt.o, start(t, tt.serve).URL)
			_, _, err := do(t.Context(), g, &origin.Request{Method: "GET", Target: "/a", Hold: tt.hold})
			if kind(t, err) != origin.KindTimeout || !errors.Is(err, origin.ErrTimeout) || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("error %v; want timeout with %q", err, tt.text)
			}
			if st := g.Stats()[0]; st.Errors[origin.KindTimeout] != 1 || st.LastError.IsZero() || st.Active != 0 {
				t.Errorf("stats %+v; want one timeout and nothing active", st)
			}
		})
	}
}

// A drip above the minimum rate, longer than the idle timeout in all, is served.
func TestSlowButSteady(t *testing.T) {
	t.Parallel()                 // it waits more than it works
	const idle = 3 * time.Second // longer than any machine keeps a goroutine waiting
	h := start(t, func(p *peer) {
		if _, ok := p.request(); !ok {
			return
		}
		p.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
		tk := time.NewTicker(2 * time.Millisecond)
		defer tk.Stop()
		for begun := time.Now(); time.Since(begun) < idle+idle/10; {
			<-tk.C
			p.write("1\r\nx\r\n")
		}
		p.write("0\r\n\r\n")
	})
	g := group(t, origin.Options{IdleTimeout: idle, MinRate: 1, RateWindow: idle}, h.URL)
	if _, body, err := get(t.Context(), g, "/a"); err != nil || body == "" {
		t.Errorf("%d bytes, %v; want all", len(body), err)
	}
}

func TestConnectTimeout(t *testing.T) {
	g := group(t, origin.Options{ConnectTimeout: time.Nanosecond}, start(t, answering(short)).URL)
	_, _, err := get(t.Context(), g, "/a")
	if kind(t, err) != origin.KindTimeout || !strings.Contains(err.Error(), "connect timeout") || g.Stats()[0].Up {
		t.Errorf("error %v; want connect timeout, and the origin down", err)
	}
}

func TestCancel(t *testing.T) {
	t.Run("awaiting the header", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		h := start(t, func(p *peer) { p.request(); cancel(); p.gone() })
		_, _, err := get(ctx, group(t, origin.Options{}, h.URL), "/a")
		if kind(t, err) != origin.KindCanceled || !errors.Is(err, context.Canceled) {
			t.Errorf("error %v; want canceled", err)
		}
	})
	t.Run("in the body", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		hungUp := make(chan struct{})
		h := start(t, func(p *peer) {
			p.request()
			p.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello")
			p.gone()
			close(hungUp)
		})
		g := group(t, origin.Options{}, h.URL)
		resp, err := g.Fetch(ctx, &origin.Request{Method: "GET", Target: "/a"})
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Close()
		if _, err := io.ReadFull(resp, make([]byte, 5)); err != nil {
			t.Fatal(err)
		}
		go cancel()
		_, err = resp.Read(make([]byte, 10))
		if kind(t, err) != origin.KindCanceled || !errors.Is(err, origin.ErrCanceled) {
			t.Errorf("error %v; want canceled", err)
		}
		<-hungUp
		if st := g.Stats()[0]; !st.Up || st.Idle != 0 || st.Active != 0 {
			t.Errorf("stats %+v; want up, no connection", st)
		}
	})
	t.Run("before", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		h := start(t, answering(short))
		if _, _, err := get(ctx, group(t, origin.Options{}, h.URL), "/a"); kind(t, err) != origin.KindCanceled {
			t.Errorf("error %v; want canceled", err)
		}
		if n := h.Conns.Load(); n != 0 {
			t.Errorf("%d connections made", n)
		}
	})
	t.Run("after the end", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		h := start(t, answering(short))
		g := group(t, origin.Options{}, h.URL)
		if _, _, err := get(ctx, g, "/a"); err != nil {
			t.Fatal(err)
		}
		cancel()
		if _, _, err := get(t.Context(), g, "/a"); err != nil || h.Conns.Load() != 1 {
			t.Errorf("%v, %d connections; want the kept one to serve again", err, h.Conns.Load())
		}
	})
}
