package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"edged/internal/edge"
)

// TestMinimumRateOnSockets checks that a client that stops reading is cut, and that one
// that waits for the origin is not.
func TestMinimumRateOnSockets(t *testing.T) {
	for _, overTLS := range []bool{false, true} {
		t.Run(fmt.Sprintf("tls %v", overTLS), func(t *testing.T) {
			t.Parallel() // it waits more than it works
			slowOrigin := newSpans("late")
			slowOrigin.wait = make(chan struct{})
			h := &fake{done: make(chan struct{}, 2), serve: func(x *edge.Exchange) {
				if string(x.Req.Target) == "/origin" {
					respondWith(x, 200, 4, slowOrigin)
					return
				}
				body := megabytes(64)
				respondWith(x, 200, 64<<20, body)
			}}
			s, addr := run(t, h, overTLS, func(o *Options) { o.RateWindow = time.Second })
			connect := func() net.Conn {
				if overTLS {
					return dialTLS(t, addr, "http/1.1")
				}
				return dial(t, addr)
			}
			patient, stalled := connect(), connect()
			fmt.Fprint(patient, "GET /origin HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
			fmt.Fprint(stalled, "GET /large HTTP/1.1\r\nHost: h\r\n\r\n")
			<-h.done
			if d := h.deliveries()[0]; d.target != "/large" || !d.d.Aborted {
				t.Errorf("delivery %+v, want /large aborted", d)
			}
			if _, err := io.Copy(io.Discard, stalled); err == nil {
				t.Error("the stalled client saw a clean end")
			}
			close(slowOrigin.wait)
			if b, err := io.ReadAll(patient); err != nil || !strings.HasSuffix(string(b), "late") {
				t.Errorf("patient client: %q, %v", b, err)
			}
			if n := s.Stats().CutSlow; n != 1 {
				t.Errorf("CutSlow = %d, want 1", n)
			}
		})
	}
}

// TestMaxConns checks that the connection limit sheds and recovers.
func TestMaxConns(t *testing.T) {
	s, addr := run(t, &fake{serve: ok}, false, func(o *Options) { o.MaxConns = 2 })
	a, b := dial(t, addr), dial(t, addr)
	waitFor(t, "two connections", func() bool { return s.Stats().Open == 2 })
	if third, err := net.Dial("tcp", addr); err == nil {
		defer third.Close()
		if _, err = io.ReadAll(third); err == nil {
			t.Error("the third connection ended cleanly, want a reset")
		}
	}
	waitFor(t, "the count", func() bool { return s.Stats().Shed == 1 })
	if st := s.Stats(); st.Shed != 1 || st.OpenHTTP != 2 || st.OpenHTTPS != 0 {
		t.Errorf("stats %+v", st)
	}
	a.Close()
	waitFor(t, "room", func() bool { return s.Stats().Open == 1 })
	c := dial(t, addr)
	if _, body := get(t, c, bufio.NewReader(c), "/x"); body != "/x" {
		t.Errorf("body %q", body)
	}
	b.Close()
}

// faulty is a listener that fails as it is told, then works.
type faulty struct {
	net.Listener
	mu   sync.Mutex
	errs []error
}

func (f *faulty) Accept() (net.Conn, error) {
	f.mu.Lock()
	if len(f.errs) > 0 {
		err := f.errs[0]
		f.errs = f.errs[1:]
		f.mu.Unlock()
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", err)}
	}
	f.mu.Unlock()
	return f.Listener.Accept()
}

// TestAcceptorSurvives checks each error an accept loop must live through, the
// waits between tries, and the reserve descriptor.
func TestAcceptorSurvives(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	var count counters
	var slept []time.Duration
	f := &faulty{Listener: ln, errs: []error{
		syscall.ECONNABORTED, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EMFILE,
	}}
	a := newAcceptor(f, &count)
	defer a.close()
	a.sleep = func(d time.Duration) { slept = append(slept, d) }
	first, second, third := dial(t, ln.Addr().String()), dial(t, ln.Addr().String()), dial(t, ln.Addr().String())

	nc, err := a.next()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	// ENFILE met an error while shedding (ENOBUFS); EMFILE shed the first client.
	if b, err := io.ReadAll(first); err != nil || len(b) != 0 {
		t.Errorf("shed client: %q, %v", b, err)
	}
	if nc.RemoteAddr().String() != second.LocalAddr().String() {
		t.Errorf("accepted %v, want the second client", nc.RemoteAddr())
	}
	if count.Shed.Load() != 1 || count.AcceptErrors.Load() != 4 || a.spare == nil {
		t.Errorf("shed %d, errors %d, reserve %v", count.Shed.Load(), count.AcceptErrors.Load(), a.spare)
	}
	if want := fmt.Sprint([]time.Duration{5e6, 10e6, 20e6}); fmt.Sprint(slept) != want {
		t.Errorf("slept %v, want %v", slept, want)
	}
	third.Close()
	ln.Close()
	if _, err := a.next(); err == nil {
		if _, err = a.next(); err == nil {
			t.Error("a closed listener goes on")
		}
	}
}

// TestAcceptorBackOff checks the bound of the wait and that success resets it.
func TestAcceptorBackOff(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	f := &faulty{Listener: ln}
	for range 12 {
		f.errs = append(f.errs, syscall.ENOMEM)
	}
	var last time.Duration
	a := newAcceptor(f, new(counters))
	defer a.close()
	a.sleep = func(d time.Duration) { last = d }
	dial(t, ln.Addr().String())
	nc, err := a.next()
	if err != nil {
		t.Fatal(err)
	}
	nc.Close()
	if last != maxAcceptDelay || a.delay != 0 {
		t.Errorf("last wait %v, then %v; want %v, 0", last, a.delay, maxAcceptDelay)
	}
}

// TestDrainUnderLoad shuts down below busy clients: no request that was sent on a
// fresh connection or answered in part is lost.
func TestDrainUnderLoad(t *testing.T) {
	h := &fake{serve: func(x *edge.Exchange) { respondWith(x, 200, 64<<10, newSpans(fill(1, 64<<10))) }}
	s, addr := run(t, h, false)
	var served, failed atomic.Int64
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			tr := &http.Transport{}
			defer tr.CloseIdleConnections()
			c := &http.Client{Transport: tr, Timeout: patience}
			for {
				resp, err := c.Get("http://" + addr + "/")
				if errors.Is(err, syscall.ECONNREFUSED) || (errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)) && s.draining.Load() {
					return // the listener is gone, with what was in its queue
				}
				if err == nil {
					_, err = io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
				}
				if err != nil {
					failed.Add(1)
					t.Errorf("client: %v", err)
					return
				}
				served.Add(1)
			}
		})
	}
	waitFor(t, "some load", func() bool { return served.Load() > 200 })
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown = %v", err)
	}
	clients.Wait()
	for _, d := range h.deliveries() {
		if d.d.Aborted {
			t.Fatalf("delivery %+v", d)
		}
	}
	if st := s.Stats(); st.Open != 0 || failed.Load() != 0 {
		t.Errorf("%d failed, stats %+v", failed.Load(), st)
	}
}

