package cache

import (
	"sync/atomic"

	"edged/cache/disk"
	"edged/cache/object"
)

// locator is a disk tier that can tell in which files blocks are.
type locator interface {
	Locate(e *disk.Entry, block int) (*disk.Place, bool)
}

// places remembers where on disk the blocks of an object were found.
type places struct {
	table  atomic.Pointer[[]atomic.Pointer[disk.Place]]
	misses atomic.Uint32 // searches in vain since the last that found something
}

// due reports whether to search now: at once, and then ever more rarely, because
// what was filled just now takes a while to be written, and may never be.
func (p *places) due() bool {
	n := p.misses.Add(1)
	return n&(n-1) == 0 || n%1024 == 0
}

// at returns the place of block i, nil when it is not known.
func (p *places) at(i int) *disk.Place {
	if t := p.table.Load(); t != nil && i < len(*t) {
		return (*t)[i].Load()
	}
	return nil
}

// set remembers the place of block i of n.
func (p *places) set(i, n int, place *disk.Place) {
	t := p.table.Load()
	if t == nil {
		fresh := make([]atomic.Pointer[disk.Place], n)
		if !p.table.CompareAndSwap(nil, &fresh) {
			t = p.table.Load()
		} else {
			t = &fresh
		}
	}
	(*t)[i].Store(place)
	if place != nil {
		p.misses.Store(0)
	}
}

// acquire opens the file range of block i, false when there is none.
func (o *Object) acquire(i int) (disk.FileRange, bool) {
	p := o.places.at(i)
	if p == nil {
		if p = o.locate(i); p == nil {
			return disk.FileRange{}, false
		}
		o.places.set(i, object.Blocks(o.Size()), p)
	}
	f, ok := p.Acquire()
	if !ok {
		o.places.set(i, object.Blocks(o.Size()), nil) // evicted, or written again elsewhere
	}
	return f, ok
}

func (o *Object) locate(i int) *disk.Place {
	if o.c.files == nil || !o.places.due() {
		return nil
	}
	e := o.disk.Load()
	if e == nil && o.reopen() {
		e = o.disk.Load()
	}
	if e == nil {
		return nil
	}
	p, ok := o.c.files.Locate(e, i)
	if !ok {
		return nil
	}
	return p
}

// NextFile returns the next bytes, to the end of their block, as a range of a file
// that is open until the next call of NextFile, Next or Close. It is false when Next
// has to be asked: the bytes are in no file, or not checked yet, or the object is
// still being filled. Nobody says whether the file's bytes are in memory; what is
// not taken of them is given back by Unread.
func (r *Reader) NextFile() (fd int, off int64, n int, ok bool) {
	o := r.o
	r.file.Release()
	at, end := r.off.Load(), r.limit()
	if r.listed || end < 0 || at >= end || o.transient || o.filling.Load() > 0 {
		return 0, 0, 0, false
	}
	i := int(at / object.BlockSize)
	if r.file, ok = o.acquire(i); !ok {
		return 0, 0, 0, false
	}
	skip := int(at % object.BlockSize)
	n = min(r.file.Len()-skip, int(end-at))
	r.from = TierDisk
	if s := o.slot(i); s != nil {
		r.from = TierRAM // it would have come from there, and goes on being in demand
		s.block.Touch()
	}
	r.Resume()
	r.unpin()
	r.count(int64(n))
	r.off.Store(at + int64(n))
	return r.file.FD(), r.file.Offset() + int64(skip), n, true
}
