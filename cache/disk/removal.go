package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// removal is a durable note that what is stored under hash before a position is
// dead.
type removal struct {
	hash uint64
	pos  position
}

const removalSize = 32

// Kinds of entries in the removal log. Others are skipped.
const kindRemoval = 1

func (r removal) appendTo(dst []byte) []byte {
	var b [removalSize]byte
	le.PutUint32(b[0:], kindRemoval)
	le.PutUint64(b[8:], r.hash)
	le.PutUint64(b[16:], uint64(r.pos))
	le.PutUint32(b[28:], checksum(b[:28]))
	return append(dst, b[:]...)
}

// parseRemoval decodes one entry; ok is false for a torn, damaged or unknown one.
func parseRemoval(b []byte) (r removal, ok bool) {
	if len(b) < removalSize || le.Uint32(b[28:]) != checksum(b[:28]) || le.Uint32(b) != kindRemoval {
		return removal{}, false
	}
	return removal{hash: le.Uint64(b[8:]), pos: position(le.Uint64(b[16:]))}, true
}

// parseRemovals decodes a removal log. Entries have a fixed size, so that a
// damaged one, or a damaged head, loses only itself; bad counts those.
func parseRemovals(b []byte) (list []removal, bad int) {
	if !goodHead(b, magicRemovals) {
		bad++
	}
	for b = b[min(headSize, len(b)):]; len(b) >= removalSize; b = b[removalSize:] {
		if r, ok := parseRemoval(b); ok {
			list = append(list, r)
		} else {
			bad++
		}
	}
	if len(b) > 0 {
		bad++ // torn tail: never acknowledged
	}
	return list, bad
}

// removalLog is the file of removals. The writer goroutine owns it.
type removalLog struct {
	fs      FS
	dir     string
	uuid    UUID
	file    File
	size    int64     // bytes written and valid
	compact int64     // size after which a compaction pays
	known   []removal // entries of the old file, until it is rewritten
	pending []removal // not written yet because the disk refused
	buf     []byte
}

const (
	removalName = "removals"
	tempSuffix  = ".tmp"
	// compactStep is how much the log grows before it is compacted.
	compactStep = 1 << 20
)

// append writes removals to the log, durably when sync is set. What the disk
// refuses is kept and written first by the next call.
func (l *removalLog) append(list []removal, sync bool) error {
	l.pending = append(l.pending, list...)
	if len(l.pending) == 0 {
		return nil
	}
	if l.file == nil {
		if err := l.rewrite(l.known, 0); err != nil {
			return err
		}
	}
	l.buf = l.buf[:0]
	for _, r := range l.pending {
		l.buf = r.appendTo(l.buf)
	}
	if _, err := l.file.WriteVec([][]byte{l.buf}, l.size); err != nil {
		return err
	}
	if sync {
		if err := l.file.Sync(); err != nil {
			return err // written again next time: entries are idempotent
		}
	}
	l.size += int64(len(l.buf))
	l.pending = l.pending[:0]
	return nil
}

// sync makes what was appended durable.
func (l *removalLog) sync() error {
	if l.file == nil {
		return nil
	}
	return l.file.Sync()
}

// due reports whether the log has grown enough for a compaction.
func (l *removalLog) due() bool { return l.size > l.compact }

// shrink rewrites the log without what no extent can bring back any more.
func (l *removalLog) shrink(oldest uint32) error {
	list, _, err := l.load()
	if err != nil {
		return err
	}
	return l.rewrite(list, oldest)
}

// load reads the log. A missing one is empty.
func (l *removalLog) load() (list []removal, bad int, err error) {
	b, err := readFile(l.fs, filepath.Join(l.dir, removalName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, 0, nil
	case err != nil:
		return nil, 0, err
	}
	list, bad = parseRemovals(b)
	return list, bad, nil
}

// rewrite replaces the log by one with the entries of list that still matter, the
// last of each hash.
func (l *removalLog) rewrite(list []removal, oldest uint32) error {
	head := newHead(magicRemovals)
	copy(head[8:24], l.uuid[:])
	b := sealHead(head)
	for hash, pos := range latest(list) {
		if pos.extent() >= oldest {
			b = removal{hash, pos}.appendTo(b)
		}
	}
	f, err := replaceFile(l.fs, l.dir, removalName, b)
	if err != nil {
		return err
	}
	l.closeFile()
	l.file, l.size, l.known = f, int64(len(b)), nil
	l.compact = 2*l.size + compactStep
	return nil
}

// closeFile closes the log. Its data is safe by Sync; closing cannot lose it.
func (l *removalLog) closeFile() {
	if l.file != nil {
		_ = l.file.Close()
		l.file = nil
	}
}

// latest returns the last position of each hash.
func latest(list []removal) map[uint64]position {
	m := make(map[uint64]position, len(list))
	for _, r := range list {
		m[r.hash] = max(m[r.hash], r.pos)
	}
	return m
}

// readFile returns the content of a file.
func readFile(fsys FS, name string) ([]byte, error) {
	f, err := fsys.OpenFile(name, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var b []byte
	for step := 64 << 10; ; step = min(2*step, 16<<20) {
		from := len(b)
		b = append(b, make([]byte, step)...)
		n, err := f.ReadAt(b[from:], int64(from))
		b = b[:from+n]
		switch {
		case n < step:
			if err != nil && !isEOF(err) {
				return nil, err
			}
			return b, nil
		case err != nil && !isEOF(err):
			return nil, err
		}
	}
}

// replaceFile writes a file durably under another name and renames it into place,
// so that a crash leaves the old one or the new one. It returns the file, open.
func replaceFile(fsys FS, dir, name string, content ...[]byte) (File, error) {
	temp := filepath.Join(dir, name+tempSuffix)
	f, err := fsys.OpenFile(temp, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return nil, err
	}
	_, err = f.WriteVec(content, 0)
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = fsys.Rename(temp, filepath.Join(dir, name))
	}
	if err == nil {
		err = fsys.SyncDir(dir)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
