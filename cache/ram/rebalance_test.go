package ram

import (
	"math/rand/v2"
	"testing"

	"edged/cache/object"
)

// fillShuffled fills the arena with small blocks whose order in the policy has
// nothing to do with their place.
func fillShuffled(t *testing.T, tier *Tier) {
	blocks := make([]*Block, tier.Stats().Size/pageSize)
	for i := range blocks {
		blocks[i] = alloc(t, tier, pageSize)
	}
	r := rand.New(rand.NewPCG(1, 2))
	r.Shuffle(len(blocks), func(i, j int) { blocks[i], blocks[j] = blocks[j], blocks[i] })
	for i, b := range blocks {
		tier.Admit(b, uint64(i), 0, nil)
		b.Release()
	}
}

// TestSlabsMoveToLargerBlocks fills the arena with small blocks, then asks for
// large ones until they have it all.
func TestSlabsMoveToLargerBlocks(t *testing.T) {
	const size = 16 << 20
	tier := newTier(t, Options{Size: size})
	fillShuffled(t, tier)
	first := alloc(t, tier, object.BlockSize)
	if s := tier.Stats(); s.EvictedBytes > size/evictShare+slabSize || s.SlabsMoved != 1 {
		t.Errorf("the first large block cost %d bytes: %+v", s.EvictedBytes, s)
	}
	first.Release()
	for i := range uint64(4 * size / object.BlockSize) {
		store(t, tier, object.BlockSize, 1<<40+i, nil)
	}
	s := tier.Stats()
	if s.SlabsMoved < 2 || s.AllocFailures != 0 {
		t.Errorf("slabs did not follow the load: %+v", s)
	}
	if s.Resident < size*3/4 || s.Used > s.Size {
		t.Errorf("the arena is badly used: %+v", s)
	}
}

// TestSlabsMoveToSmallerBlocks goes the other way: one large victim makes room
// for many small blocks.
func TestSlabsMoveToSmallerBlocks(t *testing.T) {
	const size = 16 << 20
	tier := newTier(t, Options{Size: size})
	fillTier(t, tier, object.BlockSize)
	before := tier.Stats().Evictions
	for i := range uint64(slabPages) {
		store(t, tier, pageSize, 1<<40+i, nil)
	}
	if s := tier.Stats(); s.Evictions-before > 4 || s.AllocFailures != 0 {
		t.Errorf("%d evictions for one slab of small blocks: %+v", s.Evictions-before, s)
	}
}

// TestMixedLoad alternates all sizes: nothing fails, memory stays well used, and
// what is kept has about the mix of what came.
func TestMixedLoad(t *testing.T) {
	const size = 128 << 20
	tier := newTier(t, Options{Size: size, Shards: 2})
	large := map[*Block]bool{}
	owner := ownerFunc(func(b *Block) { delete(large, b) })
	small, rounds := 0, 3*size/(2<<20)
	for i := range uint64(rounds) {
		large[store(t, tier, object.BlockSize, i<<32, owner)] = true
		for j := range uint64(256) { // as many bytes again
			if j%64 == 0 {
				store(t, tier, 64<<10, i<<32+j, nil)
			}
			store(t, tier, 3000, i<<32+1000+j, nil)
			small++
		}
	}
	s := tier.Stats()
	t.Logf("%+v, %d large blocks", s, len(large))
	if s.AllocFailures != 0 || s.Used > s.Size {
		t.Errorf("%+v", s)
	}
	if s.Resident < size*8/10 {
		t.Errorf("only %d of %d bytes are in use", s.Resident, size)
	}
	if share := float64(len(large)) * object.BlockSize / float64(s.Resident); share < 0.25 || share > 0.65 {
		t.Errorf("large blocks have %.2f of the bytes kept, %.2f of what came", share, 1/2.25)
	}
}

// TestPinnedSlabsDoNotMove pins one small block in every slab and asks for large
// ones: that must fail without wiping the cache.
func TestPinnedSlabsDoNotMove(t *testing.T) {
	const size = 32 << 20
	tier := newTier(t, Options{Size: size})
	var held []*Block
	for i := range uint64(size / pageSize) {
		b := store(t, tier, pageSize, i, nil)
		if b.page%slabPages == 100 && b.Retain() {
			held = append(held, b)
		}
	}
	if len(held) != size/slabSize {
		t.Fatalf("pinned %d blocks, want one in each of %d slabs", len(held), size/slabSize)
	}
	if _, ok := tier.Alloc(object.BlockSize); ok {
		t.Fatal("a slab moved under a pinned block")
	}
	if s := tier.Stats(); s.EvictedBytes > size/evictShare || s.AllocFailures != 1 {
		t.Errorf("a hopeless Alloc evicts %d bytes: %+v", s.EvictedBytes, s)
	}
	alloc(t, tier, pageSize).Release() // small ones go on
	held[0].Release()
	alloc(t, tier, object.BlockSize).Release()
	for _, b := range held[1:] {
		if !b.Retain() {
			t.Fatal("a pinned block died")
		}
		b.Release()
		b.Release()
	}
}

