// Package edge is the request path: the one place that knows tokens, cache,
// origins and logs together. It knows neither fasthttp nor net/http; adapters
// in internal/server translate.
//
// A request walks one straight line, one method a step:
//
//	Serve → target → site → token → classify → key → lookup → evaluate
//	      → hit | validate | fill → range → respond        (Serve)
//	      → deliver → release → count → log                (adapter, Finish)
//
// Its result is one [Outcome] in the words of RFC 9211 with closed enums of
// reasons. Cache-Status, the log record and the counters are all read from that
// value, so that they cannot disagree.
//
// An [Exchange] carries one request. It is used by one goroutine and reused for
// the next request of its connection. Fetches from an origin run on goroutines
// of their own, owned by the [Edge], which Close waits for.
package edge
