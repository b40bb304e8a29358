package cache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"edged/cache/object"
)

const key = "a\x00site\x00/v/seg.m4s"

func TestFillThenRead(t *testing.T) {
	for _, size := range []int{0, 1, 4096, object.BlockSize - 1, object.BlockSize, object.BlockSize + 1, 3*object.BlockSize + 7} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			s := newStore(t, Options{})
			want := pattern(size)
			s.fillWhole(key, want, 0)
			o, tier := s.lookup(key)
			if o == nil || tier != TierRAM {
				t.Fatalf("Lookup: %v in %v", o, tier)
			}
			got, err := read(o, 0, -1)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("read %d bytes, %v", len(got), err)
			}
		})
	}
}

func TestUnknownLength(t *testing.T) {
	for _, size := range []int{0, 1, firstBuffer, firstBuffer + 1, object.BlockSize, 2*object.BlockSize + 9} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			s := newStore(t, Options{})
			want := pattern(size)
			f := s.lead(key)
			o := f.Start(&object.Meta{Size: -1, Status: 200}, 0)
			if err := write(f, want); err != nil {
				t.Fatal(err)
			}
			if o.Size() != -1 {
				t.Errorf("size is %d before the end", o.Size())
			}
			if err := f.Commit(nil, false); err != nil {
				t.Fatal(err)
			}
			f.Leave()
			if got, err := read(o, 0, -1); err != nil || !bytes.Equal(got, want) || o.Size() != int64(size) {
				t.Errorf("read %d of %d bytes, %v", len(got), o.Size(), err)
			}
		})
	}
}

func TestFollowersReadWhileItFills(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t, Options{})
		want := pattern(2*object.BlockSize + 100)
		f := s.lead(key)
		results := make(chan error, 50)
		for range 50 {
			g, leader, _ := s.Join([]byte(key), nil, 1)
			if leader {
				t.Fatal("second leader")
			}
			go func() {
				<-g.Ready()
				var r Reader
				r.Open(g.Object(), 0, -1)
				g.Leave()
				got, err := drain(&r)
				r.Close()
				if err == nil && !bytes.Equal(got, want) {
					err = errors.New("bytes differ")
				}
				results <- err
			}()
		}
		f.Start(&object.Meta{Size: int64(len(want)), Status: 200}, 0)
		for i := 0; i < len(want); i += 700_000 {
			if err := write(f, want[i:min(i+700_000, len(want))]); err != nil {
				t.Fatal(err)
			}
			synctest.Wait() // all have read what there is, and wait
		}
		if err := f.Commit(nil, false); err != nil {
			t.Fatal(err)
		}
		f.Leave()
		for range 50 {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
	})
}

