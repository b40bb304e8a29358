package logfmt

import "fmt"

// AddressMode says what becomes of a client address in the log.
//
// The modes are ordered by how much they leave, partly: None is stricter than
// Strike and Pseudonym, and both of them are stricter than Full. Between Strike and
// Pseudonym there is no order: a struck address tells where somebody is, a
// pseudonym that two requests came from one viewer.
type AddressMode uint8

// The address modes.
const (
	// Inherit is the mode of what is around: of the node for a site, Strike for a
	// node.
	Inherit AddressMode = iota
	// Strike keeps an IPv4 address but its last three digits
	// (123.123.123.000) and the first 48 bits of an IPv6 address.
	Strike
	// Pseudonym writes a keyed hash. Its key lives in RAM for an hour or a day.
	Pseudonym
	// Full writes the address.
	Full
	// None writes nothing.
	None
)

// String returns the word that configuration uses, "" for Inherit.
func (m AddressMode) String() string {
	if int(m) >= len(addressModes) {
		return "invalid"
	}
	return addressModes[m]
}

var addressModes = [...]string{Inherit: "", Strike: "strike", Pseudonym: "pseudonym", Full: "full", None: "none"}

// ParseAddressMode is the inverse of AddressMode.String for the four modes.
func ParseAddressMode(s string) (AddressMode, error) {
	for m, word := range addressModes {
		if word == s && word != "" {
			return AddressMode(m), nil
		}
	}
	return 0, fmt.Errorf("logfmt: unknown address mode %q: use \"strike\", \"pseudonym\", \"full\" or \"none\"", s)
}

// Allows reports whether a site may ask for site where its node has m: the same, or
// stricter, or nothing of its own.
func (m AddressMode) Allows(site AddressMode) bool {
	return site == Inherit || site == m || site == None || m == Full
}

// stricter returns site where m allows it, else m.
func (m AddressMode) stricter(site AddressMode) AddressMode {
	if m == Inherit {
		m = Strike
	}
	if site != Inherit && m.Allows(site) {
		return site
	}
	return m
}
