package target

import "bytes"

// Split cuts a raw request target (RFC 9112 §3.2) at its first '?'. It takes
// origin-form, whose authority is nil, and absolute-form of http and https,
// whose authority is returned as sent: it replaces the Host field and still has
// to pass [Host]. Every octet must be in 0x21–0x7E and none may be '#'.
//
// query is nil without a '?', and empty but not nil for a bare one. Results
// borrow raw; all are nil when why is not OK.
func Split(raw []byte) (authority, path, query []byte, why Reason) {
	if why := checkOctets(raw); why != OK {
		return nil, nil, nil, why
	}
	rest := raw
	if len(raw) == 0 || raw[0] != '/' {
		authority, rest, why = splitAbsolute(raw)
		if why != OK {
			return nil, nil, nil, why
		}
	}
	path, query, _ = bytes.Cut(rest, []byte{'?'})
	return authority, path, query, OK
}

// checkOctets refuses what may stand nowhere in a target.
func checkOctets(raw []byte) Reason {
	for _, c := range raw {
		if c-0x21 > 0x7E-0x21 || c == '#' {
			return octetReason(c)
		}
	}
	return OK
}

// octetReason names what is wrong with an octet outside of 0x21–0x7E, or with
// one of the octets that end a path.
func octetReason(c byte) Reason {
	switch {
	case c == '#':
		return Fragment
	case c == '?':
		return RawQuery
	case c == '\\':
		return Backslash
	case c < 0x20 || c == 0x7F:
		return ControlByte
	}
	return RawByte
}

// splitAbsolute takes apart a target that does not begin with '/'.
func splitAbsolute(raw []byte) (authority, rest []byte, why Reason) {
	scheme, rest, ok := bytes.Cut(raw, []byte("://"))
	if !ok || bytes.ContainsAny(scheme, "/?:") {
		return nil, nil, oddForm(raw)
	}
	if !equalFold(scheme, "http") && !equalFold(scheme, "https") {
		return nil, nil, BadScheme
	}
	end := bytes.IndexAny(rest, "/?")
	switch {
	case end == 0, len(rest) == 0:
		return nil, nil, NoHost
	case end < 0, rest[end] == '?':
		return nil, nil, NoPath
	}
	return rest[:end], rest[end:], OK
}

// oddForm names a target that is in neither of the two forms that are served.
func oddForm(raw []byte) Reason {
	switch {
	case len(raw) == 0:
		return Empty
	case string(raw) == "*":
		return AsteriskForm
	case bytes.ContainsAny(raw, "/?"):
		return RelativeForm
	case bytes.IndexByte(raw, ':') >= 0:
		return AuthorityForm
	}
	return RelativeForm
}

// equalFold reports whether b is the ASCII text want, which is in lower case,
// whatever the case of b's letters.
func equalFold(b []byte, want string) bool {
	if len(b) != len(want) {
		return false
	}
	for i, c := range b {
		if lower(c) != want[i] {
			return false
		}
	}
	return true
}

// lower maps an ASCII capital to its small letter and leaves all else alone.
func lower(c byte) byte {
	if c-'A' <= 'Z'-'A' {
		c |= 0x20
	}
	return c
}
