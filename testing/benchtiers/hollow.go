package main

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"edged/cache/disk"
)

// hollowFS keeps one record in so many and leaves holes for the others, so that
// the metadata of a disk of many terabytes fits into a test machine: extents,
// footers and snapshots are as the tier wrote them. It counts what is written.
type hollowFS struct {
	disk.FS
	keep    int64 // one record in keep is really stored; 1 stores all
	records atomic.Int64
	bytes   atomic.Int64
	dead    atomic.Bool // the process "was killed": nothing reaches the disk any more
}

func newHollowFS(keep int64) *hollowFS { return &hollowFS{FS: disk.OS(), keep: keep} }

// magicRecord is how a record of the log begins (FORMAT.md).
const magicRecord = 0x52444445

var errDead = errors.New("benchtiers: killed")

func (h *hollowFS) OpenFile(name string, flag int) (disk.File, error) {
	if h.dead.Load() {
		return nil, errDead
	}
	f, err := h.FS.OpenFile(name, flag)
	if err != nil {
		return nil, err
	}
	extent := strings.HasPrefix(filepath.Base(name), "extent-")
	return &hollowFile{File: f, fs: h, name: name, extent: extent}, nil
}

func (h *hollowFS) Rename(from, to string) error {
	if h.dead.Load() {
		return errDead
	}
	return h.FS.Rename(from, to)
}

func (h *hollowFS) Remove(name string) error {
	if h.dead.Load() {
		return errDead
	}
	return h.FS.Remove(name)
}

type hollowFile struct {
	disk.File
	fs     *hollowFS
	name   string
	extent bool
}

func (f *hollowFile) WriteVec(bufs [][]byte, off int64) (int, error) {
	if f.fs.dead.Load() {
		return 0, errDead
	}
	total := 0
	for _, b := range bufs {
		total += len(b)
	}
	f.fs.bytes.Add(int64(total))
	if !f.extent || !isRecord(bufs[0]) {
		return f.File.WriteVec(bufs, off)
	}
	for len(bufs) > 0 {
		n, size := recordOf(bufs)
		if f.fs.records.Add(1)%f.fs.keep == 0 {
			if done, err := f.File.WriteVec(bufs[:n], off); err != nil {
				return done, err
			}
		}
		bufs, off = bufs[n:], off+size
	}
	return total, nil
}

// isRecord reports whether a record of the log begins with b.
func isRecord(b []byte) bool { return len(b) >= 4 && binary.LittleEndian.Uint32(b) == magicRecord }

// recordOf returns how many of the buffers, and bytes, are the first record: bodies
// here are zeroes, so that only a record begins like one.
func recordOf(bufs [][]byte) (n int, size int64) {
	for n < len(bufs) && (n == 0 || !isRecord(bufs[n])) {
		size += int64(len(bufs[n]))
		n++
	}
	return n, size
}

// Resize leaves a hole where holes are wanted.
func (f *hollowFile) Resize(size int64) error {
	switch {
	case f.fs.dead.Load():
		return errDead
	case f.extent && f.fs.keep > 1:
		return os.Truncate(f.name, size)
	}
	return f.File.Resize(size)
}

func (f *hollowFile) Sync() error {
	switch {
	case f.fs.dead.Load():
		return errDead
	case f.fs.keep > 1 && !strings.HasPrefix(filepath.Base(f.name), "purges"):
		return nil // the figures are about the index, not about this machine's device
	}
	return f.File.Sync()
}
