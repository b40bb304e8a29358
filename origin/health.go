package origin

import (
	"sync"
	"sync/atomic"
	"time"
)

// How an origin that fails is left alone.
const (
	firstPause = 250 * time.Millisecond // after it went down
	maxPause   = 10 * time.Second       // doubling ends here
	maxStrikes = 3                      // failures in a row that may be the fault of one URL
)

// blame is what a failure says about the origin as a whole.
type blame uint8

const (
	blameNone   blame = iota // not its fault
	blameStrike              // perhaps only this URL: slow, cut, garbled
	blameDown                // nobody can be served: no connection, no TLS
)

// health remembers that an origin fails, so that not every miss pays its
// timeout. While it is down one request after each pause is let through
// (half open); its success ends the matter, its failure doubles the pause. Any
// answer is a success here, 503 too: it came at once and is about one URL.
type health struct {
	troubled atomic.Bool // anything below is set; the only thing read when all is well

	mu      sync.Mutex
	strikes int           // failures in a row
	down    bool          // skipped until…
	until   time.Time     // …then one probe
	pause   time.Duration // current one
	probing bool          // a probe is under way
	why     Kind          // of the last failure
}

// admission is the answer to whether an origin may be asked.
type admission struct {
	ok    bool
	probe bool          // the caller decides over the origin's return
	why   Kind          // when not ok: what it failed with
	wait  time.Duration // when not ok: until the next probe
}

// admit decides whether a request may go out at now. An admitted one must call
// succeed, fail or pass.
func (h *health) admit(now time.Time) admission {
	if !h.troubled.Load() {
		return admission{ok: true}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case !h.down:
		return admission{ok: true}
	case h.probing || now.Before(h.until):
		return admission{why: h.why, wait: max(0, h.until.Sub(now))}
	}
	h.probing = true
	return admission{ok: true, probe: true}
}

// succeed notes an answer: the origin is up.
func (h *health) succeed() {
	if !h.troubled.Load() {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.strikes, h.down, h.until, h.pause, h.probing, h.why = 0, false, time.Time{}, 0, false, KindNone
	h.troubled.Store(false)
}

// fail notes a failure of an admitted request. Those that were under way when
// the origin went down change nothing: only the probe may prolong the pause.
func (h *health) fail(now time.Time, a admission, b blame, why Kind) {
	if b == blameNone {
		h.pass(a)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.down && !a.probe {
		return
	}
	h.troubled.Store(true)
	h.why = why
	h.strikes++
	if !h.down && b != blameDown && h.strikes < maxStrikes {
		return
	}
	h.pause = min(max(firstPause, 2*h.pause), maxPause)
	h.down, h.until, h.probing = true, now.Add(h.pause), false
}

// pass ends an admission without a verdict.
func (h *health) pass(a admission) {
	if !a.probe {
		return
	}
	h.mu.Lock()
	h.probing = false
	h.mu.Unlock()
}

// up reports whether requests are let through.
func (h *health) up() bool {
	if !h.troubled.Load() {
		return true
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.down
}

// blames is blames for this origin. Where there is no other origin, failures that may
// be the fault of one URL never take it down: one broken title would take all
// others with it, and nobody would be better off.
func (s *server) blames(e *Error) blame {
	b := blames(e)
	if b == blameStrike && len(s.opts.URLs) == 1 {
		return blameNone
	}
	return b
}

// blames judges a failed attempt. What the node itself ended says nothing.
func blames(e *Error) blame {
	switch {
	case e.Kind == KindCanceled || e.Kind == KindLoop || e.Err == limitQueue || e.Err == limitTotal: //nolint:errorlint // bare
		return blameNone
	case e.Phase == PhaseConnect || e.Phase == PhaseTLS:
		return blameDown
	}
	return blameStrike
}
