package ram

import (
	"math"
	"sync"
)

// arena hands out chunks of one fixed piece of memory.
type arena struct {
	mem     []byte // slabs back to back; constant
	classes *classes

	mu    sync.Mutex
	slabs []slab
	// load has the used pages of each slab, noLoad for slabs that a drain must not
	// choose. It is apart from slabs so that looking at all of them is cheap: 64
	// KiB for a 64 GiB arena.
	load     []uint16
	freed    []*slab // slabs without a class; the last one is taken first
	used     int     // pages in use
	blocks   int     // chunks in use
	assigned int     // slabs that have a class
	moved    uint64  // slabs that changed class by a drain
	closed   bool
}

const noLoad = math.MaxUint16

// newArena manages mem, whose length must be a multiple of the slab size.
func newArena(mem []byte) *arena {
	n := len(mem) / slabSize
	a := &arena{
		mem:     mem,
		classes: newClasses(),
		slabs:   make([]slab, n),
		load:    make([]uint16, n),
		freed:   make([]*slab, n),
	}
	for i := range a.slabs {
		a.slabs[i].index = i
		a.load[i] = noLoad
		a.freed[n-1-i] = &a.slabs[i] // low addresses first, as the pre-fault goes
	}
	return a
}

// bytes returns the memory of b, capped so that append cannot leave it.
func (a *arena) bytes(b *Block) []byte {
	from := int(b.page) * pageSize
	to := from + b.Weight()
	return a.mem[from:to:to]
}

// take places b in a free chunk of c. It reports false when there is none, nor a
// free slab.
func (a *arena) take(c *class, b *Block) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return false
	}
	if len(c.partial) == 0 && !a.growLocked(c) {
		return false
	}
	a.takeLocked(c.partial[len(c.partial)-1], b)
	return true
}

// takeLocked places b in s, which is linked.
func (a *arena) takeLocked(s *slab, b *Block) {
	if poisoned && !s.seen {
		s.seen = true
		poison(a.mem[s.index*slabSize:][:slabSize])
	}
	s.take(b)
	a.blocks++
	if s.full() {
		s.unlink()
	}
	a.account(s, int(b.pages))
}

// growLocked gives c a free slab.
func (a *arena) growLocked(c *class) bool {
	if len(a.freed) == 0 {
		return false
	}
	s := a.freed[len(a.freed)-1]
	a.freed = a.freed[:len(a.freed)-1]
	a.assignLocked(s, c)
	return true
}

// assignLocked cuts s, which is not in use, for c.
func (a *arena) assignLocked(s *slab, c *class) {
	s.assign(c)
	s.link()
	a.assigned++
	a.account(s, 0)
}

// account adds pages to what is used, of s and of all.
func (a *arena) account(s *slab, pages int) {
	a.used += pages
	if !s.draining {
		a.load[s.index] = uint16(s.used * int(s.class.pages))
	}
}

// give takes the chunk of b back. A slab that becomes empty loses its class.
func (a *arena) give(b *Block) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := &a.slabs[int(b.page)/slabPages]
	s.give(b)
	a.blocks--
	a.account(s, -int(b.pages))
	switch {
	case s.draining: // endDrain decides
	case s.used == 0:
		s.unlink()
		a.retireLocked(s)
		a.freed = append(a.freed, s)
	case s.at < 0:
		s.link()
	}
}

// retireLocked takes the class from s, which is empty and not linked.
func (a *arena) retireLocked(s *slab) {
	s.class.slabs--
	s.class = nil
	a.assigned--
	a.load[s.index] = noLoad
}

// holesLocked returns the bytes of assigned slabs that no chunk in use covers.
// They serve only blocks of the class of their slab.
func (a *arena) holesLocked() int { return (a.assigned*slabPages - a.used) * pageSize }

// ragged reports whether so much of the arena is holes that slabs should move.
func (a *arena) ragged() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.holesLocked() >= len(a.mem)/raggedShare
}

// close makes take fail from now on.
func (a *arena) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
}

// inUse returns how many chunks are in use, and their bytes.
func (a *arena) inUse() (blocks, bytes int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.blocks, a.used * pageSize
}

// all returns every block that has a chunk.
func (a *arena) all() []*Block {
	a.mu.Lock()
	defer a.mu.Unlock()
	blocks := make([]*Block, 0, a.blocks)
	for i := range a.slabs {
		blocks = a.slabs[i].appendBlocks(blocks)
	}
	return blocks
}
