package cache

import (
	"sync"
	"sync/atomic"

	"edged/cache/disk"
	"edged/cache/object"
	"edged/cache/ram"
)

// Tier says where bytes came from.
type Tier uint8

// The tiers, in the words of logs and counters.
const (
	TierNone Tier = iota
	TierRAM
	TierDisk
	TierOrigin
)

// String returns the tier's stable name.
func (t Tier) String() string { return [...]string{"none", "ram", "disk", "origin"}[t] }

// Object is one version of one response: its metadata and a table of blocks, of
// which any may be in memory, on disk, on their way or missing.
//
// An Object is owned by the garbage collector; only its blocks are counted. It
// stays readable after it has left the index.
type Object struct {
	c    *Cache
	id   object.ID
	key  object.Key
	meta atomic.Pointer[object.Meta]
	size atomic.Int64 // body length, -1 while unknown

	slots    atomic.Pointer[[]atomic.Pointer[slot]]
	resident atomic.Int32 // slots that hold a block

	progress signal // bytes were published, a fill ended, the size became known
	room     signal // a reader moved on or left

	places    places                     // where its blocks are in files
	disk      atomic.Pointer[disk.Entry] // where the body is on disk, nil when it is not
	admission admission
	transient bool          // never indexed or stored: blocks go as soon as they are read
	orphan    bool          // not indexed or stored either: purged, or overtaken, before it began
	checked   atomic.Uint64 // the newest purge when the object was judged last
	maker     *Fill         // the fill that made the object, nil when it came from disk
	retry     atomic.Int64  // when to try again to validate it (Unix ns), 0 unless the last try failed

	filling atomic.Int32 // len(fills), for those who do not want to lock

	mu      sync.Mutex // guards the fields below
	busy    int        // fills and disk loads under way
	fills   []*Fill    // under way
	readers []*Reader  // of an object that is being filled
	spilled []bool     // stripes handed to the disk tier by this process
	cut     error      // why the object is no longer whole; nil while it is
}

// slot is one block of an object in memory. It is replaced, never changed, but
// for the number of bytes that are ready.
type slot struct {
	object *Object
	index  int
	source Tier
	block  *ram.Block
	ready  atomic.Int32 // bytes published; they never change
	done   atomic.Bool  // the block is whole

	lent    int  // loans to the disk tier's queue; guarded by the object's mutex
	evicted bool // goes when the last loan ends; guarded by the object's mutex
}

// Evicted tells the object that the RAM tier let go of the slot's block. An object
// that cannot be made whole again is no longer found: its next viewer is a miss,
// not half a body.
//
// A block that waits to be written is in nobody's way: its memory stays in use
// anyhow. It can be read until it is on disk, where it is found from then on.
func (s *slot) Evicted(*ram.Block) {
	if s.stays() {
		return
	}
	s.leave()
}

// stays reports whether the slot outlives its eviction because its block is lent.
func (s *slot) stays() bool {
	s.object.mu.Lock()
	defer s.object.mu.Unlock()
	s.evicted = true
	return s.lent > 0
}

// returned ends a loan, and with the last one a slot that was evicted.
func (s *slot) returned() {
	o := s.object
	o.mu.Lock()
	s.lent--
	over := s.lent == 0 && s.evicted
	o.mu.Unlock()
	if over {
		s.leave()
	}
}

// leave takes the slot of an evicted block out of its object.
func (s *slot) leave() {
	o := s.object
	if o.drop(s) && !o.resumable() && !o.handedOver(s.index/object.StripeBlocks) {
		o.c.index.remove(o)
	}
}

// firstSlots is the largest table of blocks that an object gets before it has them: a
// length is what an origin says, and may never come true.
const firstSlots = 1024

func newObject(c *Cache, id object.ID, key object.Key, m *object.Meta) *Object {
	o := &Object{c: c, id: id, key: key}
	o.meta.Store(m)
	o.size.Store(m.Size)
	n := 1
	if m.Size > 0 {
		n = min(object.Blocks(m.Size), firstSlots)
	}
	table := make([]atomic.Pointer[slot], n)
	o.slots.Store(&table)
	return o
}

// Meta returns the metadata; it is immutable and may be replaced by a freshened
// one at any time.
func (o *Object) Meta() *object.Meta { return o.meta.Load() }

// Size returns the length of the body in bytes, -1 while a fill does not know it.
func (o *Object) Size() int64 { return o.size.Load() }

// replaceMeta stores m as the metadata of a body of size bytes; size, key and
// identity are the object's own.
func (o *Object) replaceMeta(m *object.Meta, size int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	own, was := *m, o.Meta()
	own.Key, own.Version, own.Seq, own.Account, own.Size = o.key, was.Version, was.Seq, was.Account, size
	o.setMetaLocked(&own)
	o.size.Store(size)
}

