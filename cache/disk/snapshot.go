package disk

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// snapshotHeader begins a snapshot: the index as a file.
type snapshotHeader struct {
	uuid     UUID
	sequence uint64   // snapshots of a disk are numbered
	asOf     position // records from here on may be missing
	lastSeq  uint64   // highest object.Meta.Seq seen
	extents  uint32   // entries of the extent table
	chunks   uint32   // chunks of slots
	clean    bool     // written by Close: nothing comes after asOf
}

func (h *snapshotHeader) encode() []byte {
	b := newHead(magicSnapshot)
	if h.clean {
		le.PutUint16(b[6:], 1)
	}
	copy(b[8:24], h.uuid[:])
	le.PutUint64(b[24:], h.sequence)
	le.PutUint64(b[32:], uint64(h.asOf))
	le.PutUint64(b[40:], h.lastSeq)
	le.PutUint32(b[48:], h.extents)
	le.PutUint32(b[52:], h.chunks)
	return sealHead(b)
}

func parseSnapshotHeader(b []byte) (snapshotHeader, error) {
	if !goodHead(b, magicSnapshot) {
		return snapshotHeader{}, fmt.Errorf("%w: snapshot header", ErrCorrupt)
	}
	h := snapshotHeader{
		sequence: le.Uint64(b[24:]), asOf: position(le.Uint64(b[32:])), lastSeq: le.Uint64(b[40:]),
		extents: le.Uint32(b[48:]), chunks: le.Uint32(b[52:]), clean: le.Uint16(b[6:])&1 != 0,
	}
	copy(h.uuid[:], b[8:24])
	return h, nil
}

// Sizes of what follows the header: a chunk of extents, then chunks of slots. A
// chunk is {count, CRC32C of the entries} and its entries.
const (
	chunkHead     = 8
	extentRefSize = 16
	// maxChunk bounds the bytes of a chunk that a reader believes in.
	maxChunk = 1 << 30
)

// extentRef is an extent as a snapshot knows it.
type extentRef struct {
	number     uint32
	generation uint64
}

func (e extentRef) appendTo(dst []byte) []byte {
	dst = le.AppendUint32(dst, e.number)
	dst = le.AppendUint32(dst, 0)
	return le.AppendUint64(dst, e.generation)
}

func (s *slot) appendTo(dst []byte) []byte {
	dst = le.AppendUint64(dst, s.hash())
	dst = le.AppendUint64(dst, s.version)
	dst = le.AppendUint64(dst, s.seq)
	dst = le.AppendUint32(dst, s.extent)
	dst = le.AppendUint32(dst, s.page)
	dst = le.AppendUint32(dst, s.stripe)
	dst = le.AppendUint16(dst, s.pages)
	return append(dst, s.blocks, s.flags)
}

func parseSlot(b []byte) slot {
	s := slot{
		version: le.Uint64(b[8:]), seq: le.Uint64(b[16:]),
		extent: le.Uint32(b[24:]), page: le.Uint32(b[28:]), stripe: le.Uint32(b[32:]),
		pages: le.Uint16(b[36:]), blocks: b[38], flags: b[39],
	}
	if s.head() {
		s.place = placeOf(le.Uint64(b), 0)
	} else {
		s.place = placeOf(le.Uint64(b), s.stripe)
	}
	return s
}

// sane reports whether a slot that was read can be trusted to be in the index.
func (s *slot) sane() bool {
	return s.flags&^(slotUsed|slotHead|slotHits) == 0 && s.used() && s.place != 0 && s.stripe <= maxStripes &&
		(s.head() || s.blocks != 0)
}

// sealChunk sets the head of a chunk of count entries.
func sealChunk(b []byte, count int) []byte {
	le.PutUint32(b, uint32(count))
	le.PutUint32(b[4:], checksum(b[chunkHead:]))
	return b
}

// snapshotWriter streams a snapshot to a file.
type snapshotWriter struct {
	file File
	off  int64
	buf  []byte
}

func (w *snapshotWriter) write(b []byte) error {
	n, err := w.file.WriteVec([][]byte{b}, w.off)
	w.off += int64(n)
	return err
}

func (w *snapshotWriter) extents(list []extentRef) error {
	w.buf = append(w.buf[:0], make([]byte, chunkHead)...)
	for _, e := range list {
		w.buf = e.appendTo(w.buf)
	}
	return w.write(sealChunk(w.buf, len(list)))
}

func (w *snapshotWriter) slots(list []slot) error {
	w.buf = append(w.buf[:0], make([]byte, chunkHead)...)
	for i := range list {
		w.buf = list[i].appendTo(w.buf)
	}
	return w.write(sealChunk(w.buf, len(list)))
}

// writeTo writes the whole snapshot: a shard of the index at a time, so that no
// lock is held for long. What changes meanwhile lies behind h.asOf and is
// replayed from the extents.
func (h *snapshotHeader) writeTo(f File, extents []extentRef, x *index) error {
	h.extents, h.chunks = uint32(len(extents)), uint32(len(x.shards))
	w := &snapshotWriter{file: f}
	if err := w.write(h.encode()); err != nil {
		return err
	}
	if err := w.extents(extents); err != nil {
		return err
	}
	var slots []slot
	for i := range x.shards {
		slots = x.dump(i, slots[:0])
		if err := w.slots(slots); err != nil {
			return err
		}
	}
	return f.Sync()
}

