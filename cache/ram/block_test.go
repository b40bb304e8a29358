package ram

import (
	"testing"
	"unsafe"
)

func TestBlockIsOneCacheLine(t *testing.T) {
	if n := unsafe.Sizeof(Block{}); n != 64 {
		t.Errorf("a Block has %d bytes, want 64", n)
	}
}

func TestRetainFailsAtZero(t *testing.T) {
	tier := newTier(t, Options{Size: MinSize})
	b := alloc(t, tier, 1)
	if !b.Retain() {
		t.Fatal("Retain fails while a reference is held")
	}
	b.Release()
	b.Release()
	for range 2 {
		if b.Retain() {
			t.Fatal("Retain after the last Release")
		}
	}
	// The chunk goes to the next block; the old handle stays dead.
	next := alloc(t, tier, 1)
	if b.Retain() || !next.Retain() {
		t.Error("the old handle came back to life with its chunk")
	}
	next.Release()
	next.Release()
}

func TestReleaseTooOften(t *testing.T) {
	tier := newTier(t, Options{Size: MinSize})
	b := alloc(t, tier, 1)
	b.Release()
	defer func() {
		if recover() == nil {
			t.Error("a second Release of a dead block must panic")
		}
	}()
	b.Release()
}

func TestBufferCannotGrow(t *testing.T) {
	tier := newTier(t, Options{Size: MinSize})
	b, neighbour := alloc(t, tier, 5000), alloc(t, tier, 5000)
	defer b.Release()
	defer neighbour.Release()
	buf := b.Buffer()
	if len(buf) != 8192 || cap(buf) != len(buf) || b.Weight() != len(buf) {
		t.Fatalf("len %d, cap %d, weight %d; want 8192 thrice", len(buf), cap(buf), b.Weight())
	}
	neighbour.Buffer()[0] = 1
	if _ = append(buf, 2); neighbour.Buffer()[0] != 1 {
		t.Error("append wrote into the neighbour")
	}
}

func TestTouch(t *testing.T) {
	var b Block
	steps := []struct {
		name            string
		do              func()
		frequency, hits uint32
	}{
		{"new", func() {}, 0, 0},
		{"first", b.Touch, 1, 1},
		{"second", b.Touch, 2, 2},
		{"third", b.Touch, 3, 3},
		{"saturated", b.Touch, 3, 3},
		{"cooled", b.state.cool, 2, 3},
		{"hot again", b.Touch, 3, 3},
		{"chilled", b.state.chill, 0, 3},
		{"after that", b.Touch, 1, 3},
	}
	for _, s := range steps {
		s.do()
		if f, h := b.state.frequency(), b.Hits(); f != s.frequency || h != s.hits {
			t.Errorf("%s: frequency %d, hits %d; want %d, %d", s.name, f, h, s.frequency, s.hits)
		}
	}
}

func TestStateFlags(t *testing.T) {
	var s state
	if !s.claim() || s.claim() || s.resident() || s.gone() {
		t.Fatal("claim must succeed once and mean nothing else")
	}
	s.touch()
	s.enter()
	if !s.resident() || s.gone() {
		t.Error("entered: want resident, not gone")
	}
	s.leave()
	if s.resident() || !s.gone() || s.frequency() != 1 {
		t.Error("left: want gone, not resident, hits as before")
	}
}

func TestHitPathAllocatesNothing(t *testing.T) {
	if poisoned {
		t.Skip("race builds allocate")
	}
	tier := newTier(t, Options{Size: MinSize})
	b := store(t, tier, 1000, 1, nil)
	sum := 0
	n := testing.AllocsPerRun(1000, func() {
		if !b.Retain() {
			t.Error("gone")
		}
		b.Touch()
		sum += len(b.Buffer()[:1000])
		b.Release()
	})
	if n != 0 || sum == 0 {
		t.Errorf("a hit allocates %v times", n)
	}
}

func TestAllocAllocatesOneHandle(t *testing.T) {
	if poisoned {
		t.Skip("race builds allocate")
	}
	tier := newTier(t, Options{Size: MinSize})
	hash := uint64(0)
	n := testing.AllocsPerRun(1000, func() {
		store(t, tier, 256<<10, hash, nil)
		hash++
	})
	if n > 1 {
		t.Errorf("Alloc, Admit and an eviction allocate %v times, want the handle only", n)
	}
}
