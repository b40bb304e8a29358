package server

import (
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

// phase is what a connection is doing, as far as its limits are concerned.
type phase uint64

const (
	phaseNew       phase = iota // accepted, nothing of a request seen yet
	phaseHandshake              // TLS handshake
	phaseHeader                 // a request header has begun
	phaseServe                  // in the handler, or waiting for an origin's bytes
	phaseWrite                  // there are bytes to send; the client sets the pace
	phaseIdle                   // between two requests
	phaseLinger                 // refused; reading on so that the answer arrives
	phaseStream                 // HTTP/2: net/http keeps the limits
	phaseClosing                // the sweeper has decided; nothing may start
)

const phaseBits = 4

// conn is one accepted connection, below TLS. Its owner goroutine reads and
// writes; the sweeper looks at its atomics and interrupts it by a deadline in
// the past, so that no step of a response costs a timer.
type conn struct {
	net.Conn
	srv    *Server
	out    rawWriter
	client netip.AddrPort // IPv4 is never in its IPv6-mapped form
	gauge  *atomic.Int64

	// state holds the phase in its low bits and the tick it began above them.
	state atomic.Uint64
	sent  atomic.Int64 // bytes the kernel took
	reset atomic.Bool  // close by RST: what was sent must not look whole
	gone  atomic.Bool  // Close has run

	// mark is the start of the running rate window. The sweeper owns it.
	mark struct {
		tick uint64
		sent int64
	}

	next, prev *conn // guarded by the registry's mutex
	listed     bool  // guarded by the registry's mutex
	admitted   bool  // holds a handshake slot; owner goroutine only
}

// newConn counts in gauge until it is closed.
func newConn(s *Server, nc net.Conn, gauge *atomic.Int64) *conn {
	c := &conn{Conn: nc, srv: s, client: peer(nc), gauge: gauge}
	gauge.Add(1)
	c.out.init(nc, &c.sent)
	c.out.file.sending = &s.sending
	c.enter(phaseNew)
	return c
}

// peer returns the address of the other end; the zero value for anything but TCP.
func peer(nc net.Conn) netip.AddrPort {
	a, ok := nc.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	ap := a.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
}

// enter starts phase p now. Only the owner goroutine calls it.
func (c *conn) enter(p phase) {
	c.state.Store(c.srv.tick.Load()<<phaseBits | uint64(p))
}

// move goes from phase a to b, unless the connection is no longer in a: then
// the sweeper was first.
func (c *conn) move(a, b phase) bool {
	w := c.state.Load()
	if phaseOf(w) != a {
		return false
	}
	return c.state.CompareAndSwap(w, c.srv.tick.Load()<<phaseBits|uint64(b))
}

func phaseOf(w uint64) phase    { return phase(w & (1<<phaseBits - 1)) }
func sinceTick(w uint64) uint64 { return w >> phaseBits }

// Write sends p whole. crypto/tls and net/http write through it.
func (c *conn) Write(p []byte) (int, error) {
	n, err := c.out.send(nil, p, nil, nil, false)
	return int(n), err
}

// past is a deadline that is over.
var past = time.Unix(1, 0)

// interrupt makes the owner's pending call return at once, and every later one:
// reads in the phases that read, so that an answer can still be written, and
// both otherwise. Any goroutine may call it.
func (c *conn) interrupt(p phase) {
	switch p {
	case phaseNew, phaseHeader, phaseIdle, phaseLinger:
		_ = c.SetReadDeadline(past)
	default:
		_ = c.SetDeadline(past)
	}
}

// abort makes the coming Close a reset: the peer sees a broken connection, and
// the kernel drops what it still holds for a client that does not read.
func (c *conn) abort() { c.reset.Store(true) }

// Close releases the connection. Only the first call does anything.
func (c *conn) Close() error {
	if !c.gone.CompareAndSwap(false, true) {
		return net.ErrClosed
	}
	c.srv.conns.remove(c)
	c.gauge.Add(-1)
	if tc, ok := c.Conn.(interface{ SetLinger(int) error }); ok && c.reset.Load() {
		_ = tc.SetLinger(0)
	}
	return c.Conn.Close()
}

// lingerBytes bounds what is read from a refused client before the connection goes.
const lingerBytes = 256 << 10

// linger ends our side and reads on for a moment. Closing a socket that has
// unread input makes the kernel send a reset, which can overtake the answer.
func (c *conn) linger() {
	cw, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok || cw.CloseWrite() != nil {
		return
	}
	c.enter(phaseLinger)
	scratch := make([]byte, 4<<10)
	for total := 0; total < lingerBytes; {
		n, err := c.Conn.Read(scratch)
		if err != nil {
			return
		}
		total += n
	}
}
