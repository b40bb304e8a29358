// Package rfc9111 decides what a shared HTTP cache may do, as pure functions:
// may this response be stored, for how long is it fresh, how old is it, may it
// be served now, does a 304 speak of it, what does a client's condition say.
//
// The nouns are those of RFC 9111. [Directives] is a response's parsed
// Cache-Control or, when there is one, its targeted field (RFC 9213).
// [Policy] is what a site decides where the RFCs leave room, [Defaults] the part
// of it that depends on the media class. [Compute] turns a response into an
// [object.Freshness]; from then on only arithmetic is left:
//
//	if why := policy.Storable(&req, status, h); why != rfc9111.OK { … }
//	m.Header = policy.StoredHeader(status, h, received)
//	m.Freshness = rfc9111.Compute(status, h, policy.Defaults, requested, received)
//	…
//	switch rfc9111.Evaluate(&m.Freshness, rd, now) {
//	case rfc9111.Fresh: …
//	case rfc9111.StaleWhileRevalidate: …
//	case rfc9111.Validate: …
//	case rfc9111.Unsatisfiable504: …
//	}
//
// Rules: RFC 9111 (caching), RFC 9110 (dates, validators, preconditions), RFC
// 5861 (stale-while-revalidate, stale-if-error), RFC 8246 (immutable), RFC 9213
// (targeted fields). Where the text says "the most restrictive", a doubt always
// ends in validation or in not storing, never in a longer life.
//
// Times are Unix nanoseconds of the caller's clock, spans are time.Duration.
// Nothing here reads a clock, does I/O, keeps state or retains an argument, so
// every function may be called from any goroutine. [Evaluate],
// [MayServeOnError], [ParseRequest], [Conditions.Evaluate],
// [Conditions.RangeApplies] and [NormalizeSelecting] are on the path of a hit
// and allocate nothing; tests hold them to it. The others run once a fill.
//
// The package does not look up, store or combine bodies, does not parse Range or
// Content-Range, and does not write Cache-Status.
package rfc9111
