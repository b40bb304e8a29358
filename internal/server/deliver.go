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

	head     []byte // header, later chunk lines; not yet sent
	buf      []byte // backing of head, kept between responses
	spanSent int    // bytes of the span that the last send took
	start    time.Time
	broken   error // an interim response could not be written
	account  edge.Delivery
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
		err = d.send(nil, nil, nil, false)
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
	files := d.filesOf(body, size)
	for left := size; left > 0; {
		if files != nil {
			n, whole, err := d.sendFile(files, left)
			if left -= n; err != nil {
				return err
			}
			if whole || left == 0 {
				continue
			}
		}
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
		if err := d.sendSpan(body, span, nil, left > 0 && body.Ready()); err != nil {
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
			return d.send(nil, nil, nil, false)
		}
		if err != nil {
			return err
		}
		d.head = appendChunkLine(d.head, len(span))
		if err := d.sendSpan(body, span, crlf, body.Ready()); err != nil {
			return err
		}
	}
}

// writeOpen sends body until its end, which the end of the connection marks.
func (d *delivery) writeOpen(body edge.Body) error {
	for {
		span, err := d.next(body)
		if err == io.EOF {
			return d.send(nil, nil, nil, false)
		}
		if err != nil {
			return err
		}
		if err := d.sendSpan(body, span, nil, body.Ready()); err != nil {
			return err
		}
	}
}

// clock notes when something was handed over. Most responses go out in one piece:
// then the first byte's time is the last one's too, and nobody reads the clock again.
func (d *delivery) clock() {
	if a := &d.account; a.FirstByte == 0 {
		a.FirstByte = time.Since(d.start)
		a.Took = a.FirstByte
		return
	}
	d.account.Took = 0
}

// next returns the next span. Before it waits it puts out what is held.
func (d *delivery) next(body edge.Body) ([]byte, error) {
	if body.Ready() {
		return body.Next()
	}
	if err := d.send(nil, nil, nil, false); err != nil {
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

// sendSpan sends what is in head, then span and tail. When the span was given away
// while the client was not ready, its rest is got again, in whatever spans it comes.
func (d *delivery) sendSpan(body edge.Body, span, tail []byte, more bool) error {
	err := d.send(body, span, tail, more)
	if err != errTaken { //nolint:errorlint // returned bare
		return err
	}
	rest := len(span) - d.spanSent
	body.Unread(rest)
	for rest > 0 {
		if span, err = d.next(body); err != nil {
			return lengthError(err)
		}
		if over := len(span) - rest; over > 0 {
			body.Unread(over)
			span = span[:rest]
		}
		last, end := len(span) == rest, []byte(nil)
		if last {
			end = tail
		}
		err = d.send(body, span, end, more || !last && body.Ready())
		rest -= d.spanSent
		switch {
		case err == errTaken: //nolint:errorlint // returned bare
			body.Unread(len(span) - d.spanSent)
		case err != nil:
			return err
		}
	}
	return nil
}

// lengthError is the error of a body that ends where it had gone on before.
func lengthError(err error) error {
	if err == io.EOF { //nolint:errorlint // returned bare
		return errBodyLength
	}
	return err
}

// send sends what is in head, then span and tail, and accounts for them. It may
// return errTaken when the span has an owner; what was not sent of head stays there.
func (d *delivery) send(owner edge.Pausable, span, tail []byte, more bool) error {
	head := len(d.head)
	d.spanSent = 0
	if head+len(span)+len(tail) == 0 {
		return nil
	}
	n, err := d.wire.send(owner, d.head, span, tail, more)
	d.clock()
	sentHead := min(n, int64(head))
	d.spanSent = int(min(n-sentHead, int64(len(span))))
	d.account.Body += int64(d.spanSent)
	d.account.Header += n - int64(d.spanSent)
	d.head = d.head[sentHead:]
	if len(d.head) == 0 {
		d.head = d.buf[:0]
	}
	return err
}