// TestDrain checks each kind of connection at shutdown: idle ones go at once, a
// running response says close, a silent one gets a grace, a stuck one is cut.
func TestDrain(t *testing.T) {
	body := newSpans("body")
	body.wait = make(chan struct{})
	h := &fake{serve: func(x *edge.Exchange) {
		if string(x.Req.Target) == "/slow" {
			<-body.wait
		}
		ok(x)
	}}
	s, addr := run(t, h, false)
	idle, busy, fresh := dial(t, addr), dial(t, addr), dial(t, addr)
	get(t, idle, bufio.NewReader(idle), "/")
	fmt.Fprint(busy, "GET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
	waitFor(t, "three connections at work", func() bool {
		n := 0
		s.conns.each(func(c *conn) {
			if p := phaseOf(c.state.Load()); p == phaseServe || p == phaseNew || p == phaseIdle {
				n++
			}
		})
		return n == 3 && s.Stats().Open == 3
	})
	down := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		down <- s.Shutdown(ctx)
	}()
	waitFor(t, "the drain to begin", s.draining.Load) // a silent connection has a second from here
	got, err := read(t, fresh, "GET /fresh HTTP/1.1\r\nHost: h\r\n\r\n")
	if err != nil || !strings.Contains(got, "Connection: close") || !strings.HasSuffix(got, "/fresh") {
		t.Errorf("request on its way: %q, %v", got, err)
	}
	if b, err := io.ReadAll(idle); err != nil || len(b) != 0 {
		t.Errorf("idle: %q, %v", b, err)
	}
	close(body.wait)
	if b, err := io.ReadAll(busy); err != nil || !strings.Contains(string(b), "Connection: close") || !strings.HasSuffix(string(b), "/slow") {
		t.Errorf("running: %q, %v", b, err)
	}
	if err := <-down; err != nil {
		t.Errorf("Shutdown = %v", err)
	}
	if _, err := net.Dial("tcp", addr); err == nil {
		t.Error("connections are still accepted")
	}
	if err := s.Serve(); !errors.Is(err, ErrClosed) {
		t.Errorf("Serve after Shutdown = %v", err)
	}
}

// TestDrainEnds checks that Shutdown cuts what does not end in time.
func TestDrainEnds(t *testing.T) {
	for _, overTLS := range []bool{false, true} {
		body := megabytes(64)
		h := &fake{serve: func(x *edge.Exchange) { respondWith(x, 200, 64<<20, body) }, done: make(chan struct{}, 1)}
		s, addr := run(t, h, overTLS)
		c := dial(t, addr)
		if overTLS {
			c = dialTLS(t, addr, "http/1.1")
		}
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
		if _, err := io.ReadFull(c, make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Shutdown = %v", err)
		}
		cancel()
		if n := s.Stats().Open; n != 0 {
			t.Errorf("%d connections are open", n)
		}
		<-h.done
		if d := h.deliveries()[0].d; !d.Aborted {
			t.Errorf("delivery %+v, want aborted", d)
		}
	}
}
