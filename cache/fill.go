package cache

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync/atomic"
	"time"

	"edged/cache/object"
	"edged/cache/ram"
)

// What can end a fill or a reader early.
var (
	// ErrCut is what readers of a broken object get: the body is not whole.
	ErrCut = errors.New("cache: fill was aborted")
	// ErrMissing means that a block is neither in memory nor on disk nor on its
	// way: the caller must fill it.
	ErrMissing = errors.New("cache: block is missing")
	// ErrAbandoned tells the leader to stop: nobody reads, and what is left is too
	// much to fetch on suspicion. Committing keeps the whole blocks.
	ErrAbandoned = errors.New("cache: fill has no readers left")
	// ErrNoMemory means that readers pin the whole arena.
	ErrNoMemory = errors.New("cache: no free memory")
	// ErrTooLong means that a body outgrew its announced length.
	ErrTooLong = errors.New("cache: body is longer than announced")
	// ErrStalled means that a reader waited too long for the next byte.
	ErrStalled = errors.New("cache: fill makes no progress")
)

// firstBuffer is what a body of unknown length gets at first; it grows eightfold
// up to a block, so that a small chunked playlist does not need a whole block.
const firstBuffer = 32 << 10

// Fill is one fetch on behalf of everybody who wants the same bytes. Its leader
// writes, followers wait on Ready and then read the object.
type Fill struct {
	c     *Cache
	id    object.ID
	key   object.Key
	table object.ID // under which it was joined
	seq   uint64    // number at which it began, compared with purges; 0 for a range

	ready    chan struct{} // closed when the header, or that there is none, is known; nil for a range
	followed atomic.Bool   // somebody joined before the header was there
	storage  Storage
	waiting  atomic.Int32 // joined, but not reading yet: nothing may be trimmed
	cancel   context.CancelFunc

	// Set before ready is closed.
	obj    *Object
	err    error
	shared bool
	status int

	// The body; used by the leader only, but for next.
	start int64        // offset of the first byte written
	next  atomic.Int64 // offset of the next byte to write
	limit int64        // end of this fill's range, -1 for the end of the body
	slot  *slot        // the block being written
	prev  *Object      // what the new object replaced: an abort brings it back; nil at the end
	spare *ram.Block   // reserved for the first block
	held  []*slot      // whole, but not evictable before somebody has read them
	ended bool
}

// Key returns the full cache key.
func (f *Fill) Key() object.Key { return f.key }

// Ready is closed when Object and Err are valid.
func (f *Fill) Ready() <-chan struct{} { return f.ready }

// Object returns what the fetch made: a new object, or the stored one freshened.
func (f *Fill) Object() *Object { return f.obj }

// Err returns why there is no object.
func (f *Fill) Err() error { return f.err }

// Shared reports whether followers may have the object; if not they fetch for
// themselves.
func (f *Fill) Shared() bool { return f.shared }

// SetStatus notes the status of the origin's answer; the leader calls it before
// the header is published.
func (f *Fill) SetStatus(status int) { f.status = status }

// Status returns the status of the origin's answer, valid after Ready.
func (f *Fill) Status() int { return f.status }

// Prefix calls look with what has been written of the first block, for a glance
// into a small body; with nothing when the block is no longer in memory. The bytes
// are borrowed for the call. Only the leader calls it.
func (f *Fill) Prefix(look func([]byte)) {
	s := f.obj.slot(0)
	if s == nil || !s.block.Retain() {
		look(nil)
		return
	}
	defer s.block.Release()
	look(s.block.Buffer()[:s.ready.Load()])
}

// Next returns the offset of the next byte the leader has to write.
func (f *Fill) Next() int64 { return f.next.Load() }

// Limit returns the end of the range to fetch, -1 for the end of the body.
func (f *Fill) Limit() int64 { return f.limit }

// Leave ends the caller's membership in the fill, as leader or follower. Every
// Join and FillFrom is followed by exactly one Leave, after the caller opened its
// Reader or gave up.
func (f *Fill) Leave() {
	f.waiting.Add(-1)
	o := f.published()
	if o == nil {
		return
	}
	o.room.broadcast()
	if o.transient {
		o.releaseTransient()
	}
}

// published returns the object, nil while the header is not known.
func (f *Fill) published() *Object {
	if f.ready != nil {
		select {
		case <-f.ready:
		default:
			return nil
		}
	}
	return f.obj
}

// OnStop sets what stops the fetch when nobody wants its bytes any more. The
// leader calls it before it starts the fill.
func (f *Fill) OnStop(cancel context.CancelFunc) { f.cancel = cancel }

