package logfmt

import (
	"net/netip"
	"strings"
)

// AppendStruck appends a as the access log may show it: an IPv4 address with
// its last three digits struck (123.123.123.000), an IPv6 address as its /48
// (2001:db8:1::). An IPv4 address mapped into IPv6 is struck as IPv4, a zone is
// left out, an invalid address appends nothing.
//
// A 6to4 address (2002::/16) carries an IPv4 address in the bits that a /48
// keeps; it is cut to its /40, which strikes that address at the same place.
//
// Other sinks (error log, status page) use it too, so that all redact alike.
func AppendStruck(dst []byte, a netip.Addr) []byte {
	a = a.Unmap()
	switch {
	case !a.IsValid():
		return dst
	case a.Is4():
		b := a.As4()
		dst = appendOctet(appendOctet(appendOctet(dst, b[0]), b[1]), b[2])
		return append(dst, "000"...)
	}
	bits := 48
	if b := a.As16(); b[0] == 0x20 && b[1] == 0x02 {
		bits = 40
	}
	prefix, _ := a.WithZone("").Prefix(bits) // fails only for bits out of range
	return prefix.Addr().AppendTo(dst)
}

// appendOctet appends a number and a dot.
func appendOctet(dst []byte, n byte) []byte {
	switch {
	case n >= 100:
		return append(dst, '0'+n/100, '0'+n/10%10, '0'+n%10, '.')
	case n >= 10:
		return append(dst, '0'+n/10, '0'+n%10, '.')
	}
	return append(dst, '0'+n, '.')
}

// appendAddress appends the client of r as m leaves it, nothing when nothing is
// left. A pseudonym found in a log stays one: it is no less private than what
// Pseudonym and Full ask for, and cannot be struck.
func appendAddress(dst []byte, m AddressMode, r *Record) []byte {
	switch m {
	case Strike:
		return AppendStruck(dst, r.Client)
	case Full:
		if r.Client.IsValid() {
			return r.Client.Unmap().WithZone("").AppendTo(dst)
		}
		return appendHash(dst, 'p', r.Pseudonym)
	case Pseudonym:
		return appendHash(dst, 'p', r.Pseudonym)
	}
	return dst
}

// parseAddress reads what appendAddress wrote into r. A struck IPv4 address comes
// back with a last octet of 0 and the mode that writes it as it was.
func parseAddress(s string, r *Record) bool {
	if hash, ok := parseHash(s, 'p'); ok {
		r.Pseudonym = hash
		return true
	}
	length := len(s)
	if head, ok := strings.CutSuffix(s, ".000"); ok {
		s = head + ".0"
	}
	a, err := netip.ParseAddr(s)
	r.Client = a
	if len(s) < length && a.Unmap().Is4() {
		r.Address = Strike
	}
	return err == nil && a.Zone() == ""
}
