package cache

import (
	"context"
	"fmt"
	"slices"

	"edged/cache/disk"
	"edged/cache/object"
	"edged/cache/purge"
)

// spillBody lends a block to the disk tier until it is written.
type spillBody struct {
	slot *slot
	n    int
}

// Bytes returns the body bytes of the block.
func (b spillBody) Bytes() []byte { return b.slot.block.Buffer()[:b.n:b.n] }

// Release ends the loan.
func (b spillBody) Release() {
	b.slot.returned()
	b.slot.block.Release()
}

// lend pins the block of s for the disk tier; false when it is gone.
func (s *slot) lend() bool {
	s.object.mu.Lock()
	defer s.object.mu.Unlock()
	if s.evicted || !s.done.Load() || !s.block.Retain() {
		return false
	}
	s.lent++
	return true
}

// spillEarly writes a whole stripe of a large object while the fill goes on. Only
// a resumable object may be found on disk in part.
func (o *Object) spillEarly(stripe int) {
	if o.resumable() && o.Size() > object.StripeSize {
		o.spill(stripe)
	}
}

// spillRest writes every stripe that is whole in memory and not on disk yet.
func (o *Object) spillRest() {
	if o.transient || o.orphan {
		return
	}
	for i := range max(1, (object.Blocks(o.Size())+object.StripeBlocks-1)/object.StripeBlocks) {
		o.spill(i)
	}
}

// spill hands one stripe to the disk tier. A stripe with a block missing stays in
// memory only, and so does what the tier's queue has no room for.
func (o *Object) spill(stripe int) {
	if o.c.disks == nil || !o.worthKeeping() || o.onDisk(stripe) {
		return
	}
	if !o.admitted() {
		o.postpone()
		return
	}
	if !o.claimStripe(stripe) {
		return
	}
	blocks, ok := o.borrow(stripe)
	if !ok || !o.c.disks.Put(o.key, o.Meta(), stripe, blocks) {
		o.unclaimStripe(stripe)
		return
	}
}

// worthKeeping reports whether the object may still be served to somebody.
func (o *Object) worthKeeping() bool {
	return o.failure() == nil && !o.orphan && o.verdict() != purge.Hard
}

// reopen looks for the object on disk, where blocks that left memory may be. It
// reports whether it found something it did not know of.
func (o *Object) reopen() bool {
	if o.c.disks == nil || o.transient || o.disk.Load() != nil || !o.handedOver(-1) {
		return false
	}
	e, ok := o.c.disks.Lookup(o.key)
	if !ok || e.Meta.Version != o.Meta().Version {
		return false
	}
	return o.disk.CompareAndSwap(nil, e)
}

// handedOver reports whether a stripe, or with -1 any, is on disk or on its way.
func (o *Object) handedOver(stripe int) bool {
	if o.disk.Load() != nil {
		return true
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if stripe < 0 {
		return slices.Contains(o.spilled, true)
	}
	return stripe < len(o.spilled) && o.spilled[stripe]
}

// lost notes that the disk does not have what was handed over to it.
func (o *Object) lost() {
	o.mu.Lock()
	clear(o.spilled)
	o.mu.Unlock()
	o.disk.Store(nil)
}

// onDisk reports whether the object was found on disk with all of a stripe.
func (o *Object) onDisk(stripe int) bool {
	e := o.disk.Load()
	if e == nil {
		return false
	}
	first := stripe * object.StripeBlocks
	for i := first; i < min(first+object.StripeBlocks, object.Blocks(o.Size())); i++ {
		if !o.c.disks.Has(e, i) {
			return false
		}
	}
	return true
}

func (o *Object) claimStripe(stripe int) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.spilled) <= stripe {
		o.spilled = append(o.spilled, false)
	}
	if o.spilled[stripe] {
		return false
	}
	o.spilled[stripe] = true
	return true
}

