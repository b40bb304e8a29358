package cache

import (
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
		f.waiting.Add(1)
		return f, false, nil
	}
	if o := c.index.get(id, key); o != nil && o.Meta() != seen && o.Meta().Freshness.Flags&object.VaryMarker == 0 {
		return nil, false, o
	}
	f = &Fill{c: c, id: id, key: object.Key(key), table: id, ready: make(chan struct{}), limit: -1}
	f.waiting.Store(1)
	c.fills.Add(1)
	if until, ok := c.private[id]; !ok || until < now {
		c.joins[id] = f
	}
	return f, true, nil
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
	if o.coveredLocked(off) {
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
	o.fills = append(o.fills, f)
	o.busy++
	o.c.fills.Add(1)
	return f, true, nil
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

// resumable reports whether missing blocks may be fetched by range.
func (o *Object) resumable() bool {
	m := o.Meta()
	return m.Freshness.Flags&object.Resumable != 0 && o.Size() > 0
}

// mayRun reports whether fill f may start its next block, and whether nobody
// reads or is about to.
func (o *Object) mayRun(f *Fill) (ok, idle bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	idle = len(o.readers) == 0 && f.waiting.Load() <= 0
	size, window := o.Size(), o.c.window
	if o.transient {
		window = min(window, 2*object.BlockSize)
	} else if size >= 0 && size <= window {
		return true, idle
	}
	next, front := f.next.Load(), f.start
	for _, r := range o.readers {
		front = max(front, min(r.off.Load(), next))
	}
	return next-front < window, idle
}
