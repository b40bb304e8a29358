package target

import (
	"bytes"
	"unicode/utf8"
)

// Canonical decodes a raw path exactly once and refuses every path that another
// server could read differently: octets outside of 0x21–0x7E, bad escapes,
// control characters, backslashes, encoded slashes, what is still percent-encoded
// after decoding, dot segments (also as "%2e%2e" and "..;x"), empty segments but
// for a last one, and anything that is not UTF-8. The path must begin with '/';
// a token in it must have been cut out before, and '?' and '#' are refused.
//
// canonical borrows path when nothing had to be decoded. Otherwise it is written
// to buf, which must not overlap path; grown is buf or its enlarged successor,
// to be passed to the next call. canonical is nil when why is not OK.
//
// Budget: 0 allocations and one pass when there is no escape
// (BenchmarkCanonical, TestAllocations).
func Canonical(path, buf []byte) (canonical, grown []byte, why Reason) {
	if len(path) == 0 {
		return nil, buf, Empty
	}
	if path[0] != '/' {
		return nil, buf, RelativeForm
	}
	escaped, odd, why := survey(path)
	if why == OK && escaped {
		buf, why = decode(buf[:0], path)
		path = buf
	}
	if why == OK && (escaped || odd) {
		why = checkSegments(path)
	}
	if why != OK {
		return nil, buf, why
	}
	return path, buf, OK
}

// survey looks at each raw octet once. escaped reports a '%'; odd reports a
// segment that begins like one checkSegments refuses, which plain paths do not
// have, so that they need no second pass.
func survey(path []byte) (escaped, odd bool, why Reason) {
	var before byte
	for _, c := range path {
		if !plain(c) {
			if c != '%' {
				return false, false, octetReason(c)
			}
			escaped = true
		}
		if before == '/' && (c == '.' || c == '/' || c == ';') {
			odd = true
		}
		before = c
	}
	return escaped, odd, OK
}

// decode appends path to dst with each %HH replaced by its octet, and checks
// what came out.
func decode(dst, path []byte) ([]byte, Reason) {
	for {
		i := bytes.IndexByte(path, '%')
		if i < 0 {
			break
		}
		dst = append(dst, path[:i]...)
		c, ok := escape(path[i:])
		if !ok {
			return dst, BadEscape
		}
		if why := decodedReason(c); why != OK {
			return dst, why
		}
		dst = append(dst, c)
		path = path[i+3:]
	}
	dst = append(dst, path...)
	return dst, checkDecoded(dst)
}

// decodedReason names what is wrong with an octet that came from an escape.
func decodedReason(c byte) Reason {
	switch {
	case c == '/':
		return EncodedSlash
	case c == '\\':
		return Backslash
	case c < 0x20 || c == 0x7F:
		return ControlByte
	}
	return OK
}

// checkDecoded looks at what only the decoded path as a whole can show.
func checkDecoded(path []byte) Reason {
	if !utf8.Valid(path) {
		return NotUTF8
	}
	for i, c := range path {
		if c == '%' {
			if _, ok := escape(path[i:]); ok {
				return DoubleEncoded
			}
		}
		// U+0080–U+009F: terminals and log viewers act upon C1 controls as they
		// do upon C0. The text is UTF-8, so 0xC2 has a successor.
		if c == 0xC2 && path[i+1] < 0xA0 {
			return ControlByte
		}
	}
	return OK
}

// checkSegments refuses segments that some servers resolve or drop. Servers
// that know path parameters do so after setting ";…" aside, hence "..;x".
func checkSegments(path []byte) Reason {
	rest := path[1:]
	for {
		segment, after, more := bytes.Cut(rest, []byte{'/'})
		name, _, _ := bytes.Cut(segment, []byte{';'})
		switch string(name) {
		case ".", "..":
			return DotSegment
		case "":
			// Only the last segment may be empty ("/", "/dir/"), and then wholly.
			if more || len(segment) > 0 {
				return EmptySegment
			}
		}
		if !more {
			return OK
		}
		rest = after
	}
}

// AppendEncoded appends a canonical path to dst: pchar (RFC 3986 §3.3) and '/'
// as they are, every other octet as %HH in upper case. It is the inverse of
// [Canonical]. dst must not overlap canonical.
func AppendEncoded(dst, canonical []byte) []byte {
	const hex = "0123456789ABCDEF"
	start := 0
	for i, c := range canonical {
		if pchar(c) {
			continue
		}
		dst = append(dst, canonical[start:i]...)
		dst = append(dst, '%', hex[c>>4], hex[c&15])
		start = i + 1
	}
	return append(dst, canonical[start:]...)
}
