package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Recovery says how the last start went.
type Recovery struct {
	Clean    bool          // the disk was closed properly
	Snapshot bool          // a snapshot was loaded
	Footers  int           // extents replayed from their footer
	Scanned  int           // extents without a footer, scanned
	Records  int           // records replayed from footers and scans
	Removed  int           // records and index entries that a removal kills
	Lost     int           // damaged structures that were given up
	Duration time.Duration // of the whole recovery
}

const superName = "superblock"

// recovery is the state of one recovery. It runs before the tier has goroutines.
type recovery struct {
	t         *Tier
	snapshots []uint64
	files     map[uint32]int64 // extent number → length
	removals  map[uint64]position
	asOf      position
	highest   uint32 // extent number seen anywhere
	report    Recovery
}

// recover finds everything again: superblock, removals, the newest good snapshot,
// then every record that the snapshot may lack, in the order of the log.
func (t *Tier) recover() error {
	began := time.Now()
	r := &recovery{t: t, files: map[uint32]int64{}}
	for _, step := range []func() error{r.superblock, r.loadState, r.list, r.loadRemovals, r.loadSnapshot, r.replay} {
		if err := step(); err != nil {
			return err
		}
	}
	r.finish()
	r.report.Duration = time.Since(began)
	t.recovery = r.report
	t.log.Info("disk: open", "objects", t.index.objects.Load(), "clean", r.report.Clean, "footers", r.report.Footers,
		"scanned", r.report.Scanned, "lost", r.report.Lost, "took", r.report.Duration)
	return nil
}

