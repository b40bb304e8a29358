package cache

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"edged/cache/object"
)

// Each test here is a suspicion about package cache that was, or could have been,
// true.

// again joins key after what is stored there was found wanting.
func (s *store) again(key string) *Fill {
	s.Helper()
	o, _ := s.lookup(key)
	f, leader, _ := s.Join([]byte(key), o.Meta(), 1)
	if !leader {
		s.Fatal("no leader")
	}
	return f
}

// evictAll makes the RAM tier evict everything that can be.
func (s *store) evictAll() {
	s.Helper()
	s.index.each(func(o *Object) bool {
		table := *o.slots.Load()
		for i := range table {
			if sl := table[i].Load(); sl != nil && sl.done.Load() {
				s.evict(sl)
			}
		}
		return true
	})
}

// evict is what the RAM tier does with one block.
func (s *store) evict(sl *slot) {
	s.Cache.ram.Remove(sl.block)
	sl.Evicted(sl.block)
}

func TestReplacedVersionsAreCollected(t *testing.T) {
	s := newStore(t, Options{})
	first := weak.Make(s.fillWhole(key, pattern(100), 0))
	for range 3 {
		s.evictAll() // the policy forgets the blocks, which name their object
		f, _, _ := s.Join([]byte(key), nil, 1)
		if f == nil {
			f = s.again(key)
		}
		f.Start(&object.Meta{Size: 3}, 0)
		if err := write(f, []byte("new")); err != nil {
			t.Fatal(err)
		}
		if err := f.Commit(nil, false); err != nil {
			t.Fatal(err)
		}
		f.Leave()
	}
	old, _ := s.lookup(key)
	f := s.again(key)
	f.Start(&object.Meta{Size: 0}, 0)
	if err := f.Commit(nil, false); err != nil {
		t.Fatal(err)
	}
	f.Leave()
	before := weak.Make(old)
	old.discard()
	old = nil
	runtime.GC()
	now, _ := s.lookup(key)
	if first.Value() != nil || before.Value() != nil {
		t.Error("an object keeps the versions it replaced alive")
	}
	runtime.KeepAlive(now)
}

func TestSlotDroppedWhileTheTableGrows(t *testing.T) {
	s := newStore(t, Options{})
	for range 500 {
		o := newObject(s.Cache, object.HashString(1, key), key, &object.Meta{Size: -1})
		slots := make([]*slot, 9)
		for i := range slots {
			b, ok := s.Cache.ram.Alloc(1)
			if !ok {
				t.Fatal("no memory")
			}
			slots[i] = &slot{object: o, index: i, block: b}
		}
		o.place(slots[0])
		var both sync.WaitGroup
		both.Go(func() {
			for _, sl := range slots[1:] {
				o.place(sl)
			}
		})
		both.Go(func() { o.drop(slots[0]) })
		both.Wait()
		if o.slot(0) != nil {
			t.Fatal("an evicted block came back when the table grew")
		}
		if got := o.resident.Load(); got != 8 {
			t.Fatalf("%d blocks resident, want 8", got)
		}
		for _, sl := range slots {
			sl.block.Release()
		}
	}
}

// A reader at the edge of a block must never take what is being written for
// missing: an object without a validator would be cut.
func TestReaderAtTheEdgeOfABlockIsNotCut(t *testing.T) {
	s := newStore(t, Options{})
	want := pattern(2*object.BlockSize + 10)
	for round := range 4 {
		f := s.lead(key)
		o := f.Start(&object.Meta{Size: int64(len(want) * (1 - round%2*2)), Status: 200}, 0)
		if round%2 == 1 {
			o.size.Store(-1)
		}
		var readers sync.WaitGroup
		for range 4 {
			readers.Go(func() {
				got, err := read(o, 0, -1)
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("round %d: %d bytes, %v", round, len(got), err)
				}
			})
		}
		for i := 0; i < len(want); i += 65_536 {
			if err := write(f, want[i:min(i+65_536, len(want))]); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.Commit(nil, false); err != nil {
			t.Fatal(err)
		}
		f.Leave()
		readers.Wait()
		s.index.remove(o)
		o.discard()
	}
}