func TestAbortCutsReadersAndRestores(t *testing.T) {
	s := newStore(t, Options{})
	old := pattern(1000)
	before := s.fillWhole(key, old, 0)
	f, leader, _ := s.Join([]byte(key), before.Meta(), 1)
	if !leader {
		t.Fatal("no leader")
	}
	o := f.Start(&object.Meta{Size: 5000, Status: 200}, 0)
	var r Reader
	r.Open(o, 0, -1)
	if err := write(f, pattern(2000)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	f.Abort(io.ErrUnexpectedEOF)
	f.Leave()
	if _, err := r.Next(); !errors.Is(err, ErrCut) {
		t.Errorf("reader of an aborted fill got %v, want ErrCut", err)
	}
	r.Close()
	if got, _ := s.lookup(key); got != before {
		t.Error("the version before the aborted one did not come back")
	}
	if got, err := read(before, 0, -1); err != nil || !bytes.Equal(got, old) {
		t.Errorf("it reads %d bytes, %v", len(got), err)
	}
}

func TestCommitShortIsAnAbort(t *testing.T) {
	s := newStore(t, Options{})
	f := s.lead(key)
	o := f.Start(&object.Meta{Size: 5000, Status: 200}, 0)
	if err := write(f, pattern(4999)); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(nil, false); !errors.Is(err, ErrCut) {
		t.Errorf("Commit returned %v, want ErrCut", err)
	}
	f.Leave()
	if got, _ := s.lookup(key); got != nil {
		t.Error("a short body is found")
	}
	if _, err := read(o, 0, -1); !errors.Is(err, ErrCut) {
		t.Errorf("reading it: %v, want ErrCut", err)
	}
}

func TestTooLongIsRefused(t *testing.T) {
	s := newStore(t, Options{})
	f := s.lead(key)
	f.Start(&object.Meta{Size: 10, Status: 200}, 0)
	if err := write(f, pattern(11)); !errors.Is(err, ErrTooLong) {
		t.Errorf("writing 11 of 10 bytes: %v", err)
	}
	f.Abort(ErrTooLong)
	f.Leave()
}

func TestEvictedBlocksComeBackFromDisk(t *testing.T) {
	s := newStore(t, Options{})
	want := pattern(3*object.BlockSize + 5)
	o := s.fillWhole(key, want, 0)
	o.discard()
	s.index.remove(o)
	o, tier := s.lookup(key)
	if o == nil || tier != TierDisk {
		t.Fatalf("Lookup: %v in %v, want the disk", o, tier)
	}
	var r Reader
	r.Open(o, 0, -1)
	got, err := drain(&r)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
	if r.FromDisk != int64(len(want)) {
		t.Errorf("%d bytes accounted to the disk, want %d", r.FromDisk, len(want))
	}
	r.Close()
	if _, tier = s.lookup(key); tier != TierRAM {
		t.Errorf("after reading it is in %v, want memory", tier)
	}
}

func TestSickDiskIsAMiss(t *testing.T) {
	s := newStore(t, Options{})
	o := s.fillWhole(key, pattern(1000), 0)
	o.discard()
	s.index.remove(o)
	s.disk.broken = true
	if o, _ = s.lookup(key); o == nil || o.Readable() {
		t.Fatalf("Lookup %v; want an object that is not readable", o)
	}
	f := s.lead(key)
	f.Fail(errors.New("end"))
	f.Leave()
}

func TestPartialObjectIsCompletedByRanges(t *testing.T) {
	s := newStore(t, Options{})
	want := pattern(5 * object.BlockSize)
	f := s.lead(key)
	m := &object.Meta{Size: int64(len(want)), Status: 200, Freshness: object.Freshness{Flags: object.Resumable}}
	o := f.Start(m, 3*object.BlockSize)
	if err := write(f, want[3*object.BlockSize:]); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(nil, false); err != nil {
		t.Fatal(err)
	}
	f.Leave()
	if got, err := read(o, 4*object.BlockSize, -1); err != nil || !bytes.Equal(got, want[4*object.BlockSize:]) {
		t.Errorf("end of the body: %d bytes, %v", len(got), err)
	}
	if _, err := read(o, 0, -1); !errors.Is(err, ErrMissing) {
		t.Errorf("start of the body: %v, want ErrMissing", err)
	}
	g, leader, err := o.FillFrom(10, -1)
	if err != nil || !leader || g.Next() != 0 || g.Limit() != 3*object.BlockSize {
		t.Fatalf("FillFrom: leader %v, [%d, %d), %v", leader, g.Next(), g.Limit(), err)
	}
	if err := write(g, want[:3*object.BlockSize]); err != nil {
		t.Fatal(err)
	}
	if err := g.Commit(nil, false); err != nil {
		t.Fatal(err)
	}
	g.Leave()
	if got, err := read(o, 0, -1); err != nil || !bytes.Equal(got, want) {
		t.Errorf("whole body: %d bytes, %v", len(got), err)
	}
}

func TestKillBreaksTheVersion(t *testing.T) {
	s := newStore(t, Options{})
	want := pattern(2 * object.BlockSize)
	f := s.lead(key)
	o := f.Start(&object.Meta{Size: int64(len(want)), Status: 200, Freshness: object.Freshness{Flags: object.Resumable}}, object.BlockSize)
	if err := write(f, want[object.BlockSize:]); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(nil, false); err != nil {
		t.Fatal(err)
	}
	f.Leave()
	g, _, err := o.FillFrom(0, -1)
	if err != nil {
		t.Fatal(err)
	}
	g.Kill(errors.New("another version"))
	g.Leave()
	if got, _ := s.lookup(key); got != nil {
		t.Error("a version that the origin no longer has is found")
	}
	if _, err := read(o, object.BlockSize, -1); !errors.Is(err, ErrCut) {
		t.Errorf("reading it: %v, want ErrCut", err)
	}
}

func TestWindowBoundsAFillWithoutFastReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t, Options{Window: 2 * object.BlockSize, Linger: 5 * time.Second})
		f := s.lead(key)
		m := &object.Meta{Size: 20 * object.BlockSize, Status: 200, Freshness: object.Freshness{Flags: object.Resumable}}
		o := f.Start(m, 0)
		var r Reader
		r.Open(o, 0, -1)
		f.Leave()
		ended := make(chan error)
		go func() {
			err := write(f, pattern(20*object.BlockSize))
			if errors.Is(err, ErrAbandoned) {
				err = f.Commit(nil, true)
			}
			ended <- err
		}()
		synctest.Wait()
		if got := f.Next(); got != 2*object.BlockSize {
			t.Errorf("the fill is at %d, want it to wait at its window", got)
		}
		for range 3 {
			if _, err := r.Next(); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if got := f.Next(); got != 5*object.BlockSize {
			t.Errorf("the fill is at %d after 3 blocks were read, want 5 blocks", got)
		}
		start := time.Now()
		r.Close()
		if err := <-ended; err != nil {
			t.Errorf("the abandoned fill ended with %v", err)
		}
		if waited := time.Since(start); waited > 6*time.Second {
			t.Errorf("it lingered %v", waited)
		}
		if got, err := read(o, 0, 5*object.BlockSize); err != nil || len(got) != 5*object.BlockSize {
			t.Errorf("what it brought: %d bytes, %v", len(got), err)
		}
	})
}

