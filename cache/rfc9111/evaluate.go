package rfc9111

import (
	"time"

	"edged/cache/object"
)

// Decision says how a stored response may answer a request.
type Decision uint8

const (
	// Fresh: serve it.
	Fresh Decision = iota
	// StaleWhileRevalidate: serve it stale and validate it in the background (RFC
	// 5861 §3). A client that allows staleness with max-stale gets this too: what
	// one client tolerates is no reason to keep the object stale for all.
	StaleWhileRevalidate
	// Validate: ask the origin first.
	Validate
	// Unsatisfiable504: the client forbade asking the origin (only-if-cached) and
	// what is stored may not be served: answer 504 (RFC 9111 §5.2.1.7).
	Unsatisfiable504
)

// String returns the decision's stable word.
func (d Decision) String() string {
	switch d {
	case Fresh:
		return "fresh"
	case StaleWhileRevalidate:
		return "stale_while_revalidate"
	case Validate:
		return "validate"
	}
	return "unsatisfiable"
}

// Evaluate decides whether a stored response may be served at now (Unix
// nanoseconds) to a request with the directives rd (RFC 9111 §4.2, §5.2.1).
//
// An immutable response that is fresh is served to a client that reloads
// (no-cache, max-age): RFC 8246 says that nothing can have changed.
//
// Budget: no allocation and a few nanoseconds, see BenchmarkEvaluate.
func Evaluate(f *object.Freshness, rd RequestDirectives, now int64) Decision {
	if rd == NoWishes() && f.Flags&object.NoCache == 0 && f.Age(now) < f.Lifetime {
		return Fresh // apart, so that the wishes stay in registers
	}
	return evaluate(f, rd, now)
}

func evaluate(f *object.Freshness, rd RequestDirectives, now int64) Decision {
	age := f.Age(now)
	switch {
	case f.Flags&object.NoCache != 0:
	case age < f.Lifetime:
		if rd.acceptsFresh(f, age) {
			return Fresh
		}
	case rd.acceptsStale(f, age):
		return StaleWhileRevalidate
	}
	if rd.OnlyIfCached {
		return Unsatisfiable504
	}
	return Validate
}

// acceptsFresh reports whether a fresh response of this age is fresh enough.
func (rd *RequestDirectives) acceptsFresh(f *object.Freshness, age time.Duration) bool {
	if rd.MinFresh != absent && f.Lifetime-age < rd.MinFresh {
		return false
	}
	return f.Flags&object.Immutable != 0 || !rd.NoCache && rd.acceptsAge(age)
}

// acceptsStale reports whether a response that went stale Lifetime ago may be
// served without asking: the origin allows it for a while or the client allows
// it, neither forbids it. A client that states a max-age and no max-stale does
// not want a stale response (RFC 9111 §5.2.1.1).
func (rd *RequestDirectives) acceptsStale(f *object.Freshness, age time.Duration) bool {
	if f.Flags&object.MustRevalidate != 0 || rd.NoCache || rd.MinFresh != absent || !rd.acceptsAge(age) {
		return false
	}
	staleness := age - f.Lifetime
	if staleness <= rd.MaxStale {
		return true
	}
	return staleness < f.StaleWhileRevalidate && rd.MaxAge == absent && rd.MaxStale == absent
}

func (rd *RequestDirectives) acceptsAge(age time.Duration) bool {
	return rd.MaxAge == absent || age <= rd.MaxAge
}

// MayServeOnError decides whether a stored response may answer after the origin
// failed: it could not be reached or answered with an [ErrorStatus] (RFC 5861 §4,
// RFC 9111 §4.2.4). It must be fresh, or stale by less than stale-if-error or at
// most the client's max-stale.
//
// Of the client's wishes only no-cache stands in the way. max-age and min-fresh
// are preferences among responses that can be had, and what a plain reload sends:
// during an outage they yield.
func MayServeOnError(f *object.Freshness, rd RequestDirectives, now int64) bool {
	if f.Flags&object.NoCache != 0 || rd.NoCache {
		return false
	}
	staleness := f.Age(now) - f.Lifetime
	if staleness < 0 {
		return true
	}
	return f.Flags&object.MustRevalidate == 0 && (staleness < f.StaleIfError || staleness <= rd.MaxStale)
}
