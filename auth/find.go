package auth

import "bytes"

// finder takes tokens of one name out of a request. The exact spelling carries a
// token; any other spelling that a decoder further down might take for the same
// name (case, %HH) is cut out as well and refused.
type finder struct {
	param   paramSet // of one name, which is also that of the cookie
	segment string   // what the leading path segment begins with; "" for none does
}

func newFinder(name, segment string) finder {
	return finder{paramSet{names: []string{name}}, segment}
}

// find cuts every token out of path and query first, and judges then, so that
// what is left never holds one. Cookies count only when path and query have
// none: a bad token in the URL must not be rescued by an older cookie.
func (d *finder) find(in *Input, s *Scratch) (Found, Reason) {
	f := Found{Path: in.Path, Query: in.Query, query: in.Query, scratch: s}
	inPath := f.cutLeading(d.segment)
	d.param.cut(&f)
	inQuery := s.params[0]
	switch {
	case inPath.n > 0 && inQuery.n > 0:
		return f, TwoPlaces
	case inPath.n > 0:
		return f, f.take(Path, inPath)
	case inQuery.n > 0:
		return f, f.take(Query, inQuery)
	}
	return f, f.cookies(d.param.names[0], in.Cookies)
}

// sighting is what one place held.
type sighting struct {
	n       int
	value   []byte // of the first
	inexact bool   // some name was spelled otherwise
}

func (s *sighting) add(value []byte, exact bool) {
	if s.n == 0 {
		s.value = value
	}
	s.n++
	s.inexact = s.inexact || !exact
}

func (f *Found) take(c Carrier, s sighting) Reason {
	f.Carrier = c
	switch {
	case s.n > 1:
		return Duplicate
	case s.inexact || len(s.value) == 0:
		return Malformed
	}
	f.Tokens[0], f.N = s.value, 1
	return Allowed
}

// cutLeading removes leading segments that begin with prefix and so hold a token. Two are too many, but both
// go. A path that was nothing but a token leaves "/", so that it stays a path.
func (f *Found) cutLeading(prefix string) (seen sighting) {
	for prefix != "" && len(f.Path) > 1 && f.Path[0] == '/' {
		segment, rest := f.Path[1:], f.Path[:1]
		if end := bytes.IndexByte(segment, '/'); end >= 0 {
			segment, rest = segment[:end], segment[end:]
		}
		n, exact := matchFolded(segment, prefix)
		if n < 0 {
			break
		}
		seen.add(segment[n:], exact)
		f.Path = rest
	}
	return seen
}

var equals = []byte{'='}

// cookies takes every cookie of a name (RFC 6265 §5.4: names are
// compared exactly). Browsers send one for each path that matches.
func (f *Found) cookies(want string, header []byte) Reason {
	for len(header) > 0 {
		pair := header
		if end := bytes.IndexByte(header, ';'); end >= 0 {
			pair, header = header[:end], header[end+1:]
		} else {
			header = nil
		}
		name, value, ok := bytes.Cut(bytes.Trim(pair, " \t"), equals)
		if !ok || string(name) != want {
			continue
		}
		f.Carrier = Cookie
		if f.N == MaxTokens {
			f.N = 0
			return Duplicate
		}
		f.Tokens[f.N] = value
		f.N++
	}
	if f.N == 0 {
		return Missing
	}
	return Allowed
}

// matchFolded matches the beginning of raw, with %HH decoded and without regard to
// case, against want. It returns how many raw bytes matched, or -1, and
// whether they were spelled exactly so.
func matchFolded(raw []byte, want string) (n int, exact bool) {
	if len(raw) < len(want) {
		return -1, false
	}
	exact = true
	for i := range len(want) {
		if n >= len(raw) {
			return -1, false
		}
		c, width := raw[n], 1
		if c == '%' {
			c, width = unescape(raw[n:])
		}
		if c != want[i] {
			exact = false
		}
		if lower(c) != lower(want[i]) {
			return -1, false
		}
		exact = exact && width == 1
		n += width
	}
	return n, exact
}

// unescape decodes %HH at the start of b; anything else is a plain '%'.
func unescape(b []byte) (c byte, width int) {
	if len(b) < 3 {
		return '%', 1
	}
	hi, lo := unhex(b[1]), unhex(b[2])
	if hi < 0 || lo < 0 {
		return '%', 1
	}
	return byte(hi<<4 | lo), 3
}

func unhex(c byte) int {
	switch c = lower(c); {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}
