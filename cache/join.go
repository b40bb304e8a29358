package cache

import (
	"math"
	"time"

	"edged/cache/object"
)

// privateFor is how long a key whose response followers could not have is not
// collapsed, so that they do not queue up behind each other (a mark is lost with
// the process, at the cost of one wait).
const (
	privateFor = 5 * time.Second
	privateMax = 1 << 14 // marks kept at most
)

// Join makes the caller the leader of a fetch for the resolved key, or a follower
// of the one under way. seen is what the caller's Lookup found wanting (nil after
// a miss): when the index holds something newer by now, that is returned instead
// and there is no fill. now is in Unix nanoseconds.
//
// The caller owes the fill one Leave; a leader owes it Start, StartTransient,
// Freshened or Fail, too.
func (c *Cache) Join(key []byte, seen *object.Meta, now int64) (f *Fill, leader bool, newer *Object) {
	id := object.Hash(c.seed, key)
	c.mu.Lock()
	defer c.mu.Unlock()
	if f := c.joins[id]; f != nil && string(f.key) == string(key) {
		if c.purges.table.Joinable(string(f.key), f.seq) {
			f.waiting.Add(1)
			f.followed.Store(true)
			return f, false, nil
		}
		delete(c.joins, id) // what it brings is, or may be, purged: for those who wait already
	}
	if o := c.newerLocked(id, key, seen); o != nil {
		return nil, false, o
	}
	return c.leadLocked(id, key, !c.privateLocked(id, now)), true, nil
}

// Validate makes the caller the leader of a fetch in the background that
// validates seen, which somebody is being served stale meanwhile. It returns nil
// when there is no need: somebody is at it, the index holds something newer, or
// a response for the key could not be shared just now and would not be again.
// What Join says of a leader's duties holds here too.
func (c *Cache) Validate(key []byte, seen *object.Meta, now int64) *Fill {
	id := object.Hash(c.seed, key)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.joins[id] != nil || c.privateLocked(id, now) || c.newerLocked(id, key, seen) != nil {
		return nil
	}
	return c.leadLocked(id, key, true)
}

// newerLocked returns what the index holds under key if it is not what was seen.
func (c *Cache) newerLocked(id object.ID, key []byte, seen *object.Meta) *Object {
	o := c.index.get(id, key)
	if o == nil || !o.live() || o.Meta() == seen || o.Meta().Freshness.Flags&object.VaryMarker != 0 {
		return nil
	}
	return o
}

// privateLocked reports whether the key carries a mark of DontCollapse.
func (c *Cache) privateLocked(id object.ID, now int64) bool {
	until, ok := c.private[id]
	return ok && until >= now
}

// leadLocked returns a new fill with one member; others find it if it collapses.
func (c *Cache) leadLocked(id object.ID, key []byte, collapses bool) *Fill {
	f := &Fill{c: c, id: id, key: object.Key(key), table: id, seq: c.purges.table.Next(), ready: make(chan struct{}), limit: -1}
	f.waiting.Store(1)
	c.fills.Add(1)
	if collapses {
		c.joins[id] = f
	}
	return f
}

// DontCollapse marks the fill's key: for some seconds every request fetches for
// itself, because the responses cannot be shared.
func (f *Fill) DontCollapse(now int64) {
	c := f.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.private) >= privateMax {
		clear(c.private)
	}
	c.private[f.table] = now + int64(privateFor)
}

// released takes a fill whose header is known out of the table: what comes later
// finds the object in the index.
func (c *Cache) released(f *Fill) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.joins[f.table] == f {
		delete(c.joins, f.table)
	}
}

// FillFrom finds or starts what brings the missing block at offset off. A leader
// fetches the bytes from f.Next() to f.Limit() and owes it a Commit or Abort;
// without leadership the bytes are on their way already. It fails when the object
// is broken or cannot be completed by ranges.
func (o *Object) FillFrom(off, limit int64) (f *Fill, leader bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.cut != nil {
		return nil, false, o.cut
	}
	if o.coveredLocked(off) || o.arrivedLocked(off) {
		return nil, false, nil
	}
	if !o.resumable() {
		o.c.index.remove(o) // the next request starts anew
		return nil, false, ErrCut
	}
	start := off - off%object.BlockSize
	f = &Fill{c: o.c, id: o.id, key: o.key, obj: o, shared: true, start: start, limit: o.gapEnd(start, limit)}
	f.next.Store(start)
	f.waiting.Store(1)
	o.attachLocked(f)
	o.c.fills.Add(1)
	return f, true, nil
}