// snapshotReader streams a snapshot from a file.
type snapshotReader struct {
	r   io.Reader
	buf []byte
}

// chunk returns the entries of the next chunk, borrowed until the next call.
func (r *snapshotReader) chunk(entry int) ([]byte, error) {
	var head [chunkHead]byte
	if _, err := io.ReadFull(r.r, head[:]); err != nil {
		return nil, fmt.Errorf("%w: snapshot ends early: %w", ErrCorrupt, err)
	}
	n := int64(le.Uint32(head[:])) * int64(entry)
	if n > maxChunk {
		return nil, fmt.Errorf("%w: snapshot chunk of %d bytes", ErrCorrupt, n)
	}
	if err := r.fill(int(n)); err != nil {
		return nil, err
	}
	if checksum(r.buf) != le.Uint32(head[4:]) {
		return nil, fmt.Errorf("%w: snapshot chunk", ErrCorrupt)
	}
	return r.buf, nil
}

// fill reads n bytes into buf in steps, so that a lying count costs no memory.
func (r *snapshotReader) fill(n int) error {
	r.buf = r.buf[:0]
	for len(r.buf) < n {
		from, step := len(r.buf), min(n-len(r.buf), 4<<20)
		r.buf = slices.Grow(r.buf, step)[:from+step]
		if _, err := io.ReadFull(r.r, r.buf[from:]); err != nil {
			return fmt.Errorf("%w: snapshot ends early: %w", ErrCorrupt, err)
		}
	}
	return nil
}

// readSnapshot parses a snapshot and hands over its extents, once, and its slots, a
// chunk at a time (slotsOf): take owns the chunk and returns memory for another or nil.
func readSnapshot(in io.Reader, uuid UUID, extents func([]extentRef), take func(chunk []byte) []byte) (snapshotHeader, error) {
	var head [headSize]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return snapshotHeader{}, fmt.Errorf("%w: snapshot header: %w", ErrCorrupt, err)
	}
	h, err := parseSnapshotHeader(head[:])
	if err != nil {
		return h, err
	}
	if h.uuid != uuid {
		return h, fmt.Errorf("%w: snapshot of another disk", ErrCorrupt)
	}
	r := &snapshotReader{r: in}
	b, err := r.chunk(extentRefSize)
	if err != nil {
		return h, err
	}
	list := make([]extentRef, 0, len(b)/extentRefSize)
	for ; len(b) > 0; b = b[extentRefSize:] {
		list = append(list, extentRef{number: le.Uint32(b), generation: le.Uint64(b[8:])})
	}
	extents(list)
	for range h.chunks {
		if b, err = r.chunk(slotSize); err != nil {
			return h, err
		}
		r.buf = take(b)
	}
	return h, nil
}

const snapshotPrefix = "index-"

func snapshotName(sequence uint64) string { return fmt.Sprintf("%s%016x", snapshotPrefix, sequence) }

// snapshotSequence returns the number in a snapshot's file name.
func snapshotSequence(name string) (n uint64, ok bool) {
	digits, found := strings.CutPrefix(name, snapshotPrefix)
	if !found || len(digits) != 16 {
		return 0, false
	}
	_, err := fmt.Sscanf(digits, "%016x", &n)
	return n, err == nil && snapshotName(n) == name
}

// saveSnapshot writes a snapshot under its final name and drops all but the two
// newest. settle is called before the name is given: it makes the records that the
// snapshot points to durable.
func saveSnapshot(fsys FS, dir string, h *snapshotHeader, extents []extentRef, x *index, settle func() error) error {
	name := filepath.Join(dir, snapshotName(h.sequence))
	f, err := fsys.OpenFile(name+tempSuffix, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return err
	}
	err = errors.Join(h.writeTo(f, extents, x), f.Close())
	if err == nil {
		err = settle()
	}
	if err == nil {
		err = fsys.Rename(name+tempSuffix, name)
	}
	if err == nil {
		err = fsys.SyncDir(dir)
	}
	if err != nil {
		return errors.Join(err, fsys.Remove(name+tempSuffix))
	}
	return dropSnapshots(fsys, dir, h.sequence)
}

// dropSnapshots removes the snapshots older than the one before newest.
func dropSnapshots(fsys FS, dir string, newest uint64) error {
	files, err := fsys.List(dir)
	if err != nil {
		return err
	}
	var old []uint64
	for _, f := range files {
		if n, ok := snapshotSequence(f.Name); ok && n < newest {
			old = append(old, n)
		}
	}
	slices.Sort(old)
	for len(old) > 1 {
		err = errors.Join(err, fsys.Remove(filepath.Join(dir, snapshotName(old[0]))))
		old = old[1:]
	}
	return err
}
