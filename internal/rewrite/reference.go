package rewrite

import (
	"bytes"
	"slices"
)

// kind is where a reference leads (RFC 3986 §4).
type kind uint8

const (
	foreign  kind = iota // elsewhere, or nowhere to be sure of
	relative             // relative path, query or fragment
	rooted               // absolute path on the manifest's host
	own                  // own host, named
)

// classify returns the kind of a reference and where its path begins.
//
// Browsers repair what RFC 3986 does not allow: they take '\' for '/', and drop tabs
// and line ends. What they would read otherwise than we do counts as foreign.
func (r *Rewriter) classify(uri []byte) (k kind, path int) {
	if len(uri) == 0 || odd(uri) {
		return foreign, 0
	}
	switch scheme := schemeLength(uri); {
	case scheme == 0:
		if uri[0] != '/' {
			return relative, 0
		}
		if len(uri) == 1 || uri[1] != '/' {
			return rooted, 0
		}
	case isHTTP(uri[:scheme]) && bytes.HasPrefix(uri[scheme+1:], []byte("//")):
		path = scheme + 1
	default:
		return foreign, 0
	}
	authority := uri[path+2:]
	if end := bytes.IndexAny(authority, "/?#"); end >= 0 {
		authority = authority[:end]
	}
	if !r.isOwn(authority) {
		return foreign, 0
	}
	return own, path + 2 + len(authority)
}

// odd reports bytes that readers of URIs treat differently.
func odd(uri []byte) bool {
	for _, c := range uri {
		if c < ' ' || c == '\\' || c == 0x7f {
			return true
		}
	}
	return uri[0] == ' ' || uri[len(uri)-1] == ' '
}

// schemeLength returns the length of the scheme before its ':', 0 without one.
func schemeLength(uri []byte) int {
	for i, c := range uri {
		switch {
		case 'a' <= c|0x20 && c|0x20 <= 'z':
		case i > 0 && ('0' <= c && c <= '9' || c == '+' || c == '-' || c == '.'):
		case i > 0 && c == ':':
			return i
		default:
			return 0
		}
	}
	return 0
}

func isHTTP(scheme []byte) bool {
	return bytes.EqualFold(scheme, []byte("https")) || bytes.EqualFold(scheme, []byte("http"))
}

// isOwn reports whether an authority is one of ours: no user, a known host, and the
// port of the manifest or a usual one.
func (r *Rewriter) isOwn(authority []byte) bool {
	host, port := authority, []byte(nil)
	if i := bytes.LastIndexByte(authority, ':'); i > bytes.LastIndexByte(authority, ']') {
		host, port = authority[:i], authority[i+1:]
	}
	switch string(port) {
	case "", "80", "443", r.o.Port:
	default:
		return false
	}
	return slices.ContainsFunc(r.o.Hosts, func(name string) bool {
		return len(name) == len(host) && bytes.EqualFold(host, []byte(name))
	})
}
