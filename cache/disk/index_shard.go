package disk

import "math/bits"

// This file is the table inside a shard. Whoever calls holds the shard's lock, if
// nothing else is said; head and find also work, in bounded time and for any slots,
// while somebody else changes them, and return nonsense then.

// room reports whether n more slots fit.
func (s *shard) room(n int) bool {
	return s.used+n <= s.limit && s.slots[len(s.slots)-1-n].place == 0
}

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
		place: placeOf(r.hash, 0), version: r.version, seq: r.seq, extent: r.extent, page: r.page,
		pages: r.pages, blocks: r.blocks, flags: slotUsed,
	}
	if r.blocks != 0 && r.stripe != 0 {
		e.place, e.stripe = placeOf(r.hash, r.stripe), r.stripe
		s.insert(&e)
		e.place, e.blocks = placeOf(r.hash, 0), 0
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
	stripes := max(s.slots[i].stripe, 1)
	s.delete(i)
	for n := range stripes {
		s.deleteAll(hash, n, func(e *slot) bool { return e.holds(n) })
	}
	return true
}

// start maps a place to its home, a slot number, without a division.
func (s *shard) start(p place) int {
	hi, _ := bits.Mul64(uint64(^p), s.spread)
	return int(hi)
}

// away reports whether slot i is in use and not at home.
func (s *shard) away(i int) bool { return s.slots[i].place != 0 && s.start(s.slots[i].place) < i }

// window is how many places a search compares at once.
const window = 8

// seek returns the number of the first slot at home or behind it whose place is not
// before p: the one with p, if there is any. The places of a window are counted, not
// walked: how long a walk is cannot be predicted, each wrong guess of the processor
// costs as much as the whole window, and keeps it from what comes next. Five in six are
// found in the first.
func (s *shard) seek(p place) int {
	i := s.start(p)
	for i+window <= len(s.slots) {
		n := countBefore((*[window]slot)(s.slots[i:]), p)
		if i += n; n < window {
			return i
		}
	}
	for i < len(s.slots)-1 && s.slots[i].place > p {
		i++
	}
	return i
}

// countBefore returns how many slots are before p, without a jump: what is compared and
// added here is two instructions a slot.
func countBefore(w *[window]slot, p place) int {
	var n, b uint64
	_, b = bits.Sub64(uint64(p), uint64(w[0].place), 0)
	n, _ = bits.Add64(n, 0, b)
	_, b = bits.Sub64(uint64(p), uint64(w[1].place), 0)
	n, _ = bits.Add64(n, 0, b)
	_, b = bits.Sub64(uint64(p), uint64(w[2].place), 0)
	n, _ = bits.Add64(n, 0, b)
	_, b = bits.Sub64(uint64(p), uint64(w[3].place), 0)
	n, _ = bits.Add64(n, 0, b)
	_, b = bits.Sub64(uint64(p), uint64(w[4].place), 0)
	n, _ = bits.Add64(n, 0, b)
	_, b = bits.Sub64(uint64(p), uint64(w[5].place), 0)
	n, _ = bits.Add64(n, 0, b)
	_, b = bits.Sub64(uint64(p), uint64(w[6].place), 0)
	n, _ = bits.Add64(n, 0, b)
	_, b = bits.Sub64(uint64(p), uint64(w[7].place), 0)
	n, _ = bits.Add64(n, 0, b)
	return int(n)
}

// findHead returns the number of the slot that is the head of an object, -1 if there is
// none.
func (s *shard) findHead(hash uint64) int {
	p := placeOf(hash, 0)
	for i := s.seek(p); i < len(s.slots) && s.slots[i].place == p; i++ {
		if s.slots[i].head() {
			return i
		}
	}
	return -1
}

// findAt returns the number of the slot for the record at pos, -1 if there is none.
func (s *shard) findAt(hash uint64, stripe uint32, pos position) int {
	p := placeOf(hash, stripe)
	for i := s.seek(p); i < len(s.slots) && s.slots[i].place == p; i++ {
		e := &s.slots[i]
		if e.position() == pos && (e.holds(stripe) || stripe == 0 && e.blocks == 0) {
			return i
		}
	}
	return -1
}

// findBlock returns the number of the slot for a record of version that has a block of
// stripe, -1 if there is none.
func (s *shard) findBlock(hash, version uint64, stripe uint32, block int) int {
	p := placeOf(hash, stripe)
	for i := s.seek(p); i < len(s.slots) && s.slots[i].place == p; i++ {
		if e := &s.slots[i]; e.version == version && e.holds(stripe) && e.blocks&(1<<block) != 0 {
			return i
		}
	}
	return -1
}

// insert puts e at its place, before others of the same, and moves what follows in the
// run on by one. There must be room.
func (s *shard) insert(e *slot) {
	i := s.seek(e.place)
	end := i
	for s.slots[end].place != 0 {
		end++
	}
	copy(s.slots[i+1:end+1], s.slots[i:end])
	s.slots[i] = *e
	s.used++
}

// load inserts slots as far as there is room, and returns how many, and how many of
// them are heads. It takes the lock itself.
func (s *shard) load(list []slot) (loaded, heads int) {
	s.lock()
	defer s.unlock()
	for i := range list {
		if !s.room(1) {
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

// deleteAll deletes the slots of hash, at the place of stripe, that match.
func (s *shard) deleteAll(hash uint64, stripe uint32, match func(*slot) bool) {
	p := placeOf(hash, stripe)
	for i := s.seek(p); s.slots[i].place == p && p != 0; {
		if match(&s.slots[i]) {
			s.delete(i) // the next one moved here, or the run ends
		} else {
			i++
		}
	}
}

// delete empties slot i and moves what follows in the run back by one, up to the
// next slot that is at home.
func (s *shard) delete(i int) {
	end := i + 1
	for s.away(end) {
		end++
	}
	copy(s.slots[i:], s.slots[i+1:end])
	s.slots[end-1] = slot{}
	s.used--
}
