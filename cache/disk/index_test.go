package disk

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"

	"pgregory.net/rapid"
)

func TestSlotLayout(t *testing.T) {
	if n := unsafe.Sizeof(slot{}); n != slotSize || n > 48 {
		t.Errorf("a slot has %d bytes, want %d", n, slotSize)
	}
}

func newTestIndex(t testing.TB, capacity int) *index {
	t.Helper()
	x, err := newIndex(capacity)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(x.close)
	return x
}

func headOf(x *index, hash uint64) (s slot, ok bool) {
	ok = x.head(hash, &s)
	return s, ok
}

// modelObject is what an index should know of a key.
type modelObject struct {
	version uint64
	newest  position
	stripes map[uint32]map[position]uint8 // records of a stripe and their blocks
}

// TestIndexModel plays random records, removals and evictions to an index and to
// maps. Few keys in few slots make long runs that wrap around.
func TestIndexModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		x, err := newIndex(40)
		if err != nil {
			rt.Fatal(err)
		}
		defer x.close()
		m := map[uint64]*modelObject{}
		page := uint32(0)
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			hash := rapid.SampledFrom([]uint64{1, 2, math.MaxUint64 - 1, 3 << 62, 1 << 63}).Draw(rt, "hash")
			switch rapid.IntRange(0, 9).Draw(rt, "op") {
			case 0:
				if got, want := x.remove(hash, 0), m[hash] != nil; got != want {
					rt.Fatalf("remove(%d) = %v, want %v", hash, got, want)
				}
				delete(m, hash)
			case 1:
				evictModel(x, m)
			default:
				page++
				r := &recordRef{
					hash: hash, version: rapid.Uint64Range(1, 2).Draw(rt, "version"), extent: 1, page: page, pages: 1, stripes: 3,
					stripe: rapid.Uint32Range(0, 2).Draw(rt, "stripe"), blocks: rapid.SampledFrom([]uint8{0, 1, 2, 3, 7}).Draw(rt, "blocks"),
				}
				if r.blocks == 0 {
					r.stripe = 0
				}
				v := x.apply(r, math.MaxUint64)
				applyModel(rt, m, r, v)
			}
			compareIndex(rt, x, m)
		}
	})
}

func applyModel(rt *rapid.T, m map[uint64]*modelObject, r *recordRef, v verdict) {
	o := m[r.hash]
	if r.blocks == 0 && (o == nil || o.version != r.version) {
		if v != stale {
			rt.Fatalf("apply(%+v) = %d, want stale", r, v)
		}
		return
	}
	if o == nil || o.version != r.version {
		delete(m, r.hash)
	}
	if v == full {
		return
	}
	if o = m[r.hash]; o == nil {
		o = &modelObject{version: r.version, stripes: map[uint32]map[position]uint8{}}
		m[r.hash] = o
	}
	o.newest = r.position()
	if r.blocks == 0 {
		return
	}
	if o.stripes[r.stripe] == nil {
		o.stripes[r.stripe] = map[position]uint8{}
	}
	for p, blocks := range o.stripes[r.stripe] {
		if blocks&^r.blocks == 0 {
			delete(o.stripes[r.stripe], p)
		}
	}
	o.stripes[r.stripe][r.position()] = r.blocks
}

// evictModel forgets the newest record of the first key.
func evictModel(x *index, m map[uint64]*modelObject) {
	if len(m) == 0 {
		return
	}
	hash := slices.Min(slices.Collect(maps.Keys(m)))
	o := m[hash]
	for stripe := range uint32(3) {
		if _, ok := o.stripes[stripe][o.newest]; ok || stripe == 0 {
			x.forget(hash, stripe, o.newest)
		}
	}
	x.remove(hash, 0) // orphans are not part of the model
	delete(m, hash)
	// Without a head, remove finds nothing: sweep what is left of the key.
	for i := range x.shards {
		s := &x.shards[i]
		for n := range uint32(3) {
			before := s.used
			s.deleteAll(hash, n, func(*slot) bool { return true })
			x.entries.Add(int64(s.used - before))
		}
	}
}

