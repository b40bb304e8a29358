package ram

// How much is evicted in the policy's order before slabs move. A drain evicts hot
// blocks too, so it should answer a change of the mix, not chance: victims come
// in all sizes, and holes are the buffer that evens them out. On a zipf trace of
// nine sizes in 256 MiB, a budget of one slab moves 12,800 slabs and hits 0.39;
// 16 slabs move 2,000 and hit 0.448; the policy without classes hits 0.456.
const (
	evictMax    = 16 * slabSize // bytes one Alloc evicts at most before it moves a slab
	evictShare  = 4             // or this part of the arena, if that is less
	raggedShare = 16            // holes beyond this part of the arena call for a move
)

// reclaim places b in a chunk of c after evicting others. In this order:
//
//  1. If much of the arena is holes that c cannot use, and a slab of another
//     class is at most half in use, move that slab.
//  2. Evict what the policy names, up to a budget. Victims come from all classes,
//     so the policy and not the class decides what stays; the holes that this
//     leaves serve the next blocks of those classes, or step 1.
//  3. Move the cheapest slab of another class, however full.
//  4. Evict anything that frees a chunk of c, or of a larger class.
//  5. Do 3 and 4 again without regard to the floors of accounts.
//
// It reports false when even that finds nothing: everything is held.
func (t *Tier) reclaim(c *class, b *Block) bool {
	if t.arena.ragged() && t.drain(c, b, drainLimits{slabPages / 2, true}) {
		return true
	}
	budget := min(len(t.arena.mem)/evictShare, evictMax)
	for evicted := 0; evicted < budget; {
		n := t.evictNext()
		if n == 0 {
			break
		}
		if t.arena.take(c, b) {
			return true
		}
		evicted += n
	}
	for _, floors := range [...]bool{true, false} {
		if t.drain(c, b, drainLimits{slabPages, floors}) || t.scavenge(c, b, floors) {
			return true
		}
	}
	return false
}

// evictNext evicts one block that a policy chooses, of each shard in turn, and
// returns its bytes; 0 when no shard has one to give.
func (t *Tier) evictNext() int {
	for range t.shards {
		s := &t.shards[t.next.Add(1)%uint32(len(t.shards))]
		if b, o := s.victim(); b != nil {
			t.evicted(b, o)
			return b.Weight()
		}
	}
	return 0
}

// evict evicts b if the policy still has it.
func (t *Tier) evict(b *Block) {
	if b.protected() {
		t.accounts.broken.Add(1)
	}
	if o, ok := t.shardOf(b).evict(b); ok {
		t.evicted(b, o)
	}
}

// evicted tells the owner and gives up the policy's reference.
func (t *Tier) evicted(b *Block, o Owner) {
	if o != nil {
		o.Evicted(b)
	}
	t.letGo(b)
}

// drain empties a slab of another class within the limits and places b in it. A reader may pin one of its blocks meanwhile: then the slab
// stays where it was and another one is tried.
func (t *Tier) drain(c *class, b *Block, limits drainLimits) bool {
	const tries = 4
	for range tries {
		s, blocks := t.arena.startDrain(c, limits)
		if s == nil {
			return false
		}
		for _, v := range blocks {
			if limits.floors && v.protected() {
				break // those before it took their account to its floor
			}
			t.evict(v)
		}
		if t.arena.endDrain(s, c, b) {
			return true
		}
	}
	return false
}

// scavenge is the last resort. Each round frees a chunk for somebody, if not for
// us, so rounds end.
func (t *Tier) scavenge(c *class, b *Block, floors bool) bool {
	for i := c.index; i >= 0; i-- {
		k := &t.arena.classes.all[i]
		for !t.arena.take(k, b) {
			v := t.arena.anyEvictable(k, floors)
			if v == nil {
				break
			}
			t.evict(v)
		}
		if b.pages > 0 {
			return true
		}
	}
	return false
}
