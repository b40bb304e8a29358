package cachetest

import (
	"io"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"edged/cache/disk"
)

// Op is an operation of the file layer that can be made to fail.
type Op uint8

// The operations.
const (
	OpOpen Op = iota
	OpRead
	OpWrite
	OpSync
	OpResize
	OpRename
	OpRemove
	OpList
)

// Fault makes operations fail.
type Fault struct {
	Op    Op
	Name  string          // part of the base name of the file; "" is every file
	After int             // so many operations pass first
	Times int             // so many fail; 0 is all of them
	Hang  <-chan struct{} // the operation waits until it is closed, then goes on
	Err   error           // what it returns; nil lets it through
	Short int             // OpWrite: bytes that are written before Err
	Flip  bool            // OpRead: one bit of what was read is wrong
}

// FaultFS puts faults in front of another file layer.
type FaultFS struct {
	under disk.FS

	mu     sync.Mutex
	faults []*Fault // guarded by mu

	waiting atomic.Int64
}

// Waiting returns how many operations hang.
func (f *FaultFS) Waiting() int { return int(f.waiting.Load()) }

// hang waits out the hang of a fault, if it has one.
func (f *FaultFS) hang(fault Fault) {
	if fault.Hang != nil {
		f.waiting.Add(1)
		<-fault.Hang
		f.waiting.Add(-1)
	}
}

// NewFaultFS returns a layer over under, or over the operating system when nil,
// that works until faults are injected.
func NewFaultFS(under disk.FS) *FaultFS {
	if under == nil {
		under = disk.OS()
	}
	return &FaultFS{under: under}
}

// Inject adds a fault. It works until clear is called.
func (f *FaultFS) Inject(fault Fault) (clear func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := &fault
	f.faults = append(f.faults, p)
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		p.Times = -1
	}
}

// match returns the first fault that strikes now.
func (f *FaultFS) match(op Op, name string) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.faults {
		if p.Times < 0 || p.Op != op || !strings.Contains(filepath.Base(name), p.Name) {
			continue
		}
		if p.After > 0 {
			p.After--
			continue
		}
		if p.Times > 0 {
			if p.Times--; p.Times == 0 {
				p.Times = -1
			}
		}
		return *p, true
	}
	return Fault{}, false
}

// armed reports whether a fault waits for op, without using it up.
func (f *FaultFS) armed(op Op, name string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.faults {
		if p.Times >= 0 && p.Op == op && strings.Contains(filepath.Base(name), p.Name) {
			return true
		}
	}
	return false
}

// strike waits out a hang and returns the error of the fault for op, if any.
func (f *FaultFS) strike(op Op, name string) error {
	fault, ok := f.match(op, name)
	if !ok {
		return nil
	}
	f.hang(fault)
	return fault.Err
}

// Lock implements disk.FS.
func (f *FaultFS) Lock(dir string) (io.Closer, error) { return f.under.Lock(dir) }

// OpenFile implements disk.FS.
func (f *FaultFS) OpenFile(name string, flag int) (disk.File, error) {
	if err := f.strike(OpOpen, name); err != nil {
		return nil, err
	}
	under, err := f.under.OpenFile(name, flag)
	if err != nil {
		return nil, err
	}
	return &faultFile{fs: f, name: name, File: under}, nil
}

// Rename implements disk.FS.
func (f *FaultFS) Rename(from, to string) error {
	if err := f.strike(OpRename, to); err != nil {
		return err
	}
	return f.under.Rename(from, to)
}

// Remove implements disk.FS.
func (f *FaultFS) Remove(name string) error {
	if err := f.strike(OpRemove, name); err != nil {
		return err
	}
	return f.under.Remove(name)
}

// List implements disk.FS.
func (f *FaultFS) List(dir string) ([]disk.FileInfo, error) {
	if err := f.strike(OpList, dir); err != nil {
		return nil, err
	}
	return f.under.List(dir)
}

// SyncDir implements disk.FS.
func (f *FaultFS) SyncDir(dir string) error {
	if err := f.strike(OpSync, dir); err != nil {
		return err
	}
	return f.under.SyncDir(dir)
}

type faultFile struct {
	disk.File
	fs   *FaultFS
	name string
}

func (f *faultFile) ReadAt(p []byte, off int64) (int, error) {
	fault, ok := f.fs.match(OpRead, f.name)
	f.fs.hang(fault)
	if ok && fault.Err != nil {
		return 0, fault.Err
	}
	n, err := f.File.ReadAt(p, off)
	if ok && fault.Flip && n > 0 {
		p[n/2] ^= 4
	}
	return n, err
}

// ReadOnce suffers from the faults of reads.
func (f *faultFile) ReadOnce(p []byte, off int64) (int, error) { return f.ReadAt(p, off) }

// TryReadAt says that nothing is in memory while a fault waits for a read.
func (f *faultFile) TryReadAt(p []byte, off int64) bool {
	return !f.fs.armed(OpRead, f.name) && f.File.TryReadAt(p, off)
}

func (f *faultFile) WriteVec(bufs [][]byte, off int64) (int, error) {
	fault, ok := f.fs.match(OpWrite, f.name)
	f.fs.hang(fault)
	if !ok || fault.Err == nil {
		return f.File.WriteVec(bufs, off)
	}
	left := fault.Short
	for _, b := range bufs {
		n := min(left, len(b))
		if n == 0 {
			break
		}
		if _, err := f.File.WriteVec([][]byte{b[:n]}, off); err != nil {
			return fault.Short - left, err
		}
		off += int64(n)
		left -= n
	}
	return fault.Short - left, fault.Err
}

func (f *faultFile) Resize(size int64) error {
	if err := f.fs.strike(OpResize, f.name); err != nil {
		return err
	}
	return f.File.Resize(size)
}

func (f *faultFile) Sync() error {
	if err := f.fs.strike(OpSync, f.name); err != nil {
		return err
	}
	return f.File.Sync()
}
