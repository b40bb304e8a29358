package server

import "crypto/tls"

// wire takes the bytes of HTTP/1 responses, in order.
type wire interface {
	// send writes a, b and c and returns how many of their bytes were taken. With
	// more the tail may stay here until the next send or flush.
	send(a, b, c []byte, more bool) (int64, error)
	// flush puts out whatever send kept.
	flush() error
	// drop forgets whatever send kept: the connection is being cut.
	drop()
}

// plainWire writes to the socket itself. MSG_MORE holds bytes back in the
// kernel, for 200 ms at most and only when a send without it follows at once, so
// there is nothing to flush.
type plainWire struct{ out *rawWriter }

func (w plainWire) send(a, b, c []byte, more bool) (int64, error) { return w.out.send(a, b, c, more) }
func (plainWire) flush() error                                    { return nil }
func (plainWire) drop()                                           {}

// tlsWire writes through crypto/tls, whose records are gathered below it.
type tlsWire struct {
	tls   *tls.Conn
	under *gatherer
}

func (w tlsWire) send(a, b, c []byte, more bool) (n int64, err error) {
	w.under.hold()
	for _, p := range [...][]byte{a, b, c} {
		if len(p) == 0 {
			continue
		}
		k, err := w.tls.Write(p)
		n += int64(k)
		if err != nil {
			return n, err
		}
	}
	if more {
		return n, nil
	}
	return n, w.under.flush()
}

func (w tlsWire) flush() error { return w.under.flush() }
func (w tlsWire) drop()        { w.under.release() }
