package ram

import (
	"fmt"
	"math/bits"
	"sync"
	"sync/atomic"
)

// Owner is told when the policy lets go of one of its blocks.
type Owner interface {
	// Evicted is called once for a block that was admitted with this owner and
	// then evicted, not for one that was removed or lost to Close. The policy's
	// reference is still held during the call, so b may be retained or read. No
	// lock of the tier is held; blocks may be released or removed. Evicted runs
	// on whatever goroutine needed memory and must not call Alloc or Shrink.
	Evicted(b *Block)
}

// Tier is the RAM tier.
type Tier struct {
	arena  *arena
	shards []shard
	shift  uint // hash >> shift is the shard

	next     atomic.Uint32 // whose turn it is to lose a block
	pinned   atomic.Int64  // bytes that left the policy but are held
	failures atomic.Uint64
	accounts accounts

	memory   *memory
	prefault *prefault

	closing sync.Mutex
	closed  bool
}

// New reserves the arena. Memory is used as blocks come, or at once with
// Options.Prefault.
func New(o Options) (*Tier, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	m, err := reserve(int(o.Size), o.HugePages, o.Log)
	if err != nil {
		return nil, fmt.Errorf("ram: reserving %d bytes: %w", o.Size, err)
	}
	t := &Tier{
		arena:  newArena(m.slabs),
		shards: make([]shard, o.Shards),
		shift:  uint(64 - bits.TrailingZeros(uint(o.Shards))),
		memory: m,
	}
	for i := range t.shards {
		t.shards[i].policy = o.Policy()
	}
	t.prefault = startPrefault(m, o.Prefault, o.Log)
	return t, nil
}

// Alloc returns a block with room for n bytes, at most object.BlockSize, and one
// reference that belongs to the caller. The block cannot be evicted before it is
// admitted. When the arena is full, blocks of others are evicted on the spot:
// Alloc may call Evicted of any owner. It reports false when no chunk of that
// size can be freed because too much is pinned or being filled, or the tier is
// closed.
func (t *Tier) Alloc(n int) (*Block, bool) {
	c := t.arena.classes.fit(n)
	if c == nil {
		t.failures.Add(1)
		return nil, false
	}
	b := &Block{tier: t}
	b.refs.Store(1)
	if !t.arena.take(c, b) && !t.reclaim(c, b) {
		t.failures.Add(1)
		return nil, false
	}
	checkPoison(b.Buffer())
	return b, true
}

// Shrink moves the first n bytes of b to a smaller chunk when they fit one, and
// returns the block that has them: b itself, or a new one with one reference,
// in which case the caller's reference to b was released. Readers that retained b
// keep reading it. A block that was admitted already stays as it is.
func (t *Tier) Shrink(b *Block, n int) *Block {
	c := t.arena.classes.fit(n)
	if c == nil || c.pages >= b.pages || b.state.claimed() {
		return b
	}
	small, ok := t.Alloc(n)
	if !ok {
		return b
	}
	copy(small.Buffer(), b.Buffer()[:n])
	b.Release()
	return small
}

// Admit makes b evictable: the policy takes a reference of its own and decides
// from here on. hash identifies the content across its versions in the cache (ID
// and block index); the policy remembers hashes of what it evicted. The caller
// must hold a reference and keeps it. o may be nil. Only the first Admit of a
// block counts; after Close none does. The block counts for account a.
func (t *Tier) Admit(b *Block, hash uint64, a Account, o Owner) {
	if !b.state.claim() {
		return
	}
	b.hash, b.owner, b.account = mix(hash), o, a
	if !t.shardOf(b).admit(b) {
		b.owner = nil
	}
}

// Remove takes b out of the policy, because its content was purged or replaced.
// Readers that hold it finish in peace. It does nothing when the policy does not
// have b, and never calls Evicted.
func (t *Tier) Remove(b *Block) {
	if b.state.resident() && t.shardOf(b).remove(b) {
		t.letGo(b)
	}
}

// Close evicts everything, without calling owners, and unmaps the arena if no
// block is held. Otherwise it returns an error that wraps [ErrPinned] and says
// how many are; the memory then stays valid, and Close may be called again when
// they are released. After the first call Alloc fails.
func (t *Tier) Close() error {
	t.closing.Lock()
	defer t.closing.Unlock()
	if t.closed {
		return nil
	}
	t.arena.close()
	t.prefault.stop()
	for i := range t.shards {
		t.shards[i].close()
	}
	for _, b := range t.arena.all() {
		t.Remove(b)
	}
	if blocks, bytes := t.arena.inUse(); blocks > 0 {
		return fmt.Errorf("%w: %d blocks of %d bytes", ErrPinned, blocks, bytes)
	}
	t.closed = true
	if err := t.memory.unmap(); err != nil {
		return fmt.Errorf("ram: unmapping the arena: %w", err)
	}
	return nil
}

// letGo gives up the policy's reference to b.
func (t *Tier) letGo(b *Block) {
	t.pinned.Add(int64(b.Weight())) // free takes it back, perhaps at once
	b.Release()
}

// free is called by the last Release.
func (t *Tier) free(b *Block) {
	if b.state.gone() {
		t.pinned.Add(-int64(b.Weight()))
	}
	poison(b.Buffer())
	t.arena.give(b)
}

// shardOf returns the shard of a block that was claimed.
func (t *Tier) shardOf(b *Block) *shard { return &t.shards[b.hash>>t.shift] }

// mix spreads a hash whose bits may be related, such as ID plus block index:
// the top bits choose the shard, the low ones the place in the ghost. It is the
// finaliser of MurmurHash3.
func mix(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
