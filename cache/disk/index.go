package disk

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// slot is one entry of the index: 40 bytes without a pointer, in memory that the
// garbage collector does not see. A slot is the head of an object, which finds
// its newest record, or a stripe of it, or both at once (a head with blocks is
// the head and stripe 0: the one slot of a small object).
type slot struct {
	place   place // the full key is compared on the disk
	version uint64
	seq     uint64
	extent  uint32
	page    uint32
	stripe  uint32 // index of the stripe; in a head: stripes of the object
	pages   uint16
	blocks  uint8 // blocks of the stripe in the record
	flags   uint8
}

const slotSize = 40

const (
	slotUsed = 1 << iota
	slotHead

	// Two bits count how often the record was asked for since it was written, up to
	// maxHits.
	hitShift = 2
	maxHits  = 3
	slotHits = maxHits << hitShift
)

func (s *slot) used() bool         { return s.flags&slotUsed != 0 }
func (s *slot) head() bool         { return s.flags&slotHead != 0 }
func (s *slot) position() position { return at(s.extent, s.page) }

func (s *slot) hits() int { return int(s.flags&slotHits) >> hitShift }

// holds reports whether s is stripe n of the object.
func (s *slot) holds(n uint32) bool {
	return s.blocks != 0 && (s.head() && n == 0 || !s.head() && s.stripe == n)
}

// hash returns the upper half of the ID of the key.
func (s *slot) hash() uint64 {
	if s.head() {
		return s.place.hash(0)
	}
	return s.place.hash(s.stripe)
}

// place is where in its shard a slot belongs: the slots of a shard are in descending
// order of places. It is hash and stripe in one number, from which either gives the
// other. 0 is the place of an empty slot, behind all others; the one hash of 2⁶⁴ that
// belongs there is not stored.
type place uint64

const stripeStep = 0x9e3779b97f4a7c15 // the stripes of an object are spread over the shard

func placeOf(hash uint64, stripe uint32) place { return ^place(hash + uint64(stripe)*stripeStep) }

func (p place) hash(stripe uint32) uint64 { return uint64(^p) - uint64(stripe)*stripeStep }

// verdict is what became of a record that was offered to the index.
type verdict uint8

const (
	applied verdict = iota
	stale           // metadata of a version that is not stored
	fenced          // the key was removed after the record was queued
	full            // no room left in the shard
)

// index finds records by hash: open addressing with linear probing in order of places
// (Robin Hood hashing), sharded by hash, of a size fixed at start. All slots of an
// object are in one shard.
type index struct {
	shards  []shard
	memory  []slot       // of all shards
	objects atomic.Int64 // heads
	entries atomic.Int64 // slots in use
	fences  atomic.Int64 // fences in all shards
}

// shard is a part of the index with a lock of its own. Look-ups go without the lock
// where they can (optimistic): a look-up waits for memory once, as long as a hundred
// instructions take, and a locked instruction lets nothing else go on meanwhile.
type shard struct {
	mu      sync.RWMutex
	changes atomic.Uint64     // odd while slots are changed, with mu held
	slots   []slot            // never replaced; the last slot is always empty
	spread  uint64            // slots where a run may begin; those behind take what runs over
	used    int               // guarded by mu, as is all below
	limit   int               // slots that may be in use: open addressing wants gaps
	fences  map[uint64]uint64 // hash → puts queued before this ticket are dead
	_       [40]byte          // keeps neighbours' locks off one cache line
}

const (
	// maxShards bounds lock contention; below minShardSlots a shard is not worth it.
	maxShards     = 64
	minShardSlots = 4096

	// overrun is how many slots behind the last home there are for the run that begins
	// there. A full one is as good as a full shard: one of more than a hundred slots is
	// no more likely than one in 10¹² shards.
	overrun = 128
)

// newIndex returns an index for capacity slots.
func newIndex(capacity int) (*index, error) {
	n := 1
	for n < maxShards && capacity/(2*n) >= minShardSlots {
		n *= 2
	}
	limit := max(8, (capacity+n-1)/n)
	spread := limit + limit/8 + 1
	size := spread + overrun
	all, err := allocSlots(n * size)
	if err != nil {
		return nil, err
	}
	x := &index{shards: make([]shard, n), memory: all}
	for i := range x.shards {
		s := &x.shards[i]
		s.limit, s.spread, s.fences = limit, uint64(spread), map[uint64]uint64{}
		s.slots = all[i*size : (i+1)*size : (i+1)*size]
	}
	runtime.AddCleanup(&x.shards[0], unmapSlots, all) // when nobody looks any more
	return x, nil
}

