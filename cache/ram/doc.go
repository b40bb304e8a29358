// Package ram is the RAM tier: refcounted blocks of body bytes in one arena
// outside the Go heap, and the policy that decides which of them stay.
//
// The nouns:
//
//   - The arena is one anonymous mapping of fixed size. It is the memory bound:
//     no byte of a body lives elsewhere, and what does not fit evicts.
//   - A slab is 2 MiB of the arena, one huge page, cut into chunks of one size
//     class. Slabs move between classes as the mix of sizes changes.
//   - A [Block] is the handle of one chunk. It lives on the Go heap, is never
//     reused, and counts references: its chunk is freed with the last one, and
//     Retain fails from then on. A directory may therefore keep pointers to
//     blocks without owning a reference.
//   - A [Policy] orders the admitted blocks of one shard and names the victims.
//     [NewS3FIFO] is the one in use.
//
// The life of a block, seen from a fill and a reader:
//
//	b, ok := tier.Alloc(object.BlockSize) // may evict others; refs = 1
//	n := fill(b.Buffer())
//	b = tier.Shrink(b, n)                 // the last block of a body is short
//	tier.Admit(b, hash, 0, owner)            // evictable from here on
//	b.Release()                           // the policy's reference remains
//
//	if b.Retain() {                       // false: it is gone, a miss
//		b.Touch()
//		send(b.Buffer()[:n])
//		b.Release()
//	}
//
// Concurrency: every method may be called from any goroutine. Retain, Touch, and
// Release of any but the last reference take no lock and allocate nothing. The
// arena and each shard have one mutex; they are never held together, nor while
// code of a caller runs. [Owner] callbacks run on the goroutine whose Alloc,
// or Shrink, needed room: hold no lock there that Evicted takes.
//
// What it does not do: it knows no keys, no freshness and no objects; finding a
// block is the business of the directory above. It never blocks waiting for
// memory: when all is pinned, Alloc says so.
package ram