func TestReaderThatComesWithinTheWindowWakesTheFill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t, Options{Window: 2 * object.BlockSize})
		f := s.lead(key)
		o := f.Start(&object.Meta{Size: 20 * object.BlockSize, Freshness: object.Freshness{Flags: object.Resumable}}, 0)
		var slow Reader
		slow.Open(o, 0, -1)
		defer slow.Close()
		f.Leave()
		ended := make(chan error)
		go func() { ended <- write(f, make([]byte, 20*object.BlockSize)) }()
		synctest.Wait() // it waits for the slow reader
		begun := time.Now()
		var r Reader
		r.Open(o, f.Next(), f.Next()+1)
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(begun); d != 0 {
			t.Errorf("the first byte took %v although only a reader was missing", d)
		}
		r.Close()
		slow.Close()
		if err := <-ended; !errors.Is(err, ErrAbandoned) {
			t.Errorf("fill ended with %v", err)
		}
		if err := f.Commit(nil, true); err != nil {
			t.Error(err)
		}
	})
}

func TestAbandonedWithoutValidatorIsForgotten(t *testing.T) {
	for _, size := range []int64{20 * object.BlockSize, -1} {
		synctest.Test(t, func(t *testing.T) {
			s := newStore(t, Options{Window: 2 * object.BlockSize})
			f := s.lead(key)
			f.Start(&object.Meta{Size: size}, 0)
			f.Leave()
			if err := write(f, make([]byte, 20*object.BlockSize)); !errors.Is(err, ErrAbandoned) {
				t.Fatalf("write: %v", err)
			}
			if err := f.Commit(nil, true); err != nil {
				t.Error(err)
			}
			if o, _ := s.lookup(key); o != nil {
				t.Error("half an object is found, and nobody can complete it")
			}
			if used := s.Stats().RAM.Used; used != 0 {
				t.Errorf("%d bytes are kept of it", used)
			}
		})
	}
}

func TestAbortLeavesTheOldVersionOnDisk(t *testing.T) {
	s := newStore(t, Options{})
	want := pattern(object.BlockSize + 5)
	s.fillWhole(key, want, 0)
	f := s.again(key)
	f.Start(&object.Meta{Size: 100}, 0)
	f.Abort(io.ErrUnexpectedEOF)
	f.Leave()
	s.evictAll()
	o, tier := s.lookup(key)
	if o == nil {
		t.Fatal("the old version is lost")
	}
	if got, err := read(o, 0, -1); err != nil || !bytes.Equal(got, want) || tier != TierDisk {
		t.Errorf("old version from %v: %d bytes, %v", tier, len(got), err)
	}
}

func TestAbortDoesNotBringBackWhatWasEvicted(t *testing.T) {
	s := newStore(t, Options{})
	s.disk.refuse = true
	old := s.fillWhole(key, pattern(2*object.BlockSize), 0)
	f := s.again(key)
	f.Start(&object.Meta{Size: 100}, 0)
	s.evict(old.slot(1))
	f.Abort(io.ErrUnexpectedEOF)
	f.Leave()
	if o, _ := s.lookup(key); o != nil {
		t.Error("an object with a hole was brought back")
	}
	old.discard()
}

func TestAbortBeforeTheFirstBlockBringsTheOldVersionBack(t *testing.T) {
	s := newStore(t, Options{})
	want := pattern(1000)
	s.fillWhole(key, want, object.Resumable)
	f := s.again(key)
	f.Leave() // a validation in the background: nobody waits
	f.Start(&object.Meta{Size: 5000, Freshness: object.Freshness{Flags: object.Resumable}}, 0)
	f.Abort(io.ErrUnexpectedEOF)
	o, _ := s.lookup(key)
	if o == nil || o.Size() != 1000 {
		t.Fatalf("Lookup finds %+v", o)
	}
}