// replayTier is replay through a real arena.
func replayTier(tier *Tier, trace []request) float64 {
	have, hits := map[uint64]*Block{}, 0
	for _, r := range trace {
		if b := have[r.hash]; b != nil && b.Retain() {
			b.Touch()
			b.Release()
			hits++
		} else if b, ok := tier.Alloc(r.size); ok {
			tier.Admit(b, r.hash, 0, nil)
			b.Release()
			have[r.hash] = b
		}
	}
	return float64(hits) / float64(len(trace))
}

// TestSizeClassesCostFewHits compares the tier with its policy alone, which knows
// neither slabs nor classes.
func TestSizeClassesCostFewHits(t *testing.T) {
	if poisoned {
		t.Skip("one goroutine; minutes of poisoning")
	}
	trace := vod(rand.New(rand.NewPCG(1, 1)), 150_000, 40_000, 0.25)
	tests := []struct {
		size int
		cost float64
	}{
		{64 << 20, 0.03},
		{256 << 20, 0.02},
		{1 << 30, 0.01},
	}
	for _, tt := range tests {
		tier := newTier(t, Options{Size: int64(tt.size), Shards: 1})
		got, ideal := replayTier(tier, trace), replay(NewS3FIFO(), trace, tt.size)
		s := tier.Stats()
		t.Logf("%4d MiB: tier %.3f, policy alone %.3f, %d slabs moved", tt.size>>20, got, ideal, s.SlabsMoved)
		if got < ideal-tt.cost {
			t.Errorf("%d MiB: the tier hits %.3f, the policy alone %.3f; want at most %.2f less", tt.size>>20, got, ideal, tt.cost)
		}
		if s.AllocFailures != 0 || s.Resident < s.Size*9/10 {
			t.Errorf("%d MiB: %+v", tt.size>>20, s)
		}
	}
}

// crowd fills a tier of MinSize: three slabs of small blocks, all held, and then
// one slab of larger ones with the given owner, which are not. The policy has so
// many held blocks to pass over that it finds none of the others.
func crowd(t *testing.T, tier *Tier, o Owner) (held, free []*Block) {
	for i := range uint64(3 * slabPages) {
		b := alloc(t, tier, pageSize)
		tier.Admit(b, i, 0, nil)
		held = append(held, b)
	}
	for i := range uint64(32) {
		free = append(free, store(t, tier, 64<<10, 1<<40+i, o))
	}
	return held, free
}

func releaseAll(blocks []*Block) {
	for _, b := range blocks {
		b.Release()
	}
}

// TestScavenge holds that Alloc finds the one block that can go, even if the
// policy does not.
func TestScavenge(t *testing.T) {
	tier := newTier(t, Options{Size: MinSize})
	held, free := crowd(t, tier, nil)
	for _, b := range free[1:] {
		if !b.Retain() {
			t.Fatal("gone")
		}
	}
	alloc(t, tier, 50_000).Release()
	if s := tier.Stats(); s.Evictions != 1 || free[0].Retain() {
		t.Errorf("%d evictions, want the one possible", s.Evictions)
	}
	// A larger chunk serves as well when there is nothing else.
	if b := alloc(t, tier, pageSize); b.Weight() != 64<<10 {
		t.Errorf("got %d bytes", b.Weight())
	} else {
		b.Release()
	}
	releaseAll(free[1:])
	releaseAll(held)
}

// TestDrainIsUndone has a reader take hold of the blocks of a slab just while it
// is being emptied: the slab stays what it was.
func TestDrainIsUndone(t *testing.T) {
	tier := newTier(t, Options{Size: MinSize})
	var caught []*Block
	held, free := crowd(t, tier, ownerFunc(func(b *Block) {
		if b.Retain() {
			caught = append(caught, b)
		}
	}))
	for _, n := range []int{pageSize, 64 << 10} {
		if _, ok := tier.Alloc(n); ok {
			t.Fatalf("memory for %d bytes though every chunk is held", n)
		}
	}
	if len(caught) != len(free) {
		t.Fatalf("%d of %d blocks were evicted", len(caught), len(free))
	}
	if s := tier.Stats(); s.Pinned != 32*64<<10 || s.SlabsMoved != 0 || s.Used != s.Size {
		t.Errorf("%+v", s)
	}
	caught[0].Release()
	alloc(t, tier, 64<<10).Release()
	releaseAll(caught[1:])
	releaseAll(held)
}
