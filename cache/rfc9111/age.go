package rfc9111

import (
	"strconv"
	"strings"
	"time"

	"edged/cache/object"
)

// initialAge is corrected_initial_age (RFC 9111 §4.2.3): the larger of what Date
// implies and of what Age says plus the time the answer took.
//
// The time between request and response counts in full, so a caller that asked
// the origin to hold the request (an LL-HLS blocking reload) passes as requested
// the time at which the response began.
func initialAge(h object.Header, requested, received int64) time.Duration {
	delay := max(0, time.Duration(received-requested))
	return max(apparentAge(h, received), ageValue(h)+min(delay, maxDelta))
}

// apparentAge is how far Date lies in the past. Date has whole seconds, cut off,
// so a difference of one second is no evidence of any age: counting it would make
// a live manifest with max-age=1 stale on arrival half of the time.
func apparentAge(h object.Header, received int64) time.Duration {
	date, ok := dateValue(h, received)
	if !ok {
		return 0
	}
	seconds := floorSeconds(received) - date
	if seconds <= 1 {
		return 0
	}
	return saturate(seconds)
}

// ageValue is the first member of the first Age line, 0 when it is not a
// non-negative integer (RFC 9111 §5.1).
func ageValue(h object.Header) time.Duration {
	first, _, _ := strings.Cut(h.Get("Age"), ",")
	age, ok := deltaSeconds(strings.Trim(first, " \t"))
	if !ok {
		return 0
	}
	return age
}

// AppendAge appends the value of the Age field for a response served from the
// cache at now: whole seconds, at most 2^31 (RFC 9111 §5.1, §1.2.2).
func AppendAge(dst []byte, f *object.Freshness, now int64) []byte {
	return strconv.AppendInt(dst, int64(min(f.Age(now), maxDelta)/time.Second), 10)
}

// dateValue returns the Date of a response in Unix seconds.
func dateValue(h object.Header, received int64) (unix int64, ok bool) {
	return ParseDateAt(h.Get("Date"), floorSeconds(received))
}

// dateOrReceived is Date, or the time of receipt when there is none that can be
// read (RFC 9110 §6.6.1).
func dateOrReceived(h object.Header, received int64) (unix int64) {
	if date, ok := dateValue(h, received); ok {
		return date
	}
	return floorSeconds(received)
}

// floorSeconds turns Unix nanoseconds into the second they lie in.
func floorSeconds(nanos int64) int64 {
	s := nanos / int64(time.Second)
	if nanos%int64(time.Second) < 0 {
		s--
	}
	return s
}

// saturate turns seconds into a span of 0 to 2^31 seconds.
func saturate(seconds int64) time.Duration {
	return time.Duration(max(0, min(seconds, 1<<31))) * time.Second
}
