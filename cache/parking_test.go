package cache

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"testing"

	"edged/cache/object"
)

// TestStalledReadersDoNotPinTheTier parks many more readers than there are blocks
// and looks whether others still get memory, and the stalled ones their bytes.
func TestStalledReadersDoNotPinTheTier(t *testing.T) {
	s := newStore(t, Options{})
	const stalled = 300
	data := pattern(object.BlockSize)
	readers := make([]Reader, stalled)
	for i := range readers {
		r := &readers[i]
		o := s.fillWhole(fmt.Sprint("k", i), data, object.Resumable)
		r.Open(o, 0, -1)
		defer r.Close()
		span, err := r.Next()
		if err != nil || len(span) != len(data) {
			t.Fatalf("reader %d: %d bytes, %v", i, len(span), err)
		}
		r.Park()
		if p := s.Stats().Parked; p.Bytes > p.Max || p.Max != arenaSize/parkedShare {
			t.Fatalf("%d parked readers hold %d bytes, want at most %d", i+1, p.Bytes, p.Max)
		}
	}
	p := s.Stats()
	if p.Parked.Taken != stalled-uint64(p.Parked.Readers) || p.Parked.Readers != arenaSize/parkedShare/object.BlockSize {
		t.Errorf("%d readers kept their pins and %d lost them, of %d", p.Parked.Readers, p.Parked.Taken, stalled)
	}
	if p.RAM.AllocFailures != 0 {
		t.Errorf("%d allocations failed", p.RAM.AllocFailures)
	}
	for i := range readers {
		r := &readers[i]
		if !r.Resume() {
			r.Unread(1000) // the kernel took the rest
			got, err := drain(r)
			if err != nil || !bytes.Equal(got, data[len(data)-1000:]) {
				t.Fatalf("reader %d went on with %d bytes, %v", i, len(got), err)
			}
		}
		r.Close()
	}
}

// TestParkedLongestLosesItsPin: those that move keep theirs.
func TestParkedLongestLosesItsPin(t *testing.T) {
	s := newStore(t, Options{})
	s.parking.max = 2 * object.BlockSize
	o := s.fillWhole("k", pattern(object.BlockSize), 0)
	var slow, moving, last Reader
	for _, r := range []*Reader{&slow, &moving, &last} {
		r.Open(o, 0, -1)
		defer r.Close()
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	slow.Park()
	moving.Park()
	if !moving.Resume() {
		t.Error("a pin was taken within the bound")
	}
	moving.Park()
	last.Park()
	if slow.Resume() {
		t.Error("the reader that waited longest kept its pin beyond the bound")
	}
	if !moving.Resume() || !last.Resume() {
		t.Error("a reader that moved lost its pin")
	}
	slow.Unread(object.BlockSize)
	if got, err := drain(&slow); err != nil || len(got) != object.BlockSize {
		t.Errorf("without its pin the reader got %d bytes, %v", len(got), err)
	}
}

// TestParkedWithoutWayBackIsCut: what can neither be found nor fetched again breaks
// off, it does not end.
func TestParkedWithoutWayBackIsCut(t *testing.T) {
	s := newStore(t, Options{})
	s.disk.fail(false, true)
	s.parking.max = 0
	o := s.fillWhole("k", pattern(object.BlockSize), 0)
	var r Reader
	r.Open(o, 0, -1)
	defer r.Close()
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	r.Park()
	s.evict(o.slot(0))
	if r.Resume() {
		t.Fatal("a pin was kept although none may be")
	}
	r.Unread(10)
	if _, err := r.Next(); err != ErrMissing {
		t.Errorf("Next = %v, want ErrMissing", err)
	}
	if _, _, err := o.FillFrom(r.Offset(), -1); err != ErrCut {
		t.Errorf("FillFrom = %v, want ErrCut", err)
	}
}

// TestParkedIsEndedByCloseAndNext: a write that panics does not resume.
func TestParkedIsEndedByCloseAndNext(t *testing.T) {
	s := newStore(t, Options{})
	o := s.fillWhole("k", pattern(2*object.BlockSize), 0)
	var r Reader
	r.Open(o, 0, -1)
	for range 2 {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		r.Park()
	}
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("Next = %v, want io.EOF", err)
	}
	r.Open(o, 0, -1)
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	r.Park()
	r.Close()
	if p := s.Stats().Parked; p.Readers != 0 || p.Bytes != 0 {
		t.Errorf("parked after all readers are closed: %+v", p)
	}
}

