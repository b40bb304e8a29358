package cachetest

import (
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"edged/cache/disk"
)

const memPage = 4 << 10

// MemFS is a disk.FS in memory that remembers what was made durable. Kill and
// Crash return what a machine finds afterwards, as a file system of its own;
// whoever still uses the old one does no harm.
type MemFS struct {
	mu      sync.Mutex
	names   map[string]*memNode // guarded by mu, as everything below
	durable map[string]*memNode // directory as of the last SyncDir
	journal []dirOp             // what happened to the directory since then
	locks   map[string]bool
	cold    bool
	fuse    int    // mutations until the armed kill; 0: not armed
	image   *MemFS // what that kill left
}

// dirOp is a change of the directory: name now means node, or nothing.
type dirOp struct {
	name string
	node *memNode
}

// memNode is a file: bytes as written, bytes as made durable, and which pages
// differ.
type memNode struct {
	data, stable []byte
	dirty        map[int]bool
}

// NewMemFS returns an empty file system.
func NewMemFS() *MemFS {
	return &MemFS{names: map[string]*memNode{}, durable: map[string]*memNode{}, locks: map[string]bool{}}
}

// SetCold makes TryReadAt always fail, as on a disk with an empty page cache.
func (m *MemFS) SetCold(cold bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cold = cold
}

// Kill returns what is there when the process is killed now: everything written.
func (m *MemFS) Kill() *MemFS {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.copyLocked()
}

// ArmKill takes the image of a kill in the middle of the n-th change from now: a
// write that is under way then is half done.
func (m *MemFS) ArmKill(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fuse, m.image = n, nil
}

// Killed returns the image of the armed kill, nil as long as it has not happened.
func (m *MemFS) Killed() *MemFS {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.image
}

// burnLocked counts a change and takes the image when its time has come.
func (m *MemFS) burnLocked() {
	if m.fuse == 0 {
		return
	}
	if m.fuse--; m.fuse == 0 {
		m.image = m.copyLocked()
	}
}

func (m *MemFS) copyLocked() *MemFS {
	c := NewMemFS()
	for name, n := range m.names {
		c.names[name] = settled(slices.Clone(n.data))
	}
	c.durable = maps.Clone(c.names)
	c.cold = m.cold
	return c
}

// Crash returns what a power loss may leave: of every page that was not synced the
// old bytes, the new ones, or half of each; of the changes of the directory since
// the last SyncDir the first few.
func (m *MemFS) Crash(rng *rand.Rand) *MemFS {
	m.mu.Lock()
	defer m.mu.Unlock()
	names := maps.Clone(m.durable)
	for _, op := range m.journal[:rng.IntN(len(m.journal)+1)] {
		apply(names, op)
	}
	c := NewMemFS()
	for _, name := range slices.Sorted(maps.Keys(names)) {
		c.names[name] = settled(names[name].torn(rng))
	}
	c.durable = maps.Clone(c.names)
	c.cold = m.cold
	return c
}

// Corrupt flips n random bits, zeroes a range, or cuts the tail of a file whose
// name match accepts. It reports which file, "" when there is none.
func (m *MemFS) Corrupt(rng *rand.Rand, match func(base string) bool) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var names []string
	for name, n := range m.names {
		if match(filepath.Base(name)) && len(n.data) > 0 {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	name := names[rng.IntN(len(names))]
	n := m.names[name]
	from := rng.IntN(len(n.data))
	switch rng.IntN(3) {
	case 0:
		for range 1 + rng.IntN(8) {
			n.data[rng.IntN(len(n.data))] ^= 1 << rng.IntN(8)
		}
	case 1:
		clear(n.data[from:min(len(n.data), from+1+rng.IntN(2*memPage))])
	default:
		n.data = n.data[:from]
	}
	return name
}

func apply(names map[string]*memNode, op dirOp) {
	if op.node == nil {
		delete(names, op.name)
		return
	}
	names[op.name] = op.node
}

func (m *MemFS) changeLocked(op dirOp) {
	apply(m.names, op)
	m.journal = append(m.journal, op)
}

func settled(data []byte) *memNode {
	return &memNode{data: data, stable: slices.Clone(data), dirty: map[int]bool{}}
}

// torn returns one of the states that a power loss may leave of a file.
func (n *memNode) torn(rng *rand.Rand) []byte {
	size := len(n.stable)
	if rng.IntN(2) == 0 {
		size = len(n.data)
	}
	out := make([]byte, size)
	copy(out, n.stable)
	for _, page := range slices.Sorted(maps.Keys(n.dirty)) {
		from, to := page*memPage, min((page+1)*memPage, len(n.data))
		switch rng.IntN(3) {
		case 0:
			continue
		case 1:
			to = min(to, from+512*(1+rng.IntN(memPage/512)))
		}
		if from < min(to, size) {
			copy(out[from:], n.data[from:to])
		}
	}
	return out
}

func (n *memNode) write(p []byte, off int64) {
	end := int(off) + len(p)
	if end > len(n.data) {
		n.data = append(n.data, make([]byte, end-len(n.data))...)
	}
	copy(n.data[off:], p)
	for page := int(off) / memPage; page*memPage < end; page++ {
		n.dirty[page] = true
	}
}

func (n *memNode) sync() {
	if len(n.stable) > len(n.data) {
		n.stable = n.stable[:len(n.data)]
	}
	if d := len(n.data) - len(n.stable); d > 0 {
		n.stable = append(n.stable, make([]byte, d)...)
	}
	for page := range n.dirty {
		if from := page * memPage; from < len(n.data) {
			copy(n.stable[from:], n.data[from:min(from+memPage, len(n.data))])
		}
	}
	clear(n.dirty)
}

type unlock func()

func (u unlock) Close() error { u(); return nil }

// Lock implements disk.FS.
func (m *MemFS) Lock(dir string) (io.Closer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.locks[dir] {
		return nil, disk.ErrLocked
	}
	m.locks[dir] = true
	return unlock(func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.locks, dir)
	}), nil
}

