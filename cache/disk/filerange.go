package disk

import (
	"fmt"
	"sync/atomic"

	"edged/cache/object"
)

// Place is where a block was found on a plain disk. It holds nothing open and may
// be kept for as long as its version is of interest.
type Place struct {
	tier   *Tier
	extent *extent
	off    int64
	n      int
}

// FileRange is a block as bytes of an open file, for sendfile. Until Release the
// file stays open and keeps these bytes, also when its extent is evicted
// meanwhile: a place in an extent is written once, and the file goes with its
// last holder. The zero FileRange holds nothing.
type FileRange struct {
	extent *extent
	fd     int
	off    int64
	n      int
}

// FD returns the descriptor. It is valid until Release and must not be closed, nor
// its position be used.
func (f *FileRange) FD() int { return f.fd }

// Offset returns where in the file the block begins.
func (f *FileRange) Offset() int64 { return f.off }

// Len returns the length of the block in bytes.
func (f *FileRange) Len() int { return f.n }

// Release lets go of the file. A second call does nothing.
func (f *FileRange) Release() {
	if f.extent != nil {
		f.extent.release()
		*f = FileRange{}
	}
}

// descriptor is a File that has one: that of the operating system has, an
// encrypted one has not.
type descriptor interface{ FD() int }

// Acquire opens the range. It is false when the extent is evicted, a checksum
// failed in it, or the disk is sick: the place is then of no use any more, or not now.
func (p *Place) Acquire() (f FileRange, ok bool) {
	if !p.tier.breaker.readable() || !p.extent.checked.has(p.off, p.n) || !p.extent.retain() {
		return FileRange{}, false
	}
	d, ok := p.extent.opened().(descriptor)
	if !ok {
		p.extent.release()
		return FileRange{}, false
	}
	return FileRange{p.extent, d.FD(), p.off, p.n}, true
}

// Locate finds out where block number block of the version of e is, for those who
// send it from the file. Only bytes that this process wrote, or read with a good
// checksum, qualify, because nobody checks them on their way through the kernel. It
// never waits for the device, and is false on an encrypted disk.
func (t *Tier) Locate(e *Entry, block int) (*Place, bool) {
	if t.encryption != Plain || block < 0 || !t.breaker.readable() {
		return nil, false
	}
	stripe, i := uint32(block/object.StripeBlocks), block%object.StripeBlocks
	var s slot
	if !t.index.find(e.id.Hi, e.version, stripe, i, &s) {
		return nil, false
	}
	x, ok := t.extents.acquire(s.extent)
	if !ok {
		return nil, false
	}
	defer x.release()
	rec := e.last.get(s.position())
	if rec == nil {
		var err error
		if rec, err = t.recordBy(x.tryRead, x, &s, e.id); err != nil || rec.stripe != stripe || rec.id != e.id {
			return nil, false
		}
		e.last.put(rec)
	}
	at, n, ok := rec.blockAt(i)
	off := int64(s.page)*pageSize + int64(rec.bodyOff()+at)
	if !ok || !x.checked.has(off, n) {
		return nil, false
	}
	return &Place{t, x, off, n}, true
}

// tryRead reads what the page cache has.
func (x *extent) tryRead(p []byte, off int64) error {
	if f := x.opened(); f != nil && f.TryReadAt(p, off) {
		return nil
	}
	return fmt.Errorf("%w: not in memory", ErrTimeout)
}

// checked remembers which blocks of an extent were written, or read with a good
// checksum, by this process: a bit for each cell of pieceSize bytes. No two blocks of
// that size or more begin in the same cell; smaller ones are not remembered. The
// bits, 512 bytes for an extent of 256 MiB, are made when the first one is set.
type checked struct {
	bits atomic.Pointer[[]atomic.Uint32]
}

func (c *checked) add(off int64, n int, size int64) {
	if n < pieceSize {
		return
	}
	bits := c.bits.Load()
	if bits == nil {
		fresh := make([]atomic.Uint32, size/pieceSize/32+1)
		if !c.bits.CompareAndSwap(nil, &fresh) {
			bits = c.bits.Load()
		} else {
			bits = &fresh
		}
	}
	if cell := off / pieceSize; cell/32 < int64(len(*bits)) {
		(*bits)[cell/32].Or(1 << (cell % 32))
	}
}

func (c *checked) has(off int64, n int) bool {
	bits, cell := c.bits.Load(), off/pieceSize
	return n >= pieceSize && bits != nil && cell/32 < int64(len(*bits)) && (*bits)[cell/32].Load()&(1<<(cell%32)) != 0
}
