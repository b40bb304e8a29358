package ram

import "math/bits"

// slab is the bookkeeping of 2 MiB of the arena. The lock of the arena guards it.
type slab struct {
	index    int    // position in the arena
	class    *class // nil while the slab is free
	used     int    // chunks in use
	at       int    // position in class.partial, -1 when not there
	draining bool   // a drain is emptying it: chunks come back, none go out
	seen     bool   // was used before; for poisoning, which must not fault in all at once

	busy   [slabPages / 64]uint64 // one bit a chunk
	blocks []*Block               // who has each chunk, nil when free
}

// assign cuts a free slab for c. The slice of a former life is reused.
func (s *slab) assign(c *class) {
	s.class, s.used, s.at = c, 0, -1
	if cap(s.blocks) < c.chunks {
		s.blocks = make([]*Block, c.chunks)
	}
	s.blocks = s.blocks[:c.chunks]
	c.slabs++
}

// take marks a free chunk as used by b and places b there. There must be one.
func (s *slab) take(b *Block) {
	i := s.firstFree()
	s.busy[i/64] |= 1 << (i % 64)
	s.blocks[i] = b
	s.used++
	b.pages = s.class.pages
	b.page = uint32(s.index*slabPages + i*int(b.pages))
}

// firstFree returns the lowest free chunk.
func (s *slab) firstFree() int {
	for w, busy := range s.busy {
		if busy != ^uint64(0) {
			return w*64 + bits.TrailingZeros64(^busy)
		}
	}
	panic("ram: no free chunk in a slab that should have one")
}

// give takes the chunk of b back.
func (s *slab) give(b *Block) {
	i := (int(b.page) - s.index*slabPages) / int(b.pages)
	if s.blocks[i] != b {
		panic("ram: a chunk is freed by a block that does not have it")
	}
	s.busy[i/64] &^= 1 << (i % 64)
	s.blocks[i] = nil
	s.used--
}

// full reports whether no chunk is free.
func (s *slab) full() bool { return s.used == s.class.chunks }

// evictable reports whether all chunks could be free after evicting: no block is
// being filled, none is held by a reader, none waits for its last release, none is
// protected by a floor that counts.
func (s *slab) evictable(floors bool) bool {
	for _, b := range s.blocks {
		if b != nil && !b.evictable(floors) {
			return false
		}
	}
	return true
}

// evictable reports whether evicting b would free its chunk at once, and, when floors
// count, leave its account enough.
func (b *Block) evictable(floors bool) bool {
	return b.state.resident() && !b.pinned() && !(floors && b.protected())
}

// link puts s among the slabs of its class that have a free chunk.
func (s *slab) link() {
	s.at = len(s.class.partial)
	s.class.partial = append(s.class.partial, s)
}

// unlink undoes link; nothing happens when s is not linked.
func (s *slab) unlink() {
	if s.at < 0 {
		return
	}
	p := s.class.partial
	last := p[len(p)-1]
	p[s.at], last.at = last, s.at
	p[len(p)-1] = nil
	s.class.partial = p[:len(p)-1]
	s.at = -1
}

// appendBlocks appends the blocks that have a chunk of s. A free slab has none.
func (s *slab) appendBlocks(dst []*Block) []*Block {
	for _, b := range s.blocks {
		if b != nil {
			dst = append(dst, b)
		}
	}
	return dst
}
