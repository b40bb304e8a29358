package cache

import (
	"io"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"edged/cache/disk"
	"edged/cache/object"
)

// Reader hands out the bytes [off, end) of an object as pinned spans, waiting for
// fills and loading from disk as needed. The zero Reader may be opened; a closed
// one may be opened again. It belongs to one goroutine.
type Reader struct {
	o      *Object
	off    atomic.Int64 // next byte; read by fills
	end    int64        // -1: the end of the body
	pinned *slot
	loaded *slot // what this reader brought from disk last
	hit    *slot // what it last told the eviction policy of
	listed bool  // known to the fills of the object
	lead   bool  // bytes that fills bring are this reader's
	from   Tier  // where the present span came from
	parked bool  // Park was called, Resume was not
	timer  *time.Timer
	file   disk.FileRange // what NextFile returned last

	// Of the cache's parking, guarded by its lock, as is pinned while parked.
	place         place
	ahead, behind *Reader

	// What Next returned, in bytes, by where it came from.
	FromRAM, FromDisk, FromOrigin int64
}

// Open prepares to read o from byte off up to end, or to the end of the body when
// end is -1.
func (r *Reader) Open(o *Object, off, end int64) {
	r.o, r.end, r.lead = o, end, false
	r.FromRAM, r.FromDisk, r.FromOrigin = 0, 0, 0
	r.off.Store(off)
	if s := o.slot(int(off / object.BlockSize)); s != nil && s.block.Retain() {
		r.pinned = s // not to be evicted while the header is written
	}
	if o.filling.Load() > 0 || o.transient {
		r.list()
	}
}

// Lead makes the reader the one on whose behalf a fill was started: what the
// origin sends is accounted to it.
func (r *Reader) Lead() { r.lead = true }

// list makes the reader known to the fills of its object, of which one may wait
// for a reader just there.
func (r *Reader) list() {
	r.o.mu.Lock()
	r.listLocked()
	r.o.mu.Unlock()
	r.o.room.broadcast()
}

func (r *Reader) listLocked() {
	r.o.readers = append(r.o.readers, r)
	r.listed = true
}

// Offset returns the offset of the next byte.
func (r *Reader) Offset() int64 { return r.off.Load() }

// End returns where the reader stops, -1 for the end of the body.
func (r *Reader) End() int64 { return r.end }

// Object returns the object being read, nil when the reader is closed.
func (r *Reader) Object() *Object { return r.o }

// Next returns the next span, valid until the next call of Next or Close. At the
// end it returns io.EOF, on a broken object an error that is ErrCut. ErrMissing
// asks the caller to see to a fill of Offset and to call again.
func (r *Reader) Next() ([]byte, error) {
	if r.parked {
		r.Resume()
	}
	r.file.Release()
	last := r.pinned
	r.pinned = nil
	span, err := r.try()
	if last != nil {
		last.block.Release() // after the next one is pinned: it may be the same
	}
	for span == nil && err == nil {
		if err = r.await(r.off.Load()); err == nil {
			span, err = r.try()
		}
	}
	return span, err
}

// try returns what is there of the next span, nil when that is nothing yet.
func (r *Reader) try() ([]byte, error) {
	end, off := r.limit(), r.off.Load()
	if end >= 0 && off >= end {
		return nil, io.EOF
	}
	return r.pin(off, end), nil
}

// Ready reports whether Next would return without waiting for a fill.
func (r *Reader) Ready() bool {
	off, end := r.off.Load(), r.limit()
	if end >= 0 && off >= end {
		return true
	}
	s := r.o.slot(int(off / object.BlockSize))
	return s != nil && int64(s.ready.Load()) > off%object.BlockSize
}

// limit returns where to stop, -1 while the length of the body is not known.
func (r *Reader) limit() int64 {
	size := r.o.Size()
	switch {
	case r.end < 0:
		return size
	case size < 0:
		return r.end
	}
	return min(r.end, size)
}

// pin returns what is published of the block at off, nil when that is nothing.
func (r *Reader) pin(off, end int64) []byte {
	s := r.o.slot(int(off / object.BlockSize))
	at := int(off % object.BlockSize)
	if s == nil || int(s.ready.Load()) <= at || !s.block.Retain() {
		return nil
	}
	r.pinned = s
	span := s.block.Buffer()[at:s.ready.Load():s.ready.Load()]
	if end >= 0 && int64(len(span)) > end-off {
		span = span[: end-off : end-off]
	}
	r.account(s, int64(len(span)))
	r.off.Store(off + int64(len(span)))
	if r.listed {
		r.moved()
	}
	return span
}

// account notes where a span came from: what a fill or a load brought counts for
// the one who caused it, for all others it is memory, and a hit. A reader hits a block
// once, however many spans it comes in: or a slow origin would make its bodies look
// popular to the eviction policy.
func (r *Reader) account(s *slot, n int64) {
	switch {
	case s.source == TierOrigin && r.lead:
		r.from = TierOrigin
	case s.source == TierDisk && r.loaded == s:
		r.from = TierDisk
	default:
		r.from = TierRAM
		if r.hit != s {
			r.hit = s
			s.block.Touch()
		}
	}
	r.count(n)
}

