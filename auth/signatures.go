package auth

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/bits"
	"sync/atomic"
)

// Signatures remembers public-key signatures that were found right, because checking
// one of Ed25519 costs some 50 µs, 1000 times a look-up; RSA and P-256 are no cheaper.
// It holds nothing that expires or can be withdrawn: time, scope, client, key state and
// revocation are judged anew on every request.
//
// One serves a whole process and outlives reloads of the configuration. HMAC
// signatures are not kept: computing one costs no more than looking it up. Wrong
// signatures are not kept either, or a flood of them would drive the right ones out.
//
// It is a table of sets of ways signatures, found by the token's hash; a new one takes a
// free place of its set, or that of any other. A look-up takes no lock and allocates
// nothing. It is safe for concurrent use.
type Signatures struct {
	table []atomic.Pointer[signature] // a power of two of them
}

// ways is how many signatures have their places in common.
const ways = 4

// signature is one verdict: the full hash of the token and the identity of the key,
// which is an Ed25519 key itself or the hash of another. Nothing in it changes.
type signature struct {
	token  [sha256.Size]byte
	public [sha256.Size]byte
}

// NewSignatures returns a store for capacity signatures, rounded up to a power of two.
// Each takes 72 bytes; an empty place takes 8.
func NewSignatures(capacity int) (*Signatures, error) {
	if capacity < 1 || capacity > 1<<30 {
		return nil, fmt.Errorf("auth: a store of %d signatures: 1 to %d are possible", capacity, 1<<30)
	}
	n := max(ways, 1<<bits.Len(uint(capacity-1)))
	return &Signatures{table: make([]atomic.Pointer[signature], n)}, nil
}

// set returns the places of a token. Its hash is uniform and cannot be crafted.
func (s *Signatures) set(token *[sha256.Size]byte) []atomic.Pointer[signature] {
	at := int(binary.LittleEndian.Uint32(token[:])) & (len(s.table) - ways)
	return s.table[at : at+ways]
}

// has reports whether the token of this hash carries a right signature of public.
func (s *Signatures) has(token *[sha256.Size]byte, public *[sha256.Size]byte) bool {
	if s == nil {
		return false
	}
	set := s.set(token)
	for i := range set {
		if got := set[i].Load(); got != nil && got.token == *token && got.public == *public {
			return true
		}
	}
	return false
}

// add remembers a right signature.
func (s *Signatures) add(token *[sha256.Size]byte, public *[sha256.Size]byte) {
	if s == nil {
		return
	}
	set, fresh := s.set(token), &signature{*token, *public}
	for i := range set {
		if set[i].CompareAndSwap(nil, fresh) {
			return
		}
	}
	set[token[sha256.Size-1]%ways].Store(fresh)
}