// setMetaLocked replaces the metadata. What a soft purge made of the old ones is
// undone by that, so the object is judged anew.
func (o *Object) setMetaLocked(m *object.Meta) {
	o.meta.Store(m)
	o.checked.Store(0)
}

// Transient reports whether the object is only passed through.
func (o *Object) Transient() bool { return o.transient }

// Stored reports whether the object is kept, or was until it was evicted.
func (o *Object) Stored() bool { return !o.transient && !o.orphan }

// Unvalidated notes that the origin could not say whether the object is still
// good, and that it is to be asked again at retry (Unix ns).
func (o *Object) Unvalidated(retry int64) { o.retry.Store(retry) }

// Troubled reports whether the last validation failed, and if so whether it is
// time for another one.
func (o *Object) Troubled(now int64) (failed, due bool) {
	retry := o.retry.Load()
	return retry != 0, retry <= now
}

// Key returns the full cache key.
func (o *Object) Key() object.Key { return o.key }

// slot returns the slot of block i, nil when the block is not in memory.
func (o *Object) slot(i int) *slot {
	table := *o.slots.Load()
	if i >= len(table) {
		return nil
	}
	return table[i].Load()
}

// place publishes s unless its block has a slot already.
func (o *Object) place(s *slot) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.placeLocked(s)
}

// placeLocked grows the table of an object that is long or of unknown size. Slots come, go and
// move to a larger table under the lock only, or one that goes while the table
// is copied would come back to life in the copy.
func (o *Object) placeLocked(s *slot) bool {
	table := *o.slots.Load()
	if s.index >= len(table) {
		grown := make([]atomic.Pointer[slot], max(s.index+1, 2*len(table)))
		for i := range table {
			grown[i].Store(table[i].Load())
		}
		o.slots.Store(&grown)
		table = grown
	}
	if !table[s.index].CompareAndSwap(nil, s) {
		return false
	}
	o.resident.Add(1)
	o.passes(s.block.Weight())
	return true
}

// passes counts bytes that a transient object holds, which cannot be evicted.
func (o *Object) passes(bytes int) {
	if o.transient {
		o.c.passing.add(int64(bytes))
	}
}

// swap puts s, which has the bytes of old, in its place. old belongs to the
// caller, who is still writing it: nobody else can have dropped it.
func (o *Object) swap(old, s *slot) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if (*o.slots.Load())[s.index].CompareAndSwap(old, s) {
		o.passes(s.block.Weight() - old.block.Weight())
	}
}

// drop forgets slot s and, with its last block, the object: what is on disk is
// found there again.
func (o *Object) drop(s *slot) bool {
	o.mu.Lock()
	table := *o.slots.Load()
	dropped := s.index < len(table) && table[s.index].CompareAndSwap(s, nil)
	last := dropped && o.resident.Add(-1) == 0
	if dropped {
		o.passes(-s.block.Weight())
	}
	o.mu.Unlock()
	if last {
		o.forgetIdle()
	}
	return dropped
}

// end undoes a claim or the adoption of a fill: work that writes slots is over.
// After the last of it the blocks of a broken object go, and so does an object
// that has nothing in memory and nobody who reads it: eviction, which would have
// taken it out of the index, has passed.
func (o *Object) end() {
	o.mu.Lock()
	o.busy--
	over := o.busy == 0
	discard, unread := over && o.cut != nil, over && len(o.readers) == 0
	o.mu.Unlock()
	switch {
	case discard:
		o.discard()
	case unread && o.resident.Load() == 0:
		o.forgetIdle()
	}
}

// forgetIdle takes an object without blocks in memory and without work under way
// out of the index.
func (o *Object) forgetIdle() {
	o.mu.Lock()
	busy := o.busy > 0
	o.mu.Unlock()
	if !busy && o.resident.Load() == 0 {
		o.c.index.remove(o)
	}
}

// discard lets go of all blocks in memory. Nothing may be writing them.
func (o *Object) discard() {
	table := *o.slots.Load()
	for i := range table {
		s := table[i].Swap(nil)
		if s == nil {
			continue
		}
		o.resident.Add(-1)
		if o.transient {
			o.passes(-s.block.Weight())
			s.block.Release()
		} else {
			o.c.ram.Remove(s.block)
		}
	}
}

// fail marks the object as broken: its readers are cut, nobody finds it again. Its
// blocks go at once, or when the work on it ends.
func (o *Object) fail(err error) {
	o.mu.Lock()
	if o.cut == nil {
		o.cut = err
	}
	idle := o.busy == 0
	o.mu.Unlock()
	o.c.index.remove(o)
	o.progress.broadcast()
	if idle {
		o.discard()
	}
}

// failure returns why the object is broken, nil while it is not.
func (o *Object) failure() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.cut
}
