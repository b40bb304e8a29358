package auth

import (
	"bytes"
	"net/netip"

	"edged/internal/target"
)

// mediaClaims are the fields of a token.
type mediaClaims struct {
	scope   mediaScope
	value   []byte // of the scope
	starts  []byte
	expires []byte
	session []byte
	ranges  []byte
	seen    mediaFieldSet
}

// mediaFieldSet holds which of the fields that may occur once have occurred.
type mediaFieldSet uint8

const (
	hasMediaStarts mediaFieldSet = 1 << iota
	hasMediaExpires
	hasMediaSession
	hasMediaRanges
	hasMediaData
	hasMediaHeaders
	hasMediaTwice // one of them, or a scope, came twice
)

type mediaScope uint8

const (
	noScope mediaScope = iota
	scopePath
	scopeGlobs
	scopePrefix
)

// judgeToken judges a token as it stands, and else with its escapes decoded: signers
// sign a path that has some, and players escape what they put into a query.
func (m *MediaCDN) judgeToken(v *Verdict, f *Found, raw []byte, r *Request) Reason {
	if len(raw) > MaxTokenSize {
		return Oversized
	}
	s := f.scratch
	s.payload = append(s.payload[:0], raw...)
	why := m.judgeText(v, f, r)
	if v.Key != "" || bytes.IndexByte(raw, '%') < 0 {
		return why
	}
	var ok bool
	if s.payload, ok = appendPercent(s.payload[:0], raw); !ok {
		return Malformed
	}
	return m.judgeText(v, f, r)
}

// judgeText judges the token in scratch.payload: fields joined by '~', the signature
// last. Two fields are signed in a longer form than they travel in. It names the key
// when one signed.
func (m *MediaCDN) judgeText(v *Verdict, f *Found, r *Request) Reason {
	s := f.scratch
	last := bytes.LastIndexByte(s.payload, '~')
	if last < 0 || hasControl(s.payload) {
		return Malformed
	}
	fields, signature := s.payload[:last], s.payload[last+1:]
	if why := appendSigned(f, fields, r); why != Allowed {
		return why
	}
	r.Trace.sign(m.name, s.msg)
	k, why := m.tokenKey(signature, s)
	if why != Allowed {
		return why
	}
	v.Key = k.ID
	var c mediaClaims
	if why := c.parse(fields); why != Allowed {
		return why
	}
	if why := m.allow(v, &c, f, r); why != Allowed {
		return why
	}
	return m.accept(v, k, f, c.session, r.Now)
}

// appendSigned leaves the signed form of the fields in scratch.msg: FullPath with
// the path of the request, Headers with their values.
func appendSigned(f *Found, fields []byte, r *Request) Reason {
	s := f.scratch
	s.msg = s.msg[:0]
	for field := range bytes.SplitSeq(fields, []byte{'~'}) {
		if len(s.msg) > 0 {
			s.msg = append(s.msg, '~')
		}
		names, isHeaders := bytes.CutPrefix(field, []byte("Headers="))
		switch {
		case string(field) == "FullPath":
			s.msg = append(append(s.msg, "FullPath="...), f.Path...)
		case bytes.HasPrefix(field, []byte("FullPath=")):
			return Malformed // it must not be carried
		case isHeaders:
			s.msg = append(s.msg, "Headers="...)
			if why := appendHeaders(s, names, r); why != Allowed {
				return why
			}
		default:
			s.msg = append(s.msg, field...)
		}
	}
	return Allowed
}

// appendHeaders appends name=value of each header field. One that is absent, or
// there twice, cannot be what was signed.
func appendHeaders(s *Scratch, names []byte, r *Request) Reason {
	first := true
	for name := range bytes.SplitSeq(names, comma) {
		if !first {
			s.msg = append(s.msg, ',')
		}
		first = false
		if r.Fields == nil {
			return BadClaim
		}
		if s.lines = r.Fields.Append(s.lines[:0], string(name)); len(s.lines) != 1 {
			return BadClaim
		}
		s.msg = append(append(append(s.msg, name...), '='), s.lines[0]...)
	}
	return Allowed
}

