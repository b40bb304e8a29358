package auth

import "bytes"

// placeFinder takes tokens out of the places where a site expects them. Elsewhere
// their names mean nothing.
type placeFinder struct {
	query     *finder // nil where queries carry none, and so on
	cookie    *finder
	segment   string // what a path segment that holds a token begins with, "" for none
	parameter string // what a parameter of a path begins with behind its delimiter, "" for none
	header    string // name of the header field, "" for none
	single    bool   // several cookies are refused
}

// newPlaceFinder returns a finder of tokens that have the same name in all places.
// setting is where the name and the places are configured.
func newPlaceFinder(setting, name string, places []string) (placeFinder, error) {
	var p placeFinder
	if !isParamName(name) {
		return p, settingf(setting+".name", "%q: use letters, digits, '_', '-' and '.'", name)
	}
	all := newFinder(name, "")
	for _, place := range places {
		switch place {
		case "path":
			p.segment = name + "="
		case "query":
			p.query = &all
		case "cookie":
			p.cookie = &all
		case "header":
			p.header = name
		default:
			return p, settingf(setting+".places", "%q is no place for a token: use path, query, cookie or header", place)
		}
	}
	return p, nil
}

// isParamName reports whether a name means the same in a query, a cookie, a header
// field and a path.
func isParamName(name string) bool {
	for i := range len(name) {
		if !base64url(name[i]) && name[i] != '.' {
			return false
		}
	}
	return name != ""
}

// find cuts every token out of path and query, and judges then. Cookies count only
// when no other place has a token.
func (p *placeFinder) find(in *Input, s *Scratch) (Found, Reason) {
	f := Found{Path: in.Path, Query: in.Query, query: in.Query, scratch: s}
	var seen [numCarriers]sighting
	switch {
	case p.segment != "":
		seen[Path] = f.cutSegments(p.segment)
	case p.parameter != "":
		seen[Path] = f.cutParameters(p.parameter)
	}
	if p.query != nil {
		p.query.param.cut(&f)
		seen[Query] = s.params[0]
	}
	if p.header != "" && in.Fields != nil {
		seen[Header] = headerLines(in.Fields, p.header, s)
	}
	why, decided := f.takeOne(&seen)
	if decided || p.cookie == nil {
		return f, why
	}
	why = f.cookies(p.cookie.param.names[0], in.Cookies)
	if f.N > 1 && p.single {
		f.N, why = 0, Duplicate
	}
	return f, why
}

// takeOne takes the token of the one place but cookies that has one.
func (f *Found) takeOne(seen *[numCarriers]sighting) (why Reason, decided bool) {
	why = Missing
	for c := range numCarriers {
		switch {
		case seen[c].n == 0:
		case decided:
			f.N = 0
			return TwoPlaces, true
		default:
			why, decided = f.take(c, seen[c]), true
		}
	}
	return why, decided
}

// headerLines sees the lines of a header field.
func headerLines(fields Fields, name string, s *Scratch) (seen sighting) {
	s.lines = fields.Append(s.lines[:0], name)
	for _, line := range s.lines {
		seen.add(bytes.Trim(line, " \t"), true)
	}
	return seen
}

// cutSegments removes path segments that begin with prefix, wherever they are:
// players keep one before the file name when they resolve relative references. A
// path that was nothing but a token leaves "/".
func (f *Found) cutSegments(prefix string) (seen sighting) {
	kept := f.scratch.path[:0]
	for rest := f.Path; len(rest) > 0; {
		segment := rest[1:]
		if end := bytes.IndexByte(segment, '/'); end >= 0 {
			segment = segment[:end]
		}
		if n, exact := matchFolded(segment, prefix); n >= 0 {
			seen.add(segment[n:], exact)
		} else {
			kept = append(kept, rest[:1+len(segment)]...)
		}
		rest = rest[1+len(segment):]
	}
	f.scratch.path = kept
	if seen.n == 0 {
		return seen
	}
	if len(kept) == 0 {
		kept = append(kept, '/')
	}
	f.Path = kept
	return seen
}

// cutParameters removes what begins with prefix, "name=", behind a ';' or as a segment
// of its own. What separates the parameter from the rest goes with it (RFC 9246 §2.1.15):
// the delimiter after it, or where none is, the one before.
func (f *Found) cutParameters(prefix string) (seen sighting) {
	for i := 0; i < len(f.Path); {
		n, exact := matchParameter(f.Path[i:], prefix)
		if n < 0 {
			i++
			continue
		}
		value := f.Path[i+n:]
		if end := bytes.IndexAny(value, "/!$&'()*+,;="); end >= 0 {
			value = value[:end]
		}
		before, rest := f.Path[:i], f.Path[i+n+len(value):]
		padded := len(rest) > 0 && rest[0] == '=' // a JWT never is, RFC 7515 §2
		seen.add(value, exact && !padded)
		if len(rest) > 0 && rest[0] != '/' {
			before, rest = f.Path[:i+1], rest[1:]
		}
		// What was cut before stands in the scratch already, and only moves forward in it.
		f.scratch.path = append(append(f.scratch.path[:0], before...), rest...)
		f.Path = f.scratch.path // and look at the same place again
	}
	if len(f.Path) == 0 {
		f.Path = slash // it was nothing but a token
	}
	return seen
}

// matchParameter matches a delimiter and the beginning of a parameter after it, as
// matchFolded does.
func matchParameter(path []byte, prefix string) (n int, exact bool) {
	c, width := path[0], 1
	if c == '%' {
		c, width = unescape(path)
	}
	if c != ';' && c != '/' {
		return -1, false
	}
	n, exact = matchFolded(path[width:], prefix)
	if n < 0 {
		return -1, false
	}
	return width + n, exact && width == 1
}