func TestTransientIsTrimmedAndFreed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t, Options{})
		want := pattern(10 * object.BlockSize)
		f := s.lead(key)
		o, _ := f.StartTransient(t.Context(), &object.Meta{Size: int64(len(want)), Status: 200}, 0, false)
		var r Reader
		r.Open(o, 0, -1)
		f.Leave()
		go func() {
			if err := write(f, want); err != nil {
				t.Error(err)
			}
			if err := f.Commit(nil, false); err != nil {
				t.Error(err)
			}
		}()
		var got []byte
		for {
			span, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, span...)
			synctest.Wait()
			if used := s.ram.Stats().Used; used > 4*object.BlockSize {
				t.Fatalf("%d bytes are held for a body that is only passed through", used)
			}
		}
		r.Close()
		synctest.Wait()
		if !bytes.Equal(got, want) {
			t.Error("bytes differ")
		}
		if o, _ := s.lookup(key); o != nil {
			t.Error("a transient object is found")
		}
	})
}

func TestTransientStopsWithItsReader(t *testing.T) {
	s := newStore(t, Options{})
	f := s.lead(key)
	ctx, cancel := context.WithCancel(t.Context())
	f.OnStop(cancel)
	o, _ := f.StartTransient(t.Context(), &object.Meta{Size: -1, Status: 200}, 0, false)
	var r Reader
	r.Open(o, 0, -1)
	f.Leave()
	r.Close()
	if ctx.Err() == nil {
		t.Error("the fetch goes on though nobody wants its bytes")
	}
	f.Abort(context.Canceled)
}

func TestStallEndsAReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t, Options{Stall: time.Second})
		f := s.lead(key)
		o := f.Start(&object.Meta{Size: 10, Status: 200}, 0)
		if _, err := read(o, 0, -1); !errors.Is(err, ErrStalled) {
			t.Errorf("reader got %v, want ErrStalled", err)
		}
		f.Abort(errors.New("end"))
		f.Leave()
	})
}

func TestVariants(t *testing.T) {
	s := newStore(t, Options{})
	for _, lang := range []string{"nl", "de"} {
		f := s.lead(key)
		if lang == "de" {
			f.Fail(errors.New("unused"))
			f.Leave()
			o, _, resolved := s.Lookup([]byte(key), language("de"), nil)
			if o != nil {
				t.Fatal("de found before it was stored")
			}
			f, _, _ = s.Join(resolved, nil, 1)
		} else {
			f.Rekey([]string{"accept-language"}, language(lang))
		}
		f.Start(&object.Meta{Size: 2, Status: 200}, 0)
		if err := write(f, []byte(lang)); err != nil {
			t.Fatal(err)
		}
		if err := f.Commit(nil, false); err != nil {
			t.Fatal(err)
		}
		f.Leave()
	}
	for _, lang := range []string{"nl", "de"} {
		o, _, _ := s.Lookup([]byte(key), language(lang), nil)
		if o == nil {
			t.Fatalf("%s is not found", lang)
		}
		if got, err := read(o, 0, -1); err != nil || string(got) != lang {
			t.Errorf("%s: %q, %v", lang, got, err)
		}
	}
}

// language selects by one field.
type language string

func (l language) AppendSelecting(dst []byte, _ string) []byte { return append(dst, l...) }

func TestJoinReturnsWhatIsNewer(t *testing.T) {
	s := newStore(t, Options{})
	o := s.fillWhole(key, pattern(10), 0)
	if f, leader, newer := s.Join([]byte(key), nil, 1); newer != o || f != nil || leader {
		t.Errorf("Join after a fill: %v %v %v, want the object", f, leader, newer)
	}
}