func (f *Fill) stop() {
	if f.cancel != nil {
		f.cancel()
	}
}

// Start publishes the header of a response with a body that is stored under the
// fill's key and may be shared. offset is where the first byte written belongs. What
// was purged since the fill began goes to those who wait for it, and is not stored.
func (f *Fill) Start(m *object.Meta, offset int64) *Object {
	o := f.c.newVersion(f, m)
	f.adopt(o, offset, true)
	if o.orphan = f.c.superseded(f, m); !o.orphan {
		prev, ok := f.c.index.put(o)
		f.prev, o.orphan = prev, !ok
	}
	f.publish()
	return o
}

// StartTransient publishes the header of a response that is only passed through.
// Followers may share it when shared is true. Its blocks cannot be evicted: when
// such responses hold much already and go on doing so, because their clients are
// slow, it is refused with ErrNoMemory while there is still room for those that have
// begun.
func (f *Fill) StartTransient(ctx context.Context, m *object.Meta, offset int64, shared bool) (*Object, error) {
	if err := patiently(ctx, func() bool { return f.c.passing.fits(f.c.passing.max / 2) }); err != nil {
		return nil, err
	}
	o := f.c.newVersion(f, m)
	o.transient = true
	f.adopt(o, offset, shared)
	f.publish()
	return o, nil
}

func (f *Fill) adopt(o *Object, offset int64, shared bool) {
	f.obj, f.shared, o.maker = o, shared, f
	f.start = offset
	f.next.Store(offset)
	o.mu.Lock()
	o.attachLocked(f)
	o.mu.Unlock()
}

// Freshened publishes that the stored object is good again with metadata m, and
// ends the fill. It reports false, and does nothing, when the object was purged
// since: the leader has to fetch it anew.
func (f *Fill) Freshened(o *Object, m *object.Meta) bool {
	if !f.c.freshen(f, o, m) {
		return false
	}
	f.obj, f.shared = o, true
	f.endOnce()
	f.publish()
	return true
}

// Fail publishes that there is no response, and ends the fill.
func (f *Fill) Fail(err error) {
	f.err, f.shared = err, true
	f.endOnce()
	f.publish()
}

// publish lets followers go on. Whoever comes later finds the object in the index.
func (f *Fill) publish() {
	if f.ready != nil {
		f.c.released(f)
		close(f.ready)
	}
}

// Buffer returns room for the next bytes of the body, in the arena. It waits while
// the fill is a whole window ahead of its fastest reader, and for memory. The
// room stays the leader's until the next call of a method of the fill.
// At the end of the range the room is empty.
func (f *Fill) Buffer(ctx context.Context) ([]byte, error) {
	if f.slot == nil {
		if f.atEnd() {
			return nil, nil
		}
		if err := f.open(ctx); err != nil {
			return nil, err
		}
	}
	if int(f.slot.ready.Load()) == f.capacity() {
		if err := f.grow(ctx); err != nil {
			return nil, err
		}
	}
	return f.slot.block.Buffer()[f.slot.ready.Load():f.capacity()], nil
}

// atEnd reports whether all bytes of the range are written.
func (f *Fill) atEnd() bool {
	end := f.limit
	if size := f.obj.Size(); end < 0 {
		end = size
	}
	return end >= 0 && f.next.Load() >= end
}

// capacity is how much of the current block's buffer may be used.
func (f *Fill) capacity() int {
	n := len(f.slot.block.Buffer())
	if size := f.obj.Size(); size >= 0 {
		n = min(n, object.BlockLen(size, f.slot.index))
	}
	return min(n, object.BlockSize)
}

// open starts the next block.
func (f *Fill) open(ctx context.Context) error {
	if err := f.awaitRoom(ctx); err != nil {
		return err
	}
	if len(f.held) > 0 {
		from, _ := f.obj.keeps(f)
		f.settle(from)
	}
	o, i := f.obj, int(f.next.Load()/object.BlockSize)
	if o.slot(i) != nil || o.failure() != nil {
		return ErrAbandoned // somebody else filled what comes next, or broke the object
	}
	b, err := f.firstOrNew(ctx, i)
	if err != nil {
		return err
	}
	s := &slot{object: o, index: i, source: TierOrigin, block: b}
	if !o.place(s) {
		b.Release()
		return ErrAbandoned
	}
	f.slot = s
	return nil
}

