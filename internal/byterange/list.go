package byterange

import (
	"bytes"
	"math"
)

// spec is one element of a Range field: an int-range with last -1 when open, or
// a suffix-range with first -1 and its length in last.
type spec struct{ first, last int64 }

// resolve applies s to a representation of size > 0 bytes. ok is false when they
// do not touch.
func (s spec) resolve(size int64) (r Range, ok bool) {
	switch {
	case s.first < 0:
		return Range{max(0, size-s.last), size}, s.last > 0
	case s.first >= size:
		return Range{}, false
	case s.last < 0 || s.last >= size:
		return Range{s.first, size}, true
	}
	return Range{s.first, s.last + 1}, true
}

// list reads the elements of a Range field one by one. It forgives what
// RFC 9110 §5.6.1.2 makes recipients forgive: empty elements and spaces around
// commas.
type list struct {
	rest []byte
	seen bool // one element at least was well-formed
	bad  bool // one was not
}

// open sets the list to the elements of header. ok is false when the unit is not
// bytes, whose name knows no case (RFC 9110 §14.1).
func (l *list) open(header []byte) (ok bool) {
	unit, rest, ok := bytes.Cut(header, []byte{'='})
	if !ok || !isBytes(unit) {
		return false
	}
	*l = list{rest: rest}
	return true
}

// next returns the next element; ok is false at the end and at the first one
// that is malformed.
func (l *list) next() (s spec, ok bool) {
	for len(l.rest) > 0 && !l.bad {
		var element []byte
		element, l.rest, _ = bytes.Cut(l.rest, []byte{','})
		element = bytes.Trim(element, " \t")
		if len(element) == 0 {
			continue
		}
		s, ok = parseSpec(element)
		l.seen, l.bad = true, !ok
		return s, ok
	}
	return spec{}, false
}

// malformed reports, after the last call of next, that the field is to be
// ignored as a whole.
func (l *list) malformed() bool { return l.bad || !l.seen }

// parseSpec reads "first-", "first-last" or "-length".
func parseSpec(b []byte) (s spec, ok bool) {
	left, right, ok := bytes.Cut(b, []byte{'-'})
	if !ok {
		return spec{}, false
	}
	s = spec{first: -1, last: -1}
	if len(left) > 0 {
		if s.first, ok = number(left); !ok {
			return spec{}, false
		}
	}
	if len(right) > 0 {
		if s.last, ok = number(right); !ok {
			return spec{}, false
		}
	}
	if s.first < 0 {
		return s, s.last >= 0
	}
	return s, s.last < 0 || s.first <= s.last
}

// isBytes reports whether unit is the name of the only range unit in use,
// whatever the case of its letters.
func isBytes[T string | []byte](unit T) bool {
	const name = "bytes"
	if len(unit) != len(name) {
		return false
	}
	for i := range len(name) {
		if unit[i]|0x20 != name[i] {
			return false
		}
	}
	return true
}

// number reads 1*DIGIT. What an int64 cannot hold is its maximum, which is
// beyond the end of everything.
func number[T string | []byte](b T) (n int64, ok bool) {
	for i := range len(b) {
		c := b[i] - '0'
		if c > 9 {
			return 0, false
		}
		if n > (math.MaxInt64-int64(c))/10 {
			n = math.MaxInt64
			continue
		}
		n = n*10 + int64(c)
	}
	return n, len(b) > 0
}