func compareIndex(rt *rapid.T, x *index, m map[uint64]*modelObject) {
	if got := x.objects.Load(); got != int64(len(m)) {
		rt.Fatalf("objects = %d, want %d", got, len(m))
	}
	for hash, o := range m {
		h, ok := headOf(x, hash)
		if !ok || h.position() != o.newest || h.version != o.version {
			rt.Fatalf("head(%d) = %+v, %v, want %+v", hash, h, ok, o)
		}
		for stripe := range uint32(3) {
			for block := range 8 {
				compareBlock(rt, x, hash, o, stripe, block)
			}
		}
	}
	used := 0
	for i := range x.shards {
		s := &x.shards[i]
		used += s.used
		if i := unordered(s); i >= 0 {
			rt.Fatalf("slot %d is not where the order of places wants it", i)
		}
	}
	if got := x.entries.Load(); got != int64(used) {
		rt.Fatalf("entries = %d, shards say %d", got, used)
	}
}

func compareBlock(rt *rapid.T, x *index, hash uint64, o *modelObject, stripe uint32, block int) {
	want := false
	for _, blocks := range o.stripes[stripe] {
		want = want || blocks&(1<<block) != 0
	}
	var s slot
	ok := x.find(hash, o.version, stripe, block, &s)
	if ok != want || ok && o.stripes[stripe][s.position()]&(1<<block) == 0 {
		rt.Fatalf("find(%d, stripe %d, block %d) = %+v, %v, want %v", hash, stripe, block, s, ok, want)
	}
	if x.find(hash, o.version+2, stripe, block, &s) {
		rt.Fatalf("find(%d) finds a version that was never stored", hash)
	}
}

// unordered returns the number of a slot that breaks the order on which searches rely,
// or -1: places descend, no slot is before its home, and none is empty between a slot
// and its home.
func unordered(s *shard) int {
	run := -1 // the first slot of the run
	var last place
	for i := range s.slots {
		p := s.slots[i].place
		switch {
		case (p != 0) != s.slots[i].used() || p == 0 && s.slots[i] != (slot{}):
			return i
		case p == 0:
			run = -1
			continue
		case run < 0:
			run = i
		case p > last:
			return i
		}
		if home := s.start(p); home < run || home > i {
			return i
		}
		last = p
	}
	if end := len(s.slots) - 1; s.slots[end].used() {
		return end
	}
	return -1
}

// TestSearchesAreShort fills an index to its limit: nothing is lost, and a search for
// what is not there looks at few slots.
func TestSearchesAreShort(t *testing.T) {
	x := newTestIndex(t, 100_000)
	rng := rand.New(rand.NewPCG(1, 2))
	var stored []uint64
	for range 2 * x.capacity() {
		r := recordRef{hash: rng.Uint64(), version: 1, extent: 1, page: 1, pages: 1, blocks: 1}
		if x.apply(&r, 1) == applied {
			stored = append(stored, r.hash)
		}
	}
	for _, hash := range stored {
		if _, ok := headOf(x, hash); !ok {
			t.Fatalf("%d of %d: %x is lost", x.objects.Load(), len(stored), hash)
		}
	}
	looks, longest, first := 0, 0, 0
	for range stored {
		n := looksAt(x, rng.Uint64())
		looks, longest = looks+n, max(longest, n)
		if n <= window {
			first++
		}
	}
	if mean := float64(looks) / float64(len(stored)); mean > 10 || longest > 200 {
		t.Errorf("a search for what is not there looks at %.1f slots, at most at %d", mean, longest)
	}
	if share := float64(first) / float64(len(stored)); share < 0.8 {
		t.Errorf("%.2f of the searches end in the first window", share)
	}
}

// looksAt returns how many slots lie between the home of a hash that is not stored and
// where a search for it ends.
func looksAt(x *index, hash uint64) int {
	s, p := x.shard(hash), placeOf(hash, 0)
	return s.seek(p) - s.start(p) + 1
}