func TestPrivateKeysAreNotCollapsed(t *testing.T) {
	s := newStore(t, Options{})
	f := s.lead(key)
	f.DontCollapse(1)
	f.Fail(errors.New("end"))
	f.Leave()
	a, b := s.lead(key), s.lead(key)
	a.Fail(errors.New("end"))
	b.Fail(errors.New("end"))
	a.Leave()
	b.Leave()
}

func TestFreshenedReachesTheDisk(t *testing.T) {
	s := newStore(t, Options{})
	o := s.fillWhole(key, pattern(10), 0)
	f, leader, _ := s.Join([]byte(key), o.Meta(), 1)
	if !leader {
		t.Fatal("no leader")
	}
	m := *o.Meta()
	m.Freshness.Lifetime = time.Hour
	f.Freshened(o, &m)
	f.Leave()
	if got := o.Meta().Freshness.Lifetime; got != time.Hour {
		t.Errorf("lifetime in memory %v", got)
	}
	if got := s.disk.records[object.Key(key)].meta.Freshness.Lifetime; got != time.Hour {
		t.Errorf("lifetime on disk %v", got)
	}
}

func TestEvictionForgetsObjects(t *testing.T) {
	s := newStore(t, Options{})
	for i := range 100 {
		s.fillWhole(fmt.Sprintf("a\x00s\x00/%d", i), pattern(object.BlockSize), 0)
	}
	if n := s.Stats().Objects; n > 32 {
		t.Errorf("%d objects in the index of a tier with room for 32", n)
	}
	for i := range 100 {
		o, _ := s.lookup(fmt.Sprintf("a\x00s\x00/%d", i))
		if o == nil {
			t.Fatalf("object %d is gone from the disk too", i)
		}
		if got, err := read(o, 0, -1); err != nil || len(got) != object.BlockSize {
			t.Fatalf("object %d: %d bytes, %v", i, len(got), err)
		}
		s.Done(o)
	}
}

func TestIncompletableObjectIsForgotten(t *testing.T) {
	s := newStore(t, Options{})
	s.disk.refuse = true
	o := s.fillWhole(key, pattern(3*object.BlockSize), 0)
	victim := o.slot(1)
	s.ram.Remove(victim.block)
	victim.Evicted(victim.block)
	if got, _ := s.lookup(key); got != nil {
		t.Error("an object with a hole that nothing can fill is found")
	}
	if _, err := read(o, 0, -1); !errors.Is(err, ErrMissing) {
		t.Errorf("its reader got %v, want ErrMissing", err)
	}
	if _, _, err := o.FillFrom(object.BlockSize, -1); !errors.Is(err, ErrCut) {
		t.Errorf("FillFrom: %v, want ErrCut", err)
	}
	o.discard()
}

func TestHoleIsFilledFromDiskWithoutTheIndex(t *testing.T) {
	s := newStore(t, Options{})
	want := pattern(3 * object.BlockSize)
	o := s.fillWhole(key, want, 0)
	victim := o.slot(1)
	s.ram.Remove(victim.block)
	victim.Evicted(victim.block)
	if got, _ := s.lookup(key); got != o {
		t.Fatal("an object whose hole is on disk is not found")
	}
	if got, err := read(o, 0, -1); err != nil || !bytes.Equal(got, want) {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
}

// TestOneReaderIsOneHit: spans are no hits, and what a reader brought itself is none.
func TestOneReaderIsOneHit(t *testing.T) {
	s := newStore(t, Options{})
	data := pattern(object.BlockSize)
	f := s.lead("k")
	o := f.Start(&object.Meta{Account: "a", Status: 200, Size: int64(len(data))}, 0)
	var leader, follower Reader
	leader.Open(o, 0, -1)
	leader.Lead()
	follower.Open(o, 0, -1)
	defer follower.Close()
	defer leader.Close()
	f.Leave()
	for at := 0; at < len(data); at += len(data) / 8 {
		if err := write(f, data[at:at+len(data)/8]); err != nil {
			t.Fatal(err)
		}
		for _, r := range []*Reader{&leader, &follower} {
			if _, err := r.Next(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := f.Commit(nil, false); err != nil {
		t.Fatal(err)
	}
	if n := o.slot(0).block.Hits(); n != 1 {
		t.Errorf("%d hits of one follower in eight spans, want 1", n)
	}
	if _, err := read(o, 0, 10); err != nil {
		t.Fatal(err)
	}
	if n := o.slot(0).block.Hits(); n != 2 {
		t.Errorf("%d hits after another reader, want 2", n)
	}
}
