package disk

import "math/bits"

// This file is the table inside a shard. Whoever calls holds the shard's lock, if
// nothing else is said.

// replace puts the slots of r in place of those it supersedes: the head, and
// records of the stripe all of whose blocks r has.
func (s *shard) replace(r *recordRef, stripes uint32) {
	s.unhead(r.hash)
	if r.blocks != 0 {
		s.deleteAll(r.hash, r.stripe, func(e *slot) bool {
			return e.holds(r.stripe) && (e.version != r.version || e.blocks&^r.blocks == 0)
		})
	}
	e := slot{
		hash: r.hash, version: r.version, seq: r.seq, extent: r.extent, page: r.page,
		pages: r.pages, blocks: r.blocks, flags: slotUsed,
	}
	if r.blocks != 0 && r.stripe != 0 {
		e.stripe = r.stripe
		s.insert(&e)
		e.blocks = 0
	}
	e.flags |= slotHead
	e.stripe = stripes
	s.insert(&e)
}

// unhead takes the head off an object. Blocks that the head held as stripe 0 stay.
func (s *shard) unhead(hash uint64) {
	i := s.findHead(hash)
	if i < 0 {
		return
	}
	if s.slots[i].blocks == 0 {
		s.delete(i)
		return
	}
	s.slots[i].flags &^= slotHead // the home of stripe 0 is that of the head
	s.slots[i].stripe = 0
}

// removeObject deletes the head of an object and all stripes of its version.
func (s *shard) removeObject(hash uint64) bool {
	i := s.findHead(hash)
	if i < 0 {
		return false
	}
	h := s.slots[i]
	s.delete(i)
	for n := range max(h.stripe, 1) {
		s.deleteAll(hash, n, func(e *slot) bool { return e.holds(n) })
	}
	return true
}

// start maps a home to a slot number without a division.
func (s *shard) start(home uint64) int {
	hi, _ := bits.Mul64(home, uint64(len(s.slots)))
	return int(hi)
}

func (s *shard) next(i int) int {
	if i++; i < len(s.slots) {
		return i
	}
	return 0
}

// distance returns how far slot i, which is in use, is from its home.
func (s *shard) distance(i int) int {
	d := i - s.start(s.slots[i].home())
	if d < 0 {
		d += len(s.slots)
	}
	return d
}

// reaches reports whether a slot at home d slots before i can be at i or behind it.
// Runs are in order of homes (insert), so a search ends at the first slot that is
// nearer to its home: at 7/8 full a search for what is not there would otherwise walk
// 30 slots to the end of the run, now it walks 4.
func (s *shard) reaches(i, d int) bool { return s.slots[i].used() && s.distance(i) >= d }

// ends reports whether a search that came to slot i, d slots from where it began, is
// over. Looking at the home of every slot costs a hit more than it saves.
func (s *shard) ends(i, d int) bool {
	return !s.slots[i].used() || d%4 == 3 && s.distance(i) < d
}

func (s *shard) findHead(hash uint64) int {
	if len(s.slots) == 0 { // closed
		return -1
	}
	for i, d := s.start(mix(hash, 0)), 0; ; i, d = s.next(i), d+1 {
		switch {
		case s.slots[i].hash == hash && s.slots[i].head():
			return i
		case s.ends(i, d):
			return -1
		}
	}
}

// findBlock returns the number of the slot for a record of version that has a block
// of stripe, -1 if there is none.
func (s *shard) findBlock(hash, version uint64, stripe uint32, block int) int {
	if len(s.slots) == 0 { // closed
		return -1
	}
	for i, d := s.start(mix(hash, stripe)), 0; ; i, d = s.next(i), d+1 {
		e := &s.slots[i]
		switch {
		case e.hash == hash && e.version == version && e.holds(stripe) && e.blocks&(1<<block) != 0:
			return i
		case s.ends(i, d):
			return -1
		}
	}
}

// findAt returns the number of the slot for the record at p, -1 if there is none.
func (s *shard) findAt(hash uint64, stripe uint32, p position) int {
	if len(s.slots) == 0 { // closed
		return -1
	}
	for i, d := s.start(mix(hash, stripe)), 0; ; i, d = s.next(i), d+1 {
		e := &s.slots[i]
		switch {
		case e.hash == hash && e.position() == p && (e.holds(stripe) || stripe == 0 && e.blocks == 0):
			return i
		case s.ends(i, d):
			return -1
		}
	}
}

// insert puts e behind all slots that are as far from their homes, and moves what
// follows in the run on by one.
func (s *shard) insert(e *slot) {
	i, d := s.start(e.home()), 0
	for s.reaches(i, d) {
		i, d = s.next(i), d+1
	}
	moved := *e
	for s.slots[i].used() {
		moved, s.slots[i] = s.slots[i], moved
		i = s.next(i)
	}
	s.slots[i] = moved
	s.used++
}

// load inserts slots as far as there is room, and returns how many, and how many of
// them are heads. It takes the lock itself.
func (s *shard) load(list []slot) (loaded, heads int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range list {
		if s.used >= s.limit {
			break
		}
		s.insert(&list[i])
		loaded++
		if list[i].head() {
			heads++
		}
	}
	return loaded, heads
}

// deleteAll deletes the slots of hash, searched from where stripe is at home, that
// match.
func (s *shard) deleteAll(hash uint64, stripe uint32, match func(*slot) bool) {
	if len(s.slots) == 0 {
		return
	}
	for i, d := s.start(mix(hash, stripe)), 0; s.reaches(i, d); {
		if e := &s.slots[i]; e.hash == hash && match(e) {
			s.delete(i) // the next one moved here, or the run ends
			continue
		}
		i, d = s.next(i), d+1
	}
}

// delete empties slot i and moves what follows in the run back by one, up to the
// next slot that is at home.
func (s *shard) delete(i int) {
	for j := s.next(i); s.reaches(j, 1); j = s.next(j) {
		s.slots[i] = s.slots[j]
		i = j
	}
	s.slots[i] = slot{}
	s.used--
}