func TestEvictedWhileFillingLeavesTheIndex(t *testing.T) {
	s := newStore(t, Options{})
	s.disk.refuse = true
	f := s.lead(key)
	o := f.Start(&object.Meta{Size: 2 * object.BlockSize, Freshness: object.Freshness{Flags: object.Resumable}}, 0)
	f.Leave()
	if err := write(f, make([]byte, object.BlockSize+1)); err != nil {
		t.Fatal(err)
	}
	s.evict(o.slot(0))
	f.Abort(io.ErrUnexpectedEOF)
	if n := s.Stats().Objects; n != 0 {
		t.Errorf("%d objects in the index without a block in memory", n)
	}
}

func TestKillStopsTheOtherFillsAndWritesNothing(t *testing.T) {
	s := newStore(t, Options{Window: 2 * object.BlockSize})
	f := s.lead(key)
	size := int64(20 * object.BlockSize)
	o := f.Start(&object.Meta{Size: size, Freshness: object.Freshness{Flags: object.Resumable}}, 0)
	g, leader, err := o.FillFrom(8*object.BlockSize, -1)
	if err != nil || !leader {
		t.Fatal(leader, err)
	}
	if err := write(g, make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	g.Kill(errors.New("other version"))
	g.Leave()
	if err := write(f, make([]byte, object.BlockSize)); !errors.Is(err, ErrAbandoned) {
		t.Errorf("a fill of a broken object goes on: %v", err)
	}
	if err := f.Commit(nil, true); err != nil {
		t.Error(err)
	}
	f.Leave()
	if len(s.disk.records) != 0 {
		t.Error("a broken object was written to disk")
	}
	if used := s.Stats().RAM.Used; used != 0 {
		t.Errorf("%d bytes of it stay in memory", used)
	}
}

func TestKillOfAnOldVersionLeavesTheNewOneOnDisk(t *testing.T) {
	s := newStore(t, Options{})
	old := s.fillWhole(key, pattern(2*object.BlockSize), object.Resumable)
	f := s.again(key)
	f.Start(&object.Meta{Size: 3}, 0)
	if err := errors.Join(write(f, []byte("new")), f.Commit(nil, false)); err != nil {
		t.Fatal(err)
	}
	f.Leave()
	s.disk.mu.Lock()
	stored := s.disk.records[key].meta.Size
	s.disk.mu.Unlock()
	s.evict(old.slot(0))
	g, leader, err := old.FillFrom(0, -1)
	if err != nil || !leader || stored != 3 {
		t.Fatal(leader, err, stored)
	}
	g.Kill(errors.New("other version"))
	g.Leave()
	if _, ok := s.disk.Lookup(key); !ok {
		t.Error("the new version is gone from disk")
	}
}

func TestSharedTransientIsBounded(t *testing.T) {
	s := newStore(t, Options{})
	f := s.lead(key)
	g, _, _ := s.Join([]byte(key), nil, 1)
	o, _ := f.StartTransient(t.Context(), &object.Meta{Size: -1}, 0, true)
	var stalled, fast Reader
	stalled.Open(o, 0, -1)
	fast.Open(o, 0, -1)
	f.Leave()
	g.Leave()
	want := pattern(object.BlockSize)
	for range 24 { // MiB through a reader who keeps up
		if err := write(f, want); err != nil {
			t.Fatal(err)
		}
		for n := 0; n < len(want); {
			span, err := fast.Next()
			if err != nil {
				t.Fatal(err)
			}
			n += len(span)
		}
		if used := s.Stats().RAM.Used; used > MaxShared+2*object.BlockSize {
			t.Fatalf("one stalled reader holds %d bytes", used)
		}
	}
	if _, err := drain(&stalled); !errors.Is(err, ErrMissing) {
		t.Errorf("the reader left behind got %v", err)
	}
	if _, _, err := o.FillFrom(0, -1); !errors.Is(err, ErrCut) {
		t.Errorf("FillFrom of what was only passed through: %v", err)
	}
	if err := f.Commit(nil, false); err != nil {
		t.Error(err)
	}
	if rest, err := drain(&fast); err != nil || len(rest) != 0 {
		t.Errorf("the reader that kept up: %d bytes more, %v", len(rest), err)
	}
	stalled.Close()
	fast.Close()
	if used := s.Stats().RAM.Used; used != 0 {
		t.Errorf("%d bytes stay", used)
	}
}

func TestFreshenedWhileItGetsItsLength(t *testing.T) {
	s := newStore(t, Options{})
	for range 200 {
		f := s.lead(key)
		o := f.Start(&object.Meta{Size: -1}, 0)
		if err := write(f, []byte("manifest")); err != nil {
			t.Fatal(err)
		}
		var both sync.WaitGroup
		both.Go(func() { s.freshen(&Fill{seq: s.purges.table.Next()}, o, &object.Meta{Status: 200}) })
		both.Go(func() {
			if err := f.Commit(nil, false); err != nil {
				t.Error(err)
			}
		})
		both.Wait()
		f.Leave()
		if m := o.Meta(); m.Size != 8 || o.Size() != 8 {
			t.Fatalf("metadata say %d bytes, object %d", m.Size, o.Size())
		}
		s.index.remove(o)
		o.discard()
	}
}

func TestMarkersFromDiskAreEvictable(t *testing.T) {
	s := newStore(t, Options{})
	s.fillWhole(key, nil, object.VaryMarker)
	s.evictAll()
	for range 2 {
		if o, _, resolved := s.Lookup([]byte(key), language("nl"), nil); o != nil || len(resolved) <= len(key) {
			t.Fatalf("Lookup under a marker: %v, %q", o, resolved)
		}
	}
	if n := s.Stats().Objects; n != 1 {
		t.Fatalf("%d objects, want the marker", n)
	}
	s.evictAll()
	if n := s.Stats().Objects; n != 0 {
		t.Errorf("%d objects stay in the index when everything is evicted", n)
	}
}

func TestOpenReaderKeepsASmallObject(t *testing.T) {
	s := newStore(t, Options{})
	s.disk.refuse = true
	want := pattern(1000)
	o := s.fillWhole(key, want, 0)
	var r Reader
	r.Open(o, 0, -1)
	defer r.Close()
	pinned := o.slot(0)
	if !pinned.block.Retain() {
		t.Fatal("not resident")
	}
	pinned.block.Release()
	s.Cache.ram.Remove(pinned.block) // evicted between header and body, its slot goes in a moment
	if got, err := drain(&r); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func TestReadableSeesHoles(t *testing.T) {
	s := newStore(t, Options{})
	o := s.fillWhole(key, pattern(3*object.BlockSize), 0)
	if !o.Readable() {
		t.Error("a whole object is not readable")
	}
	s.evict(o.slot(1))
	if !o.Readable() {
		t.Error("not readable although the disk has the block")
	}
	s.disk.Remove(key)
	if o.Readable() {
		t.Error("readable although a block is gone")
	}
	if now, _ := s.lookup(key); now != nil {
		t.Error("still found")
	}
	o.discard()
}

func TestReserveFailsBeforeTheHeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t, Options{})
		var held []interface{ Release() }
		for {
			b, ok := s.Cache.ram.Alloc(object.BlockSize)
			if !ok {
				break
			}
			held = append(held, b)
		}
		f := s.lead(key)
		err := f.Reserve(context.Background(), 100*object.BlockSize, 0)
		if !errors.Is(err, ErrNoMemory) {
			t.Fatalf("Reserve: %v", err)
		}
		f.Abort(err)
		if !errors.Is(f.Err(), ErrNoMemory) {
			t.Errorf("followers get %v", f.Err())
		}
		f.Leave()
		for _, b := range held {
			b.Release()
		}
		f = s.lead(key) // the node recovers
		if err := f.Reserve(context.Background(), 1000, 0); err != nil {
			t.Fatal(err)
		}
		f.Abort(io.ErrUnexpectedEOF) // and gives back what it did not use
		f.Leave()
	})
}

