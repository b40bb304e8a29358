package logfmt

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// fileSystem is what the writer needs of the directory it writes to; names are
// relative to it. Tests put a faulty one in its place.
type fileSystem interface {
	// Open opens name with the given os flags and marks it as in use until it is
	// closed. It fails with errInUse when another process or writer has it open.
	Open(name string, flag int) (file, error)
	Rename(from, to string) error
	Remove(name string) error
	List() ([]fs.FileInfo, error)
	Close() error
}

// file is the part of *os.File that the writer uses.
type file interface {
	io.ReaderAt
	io.WriterAt
	Truncate(size int64) error
	Sync() error
	Close() error
}

// errInUse says that somebody else writes to a file: the process that this one
// is about to replace, for example.
var errInUse = errors.New("logfmt: file is in use")

// Permissions of what the writer makes: the group may collect the logs.
const (
	fileMode = 0o640
	dirMode  = 0o750
)

// dirFS is the real directory. Nothing outside it can be reached through it.
type dirFS struct{ root *os.Root }

func newDirFS(dir string) (*dirFS, error) {
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return nil, fmt.Errorf("logfmt: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("logfmt: %w", err)
	}
	return &dirFS{root}, nil
}

func (d *dirFS) Open(name string, flag int) (file, error) {
	f, err := d.root.OpenFile(name, flag, fileMode)
	if err != nil {
		return nil, err
	}
	// The lock dies with the process, so whoever finds a .part file without one
	// has found what a crash left.
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = errInUse
		}
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (d *dirFS) Rename(from, to string) error { return d.root.Rename(from, to) }
func (d *dirFS) Remove(name string) error     { return d.root.Remove(name) }
func (d *dirFS) Close() error                 { return d.root.Close() }

func (d *dirFS) List() ([]fs.FileInfo, error) {
	entries, err := fs.ReadDir(d.root.FS(), ".")
	if err != nil {
		return nil, err
	}
	infos := make([]fs.FileInfo, 0, len(entries))
	for _, e := range entries {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // collected and removed by a shipper meanwhile
		}
		if err != nil {
			return nil, err
		}
		if info.Mode().IsRegular() {
			infos = append(infos, info)
		}
	}
	return infos, nil
}