// close gives the memory back. Who comes late finds nothing; nobody may change the
// index any more.
func (x *index) close() {
	for i := range x.shards {
		x.shards[i].lock()
	}
	dropSlots(x.memory)
	for i := range x.shards {
		x.shards[i].used = 0
		x.shards[i].unlock()
	}
}

// lock takes the lock to change slots.
func (s *shard) lock() {
	s.mu.Lock()
	s.changes.Add(1)
}

func (s *shard) unlock() {
	s.changes.Add(1)
	s.mu.Unlock()
}

// still reports whether nothing was changed since changes was before, so that what was
// read meanwhile can be believed.
func (s *shard) still(before uint64) bool { return before&1 == 0 && s.changes.Load() == before }

// reset empties the index.
func (x *index) reset() {
	for i := range x.shards {
		s := &x.shards[i]
		s.lock()
		clear(s.slots)
		s.used = 0
		s.unlock()
	}
	x.objects.Store(0)
	x.entries.Store(0)
}

// capacity returns how many slots may be in use.
func (x *index) capacity() int { return len(x.shards) * x.shards[0].limit }

func (x *index) shard(hash uint64) *shard { return &x.shards[hash&uint64(len(x.shards)-1)] }

// head finds the head of an object and puts it into dst. Budget: one wait for memory
// and 25 ns, no allocation (BenchmarkIndexRandomHit).
func (x *index) head(hash uint64, dst *slot) bool {
	s := x.shard(hash)
	if !optimistic {
		return s.headLocked(hash, dst)
	}
	before := s.changes.Load()
	i := s.findHead(hash)
	if i >= 0 {
		*dst = s.slots[i]
	}
	if !s.still(before) {
		return s.headLocked(hash, dst)
	}
	return i >= 0
}

// headLocked is index.head, with the lock taken here.
func (s *shard) headLocked(hash uint64, dst *slot) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	i := s.findHead(hash)
	if i >= 0 {
		*dst = s.slots[i]
	}
	return i >= 0
}

// find finds the slot of a record of version that holds a block of stripe and puts it
// into dst. Its budget is that of head.
func (x *index) find(hash, version uint64, stripe uint32, block int, dst *slot) bool {
	s := x.shard(hash)
	if !optimistic {
		return s.findLocked(hash, version, stripe, block, dst)
	}
	before := s.changes.Load()
	i := s.findBlock(hash, version, stripe, block)
	if i >= 0 {
		*dst = s.slots[i]
	}
	if !s.still(before) {
		return s.findLocked(hash, version, stripe, block, dst)
	}
	return i >= 0
}

// findLocked is index.find, with the lock taken here.
func (s *shard) findLocked(hash, version uint64, stripe uint32, block int, dst *slot) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	i := s.findBlock(hash, version, stripe, block)
	if i >= 0 {
		*dst = s.slots[i]
	}
	return i >= 0
}

// at returns the slot that points to the record at p.
func (x *index) at(hash uint64, stripe uint32, p position) (slot, bool) {
	s := x.shard(hash)
	s.mu.RLock()
	defer s.mu.RUnlock()
	if i := s.findAt(hash, stripe, p); i >= 0 {
		return s.slots[i], true
	}
	return slot{}, false
}

// touch counts a hit of the record that e, a slot just found, points to. Most hits
// of a record that is asked for often find the count full, and take no lock.
func (x *index) touch(e *slot) {
	if e.hits() == maxHits {
		return
	}
	stripe := e.stripe
	if e.head() {
		stripe = 0
	}
	s := x.shard(e.hash())
	s.lock()
	defer s.unlock()
	i := s.findAt(e.hash(), stripe, e.position())
	if i >= 0 && s.slots[i].hits() < maxHits {
		s.slots[i].flags += 1 << hitShift
	}
}

// apply makes a record visible and drops what it replaces. ticket is the place of
// the record in the write queue; recovery passes the highest.
func (x *index) apply(r *recordRef, ticket uint64) verdict {
	s := x.shard(r.hash)
	s.lock()
	defer s.unlock()
	before, objects := s.used, 0
	defer func() {
		x.entries.Add(int64(s.used - before))
		x.objects.Add(int64(objects))
	}()
	if fence, ok := s.fences[r.hash]; ok && ticket < fence {
		return fenced
	}
	stripes := max(r.stripes, r.stripe+1)
	if h := s.findHead(r.hash); h >= 0 {
		old := &s.slots[h]
		if old.version == r.version {
			stripes = max(stripes, old.stripe)
		} else if r.blocks != 0 || r.stripes == 0 {
			s.removeObject(r.hash)
			objects--
		}
	}
	h := s.findHead(r.hash)
	if r.blocks == 0 && r.stripes > 0 && (h < 0 || s.slots[h].version != r.version) {
		return stale
	}
	if !s.room(2) || placeOf(r.hash, 0) == 0 || placeOf(r.hash, r.stripe) == 0 {
		return full
	}
	if h < 0 {
		objects++
	}
	s.replace(r, stripes)
	return applied
}

