package auth

import (
	"bytes"
	"net/netip"
	"net/url"
	"slices"

	"edged/internal/target"
)

// The flavours of escaping that differ between the vendor's own libraries.
const (
	escapePython = "python"
	escapeNode   = "node"
)

var tilde, exclamation = []byte{'~'}, []byte{'!'}

// edgeAuthFields are the contents of a token whose MAC was right. Byte slices
// borrow the token.
type edgeAuthFields struct {
	expires, start int64
	acl            []byte // nil for a URL token
	session        []byte
	address        netip.Addr
}

// parse reads fields, each at most once, and refuses those it does not know.
func (c *edgeAuthFields) parse(text []byte, escaped bool) Reason {
	var names [8][]byte // two more than there are
	n, dated := 0, false
	for field := range bytes.SplitSeq(text, tilde) {
		name, value, ok := bytes.Cut(field, equals)
		if !ok || len(value) == 0 || hasControl(value) || n == len(names) || slices.ContainsFunc(names[:n], func(b []byte) bool { return bytes.Equal(b, name) }) {
			return BadClaim
		}
		if why := c.field(name, value, escaped); why != Allowed {
			return why
		}
		names[n] = name
		n++
		dated = dated || string(name) == "exp"
	}
	if !dated {
		return BadClaim
	}
	return Allowed
}

func (c *edgeAuthFields) field(name, value []byte, escaped bool) (why Reason) {
	switch string(name) {
	case "exp":
		c.expires, why = decimal(value, maxTimeDigits)
		return why
	case "st":
		c.start, why = decimal(value, maxTimeDigits)
		return why
	case "acl":
		c.acl = value
	case "id":
		c.session = value
	case "data": // the customer's own
	case "ip":
		return c.ip(string(value), escaped)
	default:
		return UnknownClaim
	}
	return Allowed
}

func (c *edgeAuthFields) ip(text string, escaped bool) Reason {
	if escaped {
		plain, err := url.QueryUnescape(text)
		if err != nil {
			return BadClaim
		}
		text = plain
	}
	address, err := netip.ParseAddr(text)
	if err != nil || address.Zone() != "" {
		return BadClaim
	}
	c.address = plainAddr(address)
	return Allowed
}

// plainAddr returns the address as it is compared: IPv4 in IPv6 unmapped, no zone.
func plainAddr(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

// hasField reports whether the text of a token has a field of this name. It looks
// at the form only: nothing need be authentic.
func hasField(text []byte, name string) bool {
	for field := range bytes.SplitSeq(text, tilde) {
		if n, _, _ := bytes.Cut(field, equals); string(n) == name {
			return true
		}
	}
	return false
}

// aclCovers holds a list of globs against a canonical path, in its percent-encoded
// form. An acl may itself be escaped, which shows in its having no '/'; it is then
// decoded once.
func aclCovers(acl, path []byte, w *Scratch) bool {
	w.text = target.AppendEncoded(w.text[:0], path)
	return aclAny(acl, w, func(glob []byte) bool { return matchGlob(glob, w.text) })
}

// aclAny reports whether holds says so of any of the globs of a list.
func aclAny(acl []byte, w *Scratch, holds func(glob []byte) bool) bool {
	if bytes.IndexByte(acl, '/') < 0 {
		var ok bool
		if w.sig, ok = appendPercent(w.sig[:0], acl); !ok {
			return false
		}
		acl = w.sig
	}
	for one := range bytes.SplitSeq(acl, exclamation) {
		if w.payload = appendPattern(w.payload[:0], one); holds(w.payload) {
			return true
		}
	}
	return false
}

// appendEscapedInput appends text as a signer with "escape token input" does: all
// but a few bytes as %hh, in lower case. The vendor's libraries differ in a few.
func appendEscapedInput(dst, text []byte, flavour string) []byte {
	const digits = "0123456789abcdef"
	for _, c := range text {
		switch {
		case flavour != escapePython && flavour != escapeNode,
			base64url(c) || c == '.',
			flavour == escapePython && c == '~',
			flavour == escapeNode && (c == '!' || c == '(' || c == ')'):
			dst = append(dst, c)
		case flavour == escapePython && c == ' ':
			dst = append(dst, '+')
		default:
			dst = append(dst, '%', digits[c>>4], digits[c&15])
		}
	}
	return dst
}