// TestLookupsWithoutLock looks slots up while others come and go around them: what is
// stored all the time is always found, and no slot is ever part old, part new.
func TestLookupsWithoutLock(t *testing.T) {
	x := newTestIndex(t, minShardSlots)
	rng := rand.New(rand.NewPCG(1, 2))
	record := func(hash uint64) *recordRef {
		return &recordRef{hash: hash, version: hash ^ 1, seq: hash ^ 2, extent: uint32(hash), page: uint32(hash >> 32), pages: 1, blocks: 1}
	}
	fixed := make([]uint64, x.capacity()/2)
	for i := range fixed {
		fixed[i] = rng.Uint64()
		if v := x.apply(record(fixed[i]), 1); v != applied {
			t.Fatalf("apply = %d", v)
		}
	}
	var done atomic.Bool
	var writer sync.WaitGroup
	writer.Go(func() {
		come := make([]uint64, x.capacity()/3)
		for range 100 {
			for i := range come {
				x.remove(come[i], 0)
				come[i] = rng.Uint64()
				x.apply(record(come[i]), 1)
			}
		}
		done.Store(true)
	})
	whole := func(s *slot, hash uint64) bool {
		r := record(hash)
		return s.place == placeOf(hash, 0) && s.version == r.version && s.seq == r.seq && s.position() == r.position()
	}
	for !done.Load() {
		for _, hash := range fixed {
			var s, b slot
			if !x.head(hash, &s) || !x.find(hash, hash^1, 0, 0, &b) || !whole(&s, hash) || !whole(&b, hash) {
				t.Fatalf("%x: found %+v and %+v", hash, s, b)
			}
			if x.head(hash+1, &s) {
				t.Fatalf("%x was never stored: found %+v", hash+1, s)
			}
		}
	}
	writer.Wait()
}

// TestClosedIndex holds that who comes late finds nothing, and touches no memory that is
// gone.
func TestClosedIndex(t *testing.T) {
	x := newTestIndex(t, minShardSlots)
	x.apply(&recordRef{hash: 9, version: 1, extent: 1, page: 1, pages: 1, blocks: 1}, 1)
	x.close()
	var s slot
	if x.head(9, &s) || x.find(9, 1, 0, 0, &s) || s != (slot{}) {
		t.Errorf("found %+v after close", s)
	}
}

// TestUnplaceable: the one hash whose place would be that of an empty slot is refused.
func TestUnplaceable(t *testing.T) {
	x := newTestIndex(t, 40)
	for stripe, hash := range []uint64{math.MaxUint64, math.MaxUint64 - stripeStep} {
		r := recordRef{hash: hash, version: 1, extent: 1, page: 1, pages: 1, blocks: 1, stripe: uint32(stripe), stripes: 2}
		if v := x.apply(&r, 1); v != full {
			t.Errorf("stripe %d: apply = %d, want full", stripe, v)
		}
		var s slot
		if x.find(hash, 1, r.stripe, 0, &s) || x.remove(hash, 0) || x.entries.Load() != 0 {
			t.Errorf("stripe %d: something of it is in the index", stripe)
		}
	}
}

func TestIndexLoad(t *testing.T) {
	x, y := newTestIndex(t, 9000), newTestIndex(t, 500)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 8000 {
		x.apply(&recordRef{hash: rng.Uint64(), version: 1, extent: 1, page: uint32(i + 1), pages: 1, blocks: 1, stripes: 2, stripe: uint32(i % 2)}, 1)
	}
	var all []slot
	for i := range x.shards {
		all = x.dump(i, all)
	}
	if got := y.load(all); got != y.capacity() || y.entries.Load() != int64(got) {
		t.Errorf("a smaller index took %d slots, says %d, want %d", got, y.entries.Load(), y.capacity())
	}
	z := newTestIndex(t, 9500)
	if got := z.load(all); got != len(all) || z.objects.Load() != x.objects.Load() {
		t.Errorf("%d of %d slots loaded, %d of %d objects", got, len(all), z.objects.Load(), x.objects.Load())
	}
	for _, s := range all {
		if got, ok := z.at(s.hash(), s.stripe, s.position()); !s.head() && (!ok || got != s) {
			t.Fatalf("slot %+v is %+v, %v after loading", s, got, ok)
		}
	}
}

