package ram

// Stats is a snapshot of a tier. The parts are read one after the other, so sums
// may be off by what happened meanwhile.
type Stats struct {
	Size     int64 // bytes of the arena
	Used     int64 // bytes of chunks in use: Resident + Pinned + being filled
	Resident int64 // bytes of blocks the policy has
	Pinned   int64 // bytes of blocks that left the policy but are still held
	Holes    int64 // free bytes in slabs that belong to a size class
	Touched  int64 // bytes that the background pre-fault is done with

	Blocks        int    // resident blocks
	InUse         int    // blocks that have a chunk
	Admitted      uint64 // blocks given to the policy
	GhostHits     uint64 // those among them that it had evicted not long before
	Evictions     uint64 // blocks evicted, by the policy or to move a slab
	EvictedBytes  uint64 // their bytes
	SlabsMoved    uint64 // slabs emptied to serve another size class
	FloorsBroken  uint64 // evictions below the floor of an account: nothing else could go
	AllocFailures uint64 // calls of Alloc that found no memory
}

// Stats returns the present figures. It takes each lock of the tier once.
func (t *Tier) Stats() Stats {
	s := Stats{
		Size:          int64(len(t.arena.mem)),
		Pinned:        t.pinned.Load(),
		Touched:       t.prefault.touched.Load(),
		AllocFailures: t.failures.Load(),
		FloorsBroken:  t.accounts.broken.Load(),
	}
	t.arena.stats(&s)
	for i := range t.shards {
		t.shards[i].stats(&s)
	}
	return s
}

func (a *arena) stats(s *Stats) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s.Used = int64(a.used) * pageSize
	s.InUse = a.blocks
	s.Holes = int64(a.holesLocked())
	s.SlabsMoved = a.moved
}

func (s *shard) stats(st *Stats) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st.Blocks += s.blocks
	st.Resident += s.bytes
	st.Admitted += s.admitted
	st.GhostHits += s.ghostHits
	st.Evictions += s.evictions
	st.EvictedBytes += s.evictedBytes
}
