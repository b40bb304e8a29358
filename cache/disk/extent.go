package disk

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// extent is one file of the log. The table and every reader under way hold a
// reference; the last one closes the file, so that an evicted extent stays
// readable, with its old bytes, for those who still read it.
type extent struct {
	fs         FS
	path       string
	number     uint32
	generation atomic.Uint64 // 0: not known yet, learnt from the file when first needed
	size       atomic.Int64  // bytes the file takes
	refs       atomic.Int32  // 1 for the table and 1 per reader
	file       atomic.Pointer[File]
	checked    checked    // blocks that may be sent without looking at them
	mu         sync.Mutex // serialises opening and closing of file

	// lingering is where size counts once the extent is evicted, until the last
	// reader lets go of it and the file system of its space.
	lingering atomic.Pointer[atomic.Int64]

	// unsealed lists the records of an extent that could not get a footer, so that
	// it can be evicted without reading it; the writer goroutine owns it.
	unsealed []recordRef
}

const (
	extentPrefix = "extent-"
	// minExtent holds one record of the largest size, and the header and the
	// footer of an extent.
	minExtent = 16 << 20
)

func extentName(number uint32) string { return fmt.Sprintf("%s%010d", extentPrefix, number) }

// extentNumber returns the number in an extent's file name.
func extentNumber(name string) (n uint32, ok bool) {
	digits, found := strings.CutPrefix(name, extentPrefix)
	if !found {
		return 0, false
	}
	_, err := fmt.Sscanf(digits, "%d", &n)
	return n, err == nil && n > 0 && extentName(n) == name
}

func newExtent(fsys FS, dir string, number uint32, size int64) *extent {
	x := &extent{fs: fsys, path: filepath.Join(dir, extentName(number)), number: number}
	x.size.Store(size)
	x.refs.Store(1)
	return x
}

