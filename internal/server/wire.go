package server

import (
	"crypto/tls"
	"errors"

	"edged/internal/edge"
)

// errTaken means that a body gave its span away while its client was not ready: the
// caller has to get what was not sent of it once more.
var errTaken = errors.New("server: span was given away")

// wire takes the bytes of HTTP/1 responses, in order.
type wire interface {
	// send writes a, b and c and returns how many of their bytes were taken. With
	// more the tail may stay here until the next send or flush. While it waits for
	// the client, owner, unless it is nil, may take b back: then the error is
	// errTaken, and nothing after the taken bytes was sent.
	send(owner edge.Pausable, a, b, c []byte, more bool) (int64, error)
	// flush puts out whatever send kept.
	flush() error
	// drop forgets whatever send kept: the connection is being cut.
	drop()
}

// fileWire is a wire that can send from a file.
type fileWire interface {
	// sendFile writes head and then the range, and returns how many bytes of both
	// were taken. Fewer than all without an error means that the rest is not in
	// memory, or not readable: it has to come another way.
	sendFile(head []byte, f edge.FileSpan) (int64, error)
}

// plainWire writes to the socket itself. MSG_MORE holds bytes back in the
// kernel, for 200 ms at most and only when a send without it follows at once, so
// there is nothing to flush.
type plainWire struct{ out *rawWriter }

func (w plainWire) send(owner edge.Pausable, a, b, c []byte, more bool) (int64, error) {
	return w.out.send(owner, a, b, c, more)
}

func (w plainWire) sendFile(head []byte, f edge.FileSpan) (int64, error) {
	return w.out.sendFile(head, f)
}
func (plainWire) flush() error { return nil }
func (plainWire) drop()        {}

// tlsWire writes through crypto/tls, whose records are gathered below it.
type tlsWire struct {
	tls   *tls.Conn
	under *gatherer
}

func (w tlsWire) send(owner edge.Pausable, a, b, c []byte, more bool) (n int64, err error) {
	w.under.hold()
	for i, p := range [...][]byte{a, b, c} {
		k, err := w.encrypt(owner, p)
		n += int64(k)
		if err != nil && (i != 1 || err != errTaken || k < len(b)) {
			return n, err
		}
	}
	if more {
		return n, nil
	}
	return n, w.under.flush()
}

// tlsStep is how much is encrypted at a time, at most one full record.
const tlsStep = 16 << 10

// encrypt writes p in steps that never wait inside crypto/tls, which would go on
// reading p afterwards: it makes room first, with the owner of p parked. Without a
// buffer to gather in, steps are copied and the owner is parked for each.
func (w tlsWire) encrypt(owner edge.Pausable, p []byte) (n int, err error) {
	for n < len(p) {
		step := p[n:min(len(p), n+tlsStep)]
		if !w.under.roomFor(len(step)) {
			park(owner)
			err := w.under.drain()
			if !resume(owner) && err == nil {
				err = errTaken
			}
			if err != nil {
				return n, err
			}
		}
		k, err := w.write(owner, step)
		n += k
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// write encrypts one step.
func (w tlsWire) write(owner edge.Pausable, step []byte) (int, error) {
	if w.under.buf != nil || owner == nil {
		return w.tls.Write(step)
	}
	step = append(w.under.scratch[:0], step...)
	w.under.scratch = step
	park(owner)
	n, err := w.tls.Write(step)
	if !resume(owner) && err == nil {
		err = errTaken
	}
	return n, err
}

func park(owner edge.Pausable) {
	if owner != nil {
		owner.Park()
	}
}

func resume(owner edge.Pausable) bool { return owner == nil || owner.Resume() }

func (w tlsWire) flush() error { return w.under.flush() }
func (w tlsWire) drop()        { w.under.release() }
