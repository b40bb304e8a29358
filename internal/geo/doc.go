// Package geo tells where an address is: its country and its autonomous system,
// from files in the MaxMind DB format (MMDB 2.0), whoever made them.
//
//	atlas, err := geo.Open("/etc/edged/country.mmdb", "/etc/edged/asn.mmdb")
//	atlas.Country(addr) // "NL", "" when not known
//	atlas.ASN(addr)     // 1103, 0 when not known
//
// A file is read into memory when it is opened and never touched again, so that
// replacing or truncating it cannot hurt a running process; a new one takes effect
// when the configuration is reloaded. It is checked as a whole then: a damaged
// file is an error at once, not a wrong country later.
//
// An [Atlas] is immutable and safe for concurrent use. It does not cache, and it
// keeps nothing about the addresses it is asked for.
package geo
