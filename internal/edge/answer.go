package edge

import (
	"errors"
	"time"

	"edged/cache"
	"edged/cache/object"
	"edged/cache/rfc9111"
	"edged/origin"
)

// maxRounds is how often a request looks again because what it waited for turned
// out to be somebody else's: another variant, or a response that is not shared.
const maxRounds = 4

// answer serves from the cache, or brings what is missing.
func (e *Edge) answer(x *Exchange) {
	for range maxRounds {
		o, tier, resolved := e.cache.Lookup(x.key, x, x.resolved[:0])
		x.resolved = resolved
		if o != nil && e.fromStored(x, o, tier) || o == nil && x.directive.OnlyIfCached && e.onlyIfCached(x) {
			return
		}
		if e.forward(x, o) {
			return
		}
		x.out.Forward, x.out.Collapsed = ForwardNone, false
	}
	x.out.Detail = DetailOriginProtocol
	e.refuse(x, 502)
}

// onlyIfCached answers a client that does not want the origin to be asked
// (RFC 9111 §5.2.1.7). It always returns true.
func (e *Edge) onlyIfCached(x *Exchange) bool {
	x.out.Detail = DetailOnlyIfCached
	return !e.refuse(x, 504)
}

// fromStored serves o when it may be served as it is.
func (e *Edge) fromStored(x *Exchange, o *cache.Object, tier cache.Tier) bool {
	m := o.Meta()
	switch rfc9111.Evaluate(&m.Freshness, x.directive, x.now) {
	case rfc9111.Fresh:
	case rfc9111.StaleWhileRevalidate:
		x.out.Detail = DetailStale
		e.validate(x, o, m)
	case rfc9111.Unsatisfiable504:
		e.cache.Done(o)
		return e.onlyIfCached(x)
	default:
		if !e.tideOver(x, o, m) {
			return false
		}
	}
	if !o.Readable() { // memory or disk has lost part of it: a miss
		x.out.Detail = DetailNone
		return false
	}
	x.out.Hit, x.out.Tier = true, tier
	e.respond(x, o, m)
	return true
}

// retryInterval is how long an origin that was too slow to validate an object is
// left alone about it.
const retryInterval = 2 * time.Second

// tideOver reports whether o may be served stale because its origin was too slow a
// moment ago: then one request at a time asks again, in the background, and no
// viewer has to wait for a limit to pass (RFC 5861 §4).
func (e *Edge) tideOver(x *Exchange, o *cache.Object, m *object.Meta) bool {
	failed, due := o.Troubled(x.now)
	if !failed || !rfc9111.MayServeOnError(&m.Freshness, x.directive, x.now) {
		return false
	}
	x.out.Detail = DetailStaleIfError
	if due {
		e.validate(x, o, m)
	}
	return true
}

// validate fetches in the background, unless somebody does already.
func (e *Edge) validate(x *Exchange, o *cache.Object, m *object.Meta) {
	if f := e.cache.Validate(x.resolved, m, x.now); f != nil {
		defer f.Leave()
		e.lead(x, f, o)
	}
}

// lead starts the fetch of a fill that x leads. What goes wrong before it has a
// goroutine of its own ends the fill, too: others wait for it.
func (e *Edge) lead(x *Exchange, f *cache.Fill, stored *cache.Object) *fetch {
	started := false
	defer func() {
		if !started {
			f.Abort(errPanic)
		}
	}()
	job := x.newFetch(stored)
	started = true
	e.startFetch(f, job)
	return job
}

