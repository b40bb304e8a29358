package ram

// A slab moves from one class to another by a drain: its blocks are evicted out
// of the policy's order, then it is cut anew. That needs no lock over the whole
// way: while a slab is draining no chunk of it is handed out.

// drainLimits say which slabs may be emptied.
type drainLimits struct {
	pages  int  // those with so many in use at most
	floors bool // none with blocks of an account at its floor
}

// startDrain chooses the slab that is cheapest to empty for the benefit of c, and
// returns it with its blocks, which the caller evicts before it calls endDrain.
// It is nil when no slab of another class within the limits can be
// emptied now.
func (a *arena) startDrain(c *class, limits drainLimits) (*slab, []*Block) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.cheapestLocked(c, limits)
	if s == nil || a.closed {
		return nil, nil
	}
	s.unlink()
	s.draining = true
	a.load[s.index] = noLoad
	return s, s.appendBlocks(make([]*Block, 0, s.used))
}

// cheapestLocked returns the evictable slab with the fewest pages in use. A drain
// that is done because it is cheap (limit below a slab) leaves every class its
// last slab, or two rare classes would take it from each other in turns.
func (a *arena) cheapestLocked(c *class, limits drainLimits) *slab {
	var best *slab
	least := limits.pages + 1
	for i, load := range a.load {
		if int(load) >= least {
			continue
		}
		s := &a.slabs[i]
		last := s.class.slabs == 1 && limits.pages < slabPages
		if s.class == c || last || !s.evictable(limits.floors) {
			continue
		}
		best, least = s, int(load)
	}
	return best
}

// endDrain gives s to c and places b in it when it became empty, which it
// reports. Otherwise s goes on as before.
func (a *arena) endDrain(s *slab, c *class, b *Block) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	s.draining = false
	if s.used > 0 {
		if !s.full() {
			s.link()
		}
		a.account(s, 0)
		return false
	}
	a.retireLocked(s)
	if a.closed {
		a.freed = append(a.freed, s)
		return false
	}
	a.moved++
	a.assignLocked(s, c)
	a.takeLocked(s, b)
	return true
}

// anyEvictable returns a block of c whose eviction would free a chunk now, nil
// when there is none.
func (a *arena) anyEvictable(c *class, floors bool) *Block {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range a.slabs {
		s := &a.slabs[i]
		if s.class != c || s.draining {
			continue
		}
		for _, b := range s.blocks {
			if b != nil && b.evictable(floors) {
				return b
			}
		}
	}
	return nil
}
