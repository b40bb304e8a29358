package cache

import "edged/cache/object"

// Alone returns a fill that nobody joins, for a response that concerns one request
// only. The caller owes it what a leader owes.
func (c *Cache) Alone(key []byte) *Fill {
	return c.leadLocked(object.Hash(c.seed, key), key, false) // without collapsing it touches nothing shared
}

// Invalidate forgets what is stored under a primary key, its variants included:
// those are under keys of the marker that goes with it. A fetch under way goes on
// for those who wait for it, nobody else joins it. What it brings is stored: it may
// have begun after what made the stored response invalid.
func (c *Cache) Invalidate(key []byte) {
	id := object.Hash(c.seed, key)
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
