package edge

import (
	"encoding/hex"
	"io"
	"math/rand/v2"

	"edged/cache"
	"edged/cache/object"
	"edged/internal/byterange"
)

// parts is the Body of a 206 with several ranges (RFC 9110 §14.6): before the
// bytes of each what says which they are, and an end after the last.
type parts struct {
	body   *body
	form   byterange.Multipart
	ranges []byterange.Range // still to be sent; the first is begun when inside
	inside bool
	ended  bool
	frame  text // framing that comes before anything else
	framed bool // the present span is of the frame
}

// several answers a request for more than one range. What frames at most
// byterange.MaxRanges parts is about a kilobyte: too little to send the whole instead
// where that is shorter, to a client that asked for parts.
func (e *Edge) several(x *Exchange, o *cache.Object, m *object.Meta, ranges []byterange.Range) {
	form := byterange.Multipart{Boundary: boundary(), ContentType: m.Header.Get("Content-Type"), Size: o.Size()}
	x.rangeAsk = byterange.Range{Start: ranges[0].Start, End: ranges[0].End}
	x.reset(206)
	e.open(x, o, ranges[0].Start, ranges[0].End)
	x.stored(m)
	x.drop("Content-Range")
	x.replace("Content-Type", string(form.AppendContentType(nil)))
	x.finishHeader()
	x.Resp.Size = form.Length(ranges)
	if x.attach(); x.Resp.Body != nil {
		x.Resp.Body = &parts{body: &x.body, form: form, ranges: ranges}
	}
}

// boundary returns what no body holds but by a chance of 2^-128 a try: nobody can
// have known it when the body was made.
func boundary() string {
	var b [16]byte
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return hex.EncodeToString(b[:])
}

// Next implements Body.
func (p *parts) Next() ([]byte, error) {
	for {
		span, err := p.frame.Next()
		if p.framed = err == nil; p.framed {
			return span, nil
		}
		if p.inside {
			if span, err = p.body.Next(); err != io.EOF { //nolint:errorlint // returned bare
				return span, err
			}
			p.leave()
		}
		if p.ended {
			return nil, io.EOF
		}
		p.enter()
	}
}

// enter puts the frame of the next range, or the end, before it.
func (p *parts) enter() {
	if len(p.ranges) == 0 {
		p.ended = true
		p.frame = text{bytes: p.form.AppendEnd(nil)}
		return
	}
	p.inside = true
	p.frame = text{bytes: p.form.AppendPart(nil, p.ranges[0])}
}

// leave turns the reader to the next range.
func (p *parts) leave() {
	p.inside, p.ranges = false, p.ranges[1:]
	if len(p.ranges) > 0 {
		p.body.reopen(p.ranges[0].Start, p.ranges[0].End)
	}
}

// Ready implements Body.
func (p *parts) Ready() bool { return !p.inside || !p.frame.done() || p.body.Ready() }

// Park implements Pausable.
func (p *parts) Park() {
	if !p.framed {
		p.body.Park()
	}
}

// Resume implements Pausable.
func (p *parts) Resume() bool { return p.framed || p.body.Resume() }

// Unread implements Pausable.
func (p *parts) Unread(n int) {
	if p.framed {
		p.frame.Unread(n)
		return
	}
	p.body.Unread(n)
}

// Close implements Body.
func (p *parts) Close() { p.body.Close() }
