package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// ErrClosed is what Serve returns after Shutdown.
var ErrClosed = errors.New("server: closed")

// drainGrace is how long a connection that has not sent anything yet may still
// do so while draining: its request is probably on the way.
const drainGrace = time.Second

// Listener is a source of connections. It may come from [Listen] or from socket
// activation.
type Listener struct {
	net.Listener
	TLS bool // HTTPS: handshake, then HTTP/1 or HTTP/2 by ALPN
}

// Server runs the listeners of a node. Create it with [New].
type Server struct {
	opt     Options
	handler Handler
	limits  limits

	http1     *fasthttp.Server
	http2     *http.Server
	http2Conn *handoff
	tls       *tls.Config
	certs     certStore
	slots     chan struct{} // handshakes being computed
	gather    gatherPool
	date      dateCache

	conns    registry
	tick     atomic.Uint64 // sweeps since the start
	draining atomic.Bool
	count    counters
	sending  atomic.Int32 // sendfile calls under way

	openPlain, openTLS atomic.Int64 // open connections by kind of listener

	accepting  sync.WaitGroup // accept loops; added to under mu
	background sync.WaitGroup // sweeper and the HTTP/2 server
	serving    tally          // connection goroutines of ours
	streams    tally          // HTTP/2 requests being served

	mu      sync.Mutex
	started bool           // guarded by mu: background goroutines run
	closed  bool           // guarded by mu: Shutdown was called
	lns     []net.Listener // guarded by mu
	stop    chan struct{}  // closed when background goroutines must end
}

// New checks o and returns a Server that is not running yet.
func New(o Options) (*Server, error) {
	if o.Handler == nil {
		return nil, errNoHandler
	}
	o = o.withDefaults()
	s := &Server{
		opt: o, handler: o.Handler, limits: newLimits(&o),
		slots:  make(chan struct{}, o.MaxHandshakes),
		gather: gatherPool{max: o.TLSBufferBytes},
		stop:   make(chan struct{}),
	}
	if len(o.Certificates) > 0 {
		if err := s.SetCertificates(o.Certificates); err != nil {
			return nil, err
		}
	}
	s.tls = newTLSConfig(s)
	s.http1 = newHTTP1(s)
	s.http2 = newHTTP2(s)
	s.http2Conn = newHandoff()
	return s, nil
}

// Serve accepts connections until Shutdown, then returns [ErrClosed]. If a
// listener ends by itself before, it returns that error at once, while the other
// ones go on. It closes the listeners, except when
// it refuses them at once for want of a certificate. Serve may be called several
// times.
func (s *Server) Serve(listeners ...Listener) error {
	for _, l := range listeners {
		if l.TLS && s.certs.empty() {
			return fmt.Errorf("server: %s is HTTPS but there is no certificate", l.Addr())
		}
	}
	if !s.start(listeners) {
		for _, l := range listeners {
			_ = l.Close()
		}
		return ErrClosed
	}
	ended := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() {
			defer s.accepting.Done()
			ended <- s.accept(l)
		}()
	}
	for range listeners {
		if err := <-ended; !errors.Is(err, ErrClosed) {
			return err
		}
	}
	return ErrClosed
}

// start notes the listeners and starts what runs beside them.
func (s *Server) start(listeners []Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	for _, l := range listeners {
		s.lns = append(s.lns, l.Listener)
	}
	s.accepting.Add(len(listeners))
	if !s.started {
		s.started = true
		s.background.Go(func() { s.sweep(s.stop) })
		s.background.Go(func() { _ = s.http2.Serve(s.http2Conn) })
	}
	return true
}

// accept runs the accept loop of one listener.
func (s *Server) accept(l Listener) error {
	defer l.Close()
	a := newAcceptor(l.Listener, &s.count)
	defer a.close()
	for {
		nc, err := a.next()
		if err != nil {
			if s.draining.Load() {
				return ErrClosed
			}
			return fmt.Errorf("server: accept on %s: %w", l.Addr(), err)
		}
		s.take(nc, l.TLS)
	}
}

// take starts serving nc, or drops it when there are too many connections.
// Limits for each network will be asked here.
func (s *Server) take(nc net.Conn, overTLS bool) {
	gauge := &s.openPlain
	if overTLS {
		gauge = &s.openTLS
	}
	c := newConn(s, nc, gauge)
	if !s.conns.add(c, s.opt.MaxConns) {
		s.count.Shed.Add(1)
		c.abort()
		_ = c.Close()
		return
	}
	s.count.Accepted.Add(1)
	tune(c, s.opt.NotSentLowWater, s.opt.UserTimeout)
	s.serving.add(1)
	go func() {
		defer s.serving.add(-1)
		defer s.recoverConn(c)
		if overTLS {
			s.serveTLS(c)
		} else {
			s.servePlain(c)
		}
	}()
}

// servePlain serves HTTP/1 without TLS until the connection ends.
func (s *Server) servePlain(c *conn) {
	_ = s.http1.ServeConn(newSession(c, c, plainWire{&c.out}, 0))
}

// recoverConn is the last line: a panic below the handlers costs one connection.
func (s *Server) recoverConn(c *conn) {
	if v := recover(); v != nil {
		s.panicked("connection", v)
		c.abort()
		_ = c.Close()
	}
}

// Shutdown stops accepting, lets requests that have begun finish, and returns
// when no connection is left. HTTP/1 responses say Connection: close from now
// on, HTTP/2 connections get GOAWAY. When ctx ends first, what is left is cut,
// and the error is ctx's.
//
// In any case no call of the Handler and no body is in use when Shutdown
// returns. It therefore waits for calls that block, ctx or not.
func (s *Server) Shutdown(ctx context.Context) error {
	first := s.close()
	s.accepting.Wait() // from here on there are no new connections
	s.conns.each(func(c *conn) { s.inspect(c, s.tick.Load()) })
	goaway := make(chan struct{})
	go func() {
		defer close(goaway)
		_ = s.http2.Shutdown(ctx)
	}()
	var err error
	select {
	case <-s.conns.open.zero():
	case <-ctx.Done():
		err = context.Cause(ctx)
		s.conns.each(cutNow)
	}
	<-goaway
	_ = s.http2.Close()
	_ = s.http2Conn.Close()
	<-s.serving.zero()
	<-s.streams.zero()
	if first {
		close(s.stop)
	}
	s.background.Wait()
	return err
}

// close ends the listeners and reports whether it was the first to do so.
func (s *Server) close() (first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	first = !s.closed
	s.closed = true
	s.draining.Store(true)
	for _, ln := range s.lns {
		_ = ln.Close()
	}
	s.lns = nil
	return first
}

// cutNow ends a connection for whose client the drain was too short.
func cutNow(c *conn) {
	c.abort()
	_ = c.SetDeadline(past)
}
