package disk

import (
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"edged/cache/object"
)

// writer is the state of the one goroutine that changes the log of a disk.
type writer struct {
	t        *Tier
	active   *extent     // nil: the next record needs a new one
	end      uint32      // page in active where the next record goes
	refs     []recordRef // records of active
	next     uint32      // number of the next extent
	removals removalLog
	batch    batch
	jobs     []job    // whose records are in batch, or were
	visible  []int64  // lengths of bodies that became visible, rescueSome not yet told
	prologue []byte   // reused
	meta     []byte   // reused
	vec      [][]byte // reused
	rescue   rescue
	zeroes   [pageSize]byte

	// Read by the keeper:
	position atomic.Uint64          // where the next record goes
	dirty    atomic.Pointer[extent] // extent with records that were not synced
	sealed   atomic.Int64           // extents sealed since start
	began    atomic.Int64           // start of the operation under way, Unix ns; 0 = idle
}

// run works the queue off until it is closed, then seals.
func (w *writer) run() {
	for {
		w.began.Store(0)
		forgets, j, oldest, ok := w.t.queue.pop()
		w.began.Store(time.Now().UnixNano())
		w.t.index.clearFences(oldest)
		switch {
		case !ok:
			w.commitRemovals(nil)
			w.rescue.end()
			w.seal()
			w.removals.closeFile()
			w.began.Store(0)
			return
		case j.ticket == 0:
			w.commitRemovals(forgets)
		case j.done != nil:
			j.done <- w.sync()
		default:
			w.store(&j)
		}
	}
}

// here returns a position behind every record that may be on the disk.
func (w *writer) here() position {
	if w.active == nil {
		return at(w.next, 0)
	}
	return at(w.active.number, w.end)
}

func (w *writer) publish() { w.position.Store(uint64(w.here())) }

// trouble counts an error of the disk, and makes it known.
func (w *writer) trouble(err error) {
	if err != nil && !errors.Is(err, errDropped) {
		w.t.counters.writeErrors.Add(1)
		w.failed(err)
	}
}

// errDropped marks a record that is not worth a write any more.
var errDropped = errors.New("disk: record dropped")

// tryStore writes the record of j alone and makes it visible.
func (w *writer) tryStore(j *job) error {
	if err := w.add(j); err != nil {
		return err
	}
	dropped, err := w.commit()
	if err == nil && dropped > 0 {
		return errDropped
	}
	return err
}

// add adds the record of j to the batch, which is written first where it is in the way.
func (w *writer) add(j *job) error {
	if !w.t.breaker.writable() || w.t.index.fencedOff(j.id.Hi, j.ticket) {
		return errDropped
	}
	if len(j.blocks) == 0 && j.meta.Size != 0 {
		if err := w.flush(); err != nil { // may be what j freshens
			return err
		}
		if !w.stored(j) {
			return errDropped
		}
	}
	h := recordHeader{
		id: j.id, version: j.meta.Version, seq: j.meta.Seq, stripe: j.stripe,
		stripes: uint32(stripesOf(j.meta.Size)),
	}
	bodies := w.bodies(&h, j.blocks)
	own := *j.meta
	own.Key = "" // the record has it already
	w.meta = object.AppendMeta(w.meta[:0], &own)
	w.prologue = appendPrologue(w.prologue[:0], &h, string(j.key), w.meta, bodies)
	if err := w.room(h.length(), h.id.Hi); err != nil {
		return err
	}
	h.generation, h.page = w.active.generation.Load(), w.end+uint32(w.batch.length/pageSize)
	w.batch.add(batched{h, j.ticket}, w.prologue, bodies, w.zeroes[:])
	return nil
}

// stored reports whether the version that j freshens is the one stored.
func (w *writer) stored(j *job) bool {
	var s slot
	return w.t.index.head(j.id.Hi, &s) && s.version == j.meta.Version
}

// bodies collects the blocks that are present and marks them in h.
func (w *writer) bodies(h *recordHeader, blocks []Body) [][]byte {
	w.vec = w.vec[:0]
	for i, b := range blocks {
		if b != nil {
			h.blocks |= 1 << i
			w.vec = append(w.vec, b.Bytes())
		}
	}
	return w.vec
}

// reveal makes a written record visible and advances the log.
func (w *writer) reveal(h *recordHeader, ticket uint64) verdict {
	ref := h.ref(w.active.number)
	w.refs = append(w.refs, ref)
	w.end += uint32(ref.pages)
	w.dirty.Store(w.active)
	for i := range object.StripeBlocks {
		if off, n, ok := h.blockAt(i); ok {
			w.active.checked.add(int64(h.page)*pageSize+int64(h.bodyOff()+off), n, w.t.extentSize)
		}
	}
	raise(&w.t.lastSeq, h.seq)
	v := w.t.index.apply(&ref, ticket)
	w.publish()
	return v
}

// room makes sure that a record of n bytes fits into the active extent and its
// slots into the index, behind those of the batch.
func (w *writer) room(n int, hash uint64) error {
	if w.t.index.crowded(hash, len(w.batch.records)+1) {
		if err := w.flush(); err != nil {
			return err
		}
	}
	if len(w.batch.records) == 0 && w.t.index.crowded(hash, 1) {
		w.evictOldest()
		if w.t.index.crowded(hash, 1) {
			w.t.counters.indexFull.Add(1)
			return errDropped
		}
	}
	if w.active != nil && w.fits(n) {
		return nil
	}
	if pageSize+n+footerSize(1) > int(w.t.extentSize) {
		return errDropped // larger than any extent
	}
	if err := w.flush(); err != nil {
		return err
	}
	w.seal()
	return w.create()
}

