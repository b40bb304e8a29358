package logfmt

import (
	"io/fs"
	"sync"
	"testing"
	"time"
)

// Operations that faults can be set for.
const (
	opOpen     = "open"
	opWrite    = "write"
	opTruncate = "truncate"
	opRename   = "rename"
	opRemove   = "remove"
	opSync     = "sync"
	opList     = "list"
)

// faultyFS puts faults in front of a real directory: an operation that has one
// fails with what the fault returns, or works when that is nil. A fault may
// wait, which is a slow disk. The first half of a failed write reaches the file.
type faultyFS struct {
	fileSystem
	mu     sync.Mutex
	faults map[string]func() error
}

func newFaultyFS(t *testing.T, dir string) *faultyFS {
	t.Helper()
	d, err := newDirFS(dir)
	if err != nil {
		t.Fatal(err)
	}
	return &faultyFS{fileSystem: d, faults: map[string]func() error{}}
}

// set sets the fault of an operation; nil takes it away.
func (f *faultyFS) set(op string, fault func() error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults[op] = fault
}

// fail makes an operation fail with err until it is nil.
func (f *faultyFS) fail(op string, err error) { f.set(op, func() error { return err }) }

func (f *faultyFS) fault(op string) error {
	f.mu.Lock()
	fault := f.faults[op]
	f.mu.Unlock()
	if fault == nil {
		return nil
	}
	return fault()
}

func (f *faultyFS) Open(name string, flag int) (file, error) {
	if err := f.fault(opOpen); err != nil {
		return nil, err
	}
	opened, err := f.fileSystem.Open(name, flag)
	if err != nil {
		return nil, err
	}
	return &faultyFile{opened, f}, nil
}

func (f *faultyFS) Rename(from, to string) error {
	if err := f.fault(opRename); err != nil {
		return err
	}
	return f.fileSystem.Rename(from, to)
}

func (f *faultyFS) Remove(name string) error {
	if err := f.fault(opRemove); err != nil {
		return err
	}
	return f.fileSystem.Remove(name)
}

func (f *faultyFS) List() ([]fs.FileInfo, error) {
	if err := f.fault(opList); err != nil {
		return nil, err
	}
	return f.fileSystem.List()
}

type faultyFile struct {
	file
	fs *faultyFS
}

func (f *faultyFile) WriteAt(p []byte, off int64) (int, error) {
	if err := f.fs.fault(opWrite); err != nil {
		n, _ := f.file.WriteAt(p[:len(p)/2], off)
		return n, err
	}
	return f.file.WriteAt(p, off)
}

func (f *faultyFile) Truncate(size int64) error {
	if err := f.fs.fault(opTruncate); err != nil {
		return err
	}
	return f.file.Truncate(size)
}

func (f *faultyFile) Sync() error {
	if err := f.fs.fault(opSync); err != nil {
		return err
	}
	return f.file.Sync()
}

// slow returns a fault that takes d and then works.
func slow(d time.Duration) func() error {
	return func() error {
		time.Sleep(d) // inside a bubble
		return nil
	}
}
