package rfc9111

import "strings"

// An entity tag is compared as the origin sent it. One that breaks the grammar
// (RFC 9110 §8.8.3) matches only its own exact bytes, and never strongly.

// strong reports a well-formed strong entity tag.
func strong(etag string) bool {
	return len(etag) >= 2 && etag[0] == '"' && strings.IndexByte(etag[1:], '"') == len(etag)-2
}

// weak reports a well-formed weak entity tag.
func weak(etag string) bool { return strings.HasPrefix(etag, "W/") && strong(etag[2:]) }

// strongEqual is the strong comparison (RFC 9110 §8.8.3.2).
func strongEqual(a, b string) bool { return a == b && strong(a) }

// weakEqual is the weak comparison.
func weakEqual(a, b string) bool { return a != "" && opaque(a) == opaque(b) }

// opaque cuts the weakness flag off.
func opaque(etag string) string {
	if weak(etag) {
		return etag[2:]
	}
	return etag
}

// tagInList reports whether an entity tag is in a list of them, or the list is
// "*" (RFC 9110 §13.1.1, §13.1.2). It allocates nothing.
func tagInList(list []byte, etag string, strongly bool) bool {
	if list = trimBoth(list); len(list) == 1 && list[0] == '*' {
		return true
	}
	if etag == "" || strongly && !strong(etag) {
		return false
	}
	wanted := etag
	if !strongly {
		wanted = opaque(etag)
	}
	for {
		member, rest, ok := nextTag(list)
		if !ok {
			return false
		}
		if !strongly {
			member = opaqueBytes(member)
		}
		if string(member) == wanted {
			return true
		}
		list = rest
	}
}

// nextTag cuts the first member off a list of entity tags. A comma inside quotes
// belongs to the tag; what follows the closing quote up to the comma too, which
// makes the member match nothing.
func nextTag(list []byte) (member, rest []byte, ok bool) {
	for len(list) > 0 && (isOWS(list[0]) || list[0] == ',') {
		list = list[1:]
	}
	if len(list) == 0 {
		return nil, nil, false
	}
	n := tagEnd(list)
	for n < len(list) && list[n] != ',' {
		n++
	}
	return trimBoth(list[:n]), list[n:], true
}

// tagEnd returns the index behind the quoted tag that begins b, 0 when none does.
// A backslash is an ordinary byte there.
func tagEnd(b []byte) int {
	start := 0
	if len(b) > 2 && b[0] == 'W' && b[1] == '/' {
		start = 2
	}
	if b[start] != '"' {
		return 0
	}
	for i := start + 1; i < len(b); i++ {
		if b[i] == '"' {
			return i + 1
		}
	}
	return 0
}

// opaqueBytes is opaque for borrowed bytes.
func opaqueBytes(tag []byte) []byte {
	if len(tag) > 3 && tag[0] == 'W' && tag[1] == '/' && tagEnd(tag) == len(tag) {
		return tag[2:]
	}
	return tag
}