// attachLocked makes f a fill of o.
func (o *Object) attachLocked(f *Fill) {
	o.fills = append(o.fills, f)
	o.filling.Store(int32(len(o.fills)))
	o.busy++
}

// unused reports that the object has no block in memory and nobody who reads it or
// is about to.
func (o *Object) unused() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.resident.Load() == 0 && len(o.readers) == 0 && (o.maker == nil || o.maker.waiting.Load() <= 0)
}

// gapEnd returns where a range fill from start has to end: at the next block that
// is in memory, at limit rounded up to a block (-1 means no limit), or at the end.
func (o *Object) gapEnd(start, limit int64) int64 {
	size := o.Size()
	end := size
	if limit >= 0 {
		end = min(size, (limit+object.BlockSize-1)/object.BlockSize*object.BlockSize)
	}
	for i := int(start/object.BlockSize) + 1; int64(i)*object.BlockSize < end; i++ {
		if o.slot(i) != nil {
			return int64(i) * object.BlockSize
		}
	}
	return end
}

// coveredLocked reports whether a fill under way will soon write the block at off.
func (o *Object) coveredLocked(off int64) bool {
	for _, f := range o.fills {
		next := f.next.Load()
		if off/object.BlockSize < next/object.BlockSize || f.limit >= 0 && off >= f.limit {
			continue
		}
		if off-next <= o.c.window || !o.resumable() {
			return true
		}
	}
	return false
}

// arrivedLocked reports whether the byte at off is in memory, or the end of the body.
// A fill publishes both before it leaves the object. So only whoever has not
// found a fill and then, still under the lock, neither of these may say that
// something is missing.
func (o *Object) arrivedLocked(off int64) bool {
	if size := o.Size(); size >= 0 && off >= size {
		return true
	}
	s := o.slot(int(off / object.BlockSize))
	return s != nil && int64(s.ready.Load()) > off%object.BlockSize
}

// resumable reports whether missing blocks may be fetched by range. What is only
// passed through comes once.
func (o *Object) resumable() bool {
	m := o.Meta()
	return m.Freshness.Flags&object.Resumable != 0 && o.Size() > 0 && !o.transient
}

// mayRun reports whether fill f may start its next block, and whether nobody
// reads what it writes or is about to.
func (o *Object) mayRun(f *Fill) (ok, idle bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	front, read := o.frontLocked(f)
	idle = !read && f.waiting.Load() <= 0
	size, window := o.Size(), o.c.window
	switch {
	case o.transient:
		window = min(window, 2*object.BlockSize)
	case size >= 0 && size <= window:
		return true, idle
	case !o.resumable() && !idle:
		window = min(window, heldWindow)
	}
	return f.next.Load()-front < window, idle
}

// frontLocked returns how far the fastest reader of what f writes is, and whether
// there is one. Of a resumable object other fills may serve readers elsewhere.
func (o *Object) frontLocked(f *Fill) (front int64, read bool) {
	next, front := f.next.Load(), f.start
	for _, r := range o.readers {
		off := r.off.Load()
		if o.resumable() && (off < f.start || off > next+o.c.window) {
			continue
		}
		front, read = max(front, min(off, next)), true
	}
	return front, read
}

// heldWindow bounds the bytes that a fill of a long body holds for its readers.
const heldWindow = 4 * object.BlockSize

// keeps returns the offsets between which the blocks of f should not be evicted yet,
// because the fastest reader has not come to them. Where they could not be fetched
// again there is no upper bound but the window.
func (o *Object) keeps(f *Fill) (from, to int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	front, read := o.frontLocked(f)
	switch {
	case !read && f.waiting.Load() <= 0:
		return math.MaxInt64, math.MaxInt64
	case o.resumable():
		return front, front + heldWindow
	}
	return front, math.MaxInt64
}