// superblock reads the superblock, or makes a disk of a directory without a good
// one: whatever extents it has are then of no use. So are those of an earlier
// process whose key was its own.
func (r *recovery) superblock() error {
	b, err := readFile(r.t.fs, filepath.Join(r.t.dir, superName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	r.t.super, err = parseSuperblock(b)
	if errors.Is(err, ErrFormat) {
		return err
	}
	if err == nil && r.t.super.encryption != Ephemeral {
		return r.unlock()
	}
	damaged := len(b) > 0 && err != nil
	if err := r.clear(damaged, err); err != nil {
		return err
	}
	return r.initialise()
}

// unlock checks that the key fits the disk, and reads encrypted from here on.
func (r *recovery) unlock() error {
	s, o := &r.t.super, r.t.encryption
	if o == Plain && s.encryption == Plain {
		return nil
	}
	switch {
	case s.encryption == Plain:
		return fmt.Errorf("%w: it was written without one; edgectl wipe makes room for an encrypted disk", ErrKey)
	case o != Keyed:
		return fmt.Errorf(`%w: it is encrypted: set encrypt = "key" and its key, or give it up with edgectl wipe`, ErrKey)
	}
	ring, err := newKeyring(r.t.key, s.uuid)
	if err != nil {
		return err
	}
	if !ring.opens(s) {
		return fmt.Errorf("%w: it was written with another; restore that, or give the disk up with edgectl wipe", ErrKey)
	}
	s.seed = ring.seed
	r.t.fs = newSealedFS(r.t.fs, ring)
	return nil
}

// initialise writes the superblock of a new disk.
func (r *recovery) initialise() error {
	t := r.t
	t.super = newSuperblock(time.Now().UnixNano())
	under := t.fs
	if t.encryption != Plain {
		ring, err := newKeyring(t.key, t.super.uuid)
		if err != nil {
			return err
		}
		t.super.lock(t.encryption, ring)
		t.fs = newSealedFS(under, ring)
	}
	f, err := replaceFile(under, t.dir, superName, t.super.encode())
	if err != nil {
		return err
	}
	return f.Close()
}

// clear removes what a disk without a superblock has left.
func (r *recovery) clear(damaged bool, cause error) error {
	files, err := r.t.fs.List(r.t.dir)
	if err != nil {
		return err
	}
	if damaged {
		r.report.Lost++
		r.t.log.Warn("disk: starting over, what was stored is given up", "cause", cause)
	}
	for _, f := range files {
		if ours(f.Name) {
			err = errors.Join(err, r.t.fs.Remove(filepath.Join(r.t.dir, f.Name)))
		}
	}
	return err
}

// ours reports whether the tier made a file, other than superblock and lock.
func ours(name string) bool {
	_, isExtent := extentNumber(name)
	_, isSnapshot := snapshotSequence(name)
	return isExtent || isSnapshot || name == removalName || name == stateName || name == probeName || strings.HasSuffix(name, tempSuffix)
}

// list takes stock of the directory and drops what an interrupted write left.
func (r *recovery) list() error {
	files, err := r.t.fs.List(r.t.dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		if n, ok := extentNumber(f.Name); ok {
			r.files[n] = f.Size
			r.highest = max(r.highest, n)
		}
		if n, ok := snapshotSequence(f.Name); ok {
			r.snapshots = append(r.snapshots, n)
			r.t.keeper.sequence = max(r.t.keeper.sequence, n)
		}
		if strings.HasSuffix(f.Name, tempSuffix) || f.Name == probeName {
			r.drop(filepath.Join(r.t.dir, f.Name))
		}
	}
	slices.Sort(r.snapshots)
	slices.Reverse(r.snapshots)
	return nil
}

// drop removes a useless file; when the disk refuses, the next start tries again.
func (r *recovery) drop(path string) {
	if err := r.t.fs.Remove(path); err != nil {
		r.t.log.Warn("disk: cannot remove a file", "path", path, "error", err)
	}
}

// loadRemovals reads the removal log. Without it removed objects could come back:
// an I/O error here is the end of the recovery.
func (r *recovery) loadRemovals() error {
	l := &r.t.writer.removals
	l.fs, l.dir, l.uuid = r.t.fs, r.t.dir, r.t.super.uuid
	list, bad, err := l.load()
	if errors.Is(err, ErrCorrupt) { // its envelope: nothing that was removed may come back
		r.files, r.snapshots, bad = map[uint32]int64{}, nil, 1
		err = r.clear(false, err)
	}
	if err != nil {
		return err
	}
	l.known = list
	r.report.Lost += bad
	r.removals = latest(list)
	for _, pos := range r.removals {
		r.highest = max(r.highest, pos.extent())
	}
	return nil
}

// loadSnapshot fills the index from the newest snapshot that is whole.
func (r *recovery) loadSnapshot() error {
	for _, n := range r.snapshots {
		h, extents, err := r.readSnapshot(n)
		if err == nil {
			r.report.Snapshot, r.report.Clean = true, h.clean
			r.asOf = h.asOf
			r.highest = max(r.highest, h.asOf.extent())
			raise(&r.t.lastSeq, h.lastSeq)
			r.adopt(extents)
			return nil
		}
		r.report.Lost++
		r.t.log.Warn("disk: unusable snapshot", "sequence", n, "error", err)
		r.t.index.reset()
	}
	return nil
}

func (r *recovery) readSnapshot(n uint64) (snapshotHeader, []extentRef, error) {
	f, err := r.t.fs.OpenFile(filepath.Join(r.t.dir, snapshotName(n)), os.O_RDONLY)
	if err != nil {
		return snapshotHeader{}, nil, err
	}
	defer f.Close()
	var extents []extentRef
	load := newLoader(r)
	in := io.NewSectionReader(f, 0, math.MaxInt64)
	h, err := readSnapshot(in, r.t.super.uuid, func(list []extentRef) { extents = list }, load.take)
	load.wait()
	return h, extents, err
}

// adopt puts the extents that lie before the snapshot into the table. Others of
// that age have nothing in the index.
func (r *recovery) adopt(list []extentRef) {
	for _, e := range list {
		size, ok := r.files[e.number]
		if !ok || e.number >= r.asOf.extent() {
			continue
		}
		x := newExtent(r.t.fs, r.t.dir, e.number, size)
		x.generation.Store(e.generation)
		r.t.extents.add(x)
		delete(r.files, e.number)
	}
}

// replay walks the extents that the snapshot may not know everything of.
func (r *recovery) replay() error {
	numbers := make([]uint32, 0, len(r.files))
	for n := range r.files {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	for _, n := range numbers {
		if err := r.replayExtent(n); err != nil {
			return err
		}
	}
	return nil
}

// replayExtent replays one extent. One that cannot be read, or that the snapshot
// would know if it held anything, is removed.
func (r *recovery) replayExtent(n uint32) error {
	x := newExtent(r.t.fs, r.t.dir, n, r.files[n])
	refs, err := []recordRef(nil), errOrphan
	if n >= r.asOf.extent() {
		refs, err = r.records(x)
	}
	switch {
	case err == nil:
		r.t.extents.add(x)
		r.replayOnAll(refs)
		return nil
	case errors.Is(err, ErrCorrupt) || errors.Is(err, unix.EIO):
		r.report.Lost++
		r.t.log.Warn("disk: dropped an extent", "extent", n, "error", err)
		x.release()
		r.drop(x.path)
		return nil
	default: // says nothing about the extent: too many open files, say
		x.release()
		return err
	}
}

// errOrphan marks an extent that is older than a snapshot which does not list it.
var errOrphan = fmt.Errorf("%w: extent is in no snapshot", ErrCorrupt)

// records returns the records of an extent: from its footer or, when it has none,
// by a scan, after which it gets one. ErrCorrupt means that it is no extent.
func (r *recovery) records(x *extent) ([]recordRef, error) {
	refs, err := x.footer()
	if err == nil {
		r.report.Footers++
		return refs, nil
	}
	if !errors.Is(err, ErrCorrupt) {
		return nil, err
	}
	if err := x.header(r.t.super.uuid); err != nil {
		return nil, err
	}
	refs, end, err := scan(x)
	if err != nil {
		return nil, err
	}
	r.report.Scanned++
	if err := x.seal(end, refs); err != nil { // scanned again next time
		r.t.log.Warn("disk: cannot seal an extent", "extent", x.number, "error", err)
		x.unsealed = append([]recordRef{}, refs...)
	}
	return refs, nil
}

// finish sets the writer behind everything seen and makes room.
func (r *recovery) finish() {
	w := &r.t.writer
	w.next = r.highest + 1
	w.publish()
	r.report.Clean = r.report.Clean && r.report.Records == 0 && r.report.Scanned == 0
	r.t.keeper.saved = r.asOf
	for w.over(0) && w.evictOldest() {
	}
	oldest, ok := r.t.extents.oldest()
	if !ok {
		oldest = w.next
	}
	if err := w.removals.rewrite(w.removals.known, oldest); err != nil {
		r.t.breaker.trip(ReadOnly, fmt.Errorf("disk: removal log: %w", err))
	}
}