// Reserve takes the memory for the first block of a body of size bytes (-1:
// unknown) that begins at offset. A leader who calls it before the header is
// published learns in time that there is no memory: then viewers get an error
// instead of a body that breaks off.
func (f *Fill) Reserve(ctx context.Context, size, offset int64) (err error) {
	if size != 0 && f.spare == nil {
		f.spare, err = f.c.alloc(ctx, bufferFor(size, int(offset/object.BlockSize)))
	}
	return err
}

// firstOrNew returns the reserved block, once, or a new one for block i.
func (f *Fill) firstOrNew(ctx context.Context, i int) (*ram.Block, error) {
	if b := f.spare; b != nil {
		f.spare = nil
		return b, nil
	}
	return f.alloc(ctx, bufferFor(f.obj.Size(), i))
}

// alloc takes a block for the body, of what may be passed through if it is that.
func (f *Fill) alloc(ctx context.Context, n int) (*ram.Block, error) {
	if f.obj.transient {
		return f.c.allocWithin(ctx, &f.c.passing, n)
	}
	return f.c.alloc(ctx, n)
}

// bufferFor is how much room block i of a body of size bytes gets at first.
func bufferFor(size int64, i int) int {
	if size < 0 {
		return firstBuffer
	}
	return object.BlockLen(size, i)
}

// grow moves the current block of a body of unknown length to a larger buffer.
func (f *Fill) grow(ctx context.Context) error {
	old := f.slot
	have := int(old.ready.Load())
	if have >= object.BlockSize || f.obj.Size() >= 0 {
		return fmt.Errorf("%w: block %d", ErrTooLong, old.index)
	}
	b, err := f.alloc(ctx, min(8*have, object.BlockSize))
	if err != nil {
		return err
	}
	copy(b.Buffer(), old.block.Buffer()[:have])
	f.replace(old, b)
	old.block.Release()
	return nil
}

// replace puts the bytes of slot old, now in block b, in its place.
func (f *Fill) replace(old *slot, b *ram.Block) {
	s := &slot{object: f.obj, index: old.index, source: old.source, block: b}
	s.ready.Store(old.ready.Load())
	f.slot = s
	f.obj.swap(old, s)
}

// Advance publishes the next n bytes of the room that Buffer returned.
func (f *Fill) Advance(n int) {
	if n <= 0 {
		return
	}
	// First the bytes, then how far the fill is: seen the other way round, a block
	// that is neither ready nor still coming looks as if it were missing.
	s := f.slot
	ready := s.ready.Add(int32(n))
	f.next.Add(int64(n))
	if f.blockIsWhole(s, int(ready)) {
		f.finish()
	}
	f.obj.progress.broadcast()
}

func (f *Fill) blockIsWhole(s *slot, ready int) bool {
	if size := f.obj.Size(); size >= 0 {
		return ready == object.BlockLen(size, s.index)
	}
	return ready == object.BlockSize
}

// finish hands the whole current block to the RAM tier.
func (f *Fill) finish() {
	s, o := f.slot, f.obj
	f.slot = nil
	if o.transient {
		s.done.Store(true)
		return
	}
	f.hold(s)
	if (s.index+1)%object.StripeBlocks == 0 {
		o.spillEarly(s.index / object.StripeBlocks)
	}
}

// hold takes a whole block into those that are not evictable before somebody has
// read them, if that is somebody's next, and hands it to the RAM tier otherwise.
func (f *Fill) hold(s *slot) {
	from, to := f.obj.keeps(f)
	f.settle(from)
	if int64(s.index)*object.BlockSize >= to || int64(s.index+1)*object.BlockSize <= from {
		f.c.settle(s)
		return
	}
	if !f.c.held.take(int64(s.block.Weight())) {
		f.c.settle(s) // whoever reads it in time is served, others fetch it again
		return
	}
	s.done.Store(true)
	f.held = append(f.held, s)
}

// settle hands the blocks that end at or before offset to the RAM tier.
func (f *Fill) settle(offset int64) {
	n := 0
	for n < len(f.held) && int64(f.held[n].index+1)*object.BlockSize <= offset {
		f.c.held.add(-int64(f.held[n].block.Weight()))
		f.c.settle(f.held[n])
		n++
	}
	f.held = slices.Delete(f.held, 0, n)
}