func TestValidateDoesNotQueueUpBehindPrivateAnswers(t *testing.T) {
	s := newStore(t, Options{})
	o := s.fillWhole(key, []byte("old"), 0)
	f := s.Validate([]byte(key), o.Meta(), 1)
	if f == nil {
		t.Fatal("nobody validates")
	}
	if s.Validate([]byte(key), o.Meta(), 1) != nil {
		t.Error("two validate at once")
	}
	f.DontCollapse(1)
	f.StartTransient(t.Context(), &object.Meta{Size: 0}, 0, false)
	if err := f.Commit(nil, false); err != nil {
		t.Error(err)
	}
	f.Leave()
	if s.Validate([]byte(key), o.Meta(), 2) != nil {
		t.Error("asks again at once what could not be shared")
	}
	if f = s.Validate([]byte(key), o.Meta(), 2+int64(privateFor)); f == nil {
		t.Error("never asks again")
	} else {
		f.Abort(io.ErrUnexpectedEOF)
		f.Leave()
	}
}

// Between a reader's look at the blocks and its look at the fills a fill may
// write its last bytes and end.
func TestFillThatEndsUnderTheEyesOfAReader(t *testing.T) {
	s := newStore(t, Options{})
	f := s.lead(key)
	o := f.Start(&object.Meta{Size: -1}, 0)
	var r Reader
	r.Open(o, 0, -1)
	defer r.Close()
	if err := errors.Join(write(f, []byte("body")), f.Commit(nil, false)); err != nil {
		t.Fatal(err)
	}
	f.Leave()
	for _, off := range []int64{3, 4} {
		if what, err := r.outlook(off); what != here || err != nil {
			t.Errorf("at %d of 4 the reader thinks: %d, %v", off, what, err)
		}
		if g, _, err := o.FillFrom(off, -1); g != nil || err != nil {
			t.Errorf("at %d of 4: fill %v, %v", off, g, err)
		}
	}
}

