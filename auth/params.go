package auth

import (
	"bytes"
	"iter"
)

// maxParams is the greatest number of names in a paramSet.
const maxParams = 16

// paramSet names the query parameters of a scheme. The exact spelling counts; any
// other that a decoder further down might take for the same name (case, %HH) is
// seen as well, and refused.
type paramSet struct {
	names []string
	// kept is how many names at the end of the list belong to the resource: they are
	// watched like the others, but stay in the query.
	kept int
	// prefix, when set, makes every name that begins with it one of the scheme's.
	// These are cut out, and seen under the last place of Scratch.params if they are
	// not among names.
	prefix string
}

// others is the place of parameters that only the prefix of a paramSet names.
const others = maxParams - 1

// cut removes the parameters from f.Query and leaves what it saw of the n-th name
// in f.scratch.params[n]. Pairs are split on '&' only. Without one the query stays
// as it is; else what is left is joined in the Scratch.
func (p *paramSet) cut(f *Found) {
	s := f.scratch
	clear(s.params[:])
	kept, removed := s.query[:0], false
	for pair := range pairs(f.Query) {
		if p.see(pair, s) {
			removed = true
			continue
		}
		if len(kept) > 0 {
			kept = append(kept, '&')
		}
		kept = append(kept, pair...)
	}
	s.query = kept
	if removed {
		f.Query = kept
	}
}

// see notes a pair that is one of the set's and reports whether it must go.
func (p *paramSet) see(pair []byte, s *Scratch) (remove bool) {
	name, value, _ := bytes.Cut(pair, equals)
	for i, want := range p.names {
		if len(name) == 0 || name[0] != '%' && lower(name[0]) != lower(want[0]) {
			continue // as most do
		}
		if n, exact := matchFolded(name, want); n == len(name) && n > 0 {
			s.params[i].add(value, exact)
			return i < len(p.names)-p.kept
		}
	}
	if p.prefix == "" {
		return false
	}
	n, exact := matchFolded(name, p.prefix)
	if n < 0 {
		return false
	}
	s.params[others].add(value, exact)
	return true
}

// check refuses parameters that occur twice or in another spelling. Those that only
// the prefix names may be many.
func (p *paramSet) check(s *Scratch) Reason {
	for i := range p.names {
		switch seen := &s.params[i]; {
		case seen.n > 1:
			return Duplicate
		case seen.inexact:
			return Malformed
		}
	}
	if s.params[others].inexact {
		return Malformed
	}
	return Allowed
}

// pairs iterates over the parameters of a raw query, empty ones too.
func pairs(query []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for len(query) > 0 {
			pair := query
			if end := bytes.IndexByte(query, '&'); end >= 0 {
				pair, query = query[:end], query[end+1:]
			} else {
				query = nil
			}
			if !yield(pair) {
				return
			}
		}
	}
}

// appendForm appends a query value decoded as a form does it: %HH, and '+' for a
// space. It fails on bad escapes and on what decodes to a control byte.
func appendForm(dst, value []byte) ([]byte, bool) {
	return appendDecoded(dst, value, ' ')
}

// appendPercent appends a value with %HH decoded and '+' as it is.
func appendPercent(dst, value []byte) ([]byte, bool) {
	return appendDecoded(dst, value, '+')
}

func appendDecoded(dst, value []byte, plus byte) ([]byte, bool) {
	for len(value) > 0 {
		plain := 0
		for plain < len(value) && value[plain] != '%' && value[plain] != '+' && !control(value[plain]) {
			plain++
		}
		dst = append(dst, value[:plain]...)
		if value = value[plain:]; len(value) == 0 {
			break
		}
		c, width := plus, 1
		switch value[0] {
		case '+':
		case '%':
			if c, width = unescape(value); width == 1 || control(c) {
				return dst, false
			}
		default:
			return dst, false
		}
		dst = append(dst, c)
		value = value[width:]
	}
	return dst, true
}
