package ram

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"edged/cache/object"
)

func TestOptions(t *testing.T) {
	tests := []struct {
		name   string
		o      Options
		size   int64
		shards int
		err    string
	}{
		{"too small", Options{Size: MinSize - 1}, 0, 0, "below the minimum"},
		{"negative shards", Options{Size: MinSize, Shards: -1}, 0, 0, "-1 shards"},
		{"too many shards", Options{Size: MinSize, Shards: 257}, 0, 0, "257 shards"},
		{"smallest", Options{Size: MinSize}, MinSize, 1, ""},
		{"rounded", Options{Size: MinSize + slabSize - 1, Shards: 3}, MinSize, 4, ""},
		{"shards follow the size", Options{Size: 512 << 20}, 512 << 20, 8, ""},
		{"but not for ever", Options{Size: 64 << 30}, 64 << 30, 32, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o, err := tt.o.withDefaults()
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("error %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil || o.Size != tt.size || o.Shards != tt.shards || o.Policy == nil || o.Log == nil {
				t.Errorf("got %+v, %v; want size %d, %d shards", o, err, tt.size, tt.shards)
			}
		})
	}
	if _, err := New(Options{}); err == nil {
		t.Error("New accepts no size")
	}
}

func TestAllocSizes(t *testing.T) {
	tier := newTier(t, Options{Size: MinSize})
	for _, n := range []int{0, 1, 4096, 4097, 100_000, object.BlockSize} {
		b := alloc(t, tier, n)
		if len(b.Buffer()) < n {
			t.Errorf("Alloc(%d) has %d bytes", n, len(b.Buffer()))
		}
		b.Release()
	}
	for _, n := range []int{-1, object.BlockSize + 1} {
		if _, ok := tier.Alloc(n); ok {
			t.Errorf("Alloc(%d) succeeds", n)
		}
	}
	if s := tier.Stats(); s.Used != 0 || s.InUse != 0 || s.Holes != 0 || s.AllocFailures != 2 {
		t.Errorf("after all was released: %+v", s)
	}
}

func TestAllocStopsAtSize(t *testing.T) {
	for _, n := range []int{1, 300_000, object.BlockSize} {
		tier := newTier(t, Options{Size: MinSize})
		var held []*Block
		for {
			b, ok := tier.Alloc(n)
			if !ok {
				break
			}
			held = append(held, b)
		}
		if got, want := len(held), MinSize/slabSize*(slabSize/held[0].Weight()); got != want {
			t.Errorf("%d blocks of %d bytes, want %d", got, n, want)
		}
		if s := tier.Stats(); s.Used > s.Size || s.Evictions != 0 {
			t.Errorf("blocks that are being filled: %+v", s)
		}
		for _, b := range held {
			b.Release()
		}
	}
}

func TestEvictedOnce(t *testing.T) {
	tier := newTier(t, Options{Size: MinSize})
	evicted := map[*Block]int{}
	owner := ownerFunc(func(b *Block) {
		evicted[b]++
		if !b.Retain() {
			t.Error("the policy's reference is gone before Evicted")
			return
		}
		b.Release()
	})
	const n, room = 50, MinSize / object.BlockSize
	blocks := make([]*Block, n)
	for i := range blocks {
		blocks[i] = store(t, tier, object.BlockSize, uint64(i), owner)
	}
	for i, b := range blocks {
		if want := min(1, max(0, n-room-i)); evicted[b] != want {
			t.Errorf("block %d of %d: Evicted called %d times, want %d", i, n, evicted[b], want)
		}
		if b.Retain() != (evicted[b] == 0) {
			t.Errorf("block %d: Retain disagrees with Evicted", i)
		} else if evicted[b] == 0 {
			b.Release()
		}
	}
	if s := tier.Stats(); s.Evictions != n-room || s.EvictedBytes != (n-room)*object.BlockSize || s.Blocks != room || s.Admitted != n {
		t.Errorf("%+v", s)
	}
}

func TestGhostHitIsCounted(t *testing.T) {
	tier := newTier(t, Options{Size: MinSize})
	const room = MinSize / object.BlockSize
	for i := range uint64(room + 1) { // evicts hash 0
		store(t, tier, object.BlockSize, i, nil)
	}
	store(t, tier, object.BlockSize, 0, nil)
	if s := tier.Stats(); s.GhostHits != 1 {
		t.Errorf("%d ghost hits, want 1", s.GhostHits)
	}
}

func TestRemove(t *testing.T) {
	tier := newTier(t, Options{Size: MinSize})
	owner := ownerFunc(func(*Block) { t.Error("Remove calls Evicted") })
	b := alloc(t, tier, 1)
	tier.Remove(b) // not admitted: nothing to do
	tier.Admit(b, 1, 0, owner)
	tier.Admit(b, 2, 0, owner)
	if s := tier.Stats(); s.Blocks != 1 || s.Resident != 4096 || s.Used != 4096 {
		t.Errorf("admitted twice: %+v", s)
	}
	tier.Remove(b)
	tier.Remove(b)
	if s := tier.Stats(); s.Blocks != 0 || s.Resident != 0 || s.Pinned != 4096 || s.Used != 4096 {
		t.Errorf("removed while held: %+v", s)
	}
	tier.Admit(b, 3, 0, owner) // it had its turn
	b.Release()
	if s := tier.Stats(); s.Used != 0 || s.Pinned != 0 || s.Evictions != 0 {
		t.Errorf("released: %+v", s)
	}
}

