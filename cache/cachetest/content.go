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
func Content(dst []byte, key object.Key, version uint64, index int) []byte {
	rng := rand.NewPCG(xxh3.HashStringSeed(string(key), version), uint64(index))
	var word [8]byte
	for b := dst; len(b) > 0; {
		binary.LittleEndian.PutUint64(word[:], rng.Uint64())
		b = b[copy(b, word[:]):]
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
	for i := range b.p {
		b.p[i] = 0xdb
	}
	b.owner.out.Add(-1)
}
