package rfc9111

import (
	"strings"
	"time"
)

// maxDelta is the value to which delta-seconds saturate (RFC 9111 §1.2.2).
const maxDelta = (1 << 31) * time.Second

// absent is the value of a span that no directive stated.
const absent = time.Duration(-1)

// directive is one member of a Cache-Control list. Its bytes are borrowed from
// the field value.
type directive struct {
	name      []byte // as sent, any case
	value     []byte // argument without its quotes, escapes kept
	hasValue  bool   // an "=" was there
	malformed bool   // white space around "=", open quote, or no comma before what follows
}

// nextDirective cuts the first directive off b (RFC 9111 §5.2, RFC 9110 §5.6.1).
// Empty list members are skipped. What breaks the grammar is kept and marked, so
// that a prohibition is still seen and a lifetime can be distrusted. ok is false
// at the end.
func nextDirective(b []byte) (d directive, rest []byte, ok bool) {
	for len(b) > 0 && (isOWS(b[0]) || b[0] == ',') {
		b = b[1:]
	}
	if len(b) == 0 {
		return d, nil, false
	}
	n := 0
	for n < len(b) && b[n] != ',' && b[n] != '=' && !isOWS(b[n]) {
		n++
	}
	d.name, b = b[:n], b[n:]
	b, d.malformed = trimOWS(b)
	if len(b) > 0 && b[0] == '=' {
		d.hasValue = true
		b = d.argument(b[1:])
	} else if len(b) == 0 || b[0] == ',' {
		d.malformed = false // white space before the comma is plain OWS
	}
	return d, b, true
}

// argument reads the value that begins b, up to the comma, and returns the rest.
func (d *directive) argument(b []byte) []byte {
	b, spaced := trimOWS(b)
	d.malformed = d.malformed || spaced
	n := closingQuote(b)
	switch {
	case n > 0:
		d.value, b = b[1:n], b[n+1:]
	default:
		d.malformed = d.malformed || (len(b) > 0 && b[0] == '"')
		for n = 0; n < len(b) && b[n] != ',' && !isOWS(b[n]); n++ {
		}
		d.value, b = b[:n], b[n:]
	}
	b, _ = trimOWS(b)
	if len(b) > 0 && b[0] != ',' {
		d.malformed = true
	}
	return b
}

// closingQuote returns the index of the quote that ends the quoted-string at the
// start of b, or 0 when there is none (RFC 9110 §5.6.4).
func closingQuote(b []byte) int {
	if len(b) == 0 || b[0] != '"' {
		return 0
	}
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return 0
}

// delta reads the argument as delta-seconds. ok is false unless it is made of
// digits alone, quoted or not.
func (d *directive) delta() (span time.Duration, ok bool) {
	if d.malformed || !d.hasValue {
		return 0, false
	}
	return deltaSeconds(d.value)
}

// deltaSeconds parses 1*DIGIT, saturating at 2^31 seconds (RFC 9111 §1.2.2).
func deltaSeconds[T string | []byte](s T) (span time.Duration, ok bool) {
	var n int64
	for i := range len(s) {
		c := s[i]
		if c < '0' || c > '9' {
			return 0, false
		}
		n = min(n*10+int64(c-'0'), 1<<31)
	}
	return time.Duration(n) * time.Second, len(s) > 0
}

// bare reports a well-formed directive without an argument: what a directive
// that permits something must be.
func (d *directive) bare() bool { return !d.hasValue && !d.malformed }

// nameBuffer is long enough for every directive known here.
type nameBuffer [24]byte

// lower copies the name in lower case into buf; it is empty when the name is
// longer than any known directive.
func (d *directive) lower(buf *nameBuffer) []byte {
	if len(d.name) > len(buf) {
		return nil
	}
	for i, c := range d.name {
		buf[i] = lowerByte(c)
	}
	return buf[:len(d.name)]
}

// fieldNames returns the argument of private="…" or no-cache="…" as lower-case
// field names. ok is false when there is no usable list, in which case the
// directive counts for the whole response.
func fieldNames(list string) (names []string, ok bool) {
	for name := range strings.SplitSeq(list, ",") {
		name = strings.ToLower(strings.Trim(name, " \t"))
		if !isToken(name) || essential(name) {
			return nil, false
		}
		names = append(names, name)
	}
	return names, true
}

// essential names the fields without which a stored response could not be served
// or judged. A qualified directive that lists one cannot be met by leaving the
// field out.
func essential(name string) bool {
	switch name {
	case "age", "cache-control", "content-encoding", "content-length", "content-range",
		"content-type", "date", "etag", "expires", "last-modified", "vary":
		return true
	}
	return strings.HasSuffix(name, "-cache-control")
}

func isOWS(c byte) bool { return c == ' ' || c == '\t' }

// trimOWS cuts leading optional white space and reports whether there was any.
func trimOWS(b []byte) (rest []byte, found bool) {
	n := 0
	for n < len(b) && isOWS(b[n]) {
		n++
	}
	return b[n:], n > 0
}

// trimBoth cuts optional white space at both ends.
func trimBoth(b []byte) []byte {
	b, _ = trimOWS(b)
	for len(b) > 0 && isOWS(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

func lowerByte(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// equalLower reports whether b is lower, a lower-case text, in any case.
func equalLower(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if lowerByte(c) != lower[i] {
			return false
		}
	}
	return true
}

// isToken reports a non-empty RFC 9110 §5.6.2 token.
func isToken(s string) bool {
	for i := range len(s) {
		c := lowerByte(s[i])
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}
