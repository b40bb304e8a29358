package origin_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"edged/origin"
)

func TestKeepAlive(t *testing.T) {
	tests := []struct {
		name, answer, method string
		conns                int32 // after four fetches
	}{
		{"fixed", short, "GET", 1},
		{"chunked", chunked, "GET", 1},
		{"empty", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "GET", 1},
		{"no content", "HTTP/1.1 204 No Content\r\n\r\n", "GET", 1},
		{"not modified", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "GET", 1},
		{"head", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HEAD", 1},
		{"head of chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HEAD", 1},
		{"HTTP/1.0 keep-alive", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello", "GET", 1},
		{"HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", "GET", 4},
		{"close", "HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 5\r\n\r\nhello", "GET", 4},
		{"more than announced", short + short, "GET", 4},
		{"body after head", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "HEAD", 4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := start(t, answering(tt.answer))
			g := group(t, origin.Options{}, h.URL)
			for range 4 {
				if _, _, err := do(t.Context(), g, &origin.Request{Method: tt.method, Target: "/a"}); err != nil {
					t.Fatal(err)
				}
			}
			st := g.Stats()[0]
			if got := h.Conns.Load(); got != tt.conns || st.Connects != uint64(got) || st.Reused != uint64(4-got) {
				t.Errorf("%d connections, stats %+v; want %d", got, st, tt.conns)
			}
		})
	}
}

func TestCloseBeforeTheEnd(t *testing.T) {
	long := "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + strings.Repeat("x", 1000000)
	for _, tt := range []struct {
		name, answer string
		conns        int32
	}{
		{"rest is here", short, 1},
		{"rest is not here", long, 2},
		{"end unknown", chunked, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := start(t, answering(tt.answer))
			g := group(t, origin.Options{}, h.URL)
			for range 2 {
				resp, err := g.Fetch(t.Context(), &origin.Request{Method: "GET", Target: "/a"})
				if err != nil {
					t.Fatal(err)
				}
				resp.Close()
				resp.Close()
				if n, err := resp.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.ErrClosedPipe) {
					t.Errorf("read after close: %d, %v", n, err)
				}
			}
			if got := h.Conns.Load(); got != tt.conns {
				t.Errorf("%d connections; want %d", got, tt.conns)
			}
			if st := g.Stats()[0]; st.Active != 0 {
				t.Errorf("%d active", st.Active)
			}
		})
	}
}

// The origin closes each connection right when the second request has arrived
// on it: only sending the request again on a new connection helps.
func TestStaleConnectionIsRetriedOnce(t *testing.T) {
	t.Run("retried", func(t *testing.T) {
		h := start(t, func(p *peer) {
			if _, ok := p.request(); !ok {
				return
			}
			p.write(short)
			p.request()
		})
		g := group(t, origin.Options{}, h.URL)
		for range 3 {
			if _, body, err := get(t.Context(), g, "/a"); err != nil || body != "hello" {
				t.Fatalf("%q, %v", body, err)
			}
		}
		if st := g.Stats()[0]; st.Retries != 2 || st.Connects != 3 || st.Errors[origin.KindClosed] != 0 {
			t.Errorf("stats %+v; want 2 retries, 3 connects, no error", st)
		}
	})
	t.Run("not after a byte", func(t *testing.T) {
		h := start(t, func(p *peer) {
			p.request()
			p.write(short)
			p.request()
			p.write("HTTP/1")
		})
		g := group(t, origin.Options{}, h.URL)
		if _, _, err := get(t.Context(), g, "/a"); err != nil {
			t.Fatal(err)
		}
		_, _, err := get(t.Context(), g, "/a")
		if kind(t, err) != origin.KindClosed || h.Asked.Load() != 2 {
			t.Errorf("error %v after %d requests; want closed after 2", err, h.Asked.Load())
		}
	})
	t.Run("not on a new connection", func(t *testing.T) {
		h := start(t, func(p *peer) { p.request() })
		_, _, err := get(t.Context(), group(t, origin.Options{}, h.URL), "/a")
		if kind(t, err) != origin.KindClosed || h.Asked.Load() != 1 {
			t.Errorf("error %v after %d requests; want closed after 1", err, h.Asked.Load())
		}
	})
}

// A kept connection that the origin closed, or on which it said something
// unasked, is noticed before a request is sent.
func TestIdleConnectionIsLookedAt(t *testing.T) {
	for name, unasked := range map[string]string{"closed": "", "unasked response": short} {
		t.Run(name, func(t *testing.T) {
			first := make(chan struct{})
			said := make(chan struct{})
			h := start(t, func(p *peer) {
				if _, ok := p.request(); !ok {
					return
				}
				p.write(short)
				if p.Index > 0 {
					p.gone()
					return
				}
				<-first
				p.write(unasked)
				if unasked == "" {
					_ = p.Conn.(*net.TCPConn).CloseWrite()
				}
				p.arrived()
				close(said)
				p.gone()
			})
			g := group(t, origin.Options{}, h.URL)
			if _, _, err := get(t.Context(), g, "/a"); err != nil {
				t.Fatal(err)
			}
			close(first)
			<-said
			if _, body, err := get(t.Context(), g, "/a"); err != nil || body != "hello" {
				t.Fatalf("%q, %v", body, err)
			}
			if st := g.Stats()[0]; st.Connects != 2 || st.Retries != 0 || st.Reused != 0 {
				t.Errorf("stats %+v; want two connects and no retry", st)
			}
		})
	}
}

func TestMaxConns(t *testing.T) {
	t.Parallel() // it waits more than it works
	h := start(t, answering("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello"))
	g := group(t, origin.Options{MaxConns: 2, ConnectTimeout: 3 * time.Second}, h.URL)
	var held []*origin.Response
	for range 2 {
		resp, err := g.Fetch(t.Context(), &origin.Request{Method: "GET", Target: "/a"})
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, resp)
	}
	_, err := g.Fetch(t.Context(), &origin.Request{Method: "GET", Target: "/a"})
	if kind(t, err) != origin.KindTimeout || !strings.Contains(err.Error(), "no free connection") {
		t.Errorf("third fetch: %v; want no free connection", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := g.Fetch(ctx, &origin.Request{Method: "GET", Target: "/a"}); kind(t, err) != origin.KindCanceled {
		t.Errorf("fetch with an ending context: %v; want canceled", err)
	}
	if st := g.Stats()[0]; !st.Up || st.Active != 2 {
		t.Errorf("stats %+v; want up with 2 active", st)
	}
	for _, r := range held {
		r.Close()
	}
}

func TestConcurrentFetchesShareConnections(t *testing.T) {
	h := start(t, answering(short))
	g := group(t, origin.Options{MaxConns: 2}, h.URL)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if _, body, err := get(t.Context(), g, "/a"); err != nil || body != "hello" {
					t.Errorf("%q, %v", body, err)
				}
			}
		})
	}
	wg.Wait()
	if n := h.Conns.Load(); n > 2 {
		t.Errorf("%d connections; want at most 2", n)
	}
}
