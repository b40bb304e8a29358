package target

// The sets below are bit masks over ASCII: octets 0–63 in the first word,
// 64–127 in the second. They cost two instructions and no memory.
const (
	digits  = (1<<10 - 1) << '0'
	letters = (1<<26-1)<<('A'-64) | (1<<26-1)<<('a'-64)

	// pchar of RFC 3986 §3.3, and '/'.
	pcharLow = digits | 1<<'!' | 1<<'$' | 1<<'&' | 1<<'\'' | 1<<'(' | 1<<')' |
		1<<'*' | 1<<'+' | 1<<',' | 1<<'-' | 1<<'.' | 1<<'/' | 1<<':' | 1<<';' | 1<<'='
	pcharHigh = letters | 1<<('@'-64) | 1<<('_'-64) | 1<<('~'-64)

	// Octets that a raw path may hold and that stand for themselves: 0x21–0x7E
	// without '#', '%', '?' and '\'.
	plainLow  = (1<<64 - 1) &^ (1<<33 - 1) &^ (1<<'#' | 1<<'%' | 1<<'?')
	plainHigh = (1<<63 - 1) &^ (1 << ('\\' - 64))

	// Octets of a label of a registered name: letters, digits, '-' and the '_'
	// that real host names have.
	labelLow  = digits | 1<<'-'
	labelHigh = letters | 1<<('_'-64)
)

func pchar(c byte) bool { return in(c, pcharLow, pcharHigh) }
func plain(c byte) bool { return in(c, plainLow, plainHigh) }
func label(c byte) bool { return in(c, labelLow, labelHigh) }

// in reports whether c is in the set of the two masks.
func in(c byte, low, high uint64) bool {
	if c < 64 {
		return low>>c&1 != 0
	}
	return c < 128 && high>>(c-64)&1 != 0
}

// escape decodes the %HH at the start of b.
func escape(b []byte) (c byte, ok bool) {
	if len(b) < 3 || b[0] != '%' {
		return 0, false
	}
	high, low := unhex(b[1]), unhex(b[2])
	return high<<4 | low&15, high|low < 16
}

// unhex returns the value of a hexadecimal digit, 0xFF for anything else.
func unhex(c byte) byte {
	switch {
	case c-'0' <= 9:
		return c - '0'
	case lower(c)-'a' <= 'f'-'a':
		return lower(c) - 'a' + 10
	}
	return 0xFF
}
