package cache

import (
	"sync"
	"sync/atomic"

	"edged/cache/object"
)

// Alone returns a fill that nobody joins, for a response that concerns one request
// only. The caller owes it what a leader owes.
func (c *Cache) Alone(key []byte) *Fill {
	return c.leadLocked(object.Hash(c.seed, key), key, false) // without collapsing it touches nothing shared
}

// Invalidate forgets what is stored under a primary key, its variants included:
// those are under keys of the marker that goes with it. A fetch under way goes on
// for those who wait for it; nobody else joins it, and what it brings is not stored,
// because it may be what just became invalid. Unlike a purge it is no rule: viewers
// can cause it.
func (c *Cache) Invalidate(key []byte) {
	id := object.Hash(c.seed, key)
	c.invalid.note(id, c.purges.table.Next())
	c.mu.Lock()
	delete(c.joins, id)
	c.mu.Unlock()
	if c.disks != nil { // first, or a request in between would find it there
		c.disks.Remove(object.Key(key))
	}
	if o := c.index.get(id, key); o != nil {
		c.index.remove(o)
	}
}

// maxInvalid is how many invalidations are remembered for the fetches that were
// under way then. When there are more, all fetches that are older count as
// invalid: they are served, not stored.
const maxInvalid = 4096

// invalidations are the keys that were invalidated not long ago.
type invalidations struct {
	newest atomic.Uint64 // number of the last one

	mu    sync.Mutex
	by    map[object.ID]uint64 // number of the last one of a key; guarded by mu
	floor uint64               // what began before is taken for invalid; guarded by mu
}

func (v *invalidations) note(id object.ID, n uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.by) >= maxInvalid {
		v.floor = v.newest.Load()
		clear(v.by)
	}
	if v.by == nil {
		v.by = map[object.ID]uint64{}
	}
	v.by[id] = n
	v.newest.Store(max(n, v.newest.Load()))
}

// invalidated reports whether the primary key of a fill was invalidated after it
// began.
func (c *Cache) invalidated(f *Fill) bool {
	v := &c.invalid
	if v.newest.Load() < f.seq {
		return false
	}
	id := object.HashString(c.seed, f.primary())
	v.mu.Lock()
	defer v.mu.Unlock()
	return max(v.by[id], v.floor) > f.seq
}
