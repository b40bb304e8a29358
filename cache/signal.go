package cache

import (
	"sync"
	"sync/atomic"
)

// signal wakes everybody who waits for a state to change. A broadcast without
// waiters costs one atomic load.
//
// Waiting: ch := s.arm(); look at the state once more; then receive from ch.
// Changing: publish the state (atomically or under a lock), then broadcast.
type signal struct {
	armed atomic.Bool
	mu    sync.Mutex
	ch    chan struct{} // nil when nobody waits; guarded by mu
}

// arm returns a channel that the next broadcast closes.
func (s *signal) arm() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch == nil {
		s.ch = make(chan struct{})
		s.armed.Store(true)
	}
	return s.ch
}

// broadcast wakes all that armed before.
func (s *signal) broadcast() {
	if !s.armed.Load() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch != nil {
		close(s.ch)
		s.ch = nil
		s.armed.Store(false)
	}
}
