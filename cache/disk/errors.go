package disk

import "errors"

// Errors of ReadBlock, Sync, Close and Open that a caller may tell apart. To a
// request all of them mean: not here.
var (
	// ErrNotFound means that the block was never stored, was evicted, removed or
	// replaced by another version.
	ErrNotFound = errors.New("disk: block not stored")
	// ErrCorrupt means that stored bytes failed their checksum. The record is
	// forgotten.
	ErrCorrupt = errors.New("disk: stored bytes are corrupt")
	// ErrTimeout means that the disk did not answer in time.
	ErrTimeout = errors.New("disk: no answer in time")
	// ErrOffline means that the breaker keeps requests away from the disk.
	ErrOffline = errors.New("disk: offline")
	// ErrClosed means that the tier was closed.
	ErrClosed = errors.New("disk: closed")
	// ErrFormat means that the directory was written by a newer format. Nothing
	// was touched; an empty directory starts a new disk.
	ErrFormat = errors.New("disk: format is newer than this program")
	// ErrKey means that Options.Encryption and Options.Key do not fit the disk.
	// Nothing was touched.
	ErrKey = errors.New("disk: not the key of this disk")
	// ErrLocked means that another process has the directory open.
	ErrLocked = errors.New("disk: directory is in use by another process")
)
