package origin

import (
	"context"
	"crypto/tls"
	"net"
	"time"
)

// firstRead caps reads while the header is awaited. One of this size takes in a
// small response whole; of a large one only so much has to be copied out of the
// buffer, the rest goes straight to the caller. Measured against a full buffer
// (64 KiB), CPU of both ends: 64 KiB body 21 instead of 23 µs, others equal.
const firstRead = 8 << 10

// limits are the waits that one exchange may take.
type limits struct {
	header time.Duration // until the final header is complete
	idle   time.Duration // one read of the body
	end    time.Time     // of the whole fetch
}

// conn is a connection to an origin. It turns the one deadline a socket has into
// the limit of the phase it is in, so that its users just read and write.
//
// It is made unconnected, because fasthttp's dial hook knows no context:
// the fetch that got it connects it. One fetch owns it at a time; only abort may
// be called from elsewhere.
type conn struct {
	net.Conn // nil until connect

	release func(reuse bool) // gives it back to the pool or closes it
	abort   func()           // closes it; for context.AfterFunc
	peek    *peeker          // nil until connect

	limits limits
	meter  meter
	due    time.Time // deadline the socket has
	last   time.Time // when the last read of the body returned, zero before the first
	body   bool      // past the header
	reused bool      // an exchange came before this one
	heard  bool      // a byte of this response has arrived
}

// Close closes the connection. It may be called when there is none, more than
// once, and while another call is blocked.
func (c *conn) Close() error {
	if c.Conn == nil {
		return nil
	}
	return c.Conn.Close()
}

// connect dials e and does the TLS handshake when it is an https origin. The
// phase is how far it came.
func (c *conn) connect(ctx context.Context, e *endpoint, o *Options) (Phase, error) {
	d := net.Dialer{Timeout: o.ConnectTimeout}
	nc, err := d.DialContext(ctx, "tcp", e.addr)
	if err != nil {
		if ne, ok := err.(net.Error); ok && ne.Timeout() { //nolint:errorlint // always a bare *net.OpError
			err = limitConnect
		}
		return PhaseConnect, err
	}
	c.Conn, c.peek = nc, newPeeker(nc, e.tls != nil)
	c.abort = func() { _ = c.Close() }
	if e.tls == nil {
		return PhaseConnect, nil
	}
	return PhaseTLS, c.handshake(ctx, e.tls, o.TLSTimeout)
}

// handshake puts TLS on the connection.
func (c *conn) handshake(ctx context.Context, cfg *tls.Config, limit time.Duration) error {
	if err := c.Conn.SetDeadline(time.Now().Add(limit)); err != nil {
		return err
	}
	t := tls.Client(c.Conn, cfg)
	if err := t.HandshakeContext(ctx); err != nil {
		if timedOut(err) {
			err = limitTLS
		}
		return err
	}
	c.Conn = t
	return nil
}

// begin starts an exchange: from now the limit for the header runs.
func (c *conn) begin(now time.Time, l limits, minRate int64, window time.Duration) error {
	c.limits, c.body, c.heard, c.last = l, false, false, time.Time{}
	c.meter = newMeter(minRate, window)
	c.due = earlier(now.Add(l.header), l.end)
	return c.Conn.SetDeadline(c.due)
}

// Write writes under the limit of the header.
func (c *conn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if timedOut(err) {
		err = c.headerLimit()
	}
	return n, err
}

// Read reads under the limit of the phase.
func (c *conn) Read(p []byte) (int, error) {
	if c.body {
		return c.readBody(p)
	}
	n, err := c.Conn.Read(p[:min(len(p), firstRead)])
	c.heard = c.heard || n > 0
	if timedOut(err) {
		err = c.headerLimit()
	}
	return n, err
}

// headerLimit says which limit passed while the header was awaited.
func (c *conn) headerLimit() error {
	if c.due.Equal(c.limits.end) {
		return limitTotal
	}
	return limitHeader
}

// readBody reads once. A deadline costs as much as a small read, so it is set
// anew only when the one in place has passed too early, not for every read. The
// time between reads is the caller's, who may be waiting for a slow viewer: no
// limit counts it.
func (c *conn) readBody(p []byte) (int, error) {
	begun := time.Now()
	if !c.last.IsZero() {
		c.limits.end = c.limits.end.Add(begun.Sub(c.last))
	}
	for now := begun; ; {
		idleEnd := begun.Add(c.limits.idle)
		switch {
		case !now.Before(c.limits.end):
			return 0, limitTotal
		case !now.Before(idleEnd):
			return 0, limitIdle
		}
		if err := c.arm(now, earlier(idleEnd, c.limits.end)); err != nil {
			return 0, err
		}
		n, err := c.Conn.Read(p)
		now = time.Now()
		if timedOut(err) {
			continue
		}
		if c.last = now; !c.meter.add(n, now.Sub(begun)) && err == nil {
			err = limitRate
		}
		return n, err
	}
}

// arm makes sure that a read wakes by due at the latest.
func (c *conn) arm(now, due time.Time) error {
	if c.due.After(now) && !c.due.After(due) {
		return nil
	}
	c.due = due
	return c.Conn.SetReadDeadline(due)
}

// earlier returns the earlier of two times.
func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
