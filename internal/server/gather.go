package server

import (
	"net"
	"sync"
	"sync/atomic"
)

// gatherSize is how many bytes of TLS records go out in one write. crypto/tls
// writes each record of 16 KiB by itself; 256 KiB at a time took 0.46 instead of
// 0.70-0.86 CPU seconds per GiB, 64 KiB took 0.52.
const gatherSize = 256 << 10

// gatherer is the connection below crypto/tls. While it holds, records are
// collected and go out together; otherwise, as during the handshake and for
// HTTP/2, they pass through.
//
// Only the goroutine that owns the connection may hold, flush and release. It
// must have done so before it closes: tls.Conn.Close forbids further writes.
type gatherer struct {
	net.Conn
	pool *gatherPool
	buf  []byte // nil while passing through
	// scratch has the plain text of one step while there was no buffer to gather in.
	scratch []byte
}

// recordRoom is what the records of one step take more than its plain text. The
// first records of a connection are small, a packet each, so there are up to 14.
const recordRoom = 1 << 10

// roomFor reports whether records of n bytes of plain text can be written without
// waiting, or are not gathered at all.
func (g *gatherer) roomFor(n int) bool {
	return g.buf == nil || len(g.buf)+n+recordRoom <= cap(g.buf)
}

// hold starts gathering. Without a free buffer nothing changes: more system
// calls, the same bytes.
func (g *gatherer) hold() {
	if g.buf == nil {
		g.buf = g.pool.get()
	}
}

// Write implements net.Conn for crypto/tls.
func (g *gatherer) Write(p []byte) (int, error) {
	if g.buf == nil {
		return g.Conn.Write(p)
	}
	if len(g.buf)+len(p) > cap(g.buf) {
		if err := g.drain(); err != nil {
			return 0, err
		}
		if len(p) > cap(g.buf) {
			return g.Conn.Write(p)
		}
	}
	g.buf = append(g.buf, p...)
	return len(p), nil
}

// Read implements net.Conn. Whoever waits for an answer has sent the question.
func (g *gatherer) Read(p []byte) (int, error) {
	if g.buf != nil {
		if err := g.flush(); err != nil {
			return 0, err
		}
	}
	return g.Conn.Read(p)
}

// flush writes what is held, gives the buffer back and passes through again.
func (g *gatherer) flush() error {
	if g.buf == nil {
		return nil
	}
	err := g.drain()
	g.release()
	return err
}

// release gives the buffer back with whatever is in it.
func (g *gatherer) release() {
	if g.buf != nil {
		g.pool.put(g.buf)
		g.buf = nil
	}
}

func (g *gatherer) drain() error {
	b := g.buf
	g.buf = b[:0]
	if len(b) == 0 {
		return nil
	}
	_, err := g.Conn.Write(b)
	return err
}

// gatherPool lends buffers of gatherSize, up to a limit of bytes lent at once: a
// client that does not read keeps its buffer as long as it likes.
type gatherPool struct {
	free sync.Pool
	lent atomic.Int64
	max  int64
}

func (p *gatherPool) get() []byte {
	if p.lent.Add(gatherSize) > p.max {
		p.lent.Add(-gatherSize)
		return nil
	}
	if b, ok := p.free.Get().(*[gatherSize]byte); ok {
		return b[:0]
	}
	return make([]byte, 0, gatherSize)
}

func (p *gatherPool) put(b []byte) {
	p.lent.Add(-gatherSize)
	p.free.Put((*[gatherSize]byte)(b[:gatherSize]))
}