// count adds n bytes of the present span, which may be negative.
func (r *Reader) count(n int64) {
	switch r.from {
	case TierOrigin:
		r.FromOrigin += n
	case TierDisk:
		r.FromDisk += n
	default:
		r.FromRAM += n
	}
}

// Park says that the bytes of the present span are not needed until Resume,
// because the client does not take any. The cache may give up their memory.
func (r *Reader) Park() {
	if r.pinned != nil && !r.o.transient {
		r.parked = true
		r.o.c.parking.put(r)
	}
}

// Resume ends Park. It reports whether the span is still valid; if not, the caller
// gives back what it has not used by Unread and goes on with Next.
func (r *Reader) Resume() bool {
	if !r.parked {
		return true
	}
	r.parked = false
	return r.o.c.parking.leave(r)
}

// Unread gives the last n bytes of the present span back: Next returns them again.
// What is before them stays valid if it was.
func (r *Reader) Unread(n int) {
	r.count(int64(-n))
	r.off.Add(int64(-n))
}

// weight returns the bytes that the reader pins.
func (r *Reader) weight() int64 {
	if r.pinned == nil {
		return 0
	}
	return int64(r.pinned.block.Weight())
}

// moved tells waiting fills, and lets a transient object go of what all have read.
func (r *Reader) moved() {
	if r.o.transient {
		r.o.trim()
	}
	r.o.room.broadcast()
}

func (r *Reader) unpin() {
	if r.pinned != nil {
		r.pinned.block.Release()
		r.pinned = nil
	}
}

// await makes the block at off come nearer: it loads it from disk, or waits for a
// fill or for somebody else's load.
func (r *Reader) await(off int64) error {
	o, i := r.o, int(off/object.BlockSize)
	progress := o.progress.arm()
	if s := o.slot(i); s != nil && int64(s.ready.Load()) > off%object.BlockSize {
		runtime.Gosched() // it is being evicted under us: its slot goes in a moment
		return nil
	}
	if size := o.Size(); size >= 0 && off >= size {
		return nil
	}
	switch what, err := r.outlook(off); what {
	case here:
		return nil
	case comes:
		return r.wait(progress)
	case loadable:
		return r.load(i)
	default:
		if err == ErrMissing && o.reopen() {
			return nil // look again: the disk has something of it
		}
		return err
	}
}

// outlook says where a block that is not in memory may come from.
type outlook uint8

const (
	nowhere  outlook = iota // the object is broken, or a fill has to be started
	here                    // it came just now, or turned out to be the end
	comes                   // somebody is bringing it
	loadable                // it is on disk
)

func (r *Reader) outlook(off int64) (outlook, error) {
	o, i := r.o, int(off/object.BlockSize)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.cut != nil {
		return nowhere, o.cut
	}
	if s := o.slot(i); s != nil && s.source == TierDisk && !s.done.Load() {
		return comes, nil
	}
	if o.coveredLocked(off) {
		if !r.listed {
			r.listLocked()
			defer o.room.broadcast()
		}
		return comes, nil
	}
	if o.arrivedLocked(off) {
		return here, nil
	}
	if e := o.disk.Load(); e != nil && o.c.disks.Has(e, i) {
		return loadable, nil
	}
	return nowhere, ErrMissing
}

// load brings block i from disk, unless somebody else is doing so. A disk that
// fails is not asked again for this object: what is missing is filled.
func (r *Reader) load(i int) error {
	s, err := r.o.load(i)
	r.loaded = s
	return err
}

// wait waits for progress, at most the stall limit.
func (r *Reader) wait(progress <-chan struct{}) error {
	if r.timer == nil {
		r.timer = time.NewTimer(r.o.c.stall)
	} else {
		r.timer.Reset(r.o.c.stall)
	}
	defer r.timer.Stop()
	select {
	case <-progress:
		return nil
	case <-r.timer.C:
		return ErrStalled
	}
}

// Close unpins and leaves the object. A closed reader may be closed again.
func (r *Reader) Close() {
	if r.o == nil {
		return
	}
	r.Resume() // whatever was thrown out of a write
	r.unpin()
	r.file.Release()
	if r.listed {
		r.o.unlist(r)
		r.listed = false
	}
	r.o, r.loaded, r.hit = nil, nil, nil
}

// unlist forgets a reader; a transient object may go with its last one.
func (o *Object) unlist(r *Reader) {
	o.mu.Lock()
	for i, q := range o.readers {
		if q == r {
			o.readers = slices.Delete(o.readers, i, i+1)
			break
		}
	}
	o.mu.Unlock()
	o.room.broadcast()
	if o.transient {
		o.releaseTransient()
	}
}
