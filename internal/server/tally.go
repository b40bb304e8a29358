package server

import "sync"

// tally counts what is under way and lets others wait for none. Unlike a
// sync.WaitGroup it may be counted up while somebody waits.
type tally struct {
	mu   sync.Mutex
	n    int           // guarded by mu
	none chan struct{} // guarded by mu; nil unless somebody waits and n > 0
}

func (t *tally) add(d int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n += d; t.n == 0 && t.none != nil {
		close(t.none)
		t.none = nil
	}
}

func (t *tally) now() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.n
}

// zero returns a channel that is closed when the count is 0, or was at some time
// from now on.
func (t *tally) zero() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n == 0 {
		done := make(chan struct{})
		close(done)
		return done
	}
	if t.none == nil {
		t.none = make(chan struct{})
	}
	return t.none
}
