package server

import (
	"strings"

	"edged/cache/object"
	"edged/internal/edge"
)

// WriteInterim implements edge.InterimWriter: an interim response is a header and
// nothing more (RFC 9110 §15.2).
func (s *session) WriteInterim(status int, header []object.Field) {
	d := &s.out
	d.buf = appendStatusLine(d.buf[:0], status)
	for _, f := range header {
		d.buf = appendField(d.buf, f.Name, f.Value)
	}
	d.buf = append(d.buf, "\r\n"...)
	s.conn.enter(phaseWrite)
	n, err := d.wire.send(nil, d.buf, nil, nil, false)
	d.account.Header += n
	if err != nil {
		d.broken = err
	}
	s.conn.enter(phaseServe)
}

// WriteInterim implements edge.InterimWriter. net/http sends 1xx at once and keeps
// the fields for the final response, to which these do not belong.
func (o *http2Writer) WriteInterim(status int, header []object.Field) {
	h := o.w.Header()
	for _, f := range header {
		h.Add(f.Name, strings.Clone(f.Value))
	}
	// net/http encodes the live map on another goroutine, and does not wait for it when
	// the stream is reset. Of a map with this field it sends a clone, without the field.
	h["Content-Length"] = []string{"0"}
	o.w.WriteHeader(status)
	clear(h)
}

var (
	_ edge.InterimWriter = (*session)(nil)
	_ edge.InterimWriter = (*http2Writer)(nil)
)