func (w *writer) fits(n int) bool {
	records := len(w.refs) + len(w.batch.records) + 1
	return int64(w.end)*pageSize+int64(w.batch.length+n)+int64(footerSize(records)) <= w.t.extentSize
}

// create makes a new active extent, evicting for its space. When the file system
// is full although we are below our size, somebody else fills it: give way.
func (w *writer) create() error {
	// Readers hold what was evicted for a moment, stalled ones until they are cut: what
	// they hold from before takes room, what goes now will soon be free.
	held := w.t.extents.lingering.Load()
	for w.over(w.t.extentSize+held) && w.evictOldest() {
	}
	err := w.tryCreate()
	for range 2 {
		if err == nil || !noSpace(err) || !w.evictOldest() {
			break
		}
		err = w.tryCreate()
	}
	return err
}

// over reports whether more bytes would exceed the size of the disk.
func (w *writer) over(more int64) bool {
	_, bytes := w.t.extents.usage()
	return bytes+more > w.t.budget
}

func (w *writer) tryCreate() error {
	number := w.next
	w.next++ // a number is never used twice, not even when this fails
	h := extentHeader{
		number: number, generation: rand.Uint64() | 1, uuid: w.t.super.uuid,
		size: w.t.extentSize, created: time.Now().UnixNano(),
	}
	x := newExtent(w.t.fs, w.t.dir, number, h.size)
	if err := x.create(&h); err != nil {
		return err
	}
	w.t.extents.add(x)
	w.active, w.end, w.refs = x, 1, w.refs[:0]
	w.publish()
	return nil
}

// failed ends the active extent after a failed write: what that write left on the
// disk must stay behind the position of every removal to come.
func (w *writer) failed(err error) {
	w.abandon()
	w.t.breaker.trip(ReadOnly, err)
}

func (w *writer) abandon() {
	if w.active != nil {
		w.active.unsealed = append([]recordRef{}, w.refs...)
		w.active = nil
		w.publish()
	}
}

// seal gives the active extent its footer. One that cannot be sealed is scanned by
// the next start.
func (w *writer) seal() {
	if w.active == nil {
		return
	}
	x := w.active
	if len(w.refs) == 0 || !w.t.breaker.writable() {
		w.abandon()
		return
	}
	if err := x.seal(w.end, w.refs); err != nil {
		w.failed(err)
		return
	}
	w.t.wear.charge(int64(footerSize(len(w.refs))))
	w.active = nil
	w.dirty.CompareAndSwap(x, nil)
	w.sealed.Add(1)
	w.publish()
}

// sync makes everything written durable.
func (w *writer) sync() error {
	err := w.removals.sync()
	if w.active != nil && err == nil {
		err = w.syncActive()
	}
	if err != nil {
		w.failed(err)
	}
	return err
}

func (w *writer) syncActive() error {
	f, err := w.active.open()
	if err != nil {
		return err
	}
	w.dirty.CompareAndSwap(w.active, nil)
	return f.Sync()
}

// evictOldest drops the oldest extent that is not being written.
func (w *writer) evictOldest() bool {
	number, ok := w.t.extents.oldest()
	if !ok || w.active != nil && number == w.active.number {
		return false
	}
	x := w.t.extents.take(number)
	defer x.release()
	refs, err := x.unsealed, error(nil)
	if refs == nil {
		refs, err = x.footer()
	}
	if err != nil {
		w.t.index.sweep(number)
	}
	for i := range refs {
		w.t.index.forget(refs[i].hash, refs[i].stripe, refs[i].position())
	}
	x.lingers(&w.t.extents.lingering)
	if err := w.t.fs.Remove(x.path); err != nil {
		w.t.log.Warn("disk: cannot remove an extent", "path", x.path, "error", err)
	}
	w.t.counters.evictions.Add(1)
	return true
}

// commitRemovals writes removals to the log, durably when somebody waits, and
// forgets once more what a write under way may have revealed.
func (w *writer) commitRemovals(list []forget) {
	wait := false
	entries := make([]removal, 0, len(list))
	for _, f := range list {
		w.t.index.remove(f.hash, 0)
		entries = append(entries, removal{hash: f.hash, pos: w.here()})
		wait = wait || f.done != nil
	}
	if err := w.removals.append(entries, wait); err != nil {
		w.t.counters.writeErrors.Add(1)
		w.t.breaker.trip(ReadOnly, err)
	}
	w.t.counters.pendingRemovals.Store(int64(len(w.removals.pending)))
	for _, f := range list {
		if f.done != nil {
			close(f.done)
		}
	}
	w.shrinkRemovals()
}

// shrinkRemovals compacts the removal log when it has grown.
func (w *writer) shrinkRemovals() {
	if !w.removals.due() || !w.t.breaker.writable() {
		return
	}
	oldest, ok := w.t.extents.oldest()
	if !ok {
		oldest = w.next
	}
	if err := w.removals.shrink(oldest); err != nil {
		w.t.breaker.trip(ReadOnly, err)
	}
}

// raise sets a to n if that is more.
func raise(a *atomic.Uint64, n uint64) {
	for old := a.Load(); n > old; old = a.Load() {
		if a.CompareAndSwap(old, n) {
			return
		}
	}
}
