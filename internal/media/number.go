package media

import (
	"bytes"
	"math"
	"time"
)

// Everything here saturates at the largest value instead of overflowing: what
// reads the numbers bounds them anyway.

// digits reads the decimal number at the start of b.
func digits(b []byte) (n uint64) {
	for _, c := range b {
		if c -= '0'; c > 9 {
			break
		}
		if n > (math.MaxUint64-uint64(c))/10 {
			return math.MaxUint64
		}
		n = n*10 + uint64(c)
	}
	return n
}

// quantity reads a decimal number with an optional fraction at the start of b, as
// a multiple of unit, which is a whole number of seconds.
func quantity(b []byte, unit time.Duration) (d time.Duration, rest []byte, ok bool) {
	width := digitCount(b)
	whole := digits(b[:width])
	rest = b[width:]
	if len(rest) > 0 && rest[0] == '.' {
		places := digitCount(rest[1:])
		d = fraction(rest[1:1+places]) * (unit / time.Second)
		rest = rest[1+places:]
		width += places
	}
	if whole > uint64((math.MaxInt64-d)/unit) {
		return math.MaxInt64, rest, true
	}
	return d + time.Duration(whole)*unit, rest, width > 0
}

// fraction reads the places after a decimal point as nanoseconds.
func fraction(places []byte) (d time.Duration) {
	scale := time.Second
	for _, c := range places {
		scale /= 10
		d += time.Duration(c-'0') * scale
	}
	return d
}

// digitCount returns the number of leading digits of b.
func digitCount(b []byte) int {
	for i, c := range b {
		if c-'0' > 9 {
			return i
		}
	}
	return len(b)
}

// seconds reads a decimal number of seconds, passing over what follows it.
func seconds(b []byte) (d time.Duration, ok bool) {
	d, _, ok = quantity(bytes.TrimSpace(b), time.Second)
	return d, ok
}

// isoDuration reads an xs:duration such as "PT1M30.5S". Years and months count
// 365 and 30 days, as nobody updates a manifest so seldom. Negative ones are
// refused.
func isoDuration(b []byte) (d time.Duration, ok bool) {
	rest, ok := bytes.CutPrefix(bytes.TrimSpace(b), []byte{'P'})
	if !ok || len(rest) == 0 {
		return 0, false
	}
	clock := false
	for len(rest) > 0 {
		if rest[0] == 'T' && !clock {
			rest, clock = rest[1:], true
			continue
		}
		var part time.Duration
		if part, rest, ok = isoField(rest, clock); !ok {
			return 0, false
		}
		d += min(part, math.MaxInt64-d)
	}
	return d, true
}

// isoField reads one number with its designator.
func isoField(b []byte, clock bool) (d time.Duration, rest []byte, ok bool) {
	at := digitCount(b)
	if at < len(b) && b[at] == '.' {
		at += 1 + digitCount(b[at+1:])
	}
	if at == len(b) {
		return 0, nil, false
	}
	unit := isoUnit(b[at], clock)
	if unit == 0 {
		return 0, nil, false
	}
	d, _, ok = quantity(b[:at], unit)
	return d, b[at+1:], ok
}

// isoUnit returns the length of a designator, 0 for one that is unknown.
func isoUnit(designator byte, clock bool) time.Duration {
	const day = 24 * time.Hour
	switch {
	case clock && designator == 'H':
		return time.Hour
	case clock && designator == 'M':
		return time.Minute
	case clock && designator == 'S':
		return time.Second
	case !clock && designator == 'Y':
		return 365 * day
	case !clock && designator == 'M':
		return 30 * day
	case !clock && designator == 'W':
		return 7 * day
	case !clock && designator == 'D':
		return day
	}
	return 0
}