// Commit ends the fill: everything it was asked for has been written. With m the
// metadata are replaced by it (its Size is ignored). A body of unknown length has
// now its length. Committing a fill that Buffer ended with ErrAbandoned keeps its
// whole blocks. Committing short of the announced length is an abort.
func (f *Fill) Commit(m *object.Meta, abandoned bool) error {
	if !abandoned && f.obj.Size() >= 0 && !f.atEnd() {
		err := fmt.Errorf("%w: body ended at byte %d of %d", ErrCut, f.next.Load(), f.obj.Size())
		f.Abort(err)
		return err
	}
	if f.ended {
		return nil
	}
	o := f.obj
	if abandoned && !o.resumable() {
		f.Abort(ErrAbandoned) // nobody can ever complete it
		return nil
	}
	if abandoned {
		f.dropPartial()
	} else {
		f.conclude(m)
	}
	f.endOnce()
	f.prev = nil // or every version would keep all those before it
	f.detach()
	if !abandoned || o.resumable() {
		o.spillRest()
	}
	return nil
}

// conclude settles the last block and the length.
func (f *Fill) conclude(m *object.Meta) {
	o := f.obj
	if o.Size() < 0 {
		f.fixSize(m)
	} else if m != nil {
		o.replaceMeta(m, o.Size())
	}
	if f.slot != nil {
		f.finish()
	}
	if o.Size() == 0 && !o.transient {
		f.c.anchor(o)
	}
}

// fixSize shrinks the last block to its content and publishes the length.
func (f *Fill) fixSize(m *object.Meta) {
	o, size := f.obj, f.next.Load()
	if f.slot != nil {
		old := f.slot
		if b := f.c.ram.Shrink(old.block, int(old.ready.Load())); b != old.block {
			f.replace(old, b)
		}
	}
	if m == nil {
		m = o.Meta()
	}
	o.replaceMeta(m, size)
}

// Abort ends the fill: its bytes are not what was promised. A resumable object
// keeps its whole blocks, and its readers fill what is missing again; any other,
// and one that has neither a block nor a reader, is broken: its readers are cut, and
// what it replaced comes back if it is still whole.
func (f *Fill) Abort(err error) {
	if f.ended {
		return
	}
	if f.obj == nil {
		f.Fail(err)
		return
	}
	f.endOnce()
	o, prev := f.obj, f.prev
	f.prev = nil
	f.dropPartial()
	if o.resumable() && !errors.Is(err, ErrTooLong) && !(f == o.maker && o.unused()) {
		f.detach()
		return
	}
	current := f.c.index.remove(o)
	f.c.forgetDisk(o)
	o.fail(errors.Join(ErrCut, err))
	f.detach()
	if current && prev != nil && (prev.resumable() || prev.complete()) {
		f.c.index.putIfAbsent(prev)
	}
}

// Kill ends the fill and breaks the object: the origin has another version now,
// and bytes of two versions must never meet.
func (f *Fill) Kill(err error) {
	if f.ended {
		return
	}
	f.endOnce()
	f.dropPartial()
	f.c.forgetDisk(f.obj)
	f.obj.fail(errors.Join(ErrCut, err))
	f.detach()
}

func (f *Fill) endOnce() {
	f.ended = true
	f.c.fills.Add(-1)
	f.settle(math.MaxInt64)
	if f.spare != nil {
		f.spare.Release()
		f.spare = nil
	}
}

// dropPartial lets go of the block that was being written.
func (f *Fill) dropPartial() {
	if s := f.slot; s != nil {
		f.slot = nil
		f.obj.drop(s)
		s.block.Release()
	}
}

// detach takes the fill off its object.
func (f *Fill) detach() {
	o := f.obj
	o.mu.Lock()
	for i, g := range o.fills {
		if g == f {
			o.fills = slices.Delete(o.fills, i, i+1)
			break
		}
	}
	o.filling.Store(int32(len(o.fills)))
	o.mu.Unlock()
	o.end()
	o.progress.broadcast()
	if o.transient {
		o.releaseTransient()
	}
}

// awaitRoom waits until the fill may run on: a window bounds how far it gets ahead
// of its fastest reader.
func (f *Fill) awaitRoom(ctx context.Context) error {
	var grace *time.Timer
	for {
		room := f.obj.room.arm()
		ok, idle := f.obj.mayRun(f)
		if ok {
			return nil
		}
		if idle && f.obj.transient {
			return ErrAbandoned
		}
		if grace == nil {
			grace = time.NewTimer(f.c.linger)
			defer grace.Stop()
		}
		select {
		case <-room:
			grace.Reset(f.c.linger) // whoever left may be back in a moment
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-grace.C:
			if idle {
				return ErrAbandoned
			}
			grace.Reset(f.c.linger)
		}
	}
}