func TestPinnedIsNotEvicted(t *testing.T) {
	tier := newTier(t, Options{Size: MinSize})
	b := store(t, tier, object.BlockSize, 1, nil)
	if !b.Retain() {
		t.Fatal("gone")
	}
	fillTier(t, tier, object.BlockSize)
	b.Release()
	if !b.Retain() {
		t.Error("a block was evicted while it was held and others were not")
	} else {
		b.Release()
	}
}

func TestAllocFailsWhenAllIsPinned(t *testing.T) {
	tier := newTier(t, Options{Size: MinSize})
	var held []*Block
	for b, ok := tier.Alloc(object.BlockSize); ok; b, ok = tier.Alloc(object.BlockSize) {
		tier.Admit(b, uint64(len(held)), 0, nil)
		held = append(held, b)
	}
	if s := tier.Stats(); s.AllocFailures != 1 || s.Evictions != 0 || s.Blocks != MinSize/object.BlockSize {
		t.Errorf("%+v", s)
	}
	held[3].Release()
	b := alloc(t, tier, object.BlockSize) // finds the one
	if held[3].Retain() {
		t.Error("the block that could go is still there")
	}
	b.Release()
	for i, b := range held {
		if i != 3 {
			b.Release()
		}
	}
}

func TestShrink(t *testing.T) {
	tier := newTier(t, Options{Size: MinSize})
	text := bytes.Repeat([]byte("abc"), 3000)

	b := alloc(t, tier, object.BlockSize)
	copy(b.Buffer(), text)
	if !b.Retain() { // a follower
		t.Fatal("gone")
	}
	small := tier.Shrink(b, len(text))
	if small == b || small.Weight() != 12<<10 || !bytes.Equal(small.Buffer()[:len(text)], text) {
		t.Fatalf("shrunk to %d bytes", small.Weight())
	}
	if !bytes.Equal(b.Buffer()[:len(text)], text) {
		t.Error("the follower's bytes changed")
	}
	b.Release()
	if b.Retain() {
		t.Error("Shrink kept its reference to the large block")
	}
	if again := tier.Shrink(small, len(text)); again != small {
		t.Error("shrunk though no smaller class fits")
	}
	tier.Admit(small, 1, 0, nil)
	if again := tier.Shrink(small, 1); again != small {
		t.Error("shrunk though it is admitted")
	}
	small.Release()
}

func TestShrinkWithoutMemory(t *testing.T) {
	tier := newTier(t, Options{Size: MinSize})
	var held []*Block
	for b, ok := tier.Alloc(object.BlockSize); ok; b, ok = tier.Alloc(object.BlockSize) {
		held = append(held, b)
	}
	if got := tier.Shrink(held[0], 1); got != held[0] {
		t.Error("want the block itself when there is no smaller chunk")
	}
	for _, b := range held {
		b.Release()
	}
}

func TestClose(t *testing.T) {
	tier, err := New(Options{Size: MinSize, Prefault: true, HugePages: true})
	if err != nil {
		t.Fatal(err)
	}
	owner := ownerFunc(func(*Block) { t.Error("Close calls Evicted") })
	b := store(t, tier, 5000, 1, owner)
	store(t, tier, 5000, 2, owner)
	filling := alloc(t, tier, 1)
	if !b.Retain() {
		t.Fatal("gone")
	}
	copy(b.Buffer(), "still here")
	err = tier.Close()
	if !errors.Is(err, ErrPinned) || !strings.Contains(err.Error(), "2 blocks of 12288 bytes") {
		t.Fatalf("Close: %v, want ErrPinned with 2 blocks", err)
	}
	if string(b.Buffer()[:10]) != "still here" {
		t.Error("a pinned block lost its bytes")
	}
	if _, ok := tier.Alloc(1); ok {
		t.Error("Alloc after Close")
	}
	tier.Admit(filling, 3, 0, owner) // too late, and no reference is lost by it
	b.Release()
	filling.Release()
	for range 2 {
		if err := tier.Close(); err != nil {
			t.Errorf("Close with nothing pinned: %v", err)
		}
	}
	if s := tier.Stats(); s.Used != 0 || s.Pinned != 0 || s.Blocks != 0 || s.Resident != 0 {
		t.Errorf("%+v", s)
	}
}

func TestPrefault(t *testing.T) {
	m, err := reserve(MinSize, true, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	m.slabs[slabSize] = 7
	p := startPrefault(m, true, slog.New(slog.DiscardHandler))
	p.done.Wait()
	if n := p.touched.Load(); n != MinSize {
		t.Errorf("touched %d of %d bytes", n, MinSize)
	}
	if m.slabs[slabSize] != 7 {
		t.Error("the pre-fault changed a byte")
	}
	p.stop()
	if err := m.unmap(); err != nil {
		t.Error(err)
	}
}
