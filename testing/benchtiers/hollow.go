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
	isRecord := f.extent && len(bufs[0]) >= 4 && binary.LittleEndian.Uint32(bufs[0]) == magicRecord
	if isRecord && f.fs.records.Add(1)%f.fs.keep != 0 {
		return total, nil
	}
	return f.File.WriteVec(bufs, off)
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
