package server

import (
	"errors"
	"fmt"
	"io"
	"time"

	"edged/internal/edge"
)

// errBodyLength means that a body and its stated length disagree. The
// connection is cut: the client must not take the rest for the next response.
var errBodyLength = errors.New("server: body and its length disagree")

var crlf = []byte("\r\n")

// delivery writes one HTTP/1 response to a wire and keeps the account of it. It
// lives in its connection and is reused.
type delivery struct {
	wire wire
	conn *conn // phases for the sweeper

	head    []byte // header, later chunk lines; not yet sent
	buf     []byte // backing of head, kept between responses
	start   time.Time
	broken  error // an interim response could not be written
	account edge.Delivery
}

// write sends r. The error is why the connection must be cut.
func (d *delivery) write(r *edge.Response, o *headOptions, start time.Time) error {
	if err := d.broken; err != nil {
		d.broken = nil
		return err
	}
	d.start = start
	d.buf = appendHead(d.buf[:0], r, o)
	d.head = d.buf
	d.conn.enter(phaseWrite)
	var err error
	switch o.framing {
	case noBody:
		err = d.send(nil, nil, false)
	case sized:
		err = d.writeSized(r.Body, r.Size)
	case chunked:
		err = d.writeChunked(r.Body)
	case closeDelimited:
		err = d.writeOpen(r.Body)
	}
	d.head = nil
	if err != nil {
		return err
	}
	return d.wire.flush()
}

// writeSized sends exactly size bytes of body.
func (d *delivery) writeSized(body edge.Body, size int64) error {
	for left := size; left > 0; {
		span, err := d.next(body)
		if err == io.EOF {
			return fmt.Errorf("%w: %d bytes short", errBodyLength, left)
		}
		if err != nil {
			return err
		}
		if int64(len(span)) > left {
			return fmt.Errorf("%w: %d bytes over", errBodyLength, int64(len(span))-left)
		}
		left -= int64(len(span))
		if err := d.send(span, nil, left > 0 && body.Ready()); err != nil {
			return err
		}
	}
	return nil
}

// writeChunked sends one chunk a span, so that the timing of a live origin's
// parts is kept.
func (d *delivery) writeChunked(body edge.Body) error {
	for {
		span, err := d.next(body)
		if err == io.EOF {
			d.head = append(d.head, "0\r\n\r\n"...)
			return d.send(nil, nil, false)
		}
		if err != nil {
			return err
		}
		d.head = appendChunkLine(d.head, len(span))
		if err := d.send(span, crlf, body.Ready()); err != nil {
			return err
		}
	}
}

// writeOpen sends body until its end, which the end of the connection marks.
func (d *delivery) writeOpen(body edge.Body) error {
	for {
		span, err := d.next(body)
		if err == io.EOF {
			return d.send(nil, nil, false)
		}
		if err != nil {
			return err
		}
		if err := d.send(span, nil, body.Ready()); err != nil {
			return err
		}
	}
}

// next returns the next span. Before it waits it puts out what is held.
func (d *delivery) next(body edge.Body) ([]byte, error) {
	if body.Ready() {
		return body.Next()
	}
	if err := d.send(nil, nil, false); err != nil {
		return nil, err
	}
	if err := d.wire.flush(); err != nil {
		return nil, err
	}
	d.conn.enter(phaseServe)
	span, err := body.Next()
	d.conn.enter(phaseWrite)
	return span, err
}

// send sends what is in head, then span and tail, and accounts for them.
func (d *delivery) send(span, tail []byte, more bool) error {
	head := len(d.head)
	if head+len(span)+len(tail) == 0 {
		return nil
	}
	n, err := d.wire.send(d.head, span, tail, more)
	if d.account.FirstByte == 0 {
		d.account.FirstByte = time.Since(d.start)
	}
	body := min(max(0, n-int64(head)), int64(len(span)))
	d.account.Body += body
	d.account.Header += n - body
	d.head = d.buf[:0]
	return err
}