// What nobody can fetch again is not evicted before the fastest reader has had it.
func TestUnreadBlocksOfAnUnrepeatableBodyStay(t *testing.T) {
	s := newStore(t, Options{Window: 8 * object.BlockSize})
	f := s.lead(key)
	o := f.Start(&object.Meta{Size: -1}, 0)
	var r Reader
	r.Open(o, 0, -1)
	f.Leave()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	var wrote int64
	for {
		room, err := f.Buffer(ctx)
		if err != nil {
			break // a window ahead of the reader
		}
		f.Advance(len(room))
		wrote += int64(len(room))
	}
	if wrote != heldWindow {
		t.Errorf("the fill is %d bytes ahead, want %d", wrote, heldWindow)
	}
	held := 0
	for { // pressure
		b, ok := s.Cache.ram.Alloc(object.BlockSize)
		if !ok {
			break
		}
		held++
		defer b.Release()
	}
	if held == 0 {
		t.Fatal("no pressure")
	}
	for n := int64(0); n < wrote; {
		span, err := r.Next()
		if err != nil {
			t.Fatalf("at %d of %d: %v", n, wrote, err)
		}
		n += int64(len(span))
	}
	r.Close()
	f.Abort(io.ErrUnexpectedEOF)
	if n := s.Stats().Objects; n != 0 {
		t.Errorf("%d objects", n)
	}
}

// Somebody far ahead in a film is served by another fill: he must not make the one
// behind him run away from its own viewer, nor keep it when that one has left.
func TestReaderElsewhereDoesNotPaceAFill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t, Options{Window: 2 * object.BlockSize})
		f := s.lead(key)
		o := f.Start(&object.Meta{Size: 100 * object.BlockSize, Freshness: object.Freshness{Flags: object.Resumable}}, 0)
		var here, ahead Reader
		here.Open(o, 0, -1)
		ahead.Open(o, 80*object.BlockSize, -1)
		defer here.Close()
		defer ahead.Close()
		f.Leave()
		ended := make(chan error)
		go func() { ended <- write(f, make([]byte, 100*object.BlockSize)) }()
		synctest.Wait()
		if n := f.Next(); n != 2*object.BlockSize {
			t.Errorf("the fill is at %d although its viewer is at 0", n)
		}
		here.Close()
		if err := <-ended; !errors.Is(err, ErrAbandoned) {
			t.Errorf("without its viewer the fill ended with %v", err)
		}
		if err := f.Commit(nil, true); err != nil {
			t.Error(err)
		}
	})
}
