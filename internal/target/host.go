package target

import (
	"bytes"
	"net/netip"
)

// Limits of DNS names in text form (RFC 1035 §2.3.4).
const (
	maxLabel = 63
	maxName  = 253
)

// Host canonicalises the value of a Host field or an authority: letters in lower
// case, port and one trailing dot cut off, an IPv6 address in its brackets and
// in the form of RFC 5952. User information, percent-encoding, zones and
// everything else that is not a plain host name or address are refused.
//
// host borrows raw when it already was canonical, else buf, which must not
// overlap raw; grown is buf or its enlarged successor. host is nil when why is
// not OK. Only IPv6 literals allocate.
func Host(raw, buf []byte) (host, grown []byte, why Reason) {
	if len(raw) == 0 {
		return nil, buf, NoHost
	}
	if raw[0] == '[' {
		return bracketed(raw, buf)
	}
	name, port, _ := bytes.Cut(raw, []byte{':'})
	if !validPort(port) {
		return nil, buf, BadPort
	}
	name = bytes.TrimSuffix(name, []byte{'.'})
	capital, ok := checkName(name)
	if !ok {
		return nil, buf, BadHost
	}
	if !capital {
		return name, buf, OK
	}
	grown = buf[:0]
	for _, c := range name {
		grown = append(grown, lower(c))
	}
	return grown, grown, OK
}

// checkName reports whether name is a registered name or IPv4 address, and
// whether it has capital letters.
func checkName(name []byte) (capital, ok bool) {
	if len(name) > maxName {
		return false, false
	}
	length := 0
	for _, c := range name {
		if c == '.' {
			if length == 0 {
				return false, false
			}
			length = 0
			continue
		}
		length++
		if !label(c) || length > maxLabel {
			return false, false
		}
		capital = capital || c-'A' <= 'Z'-'A'
	}
	return capital, length > 0
}

// bracketed is Host for an IPv6 literal (RFC 3986 §3.2.2).
func bracketed(raw, buf []byte) (host, grown []byte, why Reason) {
	text, after, ok := bytes.Cut(raw[1:], []byte{']'})
	if !ok {
		return nil, buf, BadHost
	}
	if len(after) > 0 && (after[0] != ':' || !validPort(after[1:])) {
		return nil, buf, BadPort
	}
	addr, err := netip.ParseAddr(string(text))
	if err != nil || !addr.Is6() || addr.Zone() != "" {
		return nil, buf, BadHost
	}
	grown = addr.AppendTo(append(buf[:0], '['))
	grown = append(grown, ']')
	return grown, grown, OK
}

// validPort reports whether port is absent, empty as RFC 3986 §3.2.3 allows, or
// a number up to 65535.
func validPort(port []byte) bool {
	n := 0
	for _, c := range port {
		if c-'0' > 9 {
			return false
		}
		if n = n*10 + int(c-'0'); n > 65535 {
			return false
		}
	}
	return true
}
