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
)

// breaker keeps requests away from a sick disk and decides when to probe it.
type breaker struct {
	state    atomic.Uint32
	failures atomic.Int32 // reads failed in a row
	log      *slog.Logger

	mu      sync.Mutex
	backoff time.Duration // until the probe after the next; guarded by mu
	retry   time.Time     // of the next probe; guarded by mu
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

// writeDone notes that the device stores: the next trouble starts with the
// shortest backoff.
func (b *breaker) writeDone() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.backoff = 0
}

// trip makes the state worse, never better, and plans a probe.
func (b *breaker) trip(to Health, cause error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.health() >= to {
		return
	}
	b.state.Store(uint32(to))
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
	if found != Healthy {
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
