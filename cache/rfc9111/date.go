package rfc9111

import (
	"bytes"
	"time"
)

// referenceTime is 2026-01-01T00:00:00Z in Unix seconds: the present, as far as
// [ParseDate] needs one. It matters only for two-digit years.
const referenceTime int64 = 1767225600

// ParseDate parses an HTTP-date in any of its three forms (RFC 9110 §5.6.7) and
// returns Unix seconds. Names may have any case and the weekday need not be the
// right one; anything else that departs from the grammar is refused. Two-digit
// years lie between 1976 and 2075; use [ParseDateAt] where the time is known. It
// allocates nothing.
func ParseDate(s string) (unix int64, ok bool) { return ParseDateAt(s, referenceTime) }

// ParseDateAt is ParseDate at a time given in Unix seconds: a two-digit year that
// would lie more than 50 years after it is taken from the century before.
func ParseDateAt(s string, now int64) (unix int64, ok bool) {
	var buf dateBuffer
	return buf.parse(copy(buf[:], s), now)
}

// parseDateBytes is ParseDate for borrowed bytes.
func parseDateBytes(b []byte) (unix int64, ok bool) {
	var buf dateBuffer
	return buf.parse(copy(buf[:], b), referenceTime)
}

// AppendDate appends a time in Unix seconds as an IMF-fixdate.
func AppendDate(dst []byte, unix int64) []byte {
	return time.Unix(unix, 0).UTC().AppendFormat(dst, "Mon, 02 Jan 2006 15:04:05 GMT")
}

// dateBuffer holds any HTTP-date (33 bytes at most) and enough more to see that
// something longer is none.
type dateBuffer [48]byte

// parse reads the first n bytes. The forms are told apart by where the comma is.
func (buf *dateBuffer) parse(n int, now int64) (unix int64, ok bool) {
	if n == len(buf) {
		return 0, false
	}
	b := trimBoth(buf[:n])
	for i := range b {
		b[i] = lowerByte(b[i])
	}
	c := cursor{rest: b}
	switch comma := bytes.IndexByte(b, ','); {
	case comma == 3:
		unix = c.imfFixdate()
	case comma > 3:
		unix = c.rfc850(now)
	default:
		unix = c.asctime()
	}
	if c.bad || len(c.rest) > 0 {
		return 0, false
	}
	return unix, true
}

// cursor walks over a lower-case date. bad is sticky.
type cursor struct {
	rest []byte
	bad  bool
}

// imfFixdate reads "sun, 06 nov 1994 08:49:37 gmt".
func (c *cursor) imfFixdate() int64 {
	c.oneOf(shortWeekdays, 3)
	c.literal(", ")
	day := c.digits(2)
	c.literal(" ")
	month := c.oneOf(months, 3)
	c.literal(" ")
	year := c.digits(4)
	c.literal(" ")
	seconds := c.clock()
	c.literal(" gmt")
	return c.unix(year, month, day, seconds)
}

// rfc850 reads "sunday, 06-nov-94 08:49:37 gmt".
func (c *cursor) rfc850(now int64) int64 {
	c.longWeekday()
	c.literal(", ")
	day := c.digits(2)
	c.literal("-")
	month := c.oneOf(months, 3)
	c.literal("-")
	year := c.digits(2)
	c.literal(" ")
	seconds := c.clock()
	c.literal(" gmt")

	limit := time.Unix(now, 0).UTC().AddDate(50, 0, 0)
	year += limit.Year() / 100 * 100
	unix := c.unix(year, month, day, seconds)
	if unix > limit.Unix() {
		unix = c.unix(year-100, month, day, seconds)
	}
	return unix
}

// asctime reads "sun nov  6 08:49:37 1994".
func (c *cursor) asctime() int64 {
	c.oneOf(shortWeekdays, 3)
	c.literal(" ")
	month := c.oneOf(months, 3)
	c.literal(" ")
	digits := 2
	if len(c.rest) > 0 && c.rest[0] == ' ' {
		c.literal(" ")
		digits = 1
	}
	day := c.digits(digits)
	c.literal(" ")
	seconds := c.clock()
	c.literal(" ")
	year := c.digits(4)
	return c.unix(year, month, day, seconds)
}

// clock reads "08:49:37" and returns seconds of the day; 60 is a leap second.
func (c *cursor) clock() int64 {
	hour := c.digits(2)
	c.literal(":")
	minute := c.digits(2)
	c.literal(":")
	second := c.digits(2)
	c.bad = c.bad || hour > 23 || minute > 59 || second > 60
	return int64(hour*3600 + minute*60 + second)
}

func (c *cursor) literal(s string) {
	if len(c.rest) < len(s) || string(c.rest[:len(s)]) != s {
		c.bad = true
		return
	}
	c.rest = c.rest[len(s):]
}

func (c *cursor) digits(n int) (value int) {
	if len(c.rest) < n {
		c.bad = true
		return 0
	}
	for _, d := range c.rest[:n] {
		if d < '0' || d > '9' {
			c.bad = true
			return 0
		}
		value = value*10 + int(d-'0')
	}
	c.rest = c.rest[n:]
	return value
}

const (
	shortWeekdays = "montuewedthufrisatsun"
	months        = "janfebmaraprmayjunjulaugsepoctnovdec"
)

// oneOf reads one of the names of length n that make up names and returns its
// number, from 1.
func (c *cursor) oneOf(names string, n int) int {
	for i := 0; i < len(names); i += n {
		if len(c.rest) >= n && string(c.rest[:n]) == names[i:i+n] {
			c.rest = c.rest[n:]
			return i/n + 1
		}
	}
	c.bad = true
	return 0
}

func (c *cursor) longWeekday() {
	for _, name := range [...]string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"} {
		if bytes.HasPrefix(c.rest, []byte(name)) {
			c.rest = c.rest[len(name):]
			return
		}
	}
	c.bad = true
}

// unix puts the parts together, refusing days that the month does not have.
func (c *cursor) unix(year, month, day int, seconds int64) int64 {
	if c.bad || day < 1 || day > daysIn(year, month) {
		c.bad = true
		return 0
	}
	return daysSinceEpoch(year, month, day)*86400 + seconds
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// daysSinceEpoch counts the days from 1970-01-01 in the Gregorian calendar. Years
// begin in March here, so that the leap day is the last one.
func daysSinceEpoch(year, month, day int) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	leaps := floorDiv(year, 4) - floorDiv(year, 100) + floorDiv(year, 400)
	dayOfYear := (153*(month-3)+2)/5 + day - 1
	return int64(365*year+leaps+dayOfYear) - 719468
}

func floorDiv(a, b int) int {
	if a < 0 {
		return (a - b + 1) / b
	}
	return a / b
}
