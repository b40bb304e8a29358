package ram

import "sync/atomic"

// Block is the handle of one chunk of the arena. Handles come from [Tier.Alloc],
// live on the Go heap and are never reused: references fall to zero once and
// cannot rise again, so a stale pointer to a Block is harmless.
//
// It fills exactly one cache line (64 bytes, held by a test): a 64 GiB arena of
// 4 KiB blocks would need 1 GiB of them.
type Block struct {
	refs  atomic.Int32
	state state
	// hash, owner and account are written once, by the goroutine that claimed the block
	// in Admit, before the policy sees it. owner is cleared under the shard's lock.
	hash  uint64
	owner Owner
	tier  *Tier

	// Of the policy, guarded by the lock of the shard.
	next, prev *Block
	in         queueID

	account Account // set with hash

	// Set by Alloc, constant since.
	pages uint16 // capacity in pages
	page  uint32 // first page in the arena
}

// NewEntry returns a block without memory, for driving a [Policy] in a
// simulation. It weighs size bytes, rounded up to whole pages, and must not be
// given to a [Tier]. Sizes above 255 MiB count as that.
func NewEntry(hash uint64, size int) *Block {
	return &Block{hash: hash, pages: uint16(min((size+pageSize-1)/pageSize, 1<<16-1))}
}

// Buffer returns the whole capacity of the block, at least what Alloc was asked
// for. It is borrowed until the caller releases its reference. Only whoever
// fills the block may write to it, and only before readers know it; what was not
// written holds arbitrary old bytes. The slice cannot grow into its neighbour.
func (b *Block) Buffer() []byte { return b.tier.arena.bytes(b) }

// Weight returns the capacity in bytes.
func (b *Block) Weight() int { return int(b.pages) * pageSize }

// Hash returns what the block was admitted under; 0 before.
func (b *Block) Hash() uint64 { return b.hash }

// Retain takes a reference and reports whether that was possible. It fails when
// the last reference is gone: the chunk may already hold other bytes.
func (b *Block) Retain() bool {
	for {
		n := b.refs.Load()
		if n <= 0 {
			return false
		}
		if b.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// Release gives a reference back. The last one frees the chunk, which takes the
// lock of the arena for a moment.
func (b *Block) Release() {
	switch n := b.refs.Add(-1); {
	case n == 0:
		b.tier.free(b)
	case n < 0:
		panic("ram: block released more often than it was retained")
	}
}

// Touch records a hit for the policy. A block that is already as hot as the
// policy can tell is only read, so its cache line stays shared between cores.
func (b *Block) Touch() { b.state.touch() }

// Hits returns how often the block was touched since Alloc, 3 meaning three
// times or more. Unlike the frequency that the policy counts down it never falls.
func (b *Block) Hits() uint32 { return b.state.hits() }

// Pinned reports whether somebody besides the policy holds a reference just now.
func (b *Block) Pinned() bool { return b.pinned() }

// pinned reports whether anybody but the policy holds a reference. The answer
// may be outdated at once; it serves only to prefer blocks that free memory.
func (b *Block) pinned() bool { return b.refs.Load() > 1 }
