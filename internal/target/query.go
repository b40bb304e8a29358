package target

import (
	"bytes"
	"iter"
	"slices"
)

// Params iterates over the name=value pairs of a raw query. It splits on '&'
// only, because servers disagree about ';', and decodes nothing. value is nil
// for a pair without '='. Empty pairs, as between "&&", come as an empty name, so
// that joining all pairs with '&' gives the query again. Both slices borrow
// query.
func Params(query []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		rest := query // the sequence may be ranged over again
		for more := len(rest) > 0; more; {
			var pair []byte
			pair, rest, more = bytes.Cut(rest, []byte{'&'})
			name, value, _ := bytes.Cut(pair, []byte{'='})
			if !yield(name, value) {
				return
			}
		}
	}
}

// Mode says which parameters of a query count.
type Mode uint8

// The modes of a QueryPolicy.
const (
	All   Mode = iota // every parameter but the dropped ones
	None              // none
	Allow             // those that Names lists
	Deny              // every parameter but those that Names lists
)

// QueryPolicy says which parameters of a query count for a site. The zero value
// lets all count, in the order in which they were sent.
//
// Whatever the mode, CMCD is dropped in any case of its letters, because it
// differs with each request of each player, and the delivery directives of
// low-latency HLS (_HLS_msn, _HLS_part, _HLS_skip) are kept, because their
// answers differ (RFC 8216bis §6.2.5).
//
// Names are compared after decoding, so that "%65ct" does not carry a token past
// a rule about "ect"; what is kept is kept as it was spelled. A policy is not
// modified by its methods and may be shared.
type QueryPolicy struct {
	Mode  Mode
	Names []string // of Allow and Deny; compared exactly
	Sort  bool     // order by name, byte-wise; pairs of one name keep their order
	Drop  []string // token parameters; compared without regard to case
}

// Append appends to dst what counts of a raw query, without a leading '?'. The
// result goes into the cache key and to the origin alike. Pairs keep their bytes
// and, without Sort, their order. dst must not overlap query.
func (p *QueryPolicy) Append(dst, query []byte) []byte {
	if len(query) == 0 {
		return dst
	}
	if p.Sort {
		return p.appendSorted(dst, query)
	}
	first := true
	for more := true; more; {
		var pair []byte
		pair, query, more = bytes.Cut(query, []byte{'&'})
		if !p.keeps(pairName(pair)) {
			continue
		}
		if !first {
			dst = append(dst, '&')
		}
		first = false
		dst = append(dst, pair...)
	}
	return dst
}

// appendSorted is Append in the order of names. Empty pairs have no place in an
// order and are left out.
func (p *QueryPolicy) appendSorted(dst, query []byte) []byte {
	var room [32][]byte // on the stack: players send a handful
	pairs := room[:0]
	for more := true; more; {
		var pair []byte
		pair, query, more = bytes.Cut(query, []byte{'&'})
		if len(pair) > 0 && p.keeps(pairName(pair)) {
			pairs = append(pairs, pair)
		}
	}
	slices.SortStableFunc(pairs, func(a, b []byte) int {
		return bytes.Compare(pairName(a), pairName(b))
	})
	for i, pair := range pairs {
		if i > 0 {
			dst = append(dst, '&')
		}
		dst = append(dst, pair...)
	}
	return dst
}

// pairName returns what stands before the first '=' of a pair.
func pairName(pair []byte) []byte {
	name, _, _ := bytes.Cut(pair, []byte{'='})
	return name
}

// keeps reports whether a parameter of this raw name counts. Dropping comes
// first: a token must not get through whatever else its name is.
func (p *QueryPolicy) keeps(name []byte) bool {
	if nameIs(name, "cmcd", true) || listed(p.Drop, name, true) {
		return false
	}
	if isDeliveryDirective(name) {
		return true
	}
	switch p.Mode {
	case None:
		return false
	case Allow:
		return listed(p.Names, name, false)
	case Deny:
		return !listed(p.Names, name, false)
	}
	return true
}

// listed reports whether one of names is spelled by the raw name.
func listed(names []string, name []byte, fold bool) bool {
	for _, s := range names {
		if nameIs(name, s, fold) {
			return true
		}
	}
	return false
}

// isDeliveryDirective reports whether name is one of the parameters with which
// an HLS client asks for a playlist that does not exist yet, or for its delta.
func isDeliveryDirective(name []byte) bool {
	const prefix = "_HLS_"
	if len(name) == 0 || name[0] != '_' && name[0] != '%' {
		return false
	}
	for _, suffix := range [...]string{prefix + "msn", prefix + "part", prefix + "skip"} {
		if nameIs(name, suffix, false) {
			return true
		}
	}
	return false
}

// nameIs reports whether the raw name spells want once its escapes are decoded;
// a bad escape stands for itself. fold ignores the case of ASCII letters.
func nameIs(raw []byte, want string, fold bool) bool {
	n := 0
	for len(raw) > 0 {
		c, size := raw[0], 1
		if decoded, ok := escape(raw); ok {
			c, size = decoded, 3
		}
		if n == len(want) || c != want[n] && (!fold || lower(c) != lower(want[n])) {
			return false
		}
		raw = raw[size:]
		n++
	}
	return n == len(want)
}
