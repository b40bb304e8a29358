package auth

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/dgraph-io/ristretto/v2"
)

// Signatures remembers public-key signatures that were found right, because checking
// one of Ed25519 costs some 50 µs, 100 times a look-up; RSA and P-256 are no cheaper. It holds nothing that expires or can
// be withdrawn: time, scope, client, key state and revocation are judged anew on
// every request.
//
// One serves a whole process and outlives reloads of the configuration. HMAC
// signatures are not kept: computing one costs no more than looking it up. Wrong
// signatures are not kept either, or a flood of them would drive the right ones out.
//
// A look-up allocates nothing by itself; the policy behind it takes a fresh buffer
// of 512 bytes every 64 look-ups (BenchmarkVerify shows it as 7 B/op).
//
// It is safe for concurrent use, but for Close.
type Signatures struct {
	cache *ristretto.Cache[uint64, signature]
}

// signature is one verdict. The full hash of the token and the identity of the key,
// which is an Ed25519 key itself or the hash of another, are compared at each use: the cache itself knows 64 bits of the hash only.
// It is a plain value, so what Get returns cannot change or be recycled.
type signature struct {
	token  [sha256.Size]byte
	public [sha256.Size]byte
}

// NewSignatures returns a store for about capacity signatures, each some 300 bytes
// with all that the policy keeps for it. It may lose any of them at any time.
func NewSignatures(capacity int) (*Signatures, error) {
	cache, err := ristretto.NewCache(&ristretto.Config[uint64, signature]{
		NumCounters:        10 * int64(capacity),
		MaxCost:            int64(capacity),
		BufferItems:        64,
		IgnoreInternalCost: true, // a signature costs 1; else capacity would mean 1/57 of it
	})
	if err != nil {
		return nil, fmt.Errorf("auth: signature cache of %d entries: %w", capacity, err)
	}
	return &Signatures{cache: cache}, nil
}

// Close stops the goroutines of the store. No Verify may be under way or follow.
func (s *Signatures) Close() { s.cache.Close() }

// has reports whether the token of this hash carries a right signature of public.
func (s *Signatures) has(token *[sha256.Size]byte, public *[sha256.Size]byte) bool {
	if s == nil {
		return false
	}
	got, ok := s.cache.Get(slot(token))
	return ok && got.token == *token && got.public == *public
}

// add remembers a right signature, or not: the cache drops what comes too fast.
func (s *Signatures) add(token *[sha256.Size]byte, public *[sha256.Size]byte) {
	if s != nil {
		s.cache.Set(slot(token), signature{*token, *public}, 1)
	}
}

// slot takes the cache's key from a SHA-256, which is uniform and cannot be crafted.
func slot(token *[sha256.Size]byte) uint64 {
	return binary.LittleEndian.Uint64(token[:])
}
