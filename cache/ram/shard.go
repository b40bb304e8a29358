package ram

import "sync"

// shard is the policy's view of a part of all blocks, by hash.
type shard struct {
	mu           sync.Mutex
	policy       Policy
	closed       bool
	blocks       int   // resident
	bytes        int64 // resident
	admitted     uint64
	ghostHits    uint64
	evictions    uint64
	evictedBytes uint64

	_ [32]byte // keeps the locks of neighbours on different cache lines
}

// admit hands b to the policy with the policy's own reference. It reports false
// when the tier is closed.
func (s *shard) admit(b *Block) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	b.refs.Add(1) // the caller holds one, so this cannot raise it from zero
	if s.policy.Admit(b) {
		s.ghostHits++
	}
	b.state.enter()
	s.admitted++
	s.blocks++
	s.bytes += int64(b.Weight())
	b.tier.accounts.add(b, b.Weight())
	return true
}

// victim takes the block that the policy wants to go.
func (s *shard) victim() (*Block, Owner) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.policy.Victim()
	if b == nil {
		return nil, nil
	}
	s.countEviction(b)
	return b, s.leftLocked(b)
}

// evict takes b out of the policy's order. It reports false when the policy does
// not have it any more.
func (s *shard) evict(b *Block) (Owner, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !b.state.resident() {
		return nil, false
	}
	s.policy.Remove(b)
	s.countEviction(b)
	return s.leftLocked(b), true
}

// remove is evict for a block that its owner drops: it is no eviction.
func (s *shard) remove(b *Block) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !b.state.resident() {
		return false
	}
	s.policy.Remove(b)
	s.leftLocked(b)
	return true
}

// leftLocked ends the stay of b, which the policy has forgotten already.
func (s *shard) leftLocked(b *Block) Owner {
	b.state.leave()
	s.blocks--
	s.bytes -= int64(b.Weight())
	b.tier.accounts.add(b, -b.Weight())
	o := b.owner
	b.owner = nil
	return o
}

func (s *shard) countEviction(b *Block) {
	s.evictions++
	s.evictedBytes += uint64(b.Weight())
}

// close refuses further blocks. Those that are here stay.
func (s *shard) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}