// OpenFile implements disk.FS.
func (m *MemFS) OpenFile(name string, flag int) (disk.File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.names[name]
	switch {
	case n == nil && flag&os.O_CREATE == 0:
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	case n != nil && flag&os.O_EXCL != 0:
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrExist}
	case n == nil:
		m.burnLocked()
		n = settled(nil)
		m.changeLocked(dirOp{name, n})
	case flag&os.O_TRUNC != 0:
		m.burnLocked()
		n.data = nil
	}
	return &memFile{fs: m, node: n}, nil
}

// Rename implements disk.FS.
func (m *MemFS) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.names[from]
	if n == nil {
		return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
	}
	m.burnLocked()
	m.changeLocked(dirOp{to, n})
	m.changeLocked(dirOp{from, nil})
	return nil
}

// Remove implements disk.FS.
func (m *MemFS) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.names[name] == nil {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	m.burnLocked()
	m.changeLocked(dirOp{name, nil})
	return nil
}

// List implements disk.FS.
func (m *MemFS) List(dir string) ([]disk.FileInfo, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []disk.FileInfo
	for name, n := range m.names {
		if filepath.Dir(name) == filepath.Clean(dir) {
			list = append(list, disk.FileInfo{Name: filepath.Base(name), Size: int64(len(n.data))})
		}
	}
	return list, nil
}

// SyncDir implements disk.FS.
func (m *MemFS) SyncDir(string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.burnLocked()
	m.durable, m.journal = maps.Clone(m.names), nil
	return nil
}

type memFile struct {
	fs   *MemFS
	node *memNode
}

func (f *memFile) ReadAt(p []byte, off int64) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if off >= int64(len(f.node.data)) {
		return 0, io.EOF
	}
	n := copy(p, f.node.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memFile) ReadOnce(p []byte, off int64) (int, error) { return f.ReadAt(p, off) }

func (f *memFile) TryReadAt(p []byte, off int64) bool {
	f.fs.mu.Lock()
	cold := f.fs.cold
	f.fs.mu.Unlock()
	if cold {
		return false
	}
	n, _ := f.ReadAt(p, off)
	return n == len(p)
}

func (f *memFile) WriteVec(bufs [][]byte, off int64) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	p := slices.Concat(bufs...)
	half := len(p)
	if f.fs.fuse == 1 { // the kill comes in the middle
		half = rand.IntN(len(p) + 1)
	}
	f.node.write(p[:half], off)
	f.fs.burnLocked()
	f.node.write(p[half:], off+int64(half))
	return len(p), nil
}

func (f *memFile) Resize(size int64) error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	f.fs.burnLocked()
	n := f.node
	if size < int64(len(n.data)) {
		n.data = n.data[:size:size]
	} else {
		n.data = append(n.data, make([]byte, size-int64(len(n.data)))...)
	}
	return nil
}

func (f *memFile) Sync() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	f.fs.burnLocked()
	f.node.sync()
	return nil
}

func (f *memFile) Close() error { return nil }
