package auth

import "bytes"

// mediaFields are the fields of a signed request.
type mediaFields struct{ prefix, expires, keyName, signature []byte }

// judgeURL judges a signature at the end of the query: over the whole URL, or over
// the policy alone where there is a URLPrefix.
func (m *MediaCDN) judgeURL(v *Verdict, f *Found, query []byte, r *Request) Reason {
	s := f.scratch
	var d mediaFields
	d.prefix, _ = s.claim(mediaPrefix)
	d.expires, _ = s.claim(mediaExpires)
	d.keyName, _ = s.claim(mediaKeyName)
	d.signature, _ = s.claim(mediaSignature)
	begin, end, why := policy(query, d.prefix != nil)
	if why != Allowed {
		return why
	}
	if d.prefix != nil {
		s.msg = append(s.msg[:0], query[begin:end]...)
	} else {
		s.msg = append(append(append(appendBase(s.msg[:0], r), f.Path...), '?'), query[:end]...)
	}
	return m.judgeSigned(v, f, &d, r)
}

// policy finds the fields, which stand side by side in one order. Without a prefix
// they end the query, for what follows them would not be signed.
func policy(query []byte, prefixed bool) (begin, end int, why Reason) {
	order := []string{"URLPrefix=", "Expires=", "KeyName=", "Signature="}
	if !prefixed {
		order = order[1:]
	}
	next, offset := 0, 0
	for pair := range pairs(query) {
		switch {
		case next < len(order) && bytes.HasPrefix(pair, []byte(order[next])):
			if next == 0 {
				begin = offset
			}
			end = offset - 1
			next++
		case next > 0 && next < len(order), next == len(order) && !prefixed:
			return 0, 0, Malformed
		}
		offset += len(pair) + 1
	}
	if next < len(order) {
		return 0, 0, Malformed
	}
	return begin, end, Allowed
}

// judgeCookie judges a signed cookie: fields joined by ':', over a URLPrefix.
func (m *MediaCDN) judgeCookie(v *Verdict, f *Found, raw []byte, r *Request) Reason {
	if len(raw) > MaxTokenSize {
		return Oversized
	}
	d, signed, why := cutFields(raw, ":")
	if why != Allowed || d.prefix == nil {
		return Malformed
	}
	f.scratch.msg = append(f.scratch.msg[:0], signed...)
	return m.judgeSigned(v, f, &d, r)
}

// judgeSegment judges a signature in the path: over the URL up to it, of which all
// below is open.
func (m *MediaCDN) judgeSegment(v *Verdict, f *Found, raw []byte, r *Request) Reason {
	d, signed, why := cutFields(raw[len(mediaSegment):], "&")
	if why != Allowed || d.prefix != nil {
		return Malformed
	}
	s := f.scratch
	s.msg = append(append(appendBase(s.msg[:0], r), f.Path[:f.before]...), '/')
	s.msg = append(append(s.msg, mediaSegment...), signed...)
	return m.judgeSigned(v, f, &d, r)
}

// cutFields reads fields in their one order; signed is all before the signature.
func cutFields(raw []byte, separator string) (d mediaFields, signed []byte, why Reason) {
	for i, rest := 0, raw; ; {
		field, after, more := bytes.Cut(rest, []byte(separator))
		name, value, _ := bytes.Cut(field, equals)
		switch {
		case i == 0 && string(name) == "URLPrefix":
			d.prefix, i = value, 1
		case i <= 1 && string(name) == "Expires":
			d.expires, i = value, 2
		case i == 2 && string(name) == "KeyName":
			d.keyName, i = value, 3
		case i == 3 && string(name) == "Signature" && !more:
			d.signature = value
			return d, raw[:len(raw)-len(field)-len(separator)], Allowed
		default:
			return d, nil, Malformed
		}
		if !more {
			return d, nil, Malformed
		}
		rest = after
	}
}

// judgeSigned judges a signed request whose signed bytes are in scratch.msg.
func (m *MediaCDN) judgeSigned(v *Verdict, f *Found, d *mediaFields, r *Request) Reason {
	s := f.scratch
	r.Trace.sign(m.name, s.msg)
	k, why := m.named(d, s)
	if why != Allowed {
		return why
	}
	v.Key = k.ID
	if why := m.time(v, zero, d.expires, r.Now); why != Allowed {
		return why
	}
	if d.prefix != nil {
		if why := holdPrefix(d.prefix, f, r); why != Allowed {
			return why
		}
	}
	return m.accept(v, k, f, nil, r.Now)
}

// named returns the key of the name that signed.
func (m *MediaCDN) named(d *mediaFields, s *Scratch) (*verifyKey, Reason) {
	why := UnknownKey
	for _, k := range m.keys {
		if k.name() != string(d.keyName) {
			continue
		}
		if m.authentic(k, s.msg, d.signature, s) {
			return k, Allowed
		}
		why = BadSignature
	}
	return nil, why
}
