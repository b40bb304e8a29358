package ram

import (
	"container/list"
	"math"
	"math/rand/v2"
	"testing"
)

// lru is the policy to compare with: exact least recently used. A hit is told to
// it by Remove and Admit.
type lru struct {
	order *list.List
	at    map[*Block]*list.Element
}

func newLRU() Policy { return &lru{list.New(), map[*Block]*list.Element{}} }

func (p *lru) Admit(b *Block) bool { p.at[b] = p.order.PushFront(b); return false }
func (p *lru) Remove(b *Block)     { p.order.Remove(p.at[b]); delete(p.at, b) }
func (p *lru) Victim() *Block {
	e := p.order.Back()
	if e == nil {
		return nil
	}
	b := e.Value.(*Block)
	p.Remove(b)
	return b
}

// request asks for one block.
type request struct {
	hash uint64
	size int
}

// replay runs a trace through a policy with room for capacity bytes, and returns
// the share of requests that hit.
func replay(p Policy, trace []request, capacity int) float64 {
	have, used, hits := map[uint64]*Block{}, 0, 0
	_, moves := p.(*lru)
	for _, r := range trace {
		if b := have[r.hash]; b != nil {
			hits++
			if b.Touch(); moves {
				p.Remove(b)
				p.Admit(b)
			}
			continue
		}
		b := NewEntry(r.hash, r.size)
		for used+b.Weight() > capacity {
			v := p.Victim()
			used -= v.Weight()
			delete(have, v.Hash())
		}
		used += b.Weight()
		have[r.hash] = b
		p.Admit(b)
	}
	return float64(hits) / float64(len(trace))
}

// sizeOf gives each hash a size of its own, 4 KiB to 1 MiB.
func sizeOf(hash uint64) int { return pageSize << (mix(hash) % 9) }

// vod is zipf over a catalogue with one-hit wonders strewn in.
func vod(r *rand.Rand, n, catalogue int, oneHit float64) []request {
	z := rand.NewZipf(r, 1.05, 8, uint64(catalogue-1))
	trace := make([]request, 0, n)
	for i := range n {
		h := mix(z.Uint64() + 1)
		if r.Float64() < oneHit {
			h = mix(1<<40 + uint64(i))
		}
		trace = append(trace, request{h, sizeOf(h)})
	}
	return trace
}

// live is a moving edge: most viewers want one of the newest segments.
func live(r *rand.Rand, n, channels int) []request {
	trace := make([]request, 0, n)
	for i := range n {
		channel, behind := r.IntN(channels), int(math.Abs(r.NormFloat64())*3)
		h := mix(1<<50 + uint64(channel)<<32 + uint64(max(0, i/(channels*20)-behind)))
		trace = append(trace, request{h, sizeOf(h)})
	}
	return trace
}

// footprint returns the bytes of all different blocks of a trace.
func footprint(trace []request) int {
	seen, sum := map[uint64]bool{}, 0
	for _, r := range trace {
		if !seen[r.hash] {
			seen[r.hash] = true
			sum += r.size
		}
	}
	return sum
}

func TestS3FIFOBeatsLRU(t *testing.T) {
	if poisoned {
		t.Skip("one goroutine and no memory: the race detector would only slow it down")
	}
	const n = 200_000
	source := func(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }
	mixed := vod(source(3), n/2, 40_000, 0.25)
	for i, q := range live(source(4), n/2, 40) {
		mixed = append(mixed, q)
		j := i * 2
		mixed[j], mixed[len(mixed)-1] = mixed[len(mixed)-1], mixed[j]
	}
	traces := []struct {
		name  string
		trace []request
		gain  float64 // least advantage in hit ratio
	}{
		{"zipf and one-hit wonders", vod(source(1), n, 40_000, 0.25), 0.03},
		{"zipf alone", vod(source(2), n, 40_000, 0), 0},
		{"live and zipf", mixed, 0},
	}
	for _, tt := range traces {
		total := footprint(tt.trace)
		for _, percent := range []int{1, 2, 5, 10} {
			capacity := total / 100 * percent
			s3, base := replay(NewS3FIFO(), tt.trace, capacity), replay(newLRU(), tt.trace, capacity)
			t.Logf("%-25s %2d%%: S3-FIFO %.3f, LRU %.3f", tt.name, percent, s3, base)
			if s3 < base+tt.gain {
				t.Errorf("%s, %d%% of the footprint: S3-FIFO hits %.3f, LRU %.3f; want %.2f more", tt.name, percent, s3, base, tt.gain)
			}
		}
	}
}

// TestS3FIFOScan lets a long scan of new blocks pass and looks who is left.
func TestS3FIFOScan(t *testing.T) {
	const hot, scan, size = 500, 50_000, 64 << 10
	survivors := func(p Policy) int {
		trace := make([]request, 0, 4*hot+scan)
		for range 4 {
			for h := range uint64(hot) {
				trace = append(trace, request{mix(h), size})
			}
		}
		for h := range uint64(scan) {
			trace = append(trace, request{mix(1<<32 + h), size})
		}
		replay(p, trace, 1000*size)
		left := 0
		for b := p.Victim(); b != nil; b = p.Victim() {
			for h := range uint64(hot) {
				if b.Hash() == mix(h) {
					left++
				}
			}
		}
		return left
	}
	if n := survivors(NewS3FIFO()); n != hot {
		t.Errorf("%d of %d hot blocks survive the scan, want all", n, hot)
	}
	if n := survivors(newLRU()); n != 0 {
		t.Errorf("LRU keeps %d blocks: the scan is too weak to show anything", n)
	}
}
