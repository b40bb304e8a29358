package cache

import (
	"time"

	"edged/cache/object"
	"edged/cache/purge"
)

// live reports whether an object that was found may be used. It costs two atomic
// loads until somebody purges something. An object that was purged softly is stale
// from now on, one that was purged is taken out.
func (o *Object) live() bool {
	newest := o.c.purges.table.Newest() // before judging: what comes meanwhile is judged next time
	if o.checked.Load() == newest {
		return true
	}
	m := o.Meta()
	switch o.verdict() {
	case purge.Hard:
		o.bury()
		return false
	case purge.Soft:
		o.soften(m, o.c.now().UnixNano())
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if n := o.Meta(); n.Seq == m.Seq && n.Freshness.Received == m.Freshness.Received { // not freshened meanwhile
		o.checked.Store(newest)
	}
	return true
}

// verdict judges the object by what was purged since it was judged last.
func (o *Object) verdict() purge.Verdict {
	since := o.checked.Load()
	m := o.Meta()
	return o.c.purges.table.Judge(string(o.key), m.Keys, m.Seq, since)
}

// soften makes the object stale at now, in Unix nanoseconds: it is validated before
// anybody gets it, and serves while the origin fails as if its lifetime had ended
// just now.
func (o *Object) soften(m *object.Meta, now int64) {
	own, f := *m, m.Freshness
	if f.Lifetime <= f.InitialAge && f.StaleWhileRevalidate == 0 {
		return // it is, of old
	}
	if f.StaleIfError > 0 {
		own.Freshness.StaleIfError += max(0, min(f.Lifetime, f.Age(now))-f.InitialAge)
	}
	own.Freshness.Lifetime = min(f.Lifetime, f.InitialAge)
	own.Freshness.StaleWhileRevalidate = time.Duration(0)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.Meta() == m {
		o.meta.Store(&own)
		o.retry.Store(0) // ask now, even if the origin failed a moment ago
	}
}

// bury takes a purged object out of the cache. Who reads it goes on reading; what
// nobody reads leaves memory at once, what is on disk goes with its extent.
func (o *Object) bury() {
	c := o.c
	if c.index.remove(o) {
		c.purged.Add(1)
	}
	if c.disks != nil {
		c.disks.Drop(o.key, o.Meta().Version)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.quietLocked() {
		o.emptyLocked()
	}
}

// quietLocked reports whether nobody fills the object, and nobody reads it as far as
// can be seen: a reader holds a block at all times but when it waits. An empty body
// counts as read, because its block has no work that could be seen.
func (o *Object) quietLocked() bool {
	if o.busy > 0 || len(o.readers) > 0 || o.transient || o.Size() <= 0 {
		return false
	}
	table := *o.slots.Load()
	for i := range table {
		if s := table[i].Load(); s != nil && (!s.done.Load() || s.block.Pinned()) {
			return false
		}
	}
	return true
}

// emptyLocked takes all blocks out of memory.
func (o *Object) emptyLocked() {
	table := *o.slots.Load()
	for i := range table {
		if s := table[i].Load(); s != nil && table[i].CompareAndSwap(s, nil) {
			o.resident.Add(-1)
			o.c.ram.Remove(s.block)
		}
	}
}

// keeper is a disk tier that writes again what is asked for often, if it is not purged.
type keeper interface {
	JudgeKept(dead func(*object.Meta) bool)
}

// isPurged reports whether what is stored with metadata m must not be served.
func (c *Cache) isPurged(m *object.Meta) bool {
	return c.purges.table.Judge(string(m.Key), m.Keys, m.Seq, 0) == purge.Hard
}

// dropPurged reports whether what was found on disk is purged, and lets the disk
// forget it.
func (c *Cache) dropPurged(m *object.Meta) bool {
	if !c.isPurged(m) {
		return false
	}
	c.purged.Add(1)
	c.disks.Drop(m.Key, m.Version)
	return true
}

// superseded reports whether a response with metadata m is void before it came.
func (c *Cache) superseded(f *Fill, m *object.Meta) bool {
	return c.purges.table.Judge(string(f.key), m.Keys, f.seq, 0) == purge.Hard || c.invalidated(f)
}
