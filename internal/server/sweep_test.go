package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"edged/internal/edge"
)

// pipes is a listener of connections in memory, for tests under synctest.
type pipes struct {
	ch   chan net.Conn
	done chan struct{}
	once sync.Once
}

func newPipes() *pipes { return &pipes{ch: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes"} }
func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.ch:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) dial(t testing.TB) net.Conn {
	ours, theirs := net.Pipe()
	p.ch <- theirs
	t.Cleanup(func() { ours.Close() })
	return ours
}

// inBubble runs f against a Server with default limits, in synthetic time.
func inBubble(t *testing.T, h *fake, f func(t *testing.T, s *Server, dial func() net.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s, err := New(Options{Handler: h})
		if err != nil {
			t.Fatal(err)
		}
		p := newPipes()
		ended := make(chan error, 1)
		go func() { ended <- s.Serve(Listener{Listener: p}) }()
		f(t, s, func() net.Conn { return p.dial(t) })
		if err := s.Shutdown(t.Context()); err != nil {
			t.Errorf("Shutdown = %v", err)
		}
		if err := <-ended; !errors.Is(err, ErrClosed) {
			t.Errorf("Serve = %v", err)
		}
	})
}

// about reports whether d is limit or a little later: two sweeps at most.
func about(d, limit time.Duration) bool { return d >= limit && d <= limit+1500*time.Millisecond }

// TestSlowHeader checks that dripping bytes does not extend the header's time,
// and that the client is told.
func TestSlowHeader(t *testing.T) {
	inBubble(t, &fake{serve: ok}, func(t *testing.T, s *Server, dial func() net.Conn) {
		c := dial()
		var client sync.WaitGroup
		defer client.Wait()
		client.Go(func() {
			drip := "GET / HTTP/1.1\r\nHost: h\r\nX: " + strings.Repeat("y", 1000)
			for i := range drip {
				if _, err := io.WriteString(c, drip[i:i+1]); err != nil {
					return
				}
				time.Sleep(100 * time.Millisecond)
			}
		})
		start := time.Now()
		b, err := io.ReadAll(c)
		if took := time.Since(start); err != nil || !about(took, 10*time.Second) {
			t.Errorf("cut after %v, %v", took, err)
		}
		if !strings.HasPrefix(string(b), "HTTP/1.1 408 ") {
			t.Errorf("answer %q, want 408", b)
		}
		if st := s.Stats(); st.CutHeader != 1 || st.Refused[HeaderTimeout] != 1 {
			t.Errorf("stats %+v", st)
		}
	})
}

// TestSilentAndIdle checks that connections on which nothing happens end without
// an answer: new ones by HeaderTimeout, kept ones by IdleTimeout.
func TestSilentAndIdle(t *testing.T) {
	h := &fake{serve: ok}
	inBubble(t, h, func(t *testing.T, s *Server, dial func() net.Conn) {
		silent, idle := dial(), dial()
		if _, body := get(t, idle, bufio.NewReader(idle), "/x"); body != "/x" {
			t.Fatalf("body %q", body)
		}
		start := time.Now()
		for _, tt := range []struct {
			name  string
			c     net.Conn
			limit time.Duration
		}{{"silent", silent, 10 * time.Second}, {"idle", idle, 75 * time.Second}} {
			b, err := io.ReadAll(tt.c)
			if took := time.Since(start); err != nil || len(b) != 0 || !about(took, tt.limit) {
				t.Errorf("%s: %q, %v after %v; want a clean end after %v", tt.name, b, err, took, tt.limit)
			}
		}
		if st := s.Stats(); st.CutHeader != 1 || st.CutIdle != 1 || len(h.deliveries()) != 1 {
			t.Errorf("stats %+v", st)
		}
	})
}

// TestKeptConnectionStays checks that a client that asks now and then is never cut.
func TestKeptConnectionStays(t *testing.T) {
	inBubble(t, &fake{serve: ok}, func(t *testing.T, s *Server, dial func() net.Conn) {
		c := dial()
		br := bufio.NewReader(c)
		for range 20 {
			get(t, c, br, "/x")
			time.Sleep(70 * time.Second)
		}
		if st := s.Stats(); st.CutIdle+st.CutHeader+st.CutSlow != 0 {
			t.Errorf("stats %+v", st)
		}
	})
}

