package origin

import (
	"bufio"
	"context"
	"net"
	"time"

	"github.com/valyala/fasthttp"
)

// requestBuffer holds a request head; a longer one takes two writes.
const requestBuffer = 4 << 10

// server is one origin: its connections, health and counters.
type server struct {
	endpoint
	opts   *Options
	pool   *fasthttp.HostClient
	slots  chan struct{} // one a fetch that holds or makes a connection
	health health
	count  counters
}

// newServer returns the origin of endpoint e.
func newServer(e endpoint, o *Options) *server {
	return &server{
		endpoint: e,
		opts:     o,
		slots:    make(chan struct{}, o.MaxConns),
		pool: &fasthttp.HostClient{
			Addr:                e.addr,
			Dial:                func(string) (net.Conn, error) { return &conn{}, nil },
			MaxConns:            o.MaxConns,
			MaxIdleConnDuration: o.KeepAliveIdle,
			ConnPoolStrategy:    fasthttp.LIFO,
			ReadBufferSize:      maxHead,
			WriteBufferSize:     requestBuffer,
		},
	}
}

// stats returns a snapshot.
func (s *server) stats() Stats {
	st := s.count.snapshot()
	st.Origin, st.Up, st.Active, st.Idle = s.name, s.health.up(), len(s.slots), s.pool.IdleConnsCount()
	return st
}

// fetch asks this origin, unless it is down, and learns from the result.
func (s *server) fetch(ctx context.Context, r *Request, end time.Time) (*Response, *Error) {
	a := s.health.admit(time.Now())
	if !a.ok {
		s.count.skipped.Add(1)
		return nil, &Error{Kind: a.why, Phase: PhaseConnect, Origin: s.name, Err: errDown(a.wait)}
	}
	s.count.requests.Add(1)
	resp, err := s.exchange(ctx, r, end)
	if err != nil {
		s.count.failed(err.Kind)
		s.health.fail(time.Now(), a, s.blames(err), err.Kind)
		return nil, err
	}
	s.health.succeed()
	return resp, nil
}

// exchange takes a place among MaxConns and sends the request, once more on a
// new connection when a kept one turns out to have been closed (RFC 9112 §9.3.1
// allows that for GET and HEAD). The place goes with the Response.
func (s *server) exchange(ctx context.Context, r *Request, end time.Time) (*Response, *Error) {
	if err := s.enter(ctx, end); err != nil {
		return nil, s.wrap(ctx, PhaseQueue, err)
	}
	resp, err := s.attempt(ctx, r, end, false)
	if err != nil && err.stale && r.repeatable() {
		s.count.retries.Add(1)
		resp, err = s.attempt(ctx, r, end, true)
	}
	if err != nil {
		<-s.slots
		return nil, err
	}
	return resp, nil
}

// enter waits for a place, at most the connect timeout.
func (s *server) enter(ctx context.Context, end time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case s.slots <- struct{}{}:
		return nil
	default:
	}
	t := time.NewTimer(min(s.opts.ConnectTimeout, time.Until(end)))
	defer t.Stop()
	select {
	case s.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return limitQueue
	}
}

// attempt sends the request on one connection and reads the header.
func (s *server) attempt(ctx context.Context, r *Request, end time.Time, fresh bool) (*Response, *Error) {
	c, failed := s.lease(ctx, fresh)
	if failed != nil {
		return nil, failed
	}
	resp := &Response{Origin: s.name, stream: stream{server: s, ctx: ctx, conn: c}}
	if ctx.Done() != nil {
		resp.unwatch = context.AfterFunc(ctx, c.abort)
	}
	if err := resp.open(r, s.limits(r, end)); err != nil {
		stale := c.reused && !c.heard && kindOf(PhaseHeader, err) == KindClosed && ctx.Err() == nil
		resp.hangUp(false)
		e := s.wrap(ctx, PhaseHeader, err)
		e.stale = stale
		return nil, e
	}
	return resp, nil
}

// limits returns the waits of one attempt.
func (s *server) limits(r *Request, end time.Time) limits {
	l := limits{header: s.opts.FirstByteTimeout, idle: s.opts.IdleTimeout, end: end}
	if r.Hold {
		l.header = s.opts.HoldTimeout
	}
	return l
}

// lease returns a connected connection: the one used last if it is still open
// and silent, else (or when fresh) a new one.
func (s *server) lease(ctx context.Context, fresh bool) (*conn, *Error) {
	for {
		pooled, err := s.pool.AcquireConn(0, false)
		if err != nil {
			return nil, s.wrap(ctx, PhaseConnect, err)
		}
		c := pooled.Conn().(*conn) //nolint:forcetypeassert // made by our Dial
		if c.Conn == nil {
			c.release = func(reuse bool) {
				if reuse {
					s.pool.ReleaseConn(pooled)
				} else {
					s.pool.CloseConn(pooled)
				}
			}
			return s.connect(ctx, c)
		}
		if !fresh && c.peek.usable() {
			s.count.reused.Add(1)
			c.reused = true
			return c, nil
		}
		c.release(false)
	}
}

// connect connects c or gives it up.
func (s *server) connect(ctx context.Context, c *conn) (*conn, *Error) {
	if phase, err := c.connect(ctx, &s.endpoint, s.opts); err != nil {
		c.release(false)
		return nil, s.wrap(ctx, phase, err)
	}
	s.count.connects.Add(1)
	return c, nil
}

// send writes the request head.
func (s *server) send(c *conn, r *Request) error {
	w := s.pool.AcquireWriter(c)
	defer s.pool.ReleaseWriter(w)
	r.write(w, &s.endpoint, s.opts.Node)
	return w.Flush()
}

// reader lends a read buffer for c.
func (s *server) reader(c *conn) *bufio.Reader { return s.pool.AcquireReader(c) }

// wrap makes the Error for a failure in phase. When the context has ended, that
// is the reason, whatever it looked like on the connection.
func (s *server) wrap(ctx context.Context, phase Phase, err error) *Error {
	kind := kindOf(phase, err)
	if ctx.Err() != nil {
		kind, err = KindCanceled, context.Cause(ctx)
	}
	return &Error{Kind: kind, Phase: phase, Origin: s.name, Err: err}
}
