package edgetest

import (
	"sync"
	"testing"
	"time"
)

// Patience is how long a test waits for what must happen: far beyond what a loaded
// machine needs, so that only a real fault meets it.
const Patience = time.Minute

// Gate holds back whoever waits for it until it is opened. The zero value is not
// usable; see NewGate.
type Gate struct {
	once sync.Once
	c    chan struct{}
}

// NewGate returns a closed gate that opens by itself at the end of the test, so
// that nobody waits for ever.
func NewGate(t testing.TB) *Gate {
	g := &Gate{c: make(chan struct{})}
	t.Cleanup(g.Open)
	return g
}

// Open lets everybody through from now on. It may be called more than once.
func (g *Gate) Open() { g.once.Do(func() { close(g.c) }) }

// Opened is closed when the gate is open.
func (g *Gate) Opened() <-chan struct{} { return g.c }

// Wait blocks until c delivers or is closed. It fails the test when that takes
// longer than Patience; what says what was awaited.
func Wait[T any](t testing.TB, c <-chan T, what string) T {
	t.Helper()
	timer := time.NewTimer(Patience)
	defer timer.Stop()
	select {
	case v := <-c:
		return v
	case <-timer.C:
		t.Fatalf("waited %v in vain for %s", Patience, what)
	}
	panic("unreachable")
}

// Eventually asks ok again and again until it agrees. It fails the test when that
// takes longer than Patience.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	end := time.NewTimer(Patience)
	defer end.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-end.C:
			t.Fatalf("waited %v in vain until %s", Patience, what)
		}
	}
}
