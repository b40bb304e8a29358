package disk

import (
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Health is what the breaker of a disk allows.
type Health uint8

// The states of a disk.
const (
	Healthy  Health = iota // reads and writes
	ReadOnly               // a write failed: what is stored is served, nothing is stored
	Offline                // reads fail or hang: everything is a miss
)

// String returns the word used in logs, metrics and on the status page.
func (h Health) String() string { return [...]string{"healthy", "read-only", "offline"}[h] }

const (
	// readFailures in a row take a disk offline.
	readFailures = 5
	firstBackoff = time.Second
	maxBackoff   = 5 * time.Minute
	// stable is how long a disk must have been healthy for new trouble to start with
	// the shortest backoff: one that passes every probe and then fails again is
	// left alone longer and longer.
	stable = 10 * time.Minute
)

// breaker keeps requests away from a sick disk and decides when to probe it.
type breaker struct {
	state    atomic.Uint32
	failures atomic.Int32 // reads failed in a row
	log      *slog.Logger

	mu      sync.Mutex
	backoff time.Duration // until the probe after the next; guarded by mu
	retry   time.Time     // of the next probe; guarded by mu
	since   time.Time     // of the last change to healthy; guarded by mu
	changed bool          // since memory was called; guarded by mu
}

func (b *breaker) health() Health { return Health(b.state.Load()) }
func (b *breaker) readable() bool { return b.health() != Offline }
func (b *breaker) writable() bool { return b.health() == Healthy }

// readFailed counts a read that the device failed or did not answer.
func (b *breaker) readFailed(err error) {
	if b.failures.Add(1) >= readFailures {
		b.trip(Offline, err)
	}
}

// readDone notes that the device answers.
func (b *breaker) readDone() {
	if b.failures.Load() != 0 {
		b.failures.Store(0)
	}
}

// memory returns what a restart has to know of the breaker, and notes that it does.
func (b *breaker) memory() (Health, time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.changed = false
	return b.health(), b.backoff
}

// remember goes on where the breaker was before a restart. It is probed soon.
func (b *breaker) remember(was Health, backoff time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.backoff, b.since = min(backoff, maxBackoff), time.Now()
	if was != Healthy {
		b.state.Store(uint32(was))
		b.retry = time.Now().Add(firstBackoff)
		b.log.Warn("disk: was in trouble before the restart", "state", was.String(), "retry_in", firstBackoff)
	}
}

// forgotten reports whether memory has something new to say.
func (b *breaker) forgotten() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changed
}

// trip makes the state worse, never better, and plans a probe.
func (b *breaker) trip(to Health, cause error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.health() >= to {
		return
	}
	if b.health() == Healthy && time.Since(b.since) >= stable {
		b.backoff = 0
	}
	b.state.Store(uint32(to))
	b.changed = true
	b.plan()
	b.log.Error("disk: trouble", "state", to.String(), "error", cause, "retry_in", time.Until(b.retry).Round(time.Millisecond))
}

// plan sets the time of the next probe; mu is held.
func (b *breaker) plan() {
	b.backoff = min(maxBackoff, max(firstBackoff, 2*b.backoff))
	b.retry = time.Now().Add(b.backoff)
}

// due reports whether it is time to probe.
func (b *breaker) due(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.health() != Healthy && !now.Before(b.retry)
}

// probed sets the state that a probe found.
func (b *breaker) probed(found Health, cause error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	was := b.health()
	b.state.Store(uint32(found))
	b.failures.Store(0)
	b.changed = b.changed || was != found
	if found == Healthy {
		b.since = time.Now()
	} else {
		b.plan()
	}
	if was != found {
		b.log.Warn("disk: probed", "state", found.String(), "was", was.String(), "error", cause)
	}
}

// noSpace reports whether a write failed for lack of room.
func noSpace(err error) bool {
	return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT)
}
