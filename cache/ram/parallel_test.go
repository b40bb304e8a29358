package ram

import (
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
)

// directory is a cache as a caller would build it: hash to block, no references.
type directory struct {
	tier  *Tier
	cells [2048]cell

	hits, misses, failures, evicted, replaced atomic.Int64
}

// cell has the block of one hash. It is the Owner of that block.
type cell struct {
	d     *directory
	hash  uint64
	block atomic.Pointer[Block]
}

// Evicted implements Owner.
func (c *cell) Evicted(b *Block) {
	c.d.evicted.Add(1)
	c.block.CompareAndSwap(b, nil)
}

// use is one request: a hit is verified, a miss is filled.
func (c *cell) use(t *testing.T, r *rand.Rand) {
	if b := c.block.Load(); b != nil && b.Retain() {
		b.Touch()
		c.verify(t, b)
		if r.IntN(50) == 0 {
			c.d.tier.Remove(b) // a purge
		}
		b.Release()
		c.d.hits.Add(1)
		return
	}
	c.d.misses.Add(1)
	b, ok := c.d.tier.Alloc(sizeOf(c.hash))
	if !ok {
		c.d.failures.Add(1)
		return
	}
	for at := 0; at < b.Weight(); at += pageSize {
		binary.LittleEndian.PutUint64(b.Buffer()[at:], c.hash)
	}
	c.publish(b)
}

// publish makes b the block of c. It is stored first, so that an eviction right
// after Admit finds it.
func (c *cell) publish(b *Block) {
	old := c.block.Swap(b)
	c.d.tier.Admit(b, c.hash, 0, c)
	b.Release()
	if old != nil {
		c.d.tier.Remove(old)
		c.d.replaced.Add(1)
	}
}

func (c *cell) verify(t *testing.T, b *Block) {
	for at := 0; at < b.Weight(); at += pageSize {
		if got := binary.LittleEndian.Uint64(b.Buffer()[at:]); got != c.hash {
			t.Errorf("block of %d holds %d", c.hash, got)
			return
		}
	}
}

// TestParallel lets goroutines hit, fill, replace, purge and evict the same few
// blocks in an arena a seventh of their size.
func TestParallel(t *testing.T) {
	const workers = 8
	steps := 20_000
	if poisoned || testing.Short() {
		steps = 1_000
	}
	tier, err := New(Options{Size: 64 << 20, Shards: 4, Prefault: true})
	if err != nil {
		t.Fatal(err)
	}
	d := &directory{tier: tier}
	for i := range d.cells {
		d.cells[i].d, d.cells[i].hash = d, uint64(i)
	}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 7))
			z := rand.NewZipf(r, 1.1, 20, uint64(len(d.cells)-1))
			for range steps {
				d.cells[z.Uint64()].use(t, r)
			}
		})
	}
	wg.Wait()
	s := tier.Stats()
	t.Logf("hits %d, misses %d, failures %d, replaced %d, %+v",
		d.hits.Load(), d.misses.Load(), d.failures.Load(), d.replaced.Load(), s)
	if int64(s.Evictions) != d.evicted.Load() || s.Evictions == 0 {
		t.Errorf("%d evictions, Evicted called %d times", s.Evictions, d.evicted.Load())
	}
	if s.Used != s.Resident || s.Pinned != 0 || s.Used > s.Size || d.hits.Load() == 0 {
		t.Errorf("at rest: %+v", s)
	}
	if n := d.failures.Load(); n > d.misses.Load()/100 {
		t.Errorf("%d of %d misses found no memory, though little is held", n, d.misses.Load())
	}
	if err := tier.Close(); err != nil {
		t.Error(err)
	}
}

// TestCloseUnderLoad closes while others allocate; the last release makes it
// possible.
func TestCloseUnderLoad(t *testing.T) {
	tier, err := New(Options{Size: MinSize})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	started := make(chan struct{}, 4)
	for w := range cap(started) {
		wg.Go(func() {
			for i := uint64(0); ; i++ {
				b, ok := tier.Alloc(200_000)
				if i == 10 {
					started <- struct{}{}
				}
				if !ok {
					if i > 10 {
						return
					}
					continue
				}
				b.Buffer()[0] = 1
				tier.Admit(b, uint64(w)<<32+i, 0, nil)
				b.Release()
			}
		})
	}
	for range cap(started) {
		<-started
	}
	first := tier.Close() // may find blocks that are being filled
	wg.Wait()
	if err := tier.Close(); err != nil {
		t.Errorf("Close at rest: %v; the first one said %v", err, first)
	}
	if s := tier.Stats(); s.Used != 0 || s.Blocks != 0 {
		t.Errorf("%+v", s)
	}
}

// TestRetainOrGone races readers against the last release: either the reader
// gets the block with its bytes, or nothing.
func TestRetainOrGone(t *testing.T) {
	tier := newTier(t, Options{Size: MinSize})
	for i := range 500 {
		b := alloc(t, tier, 1)
		b.Buffer()[0] = byte(i)
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				for b.Retain() {
					if b.Buffer()[0] != byte(i) {
						t.Errorf("round %d: read %d", i, b.Buffer()[0])
					}
					b.Release()
				}
			})
		}
		b.Release()
		wg.Wait()
	}
}