// remove forgets an object and drops all puts of it queued before ticket.
func (x *index) remove(hash, ticket uint64) bool {
	s := x.shard(hash)
	s.lock()
	defer s.unlock()
	before := s.used
	if _, ok := s.fences[hash]; !ok && ticket > 0 {
		x.fences.Add(1)
	}
	if ticket > 0 {
		s.fences[hash] = max(ticket, s.fences[hash])
	}
	found := s.removeObject(hash)
	if found {
		x.objects.Add(-1)
	}
	x.entries.Add(int64(s.used - before))
	return found
}

// removeVersion forgets an object if it is of this version.
func (x *index) removeVersion(hash, version uint64) {
	s := x.shard(hash)
	s.lock()
	defer s.unlock()
	before := s.used
	if i := s.findHead(hash); i >= 0 && s.slots[i].version == version && s.removeObject(hash) {
		x.objects.Add(-1)
	}
	x.entries.Add(int64(s.used - before))
}

// oldest returns the lowest store number of a head.
func (x *index) oldest() (seq uint64, any bool) {
	for i := range x.shards {
		s := &x.shards[i]
		s.mu.RLock()
		for j := range s.slots {
			if e := &s.slots[j]; e.used() && e.head() && (!any || e.seq < seq) {
				seq, any = e.seq, true
			}
		}
		s.mu.RUnlock()
	}
	return seq, any
}

// fencedOff reports whether a put queued with ticket is dead.
func (x *index) fencedOff(hash, ticket uint64) bool {
	if x.fences.Load() == 0 {
		return false
	}
	s := x.shard(hash)
	s.mu.RLock()
	defer s.mu.RUnlock()
	fence, ok := s.fences[hash]
	return ok && ticket < fence
}

// clearFences drops the fences that every put still queued has passed.
func (x *index) clearFences(oldest uint64) {
	if x.fences.Load() == 0 {
		return
	}
	for i := range x.shards {
		s := &x.shards[i]
		s.lock()
		for hash, ticket := range s.fences {
			if ticket <= oldest {
				delete(s.fences, hash)
				x.fences.Add(-1)
			}
		}
		s.unlock()
	}
}

// forget drops the slots of one record: it was evicted or is unreadable.
func (x *index) forget(hash uint64, stripe uint32, p position) {
	s := x.shard(hash)
	s.lock()
	defer s.unlock()
	before := s.used
	if i := s.findHead(hash); i >= 0 && s.slots[i].position() == p {
		s.delete(i)
		x.objects.Add(-1)
	}
	s.deleteAll(hash, stripe, func(e *slot) bool { return e.position() == p })
	x.entries.Add(int64(s.used - before))
}

// sweep drops every slot that points into an extent. It visits the whole index,
// a shard at a time; it is for extents whose footer cannot be read.
func (x *index) sweep(extent uint32) {
	for i := range x.shards {
		s := &x.shards[i]
		s.lock()
		before, heads := s.used, 0
		for j := 0; j < len(s.slots); {
			if e := &s.slots[j]; !e.used() || e.extent != extent {
				j++
				continue
			}
			if s.slots[j].head() {
				heads++
			}
			s.delete(j) // may move another slot here: look again
		}
		x.entries.Add(int64(s.used - before))
		x.objects.Add(int64(-heads))
		s.unlock()
	}
}

// load inserts slots of a snapshot as they were and returns how many had room. Slots
// of one shard, one after the other, cost one lock.
func (x *index) load(list []slot) (loaded int) {
	objects := 0
	for len(list) > 0 {
		s := x.shard(list[0].hash())
		n := 1
		for n < len(list) && x.shard(list[n].hash()) == s {
			n++
		}
		taken, heads := s.load(list[:n])
		loaded, objects, list = loaded+taken, objects+heads, list[n:]
	}
	x.entries.Add(int64(loaded))
	x.objects.Add(int64(objects))
	return loaded
}

// dump appends the slots of shard i that are in use.
func (x *index) dump(i int, dst []slot) []slot {
	s := &x.shards[i]
	s.mu.RLock()
	defer s.mu.RUnlock()
	for j := range s.slots {
		if s.slots[j].used() {
			dst = append(dst, s.slots[j])
		}
	}
	return dst
}

// crowded reports whether n records under hash, or others of its shard, have no room.
func (x *index) crowded(hash uint64, n int) bool {
	s := x.shard(hash)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.used+2*n > s.limit || !s.room(2)
}
