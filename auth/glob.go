package auth

// matchGlob reports whether pattern matches all of text. '*' stands for any run
// of bytes, '?' for exactly one; there is no escape. Time is at most the product
// of the lengths, whatever the pattern.
func matchGlob[T []byte | string](pattern []byte, text T) bool {
	p, t := 0, 0
	star, resume := -1, 0 // the last '*', and where its run may be taken up again
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, resume = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			resume++
			p, t = star+1, resume
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// appendPattern appends a glob over percent-encoded paths in the form that
// target.AppendEncoded gives to paths: %HH of what needs no encoding decoded, other
// escapes in upper case, what is not ASCII escaped. An escaped '*' stays escaped, or it would become a wildcard;
// it matches nothing then, for paths hold it plain.
func appendPattern(dst, pattern []byte) []byte {
	for len(pattern) > 0 {
		c, width := pattern[0], 1
		if c == '%' {
			c, width = unescape(pattern)
		}
		switch {
		case width == 1 && 0x20 < c && c < 0x7F, width == 3 && plainInPath(c) && c != '*':
			dst = append(dst, c)
		default:
			dst = appendEscaped(dst, c)
		}
		pattern = pattern[width:]
	}
	return dst
}

// plainInPath reports whether c stands for itself in a path: pchar of RFC 3986
// §3.3, and '/'.
func plainInPath(c byte) bool {
	switch c {
	case '!', '$', '&', '\'', '(', ')', '*', '+', ',', ';', '=', ':', '@', '/':
		return true
	}
	return unreserved(c)
}

// unreserved is the set of RFC 3986 §2.3, whose members mean the same with and
// without percent-encoding.
func unreserved(c byte) bool {
	return base64url(c) || c == '.' || c == '~'
}

func appendEscaped(dst []byte, c byte) []byte {
	const digits = "0123456789ABCDEF"
	return append(dst, '%', digits[c>>4], digits[c&15])
}