func TestIndexFullRefuses(t *testing.T) {
	x := newTestIndex(t, 100)
	rng := rand.New(rand.NewPCG(1, 2))
	stored := 0
	for range 1000 {
		r := recordRef{hash: rng.Uint64(), version: 1, extent: 1, page: 1, pages: 1, blocks: 1}
		if x.apply(&r, 1) == applied {
			stored++
		}
	}
	if limit := x.capacity(); stored > limit || stored < limit-4 || !x.crowded(rng.Uint64(), 1) {
		t.Errorf("%d of %d stored", stored, limit)
	}
	x.sweep(1)
	if n := x.entries.Load() + x.objects.Load(); n != 0 {
		t.Errorf("%d left after the sweep of the only extent", n)
	}
}

func TestIndexFence(t *testing.T) {
	x := newTestIndex(t, 100)
	r := recordRef{hash: 9, version: 1, extent: 1, page: 1, pages: 1, blocks: 1}
	x.remove(9, 5)
	if v := x.apply(&r, 4); v != fenced {
		t.Errorf("a put queued before the removal: %d, want fenced", v)
	}
	if !x.fencedOff(9, 4) || x.fencedOff(9, 5) || x.fencedOff(10, 4) {
		t.Error("fencedOff tells other keys or later puts")
	}
	x.clearFences(4)
	if v := x.apply(&r, 4); v != fenced {
		t.Errorf("the fence fell while a put before it was still queued: %d", v)
	}
	x.clearFences(5)
	if v := x.apply(&r, 4); v != applied || x.fences.Load() != 0 {
		t.Errorf("after the fence fell: %d, %d fences", v, x.fences.Load())
	}
}

func TestIndexAllocs(t *testing.T) {
	x := newTestIndex(t, 1000)
	x.apply(&recordRef{hash: 9, version: 1, extent: 1, page: 1, pages: 1, blocks: 1}, 1)
	if n := testing.AllocsPerRun(100, func() {
		var s slot
		x.head(9, &s)
		x.head(10, &s)
		x.find(9, 1, 0, 0, &s)
	}); n != 0 {
		t.Errorf("a look-up allocates %v times", n)
	}
}

// benchmarkEntries is the size of the index in benchmarks: more than any cache of
// the CPU holds.
const benchmarkEntries = 2 << 20

func benchmarkIndex(b *testing.B) *index {
	x := newTestIndex(b, benchmarkEntries)
	rng := rand.New(rand.NewPCG(1, 2))
	for range benchmarkEntries * 9 / 10 {
		x.apply(&recordRef{hash: rng.Uint64(), version: 1, extent: 1, page: 1, pages: 1, blocks: 1}, 1)
	}
	b.ReportMetric(float64(len(x.shards)*len(x.shards[0].slots)*slotSize)/float64(x.entries.Load()), "B/entry")
	return x
}

func BenchmarkIndexHit(b *testing.B) {
	x := benchmarkIndex(b)
	for b.Loop() {
		rng := rand.New(rand.NewPCG(1, 2))
		for range 1000 {
			if _, ok := headOf(x, rng.Uint64()); !ok {
				b.Fatal("lost")
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/lookup")
}

func BenchmarkIndexRandomHit(b *testing.B) {
	x := benchmarkIndex(b)
	rng := rand.New(rand.NewPCG(1, 2))
	hashes := make([]uint64, benchmarkEntries*9/10)
	for i := range hashes {
		hashes[i] = rng.Uint64()
	}
	rng.Shuffle(len(hashes), func(i, j int) { hashes[i], hashes[j] = hashes[j], hashes[i] })
	i := 0
	var s slot
	for b.Loop() {
		x.head(hashes[i], &s)
		if i++; i == len(hashes) {
			i = 0
		}
	}
}

func BenchmarkIndexMiss(b *testing.B) {
	x := benchmarkIndex(b)
	rng := rand.New(rand.NewPCG(3, 4))
	var s slot
	for b.Loop() {
		x.head(rng.Uint64(), &s)
	}
}

func BenchmarkIndexApply(b *testing.B) {
	x := benchmarkIndex(b)
	rng := rand.New(rand.NewPCG(3, 4))
	for b.Loop() {
		r := recordRef{hash: rng.Uint64(), version: 1, extent: 1, page: 1, pages: 1, blocks: 1}
		x.apply(&r, 1)
		x.remove(r.hash, 0)
	}
}
