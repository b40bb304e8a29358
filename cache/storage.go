package cache

import (
	"math/bits"
	"sync/atomic"
	"time"

	"edged/cache/object"
)

// Storage says when a response goes to disk. In every case the disk has its say: with
// its write budget in danger it takes only what is asked for a second time.
type Storage uint8

// When a response goes to disk.
const (
	StoreAlways    Storage = iota // as soon as it is whole
	StoreSecondHit                // when it is asked for a second time, soon or after having left memory
	StoreLate                     // when it is asked for again after lateAfter: not what is watched at the live edge only
	StoreNever
)

// lateAfter is how old a response of StoreLate is when its being asked for says that
// somebody watches it later: by then the live edge has moved on.
const lateAfter = time.Minute

// Storage says when the response goes to disk. The leader calls it before Start, and
// again before Commit when the body has told more.
func (f *Fill) Storage(s Storage) {
	f.storage = s
	if f.obj != nil {
		f.obj.admission.storage.Store(uint32(s))
	}
}

// seen remembers roughly which keys were fetched not long ago: a table of
// fingerprints in which newer ones overwrite older ones, four times as many as
// objects of 32 KiB fit into memory.
type seen []atomic.Uint32

// seenMax bounds the table to 16 MiB.
const seenMax = 4 << 20

func newSeen(ram int64) seen {
	n := min(max(ram/(8<<10), 1<<12), seenMax)
	return make(seen, 1<<bits.Len64(uint64(n-1)))
}

// again notes a fetch and reports whether there was one before.
func (s seen) again(id object.ID) bool {
	tag := uint32(id.Hi) | 1
	return s[id.Lo&uint64(len(s)-1)].Swap(tag) == tag
}

// admission is what decides whether an object goes to disk.
type admission struct {
	storage  atomic.Uint32
	born     int64       // Unix nanoseconds
	again    atomic.Bool // it was asked for more than once
	deferred atomic.Bool // it is in memory and may go to disk later
}

// asked notes that a request found the object. It costs two loads, once the object
// is on disk or will never be.
func (o *Object) asked() {
	a := &o.admission
	if !a.again.Load() {
		a.again.Store(true)
	}
	if a.deferred.Load() && o.admitted() && a.deferred.CompareAndSwap(true, false) {
		o.spillRest()
	}
}

// admitted reports whether the object may go to disk now.
func (o *Object) admitted() bool {
	a := &o.admission
	again := a.again.Load()
	switch Storage(a.storage.Load()) {
	case StoreNever:
		return false
	case StoreSecondHit:
		if !again {
			return false
		}
	case StoreLate:
		if !again || time.Now().UnixNano()-a.born < int64(lateAfter) {
			return false
		}
	case StoreAlways:
	}
	return o.c.disks.Admits(o.key, again)
}

// postpone notes that a stripe was not admitted now.
func (o *Object) postpone() {
	if Storage(o.admission.storage.Load()) != StoreNever {
		o.admission.deferred.Store(true)
	}
}
