package cache

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/synctest"

	"edged/cache/object"
)

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
