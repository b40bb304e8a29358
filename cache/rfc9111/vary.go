package rfc9111

import (
	"slices"
	"strings"

	"edged/cache/object"
)

// Vary returns the request fields that select among the variants of a response
// (RFC 9110 §12.5.5): lower-case, sorted, each once. star is true when Vary has a
// member "*" or one that is no field name: then no later request can be known to
// match, and names is nil.
//
// Origin and Access-Control-Request-* are left out: the edge answers CORS itself
// and sends none of them to the origin, so they cannot have selected anything.
func Vary(h object.Header) (names []string, star bool) {
	for _, line := range linesOf(h, "Vary") {
		for name := range strings.SplitSeq(line, ",") {
			name = strings.ToLower(strings.Trim(name, " \t"))
			switch {
			case name == "" || ownedByEdge(name):
			case name == "*" || !isToken(name):
				return nil, true
			default:
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names), false
}

func ownedByEdge(name string) bool {
	return name == "origin" || strings.HasPrefix(name, "access-control-request-")
}
