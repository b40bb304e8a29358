package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// OS returns the FS of the operating system, the one that a nil Options.FS means.
func OS() FS { return realFS{} }

// realFS is the FS of the operating system.
type realFS struct{}

// lockName is the file whose flock is the lock of a directory. It is never
// renamed, removed or written.
const lockName = "lock"

func (realFS) Lock(dir string) (io.Closer, error) {
	if err := os.MkdirAll(dir, dirPerm); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, filePerm)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	switch {
	case errors.Is(err, unix.EWOULDBLOCK):
		return nil, errors.Join(fmt.Errorf("%w: %s", ErrLocked, dir), f.Close())
	case err != nil:
		return nil, errors.Join(&fs.PathError{Op: "flock", Path: dir, Err: err}, f.Close())
	}
	return f, nil
}

func (realFS) OpenFile(name string, flag int) (File, error) {
	for {
		fd, err := unix.Open(name, flag|unix.O_CLOEXEC, uint32(filePerm))
		if err == nil {
			return &realFile{fd: fd, name: name}, nil
		}
		if !errors.Is(err, unix.EINTR) {
			return nil, &fs.PathError{Op: "open", Path: name, Err: err}
		}
	}
}

func (realFS) Rename(from, to string) error { return os.Rename(from, to) }
func (realFS) Remove(name string) error     { return os.Remove(name) }

func (realFS) List(dir string) ([]FileInfo, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	infos := make([]FileInfo, 0, len(entries))
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			infos = append(infos, FileInfo{Name: e.Name(), Size: info.Size()})
		}
	}
	return infos, nil
}

func (realFS) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// realFile is a bare descriptor: extents count their readers, so it is never
// closed under one.
type realFile struct {
	fd          int
	name        string
	noDontCache atomic.Bool // the kernel or the file system lacks RWF_DONTCACHE
}

// FD returns the descriptor, for sendfile.
func (f *realFile) FD() int { return f.fd }

func (f *realFile) fail(op string, err error) error {
	return &fs.PathError{Op: op, Path: f.name, Err: err}
}

func (f *realFile) ReadAt(p []byte, off int64) (int, error) {
	done := 0
	for done < len(p) {
		n, err := unix.Pread(f.fd, p[done:], off+int64(done))
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return done, f.fail("read", err)
		case n == 0:
			return done, io.EOF
		default:
			done += n
		}
	}
	return done, nil
}

// TryReadAt asks the page cache alone (RWF_NOWAIT). File systems without it
// always say no.
func (f *realFile) TryReadAt(p []byte, off int64) bool {
	n, err := unix.Preadv2(f.fd, [][]byte{p}, off, unix.RWF_NOWAIT)
	return err == nil && n == len(p)
}

func (f *realFile) WriteVec(bufs [][]byte, off int64) (int, error) {
	done := 0
	bufs = advance(bufs, 0)
	for len(bufs) > 0 {
		n, err := unix.Pwritev(f.fd, bufs, off+int64(done))
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return done, f.fail("write", err)
		case n == 0:
			return done, f.fail("write", io.ErrShortWrite)
		}
		done += n
		bufs = advance(bufs, n)
	}
	return done, nil
}

// advance returns what is left of bufs after n bytes, with no empty buffer first.
// It never changes the slices of its caller.
func advance(bufs [][]byte, n int) [][]byte {
	for len(bufs) > 0 && n >= len(bufs[0]) {
		n -= len(bufs[0])
		bufs = bufs[1:]
	}
	if n > 0 {
		bufs = append([][]byte{bufs[0][n:]}, bufs[1:]...)
	}
	return bufs
}

// Resize reserves space with fallocate, so that a full disk shows before a record
// is half written; where that is not supported the file is only made longer.
func (f *realFile) Resize(size int64) error {
	if err := retry(func() error { return unix.Ftruncate(f.fd, size) }); err != nil {
		return f.fail("truncate", err)
	}
	if size == 0 {
		return nil
	}
	err := retry(func() error { return unix.Fallocate(f.fd, 0, 0, size) })
	if err != nil && !errors.Is(err, unix.EOPNOTSUPP) {
		return f.fail("fallocate", err)
	}
	return nil
}

func (f *realFile) Sync() error {
	if err := retry(func() error { return unix.Fdatasync(f.fd) }); err != nil {
		return f.fail("fdatasync", err)
	}
	return nil
}

func (f *realFile) Close() error {
	if err := unix.Close(f.fd); err != nil {
		return f.fail("close", err)
	}
	return nil
}

// retry calls do until it is not interrupted by a signal.
func retry(do func() error) error {
	for {
		if err := do(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