func (o *Object) unclaimStripe(stripe int) {
	o.mu.Lock()
	o.spilled[stripe] = false
	o.mu.Unlock()
}

// borrow pins the blocks of a stripe; false when one of them is missing.
func (o *Object) borrow(stripe int) ([]disk.Body, bool) {
	first := stripe * object.StripeBlocks
	last := min(first+object.StripeBlocks, object.Blocks(o.Size()))
	bodies := make([]disk.Body, 0, max(0, last-first))
	for i := first; i < last; i++ {
		s := o.slot(i)
		if s == nil || !s.lend() {
			for _, b := range bodies {
				b.Release()
			}
			return nil, false
		}
		bodies = append(bodies, spillBody{s, object.BlockLen(o.Size(), i)})
	}
	return bodies, true
}

// load brings block i from disk into memory. It returns nil without an error when
// somebody else is at it. A disk that fails is not asked again for this object.
func (o *Object) load(i int) (*slot, error) {
	n := object.BlockLen(o.Size(), i)
	b, err := o.c.alloc(context.Background(), n)
	if err != nil {
		return nil, err
	}
	s := &slot{object: o, index: i, source: TierDisk, block: b}
	if !o.claim(s) {
		b.Release()
		return nil, nil
	}
	defer o.end()
	defer o.progress.broadcast()
	if err := o.read(s, n); err != nil {
		o.c.log.Warn("block not readable from disk", "err", err)
		o.lost()
		o.drop(s)
		b.Release()
		return nil, nil
	}
	s.ready.Store(int32(n))
	o.c.settle(s)
	return s, nil
}

// Holds reports whether all of [off, end) is in memory, on disk or on its way, so
// that serving it asks nobody. An end of -1 is that of the body.
func (o *Object) Holds(off, end int64) bool {
	size := o.Size()
	if size < 0 || o.filling.Load() > 0 || int(o.resident.Load()) >= object.Blocks(size) {
		return true // nearly always
	}
	if end < 0 {
		end = size
	}
	e := o.disk.Load()
	for i := int(off / object.BlockSize); int64(i)*object.BlockSize < end; i++ {
		if o.slot(i) == nil && (e == nil || !o.c.disks.Has(e, i)) {
			return false
		}
	}
	return true
}

// Readable reports whether a viewer who begins now can expect the whole body: its
// blocks are in memory, on disk, on their way, or can be fetched one by one. An
// object that cannot be read any more is forgotten, so that to its viewers lost
// memory or a bad disk is a miss and not half a body. A first block that is only on
// disk is loaded, because only reading tells whether a disk is good.
func (o *Object) Readable() bool {
	size := o.Size()
	if size >= 0 && int(o.resident.Load()) >= object.Blocks(size) || o.filling.Load() > 0 || o.resumable() {
		return true // nearly always, and without a lock
	}
	if size < 0 || !o.complete() {
		o.c.index.remove(o)
		return false
	}
	if o.slot(0) != nil {
		return true
	}
	if s, err := o.load(0); err != nil || s == nil && o.disk.Load() == nil {
		o.c.index.remove(o)
		return false
	}
	return true
}

// complete reports whether every block is in memory or said to be on disk.
func (o *Object) complete() bool {
	if o.failure() != nil {
		return false
	}
	o.reopen()
	e := o.disk.Load()
	for i := range object.Blocks(o.Size()) {
		if o.slot(i) == nil && (e == nil || !o.c.disks.Has(e, i)) {
			return false
		}
	}
	return true
}

func (o *Object) read(s *slot, n int) error {
	e := o.disk.Load()
	if e == nil {
		return fmt.Errorf("cache: %w", disk.ErrNotFound)
	}
	return o.c.disks.ReadBlock(e, s.index, s.block.Buffer()[:n])
}

// claim makes s the slot of its block unless there is one, and notes the work.
func (o *Object) claim(s *slot) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.placeLocked(s) {
		return false
	}
	o.busy++
	return true
}
