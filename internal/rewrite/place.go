package rewrite

import "bytes"

// role is what a URI is in its manifest.
type role uint8

const (
	// toManifest: what is relative is so to the manifest itself.
	toManifest role = 1 << iota
	// template: dollar signs have a meaning (ISO/IEC 23009-1 §5.3.9.4.4).
	template
	// prefix: others are resolved against it, and what ends in a slash is never fetched.
	prefix
	// inBase: relative to the base URL.
	inBase
	// elsewhere: the base URL is foreign, so that only what names a host can be own.
	elsewhere
	// absolute: only what begins with a scheme is a URI.
	absolute
)

// place appends uri, with the token in it, to dst. Where the URI must not or need
// not have one it returns false, and dst is to be forgotten.
func (r *Rewriter) place(dst, uri []byte, as role) (out []byte, changed bool) {
	k, path := r.classify(uri)
	switch {
	case k == foreign, k != own && as&(elsewhere|absolute) != 0, r.o.Covers != nil && !r.covered(k, uri, path, as):
		return dst, false
	case r.o.Mode != Segment:
		return r.intoQuery(dst, uri, path, as)
	case k == relative:
		return r.resolved(dst, uri, as)
	}
	return r.intoPath(append(dst, uri[:path]...), nil, uri[path:], as)
}

// covered reports whether the token opens what uri leads to. Of a base URL, and of what is
// relative to one, nobody knows yet where it leads.
func (r *Rewriter) covered(k kind, uri []byte, path int, as role) bool {
	if as&prefix != 0 || k == relative && (as&toManifest == 0 || uri[0] == '?' || uri[0] == '#') {
		return true
	}
	r.whole = r.whole[:0]
	if k == relative {
		r.whole = append(r.whole, r.o.Base...)
	}
	r.whole = append(r.whole, pathOf(uri[path:])...)
	if len(r.whole) == 0 {
		r.whole = append(r.whole, '/')
	}
	return r.o.Covers(flatten(r.whole))
}

// resolved puts the token in front of what is relative to the manifest.
func (r *Rewriter) resolved(dst, uri []byte, as role) (out []byte, changed bool) {
	if as&toManifest == 0 || uri[0] == '?' || uri[0] == '#' {
		return dst, false
	}
	if r.o.Inherits && !climbs(r.o.Base, uri) {
		return dst, false
	}
	return r.intoPath(dst, []byte(r.o.Base), uri, as)
}

// intoPath appends the token as a segment, then base and path. Dot segments are taken
// out if there are any: they could climb over the token.
func (r *Rewriter) intoPath(dst, base, path []byte, as role) (out []byte, changed bool) {
	if len(base) == 0 && bytes.HasPrefix(path, []byte(r.segment)) {
		return dst, false
	}
	dst = append(append(dst, r.segment...), r.valueAs(as)...)
	if len(base) == 0 && (len(path) == 0 || path[0] != '/') {
		dst = append(dst, '/')
	}
	start := len(dst)
	dst = append(append(dst, base...), path...)
	if hasDots(path) {
		dst = dst[:start+len(flatten(dst[start:]))]
	}
	return dst, true
}

// valueAs returns the token as it is written in this role.
func (r *Rewriter) valueAs(as role) string {
	if as&template != 0 {
		return r.dollars
	}
	return r.value
}

// intoQuery appends uri with the token as the last parameter.
func (r *Rewriter) intoQuery(dst, uri []byte, path int, as role) (out []byte, changed bool) {
	fragment := len(uri)
	if i := bytes.IndexByte(uri, '#'); i >= 0 {
		fragment = i
	}
	if fragment == 0 {
		return dst, false
	}
	head := uri[:fragment]
	mark := bytes.IndexByte(head, '?')
	if as&prefix != 0 && isDirectory(head, path, mark) || mark >= 0 && hasParameter(head[mark+1:], r.mark) {
		return dst, false
	}
	dst = append(dst, head...)
	switch last := head[len(head)-1]; {
	case mark < 0:
		dst = append(dst, '?')
	case last != '?' && last != '&':
		dst = append(dst, '&')
	}
	dst = append(append(dst, r.mark...), r.valueAs(as)...)
	return append(dst, uri[fragment:]...), true
}

// isDirectory reports whether the path of a base URL is empty or ends in a slash.
func isDirectory(uri []byte, path, mark int) bool {
	if mark >= 0 {
		uri = uri[:mark]
	}
	return len(uri) <= path || uri[len(uri)-1] == '/'
}

// hasParameter reports whether a query has a parameter, given as "name=".
func hasParameter(query []byte, mark string) bool {
	for len(query) > 0 {
		var pair []byte
		pair, query, _ = bytes.Cut(query, []byte("&"))
		if len(pair) >= len(mark) && string(pair[:len(mark)]) == mark {
			return true
		}
	}
	return false
}

// pathOf returns a reference without query and fragment.
func pathOf(uri []byte) []byte {
	if end := bytes.IndexAny(uri, "?#"); end >= 0 {
		return uri[:end]
	}
	return uri
}

// hasDots reports whether a path has segments "." or "..", escaped or not.
func hasDots(path []byte) bool {
	path = pathOf(path)
	for len(path) > 0 {
		var segment []byte
		segment, path, _ = bytes.Cut(path, []byte("/"))
		if dots(segment) > 0 {
			return true
		}
	}
	return false
}

// dots returns 1 for a segment ".", 2 for "..", 0 for any other. Browsers read %2e
// as a dot here.
func dots(segment []byte) int {
	n := 0
	for len(segment) > 0 && n < 3 {
		switch {
		case segment[0] == '.':
			segment = segment[1:]
		case len(segment) >= 3 && segment[0] == '%' && segment[1] == '2' && segment[2]|0x20 == 'e':
			segment = segment[3:]
		default:
			return 0
		}
		n++
	}
	if n > 2 {
		return 0
	}
	return n
}

// climbs reports whether a relative reference leaves the root that base begins with.
func climbs(base string, uri []byte) bool {
	depth := bytes.Count([]byte(base), []byte("/")) - 1
	path := pathOf(uri)
	for len(path) > 0 {
		var segment []byte
		segment, path, _ = bytes.Cut(path, []byte("/"))
		switch dots(segment) {
		case 0:
			depth++
		case 2:
			if depth--; depth < 0 {
				return true
			}
		}
	}
	return false
}

// flatten takes dot segments out of an absolute path in place (RFC 3986 §5.2.4) and
// leaves query and fragment as they are.
func flatten(uri []byte) []byte {
	path := pathOf(uri)
	rest := uri[len(path):]
	out := uri[:0]
	for at := 0; at < len(path); {
		end := bytes.IndexByte(path[at+1:], '/') // path[at] is a slash
		last := end < 0
		if last {
			end = len(path) - at - 1
		}
		segment := path[at : at+1+end]
		switch dots(segment[1:]) {
		case 2:
			out = out[:max(0, bytes.LastIndexByte(out, '/'))]
			fallthrough
		case 1:
			if last {
				out = append(out, '/')
			}
		default:
			out = append(out, segment...)
		}
		at += 1 + end
	}
	return append(out, rest...)
}
