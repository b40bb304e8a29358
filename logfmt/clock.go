package logfmt

import "time"

// clock writes moments and remembers the text of the last second: at ten thousand
// requests a second all but one of them share it. The zero value is ready. It
// belongs to one goroutine, or to who holds the lock around it.
type clock struct {
	second int64
	text   [len("2006-01-02 15:04:05.")]byte
	known  bool // text belongs to second
}

// memo is what one queue remembers from line to line: the last second, and how node,
// account and site of the last record are written in the queue's format. The zero value
// is ready.
type memo struct {
	clock
	node, account, site string
	owner               []byte
}

// append appends Unix nanoseconds as 2006-01-02?15:04:05.000 in UTC with sep for
// '?'. A nil clock remembers nothing.
func (c *clock) append(dst []byte, unixNano int64, sep byte) []byte {
	if c == nil {
		c = new(clock) // stays on the stack
	}
	second, nanos := unixNano/int64(time.Second), unixNano%int64(time.Second)
	if nanos < 0 {
		second, nanos = second-1, nanos+int64(time.Second)
	}
	if !c.known || c.second != second {
		c.set(second)
	}
	start := len(dst)
	dst = append(dst, c.text[:]...)
	dst[start+len("2006-01-02")] = sep
	milli := int(nanos / int64(time.Millisecond))
	return appendPair(append(dst, byte('0'+milli/100)), milli%100)
}

func (c *clock) set(second int64) {
	t := time.Unix(second, 0).UTC()
	year, month, day := t.Date()
	hour, minute, sec := t.Clock()
	b := appendPair(appendPair(c.text[:0], year/100), year%100)
	b = appendPair(append(b, '-'), int(month))
	b = appendPair(append(b, '-'), day)
	b = appendPair(append(b, ' '), hour)
	b = appendPair(append(b, ':'), minute)
	b = appendPair(append(b, ':'), sec)
	_ = append(b, '.')
	c.second, c.known = second, true
}

// appendPair appends two digits.
func appendPair(dst []byte, n int) []byte {
	return append(dst, byte('0'+n/10), byte('0'+n%10))
}
