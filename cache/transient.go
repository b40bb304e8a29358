package cache

import "edged/cache/object"

// MaxShared is the length in bytes of the longest response that is passed through
// to more than one viewer. Blocks of such a response cannot be evicted, so nobody
// may keep more than this of one: a reader of a body of unknown length who falls
// further behind the fill is cut.
const MaxShared = 4 * object.BlockSize

// trim lets go of the blocks of a transient object that every reader has read, or
// that are too far behind.
func (o *Object) trim() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.maker.waiting.Load() > 0 {
		return // somebody is about to read from the start
	}
	low := int64(-1)
	for _, r := range o.readers {
		if off := r.off.Load(); low < 0 || off < low {
			low = off
		}
	}
	table := *o.slots.Load()
	low = max(low, o.maker.next.Load()-MaxShared)
	for i := range int(low / object.BlockSize) {
		if s := table[i].Load(); s != nil && s.done.Load() && table[i].CompareAndSwap(s, nil) {
			o.resident.Add(-1)
			o.passes(-s.block.Weight())
			s.block.Release()
		}
	}
}

// releaseTransient frees a transient object that nobody fills, reads or is about
// to read, and stops the fill that nobody reads.
func (o *Object) releaseTransient() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.readers) > 0 || o.maker.waiting.Load() > 0 {
		return
	}
	if o.busy == 0 {
		o.discard()
		return
	}
	for _, f := range o.fills {
		f.stop()
	}
}
