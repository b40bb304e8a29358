package cache

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"edged/cache/object"
)

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

// untilItWaits fills until a window ahead of the reader, and returns how many bytes
// that were. In a bubble time passes only while nobody can go on, however slow the
// machine is.
func untilItWaits(t *testing.T, f *Fill) (wrote int64) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	for {
		room, err := f.Buffer(ctx)
		if err != nil {
			return wrote
		}
		f.Advance(len(room))
		wrote += int64(len(room))
	}
}

// What nobody can fetch again is not evicted before the fastest reader has had it.
func TestUnreadBlocksOfAnUnrepeatableBodyStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t, Options{Window: 8 * object.BlockSize})
		f := s.lead(key)
		o := f.Start(&object.Meta{Size: -1}, 0)
		var r Reader
		r.Open(o, 0, -1)
		f.Leave()
		wrote := untilItWaits(t, f)
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
	})
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
