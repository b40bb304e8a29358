package rfc9111

import (
	"time"

	"edged/cache/object"
)

// maxHeuristic bounds a heuristic lifetime. RFC 9111 §4.2.2 leaves the bound to
// the cache; a day is what RFC 7234 §5.5.4 thought worth a warning.
const maxHeuristic = 24 * time.Hour

// Defaults are the spans that count when the origin states none. Zero means none.
type Defaults struct {
	// Lifetime is for 200, 203 and 206 without an explicit lifetime.
	Lifetime time.Duration
	// Negative is for 404 and 410 without an explicit lifetime.
	Negative time.Duration
	// StaleWhileRevalidate goes with Lifetime and Negative only: beside a lifetime
	// the origin stated it would be staleness that nobody allowed.
	StaleWhileRevalidate time.Duration
	// StaleIfError counts whenever the origin neither states nor forbids it: RFC
	// 9111 §4.2.4 lets a disconnected cache serve stale.
	StaleIfError time.Duration
	// Heuristic allows a tenth of the time since Last-Modified, at most a day, as
	// the lifetime when none of the above applies (RFC 9111 §4.2.2).
	Heuristic bool
}

// Compute returns the age and the lifetimes of a response (RFC 9111 §4.2), to be
// stored with it. requested and received are the times at which the request was
// sent and the response began, in Unix nanoseconds.
//
// It does not ask whether the response may be stored. A response that may not
// gets no lifetime and must be validated, so that a mistake in storing it is never
// served unasked.
func Compute(status int, h object.Header, d Defaults, requested, received int64) object.Freshness {
	dir := ParseResponse(h)
	f := object.Freshness{Received: received, InitialAge: initialAge(h, requested, received)}
	if dir.Immutable {
		f.Flags |= object.Immutable
	}
	if dir.forbidsStale() {
		f.Flags |= object.MustRevalidate
	}
	if dir.Private || dir.noStore(status) {
		f.Flags |= object.NoCache
		return f
	}
	if dir.NoCache {
		f.Flags |= object.NoCache
	}
	explicit := false
	if f.Lifetime, explicit = explicitLifetime(&dir, h, received); !explicit {
		f.Lifetime = guess(status, &dir, h, d, received)
		f.Flags |= object.Heuristic
	}
	if f.Flags&(object.MustRevalidate|object.NoCache) == 0 {
		f.StaleWhileRevalidate, f.StaleIfError = staleWindows(&dir, d, !explicit && f.Lifetime > 0)
	}
	return f
}

// explicitLifetime is what the origin states (RFC 9111 §4.2.1): s-maxage, else
// max-age, else Expires less Date.
func explicitLifetime(dir *Directives, h object.Header, received int64) (life time.Duration, explicit bool) {
	switch {
	case dir.SMaxAge != absent:
		return dir.SMaxAge, true
	case dir.MaxAge != absent:
		return dir.MaxAge, true
	case dir.Targeted:
		return 0, false
	}
	return expiresLifetime(h, received)
}

// expiresLifetime reads Expires. Present but unreadable, or given twice with
// different values, means already stale (RFC 9111 §5.3).
func expiresLifetime(h object.Header, received int64) (life time.Duration, present bool) {
	lines := linesOf(h, "Expires")
	if len(lines) == 0 {
		return 0, false
	}
	for _, line := range lines[1:] {
		if line != lines[0] {
			return 0, true
		}
	}
	expires, ok := ParseDateAt(lines[0], floorSeconds(received))
	if !ok {
		return 0, true
	}
	return saturate(expires - dateOrReceived(h, received)), true
}

// guess is the lifetime of a response whose origin states none.
//
// An origin that says Pragma: no-cache and has no Cache-Control meant to forbid
// caching. The RFC gives that field no meaning in responses (§5.4), so it does
// not undo a stated lifetime; but nothing obliges a cache to guess against it.
func guess(status int, dir *Directives, h object.Header, d Defaults, received int64) time.Duration {
	if !dir.Targeted && !h.Has("Cache-Control") && hasDirective([]byte(h.Joined("Pragma")), "no-cache") {
		return 0
	}
	if span := d.byStatus(status); span > 0 {
		return span
	}
	if d.Heuristic && (heuristic(status) || dir.Public) {
		return heuristicLifetime(h, received)
	}
	return 0
}

// byStatus returns the default lifetime for a status, 0 for none.
func (d *Defaults) byStatus(status int) time.Duration {
	switch status {
	case 200, 203, 206:
		return d.Lifetime
	case 404, 410:
		return d.Negative
	}
	return 0
}

// heuristicLifetime is a tenth of the time from Last-Modified to Date.
func heuristicLifetime(h object.Header, received int64) time.Duration {
	modified, ok := ParseDateAt(h.Get("Last-Modified"), floorSeconds(received))
	if !ok {
		return 0
	}
	return min(saturate(dateOrReceived(h, received)-modified)/10, maxHeuristic)
}

// staleWindows returns for how long after the lifetime the response may be
// served while it is validated, and when the origin fails (RFC 5861). guessed
// says that the lifetime is ours, not the origin's.
func staleWindows(dir *Directives, d Defaults, guessed bool) (revalidate, onError time.Duration) {
	revalidate, onError = max(0, dir.StaleWhileRevalidate), dir.StaleIfError
	if guessed && dir.StaleWhileRevalidate == absent {
		revalidate = max(0, d.StaleWhileRevalidate)
	}
	if onError == absent {
		onError = max(0, d.StaleIfError)
	}
	return revalidate, onError
}