// tokenKey returns the key that signed scratch.msg. The name of the last field and
// the length of its value say which algorithm; it must be that of the key.
func (m *MediaCDN) tokenKey(signature []byte, s *Scratch) (*verifyKey, Reason) {
	name, value, _ := bytes.Cut(signature, equals)
	public := string(name) == "Signature"
	if !public && string(name) != "hmac" {
		return nil, Malformed
	}
	why := KeyMismatch
	for _, k := range m.keys {
		if public != (k.Type == Ed25519) {
			continue
		}
		if !public {
			var ok bool
			if s.sig, ok = lowerHex(s.sig, value, k.size); !ok {
				continue
			}
		}
		if public && m.authentic(k, s.msg, value, s) || !public && m.decodedBy(k, s.msg, s) {
			return k, Allowed
		}
		why = BadSignature
	}
	return nil, why
}

// parse reads the fields of an authentic token: each once, none unknown, and one
// scope.
func (c *mediaClaims) parse(fields []byte) Reason {
	for field := range bytes.SplitSeq(fields, []byte{'~'}) {
		name, value, _ := bytes.Cut(field, equals)
		switch string(name) {
		case "FullPath":
			c.take(scopePath, value)
		case "PathGlobs":
			c.take(scopeGlobs, value)
		case "URLPrefix":
			c.take(scopePrefix, value)
		case "Starts":
			c.once(hasMediaStarts, &c.starts, value)
		case "Expires":
			c.once(hasMediaExpires, &c.expires, value)
		case "SessionID":
			c.once(hasMediaSession, &c.session, value)
		case "IPRanges":
			c.once(hasMediaRanges, &c.ranges, value)
		case "Data":
			c.once(hasMediaData, new([]byte), value)
		case "Headers":
			c.once(hasMediaHeaders, new([]byte), value)
		default:
			return UnknownClaim
		}
	}
	if c.scope == noScope || c.seen&hasMediaTwice != 0 || c.seen&hasMediaExpires == 0 {
		return BadClaim
	}
	return Allowed
}

// once stores the value of a field.
func (c *mediaClaims) once(which mediaFieldSet, dst *[]byte, value []byte) {
	if c.seen&which != 0 {
		c.seen |= hasMediaTwice
	}
	c.seen |= which
	*dst = value
}

func (c *mediaClaims) take(scope mediaScope, value []byte) {
	if c.scope != noScope {
		c.seen |= hasMediaTwice
	}
	c.scope, c.value = scope, value
}

func (m *MediaCDN) allow(v *Verdict, c *mediaClaims, f *Found, r *Request) Reason {
	if c.seen&hasMediaStarts == 0 {
		c.starts = zero
	}
	if why := m.time(v, c.starts, c.expires, r.Now); why != Allowed {
		return why
	}
	if why := c.covers(f, r); why != Allowed {
		return why
	}
	if c.seen&hasMediaRanges != 0 {
		return inRanges(f.scratch, c.ranges, r.Client)
	}
	return Allowed
}

func (c *mediaClaims) covers(f *Found, r *Request) Reason {
	s := f.scratch
	switch c.scope {
	case scopeGlobs:
		s.text = target.AppendEncoded(s.text[:0], r.Path)
		if !c.anyGlob(s, func(glob []byte) bool { return matchGlob(glob, s.text) }) {
			return OutOfScope
		}
	case scopePrefix:
		return holdPrefix(c.value, f, r)
	}
	return Allowed // the whole path was signed
}

// anyGlob reports whether holds says so of any glob of the scope, over encoded paths:
// signers write them escaped and not.
func (c *mediaClaims) anyGlob(s *Scratch, holds func(glob []byte) bool) bool {
	for glob := range bytes.FieldsFuncSeq(c.value, func(r rune) bool { return r == ',' || r == '!' }) {
		s.mac = appendPattern(s.mac[:0], glob)
		if glob[0] == '/' && holds(s.mac) {
			return true
		}
	}
	return false
}

// inRanges reads a list of networks. One that cannot be read, such as the vendor's own
// sample has, opens nothing.
func inRanges(s *Scratch, value []byte, client netip.Addr) Reason {
	list, ok := decodePrefix(s.text, value)
	s.text = list
	if !ok {
		return BadClaim
	}
	client = client.Unmap().WithZone("")
	why := Address
	for item := range bytes.SplitSeq(list, comma) {
		switch p, err := netip.ParsePrefix(string(item)); {
		case err != nil:
			why = BadClaim
		case p.Contains(client):
			return Allowed
		}
	}
	return why
}
