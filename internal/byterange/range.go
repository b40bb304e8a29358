package byterange

import "net/http"

// MaxRanges is the number of ranges that one Range field may ask for. More is
// taken for an attack and ignored (RFC 9110 §17.15): players never send two.
const MaxRanges = 8

// Range is a part of a representation: the bytes [Start, End), never empty in
// results of this package.
type Range struct{ Start, End int64 }

// Len returns the number of bytes in r.
func (r Range) Len() int64 { return r.End - r.Start }

// Outcome says how to answer a request with a Range field.
type Outcome uint8

// The outcomes of Parse.
const (
	Whole         Outcome = iota // send everything: no, malformed, foreign or excessive ranges
	Partial                      // send the ranges
	Unsatisfiable                // no range touches the representation
)

// Status returns the status code that an outcome turns 200 into.
func (o Outcome) Status() int {
	switch o {
	case Partial:
		return http.StatusPartialContent
	case Unsatisfiable:
		return http.StatusRequestedRangeNotSatisfiable
	}
	return http.StatusOK
}

// Parse resolves the value of a Range field, nil or empty when absent, against
// a representation of size bytes and appends the ranges to send to dst.
//
// Ranges that overlap or touch are made one; otherwise they stay in the order in
// which they were asked for (RFC 9110 §15.3.7.2). Ranges beyond the end are left
// out; when none is left the outcome is Unsatisfiable. With a size of 0 the
// outcome is Whole, because players ask for "bytes=0-" of everything and an
// empty body has no range to name; with an unknown size (below 0) it is Whole.
//
// Only for Partial is anything appended to dst.
func Parse(header []byte, size int64, dst []Range) ([]Range, Outcome) {
	if len(header) == 0 || size <= 0 {
		return dst, Whole
	}
	var l list
	if !l.open(header) {
		return dst, Whole
	}
	base := len(dst)
	for count := 0; ; count++ {
		s, ok := l.next()
		if !ok {
			break
		}
		if count == MaxRanges {
			return dst[:base], Whole
		}
		if r, ok := s.resolve(size); ok {
			dst = merge(dst, base, r)
		}
	}
	switch {
	case l.malformed():
		return dst[:base], Whole
	case len(dst) == base:
		return dst, Unsatisfiable
	}
	return dst, Partial
}

// merge adds r to the ranges from base on, at the place of the first one that it
// overlaps or touches. Those present do not touch each other, so whatever r
// grows to by joining one, it touches no more of the others than before.
func merge(ranges []Range, base int, r Range) []Range {
	at := -1
	for i := base; i < len(ranges); i++ {
		o := ranges[i]
		if r.Start > o.End || o.Start > r.End {
			continue
		}
		r = Range{min(r.Start, o.Start), max(r.End, o.End)}
		if at < 0 {
			at = i
			continue
		}
		ranges = append(ranges[:i], ranges[i+1:]...)
		i--
	}
	if at < 0 {
		return append(ranges, r)
	}
	ranges[at] = r
	return ranges
}

// Single reads a Range field of exactly one range without knowing the size, as
// on a miss: what part is wanted first. For "a-b" it returns a and b, for "a-"
// a and -1, for the suffix "-n" -1 and n. ok is false for everything else.
func Single(header []byte) (first, last int64, ok bool) {
	var l list
	if !l.open(header) {
		return 0, 0, false
	}
	s, ok := l.next()
	if _, more := l.next(); !ok || more || l.malformed() {
		return 0, 0, false
	}
	return s.first, s.last, true
}