// TestFillsHoldWithinTheirBudget: fills whose readers stall do not pin the tier.
func TestFillsHoldWithinTheirBudget(t *testing.T) {
	s := newStore(t, Options{Window: 4 * object.BlockSize})
	const fills, size = 40, 16 * object.BlockSize
	data := pattern(size)
	for i := range fills {
		f := s.lead(fmt.Sprint("k", i))
		o := f.Start(&object.Meta{Account: "a", Status: 200, Size: size, Freshness: object.Freshness{Flags: object.Resumable}}, 0)
		var r Reader
		r.Open(o, 0, -1)
		defer r.Close()
		f.Leave()
		if err := write(f, data[:4*object.BlockSize]); err != nil {
			t.Fatalf("fill %d: %v", i, err)
		}
		if h := s.Stats().Held; h.Used > h.Max {
			t.Fatalf("%d fills hold %d bytes, want at most %d", i+1, h.Used, h.Max)
		}
		defer f.Commit(nil, true) //nolint:errcheck // cannot fail
	}
	if st := s.Stats(); st.Held.Used == 0 || st.RAM.AllocFailures != 0 {
		t.Errorf("held %d bytes, %d failures", st.Held.Used, st.RAM.AllocFailures)
	}
}

// TestPassingIsRefusedBeforeOthersSuffer: what cannot be evicted is bounded before
// its header is published.
func TestPassingIsRefusedBeforeOthersSuffer(t *testing.T) {
	s := newStore(t, Options{})
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	var refused int
	for i := range 64 {
		f := s.lead(fmt.Sprint("k", i))
		o, err := f.StartTransient(impatient, &object.Meta{Size: -1, Status: 200}, 0, false)
		if err != nil {
			f.Fail(err)
			f.Leave()
			refused++
			continue
		}
		var r Reader
		r.Open(o, 0, -1)
		f.Leave()
		if err := write(f, pattern(object.BlockSize)); err != nil {
			t.Fatalf("fill %d: %v", i, err)
		}
		defer r.Close()
		defer f.Abort(io.ErrUnexpectedEOF)
	}
	if p := s.Stats().Passing; refused < 32 || p.Used > p.Max {
		t.Errorf("%d of 64 were refused with %d bytes of at most %d held", refused, p.Used, p.Max)
	}
	if b, err := s.alloc(context.Background(), object.BlockSize); err != nil {
		t.Errorf("no memory for others: %v", err)
	} else {
		b.Release()
	}
}

// TestEvictedWhileItWaitsToBeWritten: neither RAM nor disk has it, the queue does.
func TestEvictedWhileItWaitsToBeWritten(t *testing.T) {
	for _, written := range []bool{true, false} {
		t.Run(fmt.Sprint("written ", written), func(t *testing.T) {
			s := newStore(t, Options{})
			s.disk.delay(true)
			data := pattern(object.BlockSize + 77)
			o := s.fillWhole("k", data, 0)
			for i := range 2 {
				s.evict(o.slot(i))
			}
			if found, _ := s.lookup("k"); found != o || !o.Readable() {
				t.Fatal("what waits to be written is not found")
			}
			if got, err := read(o, 0, -1); err != nil || !bytes.Equal(got, data) {
				t.Fatalf("read %d bytes, %v", len(got), err)
			}
			s.disk.fail(false, !written)
			s.disk.delay(false)
			if n := o.resident.Load(); n != 0 {
				t.Fatalf("%d blocks stay in memory after they were written", n)
			}
			found, _ := s.lookup("k")
			if ok := found != nil && found.Readable(); ok != written {
				t.Fatalf("readable %v, want %v", ok, written)
			}
			if !written {
				return
			}
			if got, err := read(found, 0, -1); err != nil || !bytes.Equal(got, data) {
				t.Errorf("read %d bytes from disk, %v", len(got), err)
			}
		})
	}
}
