package disk

import "math/bits"

// This file is the table inside a shard. Whoever calls holds the shard's lock.

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

func (s *shard) findHead(hash uint64) int {
	if len(s.slots) == 0 { // closed
		return -1
	}
	for i := s.start(mix(hash, 0)); s.slots[i].used(); i = s.next(i) {
		if s.slots[i].hash == hash && s.slots[i].head() {
			return i
		}
	}
	return -1
}

// findAt returns the number of the slot for the record at p, -1 if there is none.
func (s *shard) findAt(hash uint64, stripe uint32, p position) int {
	if len(s.slots) == 0 { // closed
		return -1
	}
	for i := s.start(mix(hash, stripe)); s.slots[i].used(); i = s.next(i) {
		if e := &s.slots[i]; e.hash == hash && e.position() == p && (e.holds(stripe) || stripe == 0 && e.blocks == 0) {
			return i
		}
	}
	return -1
}

func (s *shard) insert(e *slot) {
	i := s.start(e.home())
	for s.slots[i].used() {
		i = s.next(i)
	}
	s.slots[i] = *e
	s.used++
}

// deleteAll deletes the slots of hash, searched from where stripe is at home, that
// match.
func (s *shard) deleteAll(hash uint64, stripe uint32, match func(*slot) bool) {
	if len(s.slots) == 0 {
		return
	}
	for i := s.start(mix(hash, stripe)); s.slots[i].used(); {
		if e := &s.slots[i]; e.hash == hash && match(e) {
			s.delete(i) // the next one moved here, or the run ends
			continue
		}
		i = s.next(i)
	}
}

// delete empties slot i and moves back what had to be stored further on because
// of it, so that no run of slots has a gap.
func (s *shard) delete(i int) {
	n := len(s.slots)
	for j := s.next(i); s.slots[j].used(); j = s.next(j) {
		home := s.start(s.slots[j].home())
		if (j-home+n)%n >= (j-i+n)%n {
			s.slots[i] = s.slots[j]
			i = j
		}
	}
	s.slots[i] = slot{}
	s.used--
}
