package auth

import "bytes"

// The names of the parts of a token in a query. Expires and Policy stand for each
// other.
const (
	nameExpires = iota
	namePolicy
	nameSignature
	nameKey
	nameHash
	numCloudFrontNames
)

// cloudFrontParams cuts the parts out of a query. It is never written to.
var cloudFrontParams = paramSet{
	names: []string{"Expires", "Policy", "Signature", "Key-Pair-Id", "Hash-Algorithm"},
}

// cloudFrontCookie stands before the same names in cookies.
const cloudFrontCookie = "CloudFront-"

// findCloudFront cuts the parts out of the query, or takes them from cookies when the
// query has none.
func findCloudFront(in *Input, s *Scratch) (Found, Reason) {
	f := Found{Path: in.Path, Query: in.Query, query: in.Query, scratch: s}
	cloudFrontParams.cut(&f)
	parts := s.params[:numCloudFrontNames]
	f.Carrier = Query
	if !anySeen(parts) {
		f.Carrier = Cookie
		partCookies(parts, in.Cookies)
	}
	if !anySeen(parts) {
		f.Carrier = None
		return f, Missing
	}
	if why := cloudFrontParams.check(s); why != Allowed {
		return f, why
	}
	return f, f.assemble(parts)
}

func anySeen(parts []sighting) bool {
	for i := range parts {
		if parts[i].n > 0 {
			return true
		}
	}
	return false
}

// assemble puts the parts of one token, none of which occurs twice, in their places.
func (f *Found) assemble(seen []sighting) Reason {
	for i := range seen {
		switch n := len(seen[i].value); {
		case seen[i].n > 0 && n == 0:
			return Malformed
		case n > MaxTokenSize:
			return Oversized
		}
	}
	canned, custom := &seen[nameExpires], &seen[namePolicy]
	if canned.n+custom.n != 1 || seen[nameSignature].n == 0 || seen[nameKey].n == 0 {
		return Malformed
	}
	f.policy = custom.n > 0
	f.Tokens[partExpires] = canned.value
	if f.policy {
		f.Tokens[partExpires] = custom.value
	}
	f.Tokens[partSignature], f.Tokens[partKey] = seen[nameSignature].value, seen[nameKey].value
	f.Tokens[partHash] = seen[nameHash].value
	f.N = MaxTokens
	return Allowed
}

// partCookies notes the cookies that are parts. Names are compared exactly (RFC 6265
// §5.4).
func partCookies(seen []sighting, header []byte) {
	for pair := range bytes.SplitSeq(header, []byte{';'}) {
		name, value, ok := bytes.Cut(bytes.Trim(pair, " \t"), equals)
		rest, prefixed := bytes.CutPrefix(name, []byte(cloudFrontCookie))
		if !ok || !prefixed {
			continue
		}
		for i, want := range cloudFrontParams.names {
			if string(rest) == want {
				seen[i].add(value, true)
			}
		}
	}
}
