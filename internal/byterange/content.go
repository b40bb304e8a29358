package byterange

import (
	"math"
	"strconv"
	"strings"
)

// AppendContentRange appends the Content-Range value of a 206 to dst, as in
// "bytes 0-99/1000". A negative size is unknown and written as '*'. r must not
// be empty.
func AppendContentRange(dst []byte, r Range, size int64) []byte {
	dst = append(dst, "bytes "...)
	dst = strconv.AppendInt(dst, r.Start, 10)
	dst = append(dst, '-')
	dst = strconv.AppendInt(dst, r.End-1, 10)
	return appendSize(dst, size)
}

// AppendUnsatisfied appends the Content-Range value of a 416 to dst, as in
// "bytes */1000".
func AppendUnsatisfied(dst []byte, size int64) []byte {
	return appendSize(append(dst, "bytes *"...), size)
}

func appendSize(dst []byte, size int64) []byte {
	if size < 0 {
		return append(dst, "/*"...)
	}
	return strconv.AppendInt(append(dst, '/'), size, 10)
}

// ParseContentRange reads the Content-Range value of an origin's 206. size is -1
// when the origin does not tell it. It is strict, because what it says decides
// where bytes are stored: ok is false for other units, for the form of a 416, for
// a last position before the first or outside of the size, and for numbers that
// an int64 cannot hold.
func ParseContentRange(value string) (r Range, size int64, ok bool) {
	positions, complete, ok := cutContentRange(value)
	if !ok {
		return Range{}, 0, false
	}
	left, right, ok := strings.Cut(positions, "-")
	first, ok1 := number(left)
	last, ok2 := number(right)
	if !ok || !ok1 || !ok2 || first > last || last == math.MaxInt64 {
		return Range{}, 0, false
	}
	if complete == "*" {
		return Range{first, last + 1}, -1, true
	}
	size, ok = number(complete)
	if !ok || last >= size || size == math.MaxInt64 {
		return Range{}, 0, false
	}
	return Range{first, last + 1}, size, true
}

// ParseUnsatisfied reads the Content-Range value of an origin's 416 and returns
// the size it names.
func ParseUnsatisfied(value string) (size int64, ok bool) {
	positions, complete, ok := cutContentRange(value)
	if !ok || positions != "*" {
		return 0, false
	}
	size, ok = number(complete)
	return size, ok && size < math.MaxInt64
}

// cutContentRange takes "bytes POSITIONS/COMPLETE" apart.
func cutContentRange(value string) (positions, complete string, ok bool) {
	unit, rest, ok := strings.Cut(value, " ")
	if !ok || !isBytes(unit) {
		return "", "", false
	}
	return strings.Cut(rest, "/")
}
