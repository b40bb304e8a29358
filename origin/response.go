package origin

import (
	"bufio"
	"cmp"
	"context"
	"io"
	"time"

	"edged/cache/object"
)

// Response is the answer of one origin. It belongs to one goroutine and must be
// closed; until its end it holds a connection.
type Response struct {
	Status int
	// Header holds the end-to-end fields in the origin's order and spelling. Not
	// in it: fields of the connection, those that Connection lists, trailers and
	// the framing (Content-Length is in Size). The strings are owned by the
	// caller and share one allocation.
	Header object.Header
	// Size is the length of the body in bytes, -1 when unknown. For HEAD and 304
	// it is the Content-Length the origin stated, though no body follows.
	Size int64
	// CloseDelimited marks a body that only the end of the connection delimits: it
	// cannot be told from a truncated one.
	CloseDelimited bool
	Origin         string // URL of the origin as configured
	Index          int    // its place in Options.URLs
	Requested      int64  // when the request was sent, Unix nanoseconds
	Received       int64  // when the header was complete, Unix nanoseconds

	stream
}

// stream is the part of a Response that holds resources.
type stream struct {
	server  *server
	ctx     context.Context //nolint:containedctx // of the fetch, which lasts until Close
	conn    *conn           // nil once given back
	unwatch func() bool     // stops watching ctx, nil when it cannot end
	br      *bufio.Reader   // nil once given back
	body    body
	keep    bool // the connection may be used again after a clean end
	err     error
}

// open sends the request and reads the final header.
func (r *Response) open(q *Request, l limits) error {
	s, c := r.server, r.conn
	sent := time.Now()
	if err := c.begin(sent, l, s.opts.MinRate, s.opts.RateWindow); err != nil {
		return err
	}
	unsent := s.send(c, q)
	if unsent != nil && len(q.Body) == 0 {
		return unsent
	}
	r.br = s.reader(c)
	h, err := readHead(r.br, q.Method, q.Interim)
	if err != nil {
		return cmp.Or(unsent, err) // a refusal may be there before all content was sent (RFC 9112 §9.3)
	}
	received := time.Now()
	s.count.answered(received.Sub(sent))
	c.body = true
	r.Status, r.Header, r.Size = h.status, h.header, h.size
	r.CloseDelimited = h.frame == frameClose
	r.Requested, r.Received = sent.UnixNano(), received.UnixNano()
	r.keep = h.keep && unsent == nil
	r.body = body{br: r.br, src: c, frame: h.frame}
	if h.frame == frameLength {
		r.body.left = h.size
	}
	if r.body.whole() {
		r.finish()
	}
	return nil
}

// Read reads the next bytes of the body into p, waiting for at least one. It
// writes only to the part of p that it reports. io.EOF means that the body is
// whole (but see CloseDelimited). Every other error is an *Error: KindTimeout
// when a limit passed, KindCanceled, KindProtocol, and KindClosed with
// io.ErrUnexpectedEOF for a body that ended early. Errors repeat.
func (r *Response) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	n, err := r.body.Read(p)
	r.server.count.bytes.Add(uint64(n)) //nolint:gosec // never negative
	switch {
	case err == io.EOF || err == nil && r.body.whole(): //nolint:errorlint // body returns it bare
		r.finish()
	case err != nil:
		r.fail(err)
		return n, r.err
	}
	return n, err
}

// finish ends a response that was read to its clean end.
func (r *Response) finish() {
	r.err = io.EOF
	r.hangUp(r.keep && r.br.Buffered() == 0)
	<-r.server.slots
}

// fail ends a response that broke off.
func (r *Response) fail(cause error) {
	e := r.server.wrap(r.ctx, PhaseBody, cause)
	r.server.count.failed(e.Kind)
	r.err = e
	r.hangUp(false)
	<-r.server.slots
}

// Close gives the connection back when the body was read to its end or the rest
// of it is here already, and closes it otherwise. It may be called more than
// once.
func (r *Response) Close() {
	if r == nil || r.conn == nil {
		return
	}
	if b := &r.body; b.frame == frameLength && b.left <= int64(r.br.Buffered()) {
		_, _ = r.br.Discard(int(b.left))
		r.finish()
	} else {
		r.hangUp(false)
		<-r.server.slots
	}
	r.err = &Error{Kind: KindClosed, Phase: PhaseBody, Origin: r.Origin, Err: io.ErrClosedPipe}
}

// hangUp gives buffer and connection back. A context that has ended meanwhile
// has closed the connection, so it is not kept then.
func (s *stream) hangUp(reuse bool) {
	if s.unwatch != nil && !s.unwatch() {
		reuse = false
	}
	if s.br != nil {
		s.server.pool.ReleaseReader(s.br)
		s.br = nil
	}
	s.conn.release(reuse)
	s.conn = nil
}
