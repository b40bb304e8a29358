package cachetest

import (
	"encoding/binary"
	"math/rand/v2"
	"sync/atomic"

	"edged/cache/disk"
	"edged/cache/object"

	"github.com/zeebo/xxh3"
)

// Content fills dst with the bytes that block index of a version of key has in
// every test: whoever reads a block knows what it must be without having kept it.
//
// Only the first page is made word by word: each later one is a copy that begins with
// a word of its own, which is what the race detector can bear at the rate of a disk.
func Content(dst []byte, key object.Key, version uint64, index int) []byte {
	rng := rand.NewPCG(xxh3.HashStringSeed(string(key), version), uint64(index))
	var word [8]byte
	const page = 4 << 10
	for at := 0; at < len(dst); {
		binary.LittleEndian.PutUint64(word[:], rng.Uint64())
		at += copy(dst[at:], word[:])
		if at > page {
			at += copy(dst[at:], dst[len(word):page])
		}
	}
	return dst
}

// Block returns the content of block index of an object whose body has size bytes.
func Block(key object.Key, version uint64, size int64, index int) []byte {
	return Content(make([]byte, object.BlockLen(size, index)), key, version, index)
}

// Bodies hands out counted blocks, to find out whether all came back.
type Bodies struct{ out atomic.Int64 }

// Outstanding returns how many blocks were handed out and not released.
func (b *Bodies) Outstanding() int64 { return b.out.Load() }

// Body returns a block whose bytes are poisoned when it is released, so that
// whoever reads it afterwards is found out.
func (b *Bodies) Body(p []byte) disk.Body {
	b.out.Add(1)
	return &body{owner: b, p: p}
}

// Stripe returns the blocks of one stripe of an object; the ones whose bit in skip
// is set are nil.
func (b *Bodies) Stripe(key object.Key, version uint64, size int64, stripe int, skip uint8) []disk.Body {
	first := stripe * object.StripeBlocks
	n := min(object.StripeBlocks, object.Blocks(size)-first)
	blocks := make([]disk.Body, n)
	for i := range blocks {
		if skip&(1<<i) == 0 {
			blocks[i] = b.Body(Block(key, version, size, first+i))
		}
	}
	return blocks
}

type body struct {
	owner    *Bodies
	p        []byte
	released atomic.Bool
}

func (b *body) Bytes() []byte { return b.p }

func (b *body) Release() {
	if b.released.Swap(true) {
		panic("cachetest: block released twice")
	}
	if len(b.p) > 0 {
		b.p[0] = 0xdb
		for n := 1; n < len(b.p); n *= 2 {
			copy(b.p[n:], b.p[:n])
		}
	}
	b.owner.out.Add(-1)
}
