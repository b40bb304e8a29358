package main

import (
	"container/list"
	"fmt"

	"github.com/dgraph-io/ristretto/v2"
	"github.com/maypok86/otter/v2"

	"edged/cache/ram"
)

// contender is a cache under test. get reports whether it has a block, and stores it
// when it has not.
type contender interface {
	get(request) bool
	close()
}

// policy makes contenders of one kind.
type policy struct {
	name string
	make func(capacity int64, requests int) (contender, error)
}

func policies() []policy {
	return []policy{
		{"lru", newLRU},
		{"s3-fifo", func(capacity int64, _ int) (contender, error) { return newSimulation(ram.NewS3FIFO(), capacity), nil }},
		{"otter", newOtter},
		{"ristretto", newRistretto},
	}
}

// sweep is S3-FIFO with other parameters than the daemon's, which is the first.
func sweep() []policy {
	all := []ram.S3FIFO{ram.DefaultS3FIFO()}
	for _, small := range []float64{0.05, 0.10, 0.20} {
		for _, ghost := range []float64{0.5, 0.9, 2} {
			for _, promote := range []uint32{1, 2} {
				all = append(all, ram.S3FIFO{Small: small, Ghost: ghost, PromoteAt: promote})
			}
		}
	}
	list := make([]policy, 0, len(all))
	for _, s := range all {
		name := fmt.Sprintf("small %.2f ghost %.1f at %d", s.Small, s.Ghost, s.PromoteAt)
		list = append(list, policy{name, func(capacity int64, _ int) (contender, error) { return newSimulation(s.New(), capacity), nil }})
	}
	list[0].name = "the daemon's"
	return list
}

// simulation drives a policy of the RAM tier without memory.
type simulation struct {
	policy         ram.Policy
	blocks         map[uint64]*ram.Block
	used, capacity int64
}

func newSimulation(p ram.Policy, capacity int64) *simulation {
	return &simulation{policy: p, blocks: map[uint64]*ram.Block{}, capacity: capacity}
}

func (s *simulation) get(r request) bool {
	if b := s.blocks[r.block]; b != nil {
		b.Touch()
		return true
	}
	b := ram.NewEntry(r.block, int(r.size))
	if int64(b.Weight()) > s.capacity {
		return false
	}
	for s.used += int64(b.Weight()); s.used > s.capacity; {
		v := s.policy.Victim()
		s.used -= int64(v.Weight())
		delete(s.blocks, v.Hash())
	}
	s.blocks[r.block] = b
	s.policy.Admit(b)
	return false
}

func (s *simulation) close() {}

// lru is exact least recently used.
type lru struct {
	order          *list.List // of request, latest first
	at             map[uint64]*list.Element
	used, capacity int64
}

func newLRU(capacity int64, _ int) (contender, error) {
	return &lru{order: list.New(), at: map[uint64]*list.Element{}, capacity: capacity}, nil
}

func (l *lru) get(r request) bool {
	if e := l.at[r.block]; e != nil {
		l.order.MoveToFront(e)
		return true
	}
	if int64(r.size) > l.capacity {
		return false
	}
	for l.used += int64(r.size); l.used > l.capacity; {
		v := l.order.Remove(l.order.Back()).(request)
		l.used -= int64(v.size)
		delete(l.at, v.block)
	}
	l.at[r.block] = l.order.PushFront(r)
	return false
}

func (l *lru) close() {}

// otterCache is adaptive W-TinyLFU.
type otterCache struct {
	cache *otter.Cache[uint64, int32]
}

func newOtter(capacity int64, _ int) (contender, error) {
	c, err := otter.New(&otter.Options[uint64, int32]{
		MaximumWeight: uint64(capacity),
		Weigher:       func(_ uint64, size int32) uint32 { return uint32(size) },
		Executor:      func(work func()) { work() },
	})
	if err != nil {
		return nil, fmt.Errorf("otter: %w", err)
	}
	return otterCache{c}, nil
}

func (o otterCache) get(r request) bool {
	if _, ok := o.cache.GetIfPresent(r.block); ok {
		return true
	}
	o.cache.Set(r.block, r.size)
	return false
}

func (o otterCache) close() { o.cache.StopAllGoroutines() }

// ristrettoCache is sampled LFU with TinyLFU admission.
type ristrettoCache struct {
	cache *ristretto.Cache[uint64, int32]
}

func newRistretto(capacity int64, requests int) (contender, error) {
	c, err := ristretto.NewCache(&ristretto.Config[uint64, int32]{
		NumCounters: int64(10 * requests), MaxCost: capacity, BufferItems: 64, IgnoreInternalCost: true,
	})
	if err != nil {
		return nil, fmt.Errorf("ristretto: %w", err)
	}
	return ristrettoCache{c}, nil
}

func (c ristrettoCache) get(r request) bool {
	if _, ok := c.cache.Get(r.block); ok {
		return true
	}
	c.cache.Set(r.block, r.size, int64(r.size))
	c.cache.Wait()
	return false
}

func (c ristrettoCache) close() { c.cache.Close() }
