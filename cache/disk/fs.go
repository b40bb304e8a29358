package disk

import (
	"io"
	"io/fs"
)

// FS is the file layer of a disk: the few calls that the tier needs, so that
// tests can put a failing disk under it (package cachetest). Names are paths
// below the directory of the disk. Errors keep their errno for errors.Is.
type FS interface {
	// Lock creates directory dir if needed and takes its exclusive lock, until
	// Close. It returns ErrLocked when somebody else has it.
	Lock(dir string) (io.Closer, error)
	// OpenFile opens with the flags of package os.
	OpenFile(name string, flag int) (File, error)
	// Rename replaces to by from.
	Rename(from, to string) error
	// Remove unlinks name; whoever has it open keeps reading.
	Remove(name string) error
	// List returns the files in dir in any order.
	List(dir string) ([]FileInfo, error)
	// SyncDir makes creations, renames and removals in dir durable.
	SyncDir(dir string) error
}

// FileInfo is a file of a directory: base name and length in bytes.
type FileInfo struct {
	Name string
	Size int64
}

// File is an open file. All methods but Close may be called at the same time.
type File interface {
	io.ReaderAt
	// TryReadAt fills p from memory and reports whether that could be done
	// without waiting for the device. When it returns false p holds anything.
	TryReadAt(p []byte, off int64) bool
	// ReadOnce is ReadAt for what nobody will want again soon: the bytes do not
	// displace others in memory.
	ReadOnce(p []byte, off int64) (int, error)
	// WriteVec writes bufs one after the other at off. Less than everything is an
	// error.
	WriteVec(bufs [][]byte, off int64) (int, error)
	// Resize makes the file size bytes long, with its space reserved.
	Resize(size int64) error
	// Sync makes data and length durable.
	Sync() error
	io.Closer
}

// dirPerm and filePerm: cached bodies and the hash seed are nobody else's business.
const (
	dirPerm  fs.FileMode = 0o700
	filePerm fs.FileMode = 0o600
)
