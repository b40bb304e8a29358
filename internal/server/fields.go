package server

import (
	"bytes"

	"edged/internal/edge"
)

// maxFields is how many header lines a request may have. Players send 10 to 25.
const maxFields = 128

// fields is an index over one raw header block. It is used instead of fasthttp's
// own look-ups because those rewrite: cookies are re-serialised, names
// normalised, and whatever was special loses its place and its repetitions.
type fields struct {
	lines []line

	contentLength, transferEncoding, expect bool // present, whatever the value
}

// line is one header field; both slices borrow from the block.
type line struct{ name, value []byte }

var _ edge.Fields = (*fields)(nil)

// parse indexes block, which ends with an empty line or is empty. It returns
// why the request must be refused, or Accepted. fasthttp has checked names and values
// before; here only what it lets through is refused.
func (f *fields) parse(block []byte) Refusal {
	f.reset()
	for len(block) > 0 {
		end := bytes.IndexByte(block, '\n')
		if end < 1 || block[end-1] != '\r' {
			return BadField
		}
		raw := block[:end-1]
		block = block[end+1:]
		if len(raw) == 0 {
			break
		}
		if why := f.add(raw); why != Accepted {
			return why
		}
	}
	if len(block) > 0 {
		return BadField
	}
	if f.contentLength && f.transferEncoding {
		return TwoFramings
	}
	return Accepted
}

// expectation returns whether the Expect of a request is one that it may have (RFC 9110
// §10.1.1): HTTP/1.0 has none, and without content nobody waits for a 100. Who has some
// and waits sends it, or asks again, after a 417.
func (f *fields) expectation(proto edge.Proto) Refusal {
	if !f.expect {
		return Accepted
	}
	return expectationOf(f.Append(nil, "Expect"), proto, f.contentLength || f.transferEncoding)
}

func expectationOf(lines [][]byte, proto edge.Proto, framed bool) Refusal {
	for _, v := range lines {
		if !equalFold(v, "100-continue") || framed && proto != edge.HTTP10 {
			return Expectation
		}
	}
	return Accepted
}

// reset forgets all lines but keeps their memory.
func (f *fields) reset() { *f = fields{lines: f.lines[:0]} }

// add indexes one line without its line end.
func (f *fields) add(raw []byte) Refusal {
	if raw[0] == ' ' || raw[0] == '\t' {
		return FoldedField
	}
	colon := bytes.IndexByte(raw, ':')
	if colon < 1 || !isToken(raw[:colon]) {
		return BadField
	}
	if len(f.lines) == maxFields {
		return HeaderTooLarge
	}
	name := raw[:colon:colon]
	f.lines = append(f.lines, line{name, trimSpace(raw[colon+1:])})
	switch len(name) {
	case len("Expect"):
		f.expect = f.expect || equalFold(name, "Expect")
	case len("Content-Length"):
		f.contentLength = f.contentLength || equalFold(name, "Content-Length")
	case len("Transfer-Encoding"):
		f.transferEncoding = f.transferEncoding || equalFold(name, "Transfer-Encoding")
	}
	return Accepted
}

// Get implements [edge.Fields].
func (f *fields) Get(name string) []byte {
	for i := range f.lines {
		if equalFold(f.lines[i].name, name) {
			return f.lines[i].value
		}
	}
	return nil
}

// Append implements [edge.Fields].
func (f *fields) Append(dst [][]byte, name string) [][]byte {
	for i := range f.lines {
		if equalFold(f.lines[i].name, name) {
			dst = append(dst, f.lines[i].value)
		}
	}
	return dst
}

// trimSpace cuts spaces and tabs. The result is never nil: an empty value is
// not an absent one.
func trimSpace(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b[:len(b):len(b)]
}

// equalFold compares ASCII letters without case, everything else exactly.
func equalFold(b []byte, s string) bool {
	if len(b) != len(s) {
		return false
	}
	for i := 0; i < len(b); i++ {
		if x, y := b[i], s[i]; x != y && (x|0x20 != y|0x20 || x|0x20 < 'a' || x|0x20 > 'z') {
			return false
		}
	}
	return true
}

// isToken reports whether b is a token (RFC 9110 §5.6.2).
func isToken(b []byte) bool {
	for _, c := range b {
		if !tokenBytes[c] {
			return false
		}
	}
	return len(b) > 0
}

// tokenBytes marks tchar. It is a constant table: nothing writes it.
var tokenBytes = func() (t [256]bool) {
	for c := 'a'; c <= 'z'; c++ {
		t[c], t[c-'a'+'A'] = true, true
	}
	for _, c := range "0123456789!#$%&'*+-.^_`|~" {
		t[c] = true
	}
	return t
}()