// TestMinimumRate drives clients at several speeds through the rate limit of
// 1 KiB/s over a minute.
func TestMinimumRate(t *testing.T) {
	const kib = 1 << 10
	for _, tt := range []struct {
		name  string
		every time.Duration // between two reads of 1 KiB; 0: no reads at all
		cut   bool
	}{
		{"stalled", 0, true},
		{"half the rate", 2 * time.Second, true},
		{"just above", 950 * time.Millisecond, false},
		{"fast", time.Millisecond, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			body := &spans{}
			for range 200 {
				body.pieces = append(body.pieces, make([]byte, kib))
			}
			h := &fake{serve: func(x *edge.Exchange) { respondWith(x, 200, 200*kib, body) }}
			inBubble(t, h, func(t *testing.T, s *Server, dial func() net.Conn) {
				c := dial()
				fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
				start, total := time.Now(), 0
				for buf := make([]byte, kib); tt.every > 0; time.Sleep(tt.every) {
					n, err := io.ReadFull(c, buf)
					if total += n; err != nil {
						break
					}
				}
				if tt.every == 0 {
					time.Sleep(70 * time.Second)
				}
				synctest.Wait()
				d := h.deliveries()
				if len(d) != 1 || d[0].d.Aborted != tt.cut {
					t.Fatalf("deliveries %+v after %v, want aborted: %v", d, time.Since(start), tt.cut)
				}
				if !tt.cut && total < 200*kib {
					t.Errorf("got %d bytes", total)
				}
				if n := s.Stats().CutSlow; (n == 1) != tt.cut {
					t.Errorf("CutSlow = %d", n)
				}
			})
		})
	}
}

// TestWaitingIsNotSlow checks that the time a fill takes is not held against the
// client.
func TestWaitingIsNotSlow(t *testing.T) {
	body := newSpans("one", "two")
	body.wait = make(chan struct{})
	h := &fake{serve: func(x *edge.Exchange) { respondWith(x, 200, 6, body) }}
	inBubble(t, h, func(t *testing.T, s *Server, dial func() net.Conn) {
		body.wait = make(chan struct{})
		c := dial()
		go func() {
			for range 2 {
				time.Sleep(10 * time.Minute)
				body.wait <- struct{}{}
			}
		}()
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
		if b, err := io.ReadAll(c); err != nil || !strings.HasSuffix(string(b), "onetwo") {
			t.Errorf("%q, %v", b, err)
		}
	})
}

// TestDrainGrace checks that a connection without a request gets a moment at
// shutdown, not more.
func TestDrainGrace(t *testing.T) {
	inBubble(t, &fake{serve: ok}, func(t *testing.T, s *Server, dial func() net.Conn) {
		silent := dial()
		synctest.Wait()
		start := time.Now()
		if err := s.Shutdown(context.Background()); err != nil {
			t.Errorf("Shutdown = %v", err)
		}
		if took := time.Since(start); !about(took, drainGrace) {
			t.Errorf("took %v, want about %v", took, drainGrace)
		}
		if b, err := io.ReadAll(silent); err != nil || len(b) != 0 {
			t.Errorf("silent: %q, %v", b, err)
		}
	})
}

// TestExpireIsExclusive checks that the sweeper and the owner never both have
// the connection: a request that begins first is served, otherwise it is not read.
func TestExpireIsExclusive(t *testing.T) {
	s, err := New(Options{Handler: &fake{serve: ok}})
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := net.Pipe()
	defer ours.Close()
	c := newConn(s, theirs, &s.openPlain)
	defer c.Close()
	c.enter(phaseIdle)
	seen := c.state.Load()
	if !c.move(phaseIdle, phaseHeader) {
		t.Fatal("an idle connection cannot begin")
	}
	s.expire(c, seen, &s.count.CutIdle)
	if s.count.CutIdle.Load() != 0 || phaseOf(c.state.Load()) != phaseHeader {
		t.Error("the sweeper took a connection that had begun")
	}
	s.expire(c, c.state.Load(), &s.count.CutHeader)
	if c.move(phaseHeader, phaseServe) {
		t.Error("a request began on a connection that the sweeper took")
	}
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Read = %v, want a deadline", err)
	}
}

// TestTally checks waiting for zero beside counting up.
func TestTally(t *testing.T) {
	var n tally
	select {
	case <-n.zero():
	default:
		t.Error("an unused tally is not zero")
	}
	n.add(2)
	zero := n.zero()
	n.add(-1)
	select {
	case <-zero:
		t.Error("zero at 1")
	default:
	}
	n.add(-1)
	<-zero
	n.add(1)
	<-zero // it was zero once
	if n.now() != 1 {
		t.Errorf("now = %d", n.now())
	}
}
