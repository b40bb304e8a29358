package logfmt

import (
	"bytes"
)

// ReferrerHost returns the host of a Referer value, borrowed from raw: no
// scheme, user, port, path or query, which may hold anything. It is nil when
// raw is not an http or https URL, when its host is not made of the bytes of a
// registered name, and when the host is an address literal, which may be the
// viewer's own.
func ReferrerHost(raw []byte) []byte {
	host, ok := cutScheme(raw)
	if !ok {
		return nil
	}
	if i := bytes.IndexAny(host, `/?#\`); i >= 0 {
		host = host[:i]
	}
	if i := bytes.LastIndexByte(host, '@'); i >= 0 {
		host = host[i+1:]
	}
	if i := bytes.IndexByte(host, ':'); i >= 0 {
		host = host[:i] // a port; an IPv6 literal begins with '[' and fails below
	}
	if !isName(host) || isAddress(host) {
		return nil
	}
	return host
}

func cutScheme(raw []byte) (rest []byte, ok bool) {
	for _, scheme := range [...]string{"https://", "http://"} {
		if len(raw) >= len(scheme) && bytes.EqualFold(raw[:len(scheme)], []byte(scheme)) {
			return raw[len(scheme):], true
		}
	}
	return nil, false
}

// maxName is the longest DNS name, in bytes (RFC 1035 §2.3.4).
const maxName = 253

func isName(host []byte) bool {
	for _, c := range host {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		digit := c >= '0' && c <= '9'
		if !letter && !digit && c != '.' && c != '-' && c != '_' {
			return false
		}
	}
	return len(host) > 0 && len(host) <= maxName
}

// isAddress reports whether a name is an IPv4 address in any spelling that
// browsers accept: its last label is a number (WHATWG URL, "ends in a number").
func isAddress(name []byte) bool {
	name = bytes.TrimSuffix(name, []byte("."))
	last := name[bytes.LastIndexByte(name, '.')+1:]
	if len(last) == 0 {
		return true // no name at all
	}
	return last[0] >= '0' && last[0] <= '9'
}
