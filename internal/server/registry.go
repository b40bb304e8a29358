package server

import "sync"

// registry is every open connection. One mutex suffices: it is taken once at
// accept and once at close, and by the sweeper for one pass over a linked list.
type registry struct {
	open tally

	mu   sync.Mutex
	head *conn // guarded by mu
	n    int   // guarded by mu
}

// add lists c unless limit connections are open.
func (r *registry) add(c *conn, limit int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.n >= limit {
		return false
	}
	c.listed, c.next = true, r.head
	if r.head != nil {
		r.head.prev = c
	}
	r.head = c
	r.n++
	r.open.add(1)
	return true
}

// remove forgets c. Removing what is not listed does nothing.
func (r *registry) remove(c *conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !c.listed {
		return
	}
	c.listed = false
	if c.prev != nil {
		c.prev.next = c.next
	} else {
		r.head = c.next
	}
	if c.next != nil {
		c.next.prev = c.prev
	}
	c.next, c.prev = nil, nil
	r.n--
	r.open.add(-1)
}

// each calls f for every connection. f must neither block nor close one.
func (r *registry) each(f func(*conn)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := r.head; c != nil; c = c.next {
		f(c)
	}
}