// forward brings what Lookup did not have: as the leader of a fetch or behind
// somebody else's. It returns false when the request has to look again.
func (e *Edge) forward(x *Exchange, stale *cache.Object) bool {
	var seen *object.Meta
	x.out.Forward = ForwardURIMiss
	if stale != nil {
		seen = stale.Meta()
		x.out.Forward = ForwardStale
		if seen.Freshness.TTL(x.now) > 0 && seen.Freshness.Flags&object.NoCache == 0 {
			x.out.Forward = ForwardRequest
		}
	} else if len(x.resolved) != len(x.key) {
		x.out.Forward = ForwardVary
	}
	f, leader, newer := e.cache.Join(x.resolved, seen, x.now)
	if newer != nil {
		return e.share(x, newer)
	}
	defer f.Leave()
	if stale != nil {
		defer e.unused(x, stale)
	}
	var job *fetch
	if leader {
		job = e.lead(x, f, stale)
	}
	x.await(f, job)
	x.leading, x.out.Collapsed = leader, !leader
	switch err := f.Err(); {
	case err == nil:
		return e.fetched(x, f, leader)
	case !leader && errors.Is(err, origin.ErrLoop):
		return false // that was the leader's request going in circles, not this one
	default:
		x.fault = faultOf(err, f.Status())
		e.failed(x, stale, err)
		return true
	}
}

// unused lets go of what Lookup found unless it is served after all: an object
// that was only looked at on disk has no place in memory.
func (e *Edge) unused(x *Exchange, o *cache.Object) {
	if x.object() != o {
		e.cache.Done(o)
	}
}

// share serves an object that came into the index while this request was on its
// way to fetch it: as good as having waited for that fetch. What the origin said
// after this request had arrived will do even if it must be validated before
// every use, or a crowd would never see two alike and go on asking.
func (e *Edge) share(x *Exchange, o *cache.Object) bool {
	m := o.Meta()
	fresh := m.Freshness.Received >= x.arrived ||
		rfc9111.Evaluate(&m.Freshness, x.directive, e.now().UnixNano()) == rfc9111.Fresh
	if !fresh || !o.Readable() {
		return false
	}
	x.out.Collapsed, x.out.Stored, x.out.Tier = true, true, cache.TierRAM
	e.respond(x, o, m)
	return true
}

// fetched serves what a fill brought, if this request may have it.
func (e *Edge) fetched(x *Exchange, f *cache.Fill, leader bool) bool {
	o := f.Object()
	if !leader && (!f.Shared() || string(o.Key()) != borrowed(x.resolved)) {
		return false
	}
	m := o.Meta()
	x.out.FwdStatus, x.out.Stored = f.Status(), o.Stored()
	if !o.Transient() || f.Shared() {
		x.out.Tier = cache.TierRAM
	}
	if leader && f.Status() != 304 {
		x.out.Tier = cache.TierOrigin
	}
	x.now = max(x.now, m.Freshness.Received)
	e.respond(x, o, m)
	return true
}

// failed answers when no origin had a usable response: stale if that is allowed,
// else an error that nobody stores.
func (e *Edge) failed(x *Exchange, stale *cache.Object, err error) {
	detail, status := classify(err)
	if stale != nil {
		m := stale.Meta()
		if rfc9111.MayServeOnError(&m.Freshness, x.directive, x.now) && stale.Readable() {
			x.out.Detail, x.out.Tier = DetailStaleIfError, cache.TierRAM
			e.respond(x, stale, m)
			return
		}
	}
	x.out.Detail = detail
	e.refuse(x, status)
}

// classify maps a failed fetch to its detail and the status for the client: 504
// for an origin that is too slow, 502 for any other fault of it.
func classify(err error) (Detail, int) {
	switch {
	case errors.Is(err, errOriginStatus):
		return DetailOriginStatus, 502
	case errors.Is(err, origin.ErrTimeout):
		return DetailOriginTimeout, 504
	case errors.Is(err, origin.ErrLoop):
		return DetailOriginLoop, 508
	case errors.Is(err, origin.ErrConnect), errors.Is(err, origin.ErrTLS):
		return DetailOriginConnect, 502
	case errors.Is(err, cache.ErrNoMemory):
		return DetailNoMemory, 503
	}
	return DetailOriginProtocol, 502
}