// retain takes a reference; it fails once the last one is gone.
func (x *extent) retain() bool {
	for {
		n := x.refs.Load()
		if n == 0 {
			return false
		}
		if x.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// release gives a reference back.
func (x *extent) release() {
	if x.refs.Add(-1) > 0 {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if f := x.file.Swap(nil); f != nil {
		_ = (*f).Close() // was synced, or does not matter any more
	}
	if sum := x.lingering.Load(); sum != nil {
		sum.Add(-x.size.Load())
	}
}

// lingers notes that the extent is evicted. The caller holds a reference.
func (x *extent) lingers(sum *atomic.Int64) {
	sum.Add(x.size.Load())
	x.lingering.Store(sum)
}

// opened returns the file if it is open already.
func (x *extent) opened() File {
	if f := x.file.Load(); f != nil {
		return *f
	}
	return nil
}

// open opens the file if it is not open yet, which may wait for the disk. The
// caller holds a reference.
func (x *extent) open() (File, error) {
	if f := x.opened(); f != nil {
		return f, nil
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if f := x.opened(); f != nil {
		return f, nil
	}
	f, err := x.fs.OpenFile(x.path, os.O_RDWR)
	if errors.Is(err, unix.EROFS) { // still good to read from
		f, err = x.fs.OpenFile(x.path, os.O_RDONLY)
	}
	if err != nil {
		return nil, err
	}
	x.file.Store(&f)
	return f, nil
}

// create makes the file, with its space and its header.
func (x *extent) create(h *extentHeader) error {
	f, err := x.fs.OpenFile(x.path, os.O_RDWR|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return err
	}
	err = f.Resize(h.size)
	if err == nil {
		_, err = f.WriteVec([][]byte{h.encode()}, 0)
	}
	if err == nil {
		err = x.fs.SyncDir(filepath.Dir(x.path))
	}
	if err != nil {
		return errors.Join(err, f.Close(), x.fs.Remove(x.path))
	}
	x.generation.Store(h.generation)
	x.file.Store(&f)
	return nil
}

// seal writes the footer behind the last record and cuts the file after it.
func (x *extent) seal(end uint32, refs []recordRef) error {
	f, err := x.open()
	if err != nil {
		return err
	}
	if err := f.Sync(); err != nil { // a footer vouches for what it lists
		return err
	}
	foot := footer{number: x.number, generation: x.generation.Load(), end: end, refs: refs}
	b := foot.encode()
	if _, err := f.WriteVec([][]byte{b}, int64(end)*pageSize); err != nil {
		return err
	}
	size := int64(end)*pageSize + int64(len(b))
	if err := f.Resize(size); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	x.size.Store(size)
	return nil
}

// footer reads the table of records of a sealed extent and learns its generation.
func (x *extent) footer() ([]recordRef, error) {
	f, err := x.open()
	if err != nil {
		return nil, err
	}
	size := x.size.Load()
	var last [headSize]byte
	if err := readFull(f, last[:], size-headSize); err != nil {
		return nil, err
	}
	t, err := parseTrailer(last[:], size)
	if err != nil {
		return nil, err
	}
	if t.number != x.number {
		return nil, fmt.Errorf("%w: %s has the footer of extent %d", ErrCorrupt, x.path, t.number)
	}
	table := make([]byte, t.tableLen())
	if err := readFull(f, table, int64(t.end)*pageSize); err != nil {
		return nil, err
	}
	refs, err := t.parseTable(table)
	if err == nil {
		x.generation.Store(t.generation)
	}
	return refs, err
}

// header reads the header of the file and learns its generation.
func (x *extent) header(uuid UUID) error {
	f, err := x.open()
	if err != nil {
		return err
	}
	var b [headSize]byte
	if err := readFull(f, b[:], 0); err != nil {
		return err
	}
	h, err := parseExtentHeader(b[:])
	if err != nil {
		return err
	}
	if h.number != x.number || h.uuid != uuid {
		return fmt.Errorf("%w: %s is an extent of another disk", ErrCorrupt, x.path)
	}
	x.generation.Store(h.generation)
	return nil
}

func isEOF(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }

// readFull fills p or fails; a file that ends early is ErrCorrupt.
func readFull(f File, p []byte, off int64) error {
	if off < 0 {
		return fmt.Errorf("%w: file is too short", ErrCorrupt)
	}
	n, err := f.ReadAt(p, off)
	switch {
	case n == len(p):
		return nil
	case err == nil || isEOF(err):
		return fmt.Errorf("%w: file ends at %d", ErrCorrupt, off+int64(n))
	default:
		return err
	}
}

// extents is the table of all extents of a disk.
type extents struct {
	mu    sync.RWMutex
	byNum map[uint32]*extent // guarded by mu
	order []uint32           // ascending; guarded by mu

	lingering atomic.Int64 // bytes of evicted extents that somebody still reads
}

// acquire returns an extent with a reference for the caller.
func (t *extents) acquire(number uint32) (*extent, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	x := t.byNum[number]
	if x == nil || !x.retain() {
		return nil, false
	}
	return x, true
}

// add takes over the reference of x.
func (t *extents) add(x *extent) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.byNum[x.number] = x
	i, _ := slices.BinarySearch(t.order, x.number)
	t.order = slices.Insert(t.order, i, x.number)
}

// take removes an extent from the table and returns it with the table's reference.
func (t *extents) take(number uint32) *extent {
	t.mu.Lock()
	defer t.mu.Unlock()
	x := t.byNum[number]
	if x == nil {
		return nil
	}
	delete(t.byNum, number)
	i, _ := slices.BinarySearch(t.order, number)
	t.order = slices.Delete(t.order, i, i+1)
	return x
}

// oldest returns the lowest number.
func (t *extents) oldest() (number uint32, ok bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if len(t.order) == 0 {
		return 0, false
	}
	return t.order[0], true
}

// after returns the lowest number above n.
func (t *extents) after(n uint32) (number uint32, ok bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	i, _ := slices.BinarySearch(t.order, n+1)
	if i == len(t.order) {
		return 0, false
	}
	return t.order[i], true
}

// usage returns the number of extents and the bytes they take. Evicted ones that
// are still read are not among them.
func (t *extents) usage() (count int, bytes int64) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, x := range t.byNum {
		bytes += x.size.Load()
	}
	return len(t.order), bytes
}

// refs returns what a snapshot says of all extents.
func (t *extents) refs() []extentRef {
	t.mu.RLock()
	defer t.mu.RUnlock()
	list := make([]extentRef, 0, len(t.order))
	for _, n := range t.order {
		list = append(list, extentRef{number: n, generation: t.byNum[n].generation.Load()})
	}
	return list
}
