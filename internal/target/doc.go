// Package target is the one reader of request targets and host names. Token
// scope, cache key, purge and origin URL all use its result, so that no two of
// them can understand one request differently.
//
// It refuses, it never repairs. A target that another server might read as a
// different resource (dot segments, double encoding, an encoded slash, empty
// segments …) gets a [Reason] and is answered with 400; nothing is cleaned up
// and served. What is left has exactly one spelling for every path:
//
//   - raw: the octets of the request line, still percent-encoded;
//   - canonical: decoded exactly once by [Canonical], used for token scopes,
//     media classes and logs;
//   - encoded: what [AppendEncoded] makes of a canonical path, used for the
//     cache key and for the request to the origin.
//
// For every accepted path p and its canonical form c, Canonical(AppendEncoded(c))
// is c again, and AppendEncoded(c) is a fixed point.
//
//	authority, path, query, why := target.Split(raw)
//	// … cut a token out of the raw path here …
//	canonical, buf, why := target.Canonical(path, buf)
//	key = target.AppendEncoded(key, canonical)
//	query = policy.Append(nil, query)
//
// A query is never decoded as a whole: it is split on '&' only (';' is data),
// and what [QueryPolicy] lets count goes byte for byte into the key and to the
// origin alike. What does not count goes to neither.
//
// All functions are pure and safe for concurrent use. Results borrow their
// input unless a buffer is named; there are no allocations when nothing had to
// be decoded.
//
// The package does not know sites, tokens or methods, does not resolve
// references, and does not treat hosts beyond their syntax.
package target
