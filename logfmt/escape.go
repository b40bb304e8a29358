package logfmt

import "unicode/utf8"

const upperHex = "0123456789ABCDEF"

// appendPercent appends c as %HH.
func appendPercent(dst []byte, c byte) []byte {
	return append(dst, '%', upperHex[c>>4], upperHex[c&15])
}

// plainW3C holds the bytes that a W3C value shows as they are: what RFC 3986
// and most log tools take for part of a word. A space is written as '+'.
var plainW3C = plainSet(func(c byte) bool {
	return c > ' ' && c < 0x7f && c != '%' && c != '+' && c != '"'
})

// plainJSON holds the ASCII that a JSON string shows as it is.
var plainJSON = plainSet(func(c byte) bool {
	return c >= ' ' && c < 0x7f && c != '%' && c != '"' && c != '\\'
})

func plainSet(plain func(byte) bool) (set [256]bool) {
	for c := range set {
		set[c] = plain(byte(c))
	}
	return set
}

// text is what text fields are made of.
type text interface{ ~string | ~[]byte }

// appendW3CText appends v as one W3C value: printable ASCII without a space, in
// which no separator, line end or directive can be forged. A lone "-" is
// escaped, for that is how a missing value is written. Empty v appends nothing.
func appendW3CText[T text](dst []byte, v T) []byte {
	if len(v) == 1 && v[0] == '-' {
		return appendPercent(dst, '-')
	}
	n := plainW3CPrefix(v)
	dst = append(dst, v[:n]...)
	if n == len(v) {
		return dst
	}
	return appendW3CEscaped(dst, v[n:])
}

func appendW3CEscaped[T text](dst []byte, v T) []byte {
	start := 0
	for i := 0; i < len(v); i++ {
		c := v[i]
		if plainW3C[c] {
			continue
		}
		dst = append(dst, v[start:i]...)
		start = i + 1
		if c == ' ' {
			dst = append(dst, '+')
		} else {
			dst = appendPercent(dst, c)
		}
	}
	return append(dst, v[start:]...)
}

// plainW3CPrefix returns how many bytes of v surely need no escape. It looks at eight
// at a time, which is where the time of a record went: a byte of a word is set in
// its top bit when it is one that has to be escaped.
func plainW3CPrefix[T text](v T) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(v); i += 8 {
		w := v[i : i+8]
		x := uint64(w[0]) | uint64(w[1])<<8 | uint64(w[2])<<16 | uint64(w[3])<<24 |
			uint64(w[4])<<32 | uint64(w[5])<<40 | uint64(w[6])<<48 | uint64(w[7])<<56
		quote, percent, plus, del := x^ones*'"', x^ones*'%', x^ones*'+', x^ones*0x7f
		odd := x | (x-ones*0x21)&^x | (quote-ones)&^quote | (percent-ones)&^percent | (plus-ones)&^plus | (del-ones)&^del
		if odd&tops != 0 {
			return i
		}
	}
	for ; i < len(v); i++ {
		if !plainW3C[v[i]] {
			return i
		}
	}
	return i
}

// appendJSONText appends v as the inside of a JSON string. Bytes that are not
// UTF-8, control characters and everything that some reader takes for the end
// of a line are percent-escaped, '%' too, so that the string is valid UTF-8 and
// the bytes can be had back.
func appendJSONText[T text](dst []byte, v T) []byte {
	start := 0
	for i := 0; i < len(v); {
		if plainJSON[v[i]] {
			i++
			continue
		}
		size := 1
		if v[i] >= utf8.RuneSelf {
			size = showable(string(v[i:min(i+utf8.UTFMax, len(v))]))
		}
		if size > 1 {
			i += size
			continue
		}
		dst = append(dst, v[start:i]...)
		dst = appendJSONByte(dst, v[i])
		i++
		start = i
	}
	return append(dst, v[start:]...)
}

func appendJSONByte(dst []byte, c byte) []byte {
	if c == '"' || c == '\\' {
		return append(dst, '\\', c)
	}
	return appendPercent(dst, c)
}

// showable returns the length in bytes of the character that s begins with, 1
// when it has to be escaped byte by byte: not UTF-8, a C1 control (NEL is one
// of them), a line or paragraph separator.
func showable(s string) int {
	c, size := utf8.DecodeRuneInString(s)
	if c == utf8.RuneError || c < 0xa0 || c == '\u2028' || c == '\u2029' {
		return 1
	}
	return size
}

// appendUnescaped appends the bytes that an escaped value stands for; plus says
// whether '+' is a space. ok is false for a '%' without two hex digits.
func appendUnescaped[T text](dst []byte, v T, plus bool) (out []byte, ok bool) {
	for i := 0; i < len(v); i++ {
		switch c := v[i]; {
		case c == '%':
			if i+2 >= len(v) {
				return dst, false
			}
			high, low := unhex(v[i+1]), unhex(v[i+2])
			if high > 15 || low > 15 {
				return dst, false
			}
			dst = append(dst, high<<4|low)
			i += 2
		case c == '+' && plus:
			dst = append(dst, ' ')
		default:
			dst = append(dst, c)
		}
	}
	return dst, true
}

// unhex returns the value of a hex digit, 255 for any other byte.
func unhex(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	}
	return 255
}
