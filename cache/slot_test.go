package cache

import (
	"bytes"
	"io"
	"runtime"
	"sync"
	"testing"
	"weak"

	"edged/cache/object"
)

// Tests of what the index holds when versions replace each other, here, and of fills
// that end badly (abort_test.go) or at the pace of their readers (window_test.go): each
// is a suspicion that was, or could have been, true.

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
	now, _ := s.lookup(key)
	kept := func() bool { return first.Value() != nil || before.Value() != nil }
	for range 20 { // a frame of another goroutine may hold what looks like a pointer for a while
		if runtime.GC(); !kept() {
			break
		}
	}
	if kept() {
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
