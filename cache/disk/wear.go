package disk

import (
	"sync"
	"sync/atomic"
	"time"

	"edged/cache/object"
)

// Admission is what a disk takes at the moment.
type Admission uint8

// What a disk takes.
const (
	Everything Admission = iota // whatever may be stored
	SecondHit                   // what is asked for a second time: the write budget is in danger
	Nothing                     // the write budget is used up
)

// String returns the word used in metrics and on the status page.
func (a Admission) String() string { return [...]string{"everything", "second-hit", "nothing"}[a] }

// wearDay is the horizon of a write budget: what was not written in the quiet hours
// may be written in the evening.
const wearDay = 24 * time.Hour

// wearDanger is the share of a day's writes, one in so many, below which a budget is
// in danger. Second hits then have the rest of it to themselves.
const wearDanger = 4

// wear is the write budget of a disk: a bucket that holds what may be written in a
// day and fills up steadily.
type wear struct {
	perDay int64         // bytes; 0: no limit
	now    atomic.Uint32 // Admission, as of the last look: requests must not queue up for a lock

	mu   sync.Mutex
	left float64   // bytes at time at; below zero after a large write; guarded by mu
	at   time.Time // guarded by mu
}

// newWear returns a full bucket.
func newWear(perDay int64) *wear {
	return &wear{perDay: perDay, left: float64(perDay), at: time.Now()}
}

// restore sets the bucket to what it held at a time in the past.
func (w *wear) restore(left int64, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now := time.Now(); at.After(now) { // the clock was set back
		at = now
	}
	w.left, w.at = float64(left), at
	w.fillLocked()
	w.judgeLocked()
}

// fillLocked adds what came since the last look.
func (w *wear) fillLocked() {
	now := time.Now()
	passed := max(0, now.Sub(w.at))
	w.left = min(float64(w.perDay), w.left+float64(w.perDay)*passed.Seconds()/wearDay.Seconds())
	w.at = now
}

// charge takes n bytes that were written.
func (w *wear) charge(n int64) {
	if w.perDay == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fillLocked()
	w.left -= float64(n)
	w.judgeLocked()
}

// judgeLocked sets what may be written from now on.
func (w *wear) judgeLocked() {
	a := Nothing
	switch {
	case w.perDay == 0 || w.left >= float64(w.perDay/wearDanger):
		a = Everything
	case w.left > 0:
		a = SecondHit
	}
	w.now.Store(uint32(a))
}

// remaining returns the bytes in the bucket.
func (w *wear) remaining() int64 {
	if w.perDay == 0 {
		return 0
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fillLocked()
	w.judgeLocked()
	return int64(w.left)
}

// admission returns what may be written now, as charge and remaining saw it last.
func (w *wear) admission() Admission { return Admission(w.now.Load()) }

// Admits reports whether the disk takes an object at the moment; again tells that it
// was asked for before. Put refuses bodies only when the budget is used up.
func (t *Tier) Admits(_ object.Key, again bool) bool {
	return t.breaker.writable() && t.wear.admits(again)
}

func (w *wear) admits(again bool) bool {
	switch w.admission() {
	case Everything:
		return true
	case SecondHit:
		return again
	}
	return false
}
