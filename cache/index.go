package cache

import (
	"math/bits"
	"sync"
	"sync/atomic"

	"edged/cache/object"
)

// indexLocks is the number of locks that writers of the index share.
const indexLocks = 256

// index maps an ID to the object in memory. Readers take no lock: they walk a
// chain of immutable nodes, which the garbage collector keeps alive under them.
// The table has a fixed size, chosen from the memory it has to describe.
type index struct {
	buckets []atomic.Pointer[node]
	locks   [indexLocks]sync.Mutex // bucket i is guarded by lock i % indexLocks
	count   atomic.Int64
}

// node is one link of a chain. It never changes but for next, which skips
// removed nodes.
type node struct {
	object *Object
	next   atomic.Pointer[node]
}

// newIndex returns an index for about n objects.
func newIndex(n int64) *index {
	size := 1 << bits.Len64(uint64(max(n, 1<<10)-1))
	return &index{buckets: make([]atomic.Pointer[node], size)}
}

func (x *index) slot(id object.ID) int { return int(id.Lo & uint64(len(x.buckets)-1)) }

// get returns the object stored under key, nil when there is none.
func (x *index) get(id object.ID, key []byte) *Object {
	for n := x.buckets[x.slot(id)].Load(); n != nil; n = n.next.Load() {
		if n.object.id == id && string(n.object.key) == string(key) {
			return n.object
		}
	}
	return nil
}

// put makes o the object of its key and returns the one it replaces, if any. It
// reports false, and changes nothing, when there is one whose fetch began later.
func (x *index) put(o *Object) (old *Object, ok bool) {
	b := x.slot(o.id)
	mu := &x.locks[b%indexLocks]
	mu.Lock()
	defer mu.Unlock()
	if q := x.get(o.id, []byte(o.key)); q != nil && q.Meta().Seq > o.Meta().Seq {
		return nil, false
	}
	x.linkLocked(b, o) // first, so that readers who come now find one of the two
	return x.unlinkLocked(b, func(q *Object) bool { return q != o && q.id == o.id && q.key == o.key }), true
}

// putIfAbsent makes o the object of its key unless there is one, which it returns.
func (x *index) putIfAbsent(o *Object) (present *Object) {
	b := x.slot(o.id)
	mu := &x.locks[b%indexLocks]
	mu.Lock()
	defer mu.Unlock()
	if q := x.get(o.id, []byte(o.key)); q != nil {
		return q
	}
	x.linkLocked(b, o)
	return nil
}

func (x *index) linkLocked(b int, o *Object) {
	n := &node{object: o}
	n.next.Store(x.buckets[b].Load())
	x.buckets[b].Store(n)
	x.count.Add(1)
}

// remove takes o out; false when o is not (or no longer) the object of its key.
func (x *index) remove(o *Object) bool {
	b := x.slot(o.id)
	mu := &x.locks[b%indexLocks]
	mu.Lock()
	defer mu.Unlock()
	return x.unlinkLocked(b, func(q *Object) bool { return q == o }) != nil
}

// unlinkLocked removes and returns the first object of bucket b that matches.
func (x *index) unlinkLocked(b int, match func(*Object) bool) *Object {
	link := &x.buckets[b]
	for n := link.Load(); n != nil; n = link.Load() {
		if match(n.object) {
			link.Store(n.next.Load())
			x.count.Add(-1)
			return n.object
		}
		link = &n.next
	}
	return nil
}

// each calls f for every object until it returns false. Objects that come or go
// meanwhile may or may not be seen.
func (x *index) each(f func(*Object) bool) {
	for i := range x.buckets {
		for n := x.buckets[i].Load(); n != nil; n = n.next.Load() {
			if !f(n.object) {
				return
			}
		}
	}
}
