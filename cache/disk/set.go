package disk

import (
	"context"
	"errors"
	"math"
	"sync"
	"sync/atomic"

	"edged/cache/object"

	"github.com/zeebo/xxh3"
)

// Set spreads keys over several disks by rendezvous hashing weighted by size: a
// disk that is added or lost moves only its share of the keys. A key that moved
// is still found where it was.
//
// Disks that cannot be opened yet join when they can (OpenSet).
type Set struct {
	members atomic.Pointer[[]member]

	mu     sync.Mutex
	absent []*absent               // guarded by mu
	onJoin func(*Journal)          // guarded by mu
	dead   func(*object.Meta) bool // guarded by mu; nil: nothing is purged
	stop   chan struct{}
	once   sync.Once
	opens  sync.WaitGroup
}

type member struct {
	*Tier
	seed   uint64  // of the UUID: a disk keeps its keys under another path
	weight float64 // bytes
	place  int     // in the order of the set
}

// NewSet returns the set of the given tiers, which it owns from now on. A set of
// none stores nothing.
func NewSet(tiers []*Tier) *Set {
	s := &Set{stop: make(chan struct{})}
	list := make([]member, 0, len(tiers))
	for i, t := range tiers {
		list = append(list, newMember(t, i))
	}
	s.members.Store(&list)
	return s
}

func newMember(t *Tier, place int) member {
	return member{t, xxh3.Hash(t.super.uuid[:]), float64(t.size), place}
}

// disks returns the disks that are open. The slice is not to be changed.
func (s *Set) disks() []member { return *s.members.Load() }

// score is the standing of a disk for a key: −w/ln u for u uniform in (0, 1)
// gives each disk the share w of the first places.
func (m *member) score(key object.Key) float64 {
	u := (float64(xxh3.HashStringSeed(string(key), m.seed)>>11) + 0.5) / (1 << 53)
	return -m.weight / math.Log(u)
}

// owner returns the writable disk that stands first for key, nil when none is.
func (s *Set) owner(key object.Key) *Tier {
	var best *Tier
	top := math.Inf(-1)
	disks := s.disks()
	for i := range disks {
		m := &disks[i]
		if !m.breaker.writable() {
			continue
		}
		if score := m.score(key); score > top {
			best, top = m.Tier, score
		}
	}
	return best
}

// Lookup returns the version of key that was stored last on any disk that
// answers.
func (s *Set) Lookup(key object.Key) (*Entry, bool) {
	var best *Tier
	var id object.ID
	var head, h slot
	disks := s.disks()
	for i := range disks {
		t := disks[i].Tier
		if i, ok := t.seek(key, &h); ok && (best == nil || h.seq > head.seq) {
			best, id, head = t, i, h
		}
	}
	if best == nil {
		return nil, false
	}
	return best.fetch(key, id, &head)
}

// Contains is Tier.Contains on any disk.
func (s *Set) Contains(key object.Key) bool {
	disks := s.disks()
	for i := range disks {
		if disks[i].Contains(key) {
			return true
		}
	}
	return false
}

// ReadBlock is Tier.ReadBlock on the disk that e was found on.
func (s *Set) ReadBlock(e *Entry, block int, dst []byte) error {
	return e.tier.ReadBlock(e, block, dst)
}

// Has is Tier.Has on the disk that e was found on.
func (s *Set) Has(e *Entry, block int) bool { return e.tier.Has(e, block) }

// Locate is Tier.Locate on the disk that e was found on.
func (s *Set) Locate(e *Entry, block int) (*Place, bool) { return e.tier.Locate(e, block) }

// Put is Tier.Put on the first healthy disk of the key. Other versions of the key
// on other disks are forgotten.
func (s *Set) Put(key object.Key, m *object.Meta, stripe int, blocks []Body) bool {
	t := s.owner(key)
	if t == nil {
		(&job{blocks: blocks}).release()
		return false
	}
	disks := s.disks()
	for i := range disks {
		other := disks[i].Tier
		if other == t {
			continue
		}
		if version, _, ok := other.stores(key); ok && version != m.Version {
			other.forgetLater(key)
		}
	}
	return t.Put(key, m, stripe, blocks)
}

// Admits is Tier.Admits of the disk that Put would choose.
func (s *Set) Admits(key object.Key, again bool) bool {
	t := s.owner(key)
	return t != nil && t.Admits(key, again)
}

// PutMeta is Tier.PutMeta on the disk that stores the version; a response
// without a body is stored like any other.
func (s *Set) PutMeta(key object.Key, m *object.Meta) bool {
	disks := s.disks()
	for i := range disks {
		if version, _, ok := disks[i].stores(key); ok && version == m.Version {
			return disks[i].PutMeta(key, m)
		}
	}
	if m.Size == 0 {
		return s.Put(key, m, 0, nil)
	}
	t := s.owner(key) // its stripes may still be in the queue there
	return t != nil && t.PutMeta(key, m)
}

// Remove is Tier.Remove on every disk, also on those that are not open yet.
func (s *Set) Remove(key object.Key) {
	s.miss(key)
	disks := s.disks()
	for i := range disks {
		disks[i].Remove(key)
	}
}

// Sync is Tier.Sync on every disk.
func (s *Set) Sync(ctx context.Context) error {
	var err error
	disks := s.disks()
	for i := range disks {
		err = errors.Join(err, disks[i].Sync(ctx))
	}
	return err
}

// Close closes every disk.
func (s *Set) Close() error {
	err := s.giveUp()
	disks := s.disks()
	for i := range disks {
		err = errors.Join(err, disks[i].Close())
	}
	return err
}

// Stats returns the numbers of every disk, in the order in which the set
// was given them. A disk that is not open yet has none.
func (s *Set) Stats() []Stats {
	stats := make([]Stats, 0, len(s.disks()))
	disks := s.disks()
	for i := range disks {
		stats = append(stats, disks[i].Stats())
	}
	return stats
}
