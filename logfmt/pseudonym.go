package logfmt

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// pseudonyms turns addresses into keyed hashes. The key is random, lives in
// memory only and is replaced when a UTC day begins: what two days wrote cannot
// be joined, and once a key is gone its pseudonyms cannot be undone by trying
// all addresses.
//
// It is safe for concurrent use. Within a day of is lock-free.
type pseudonyms struct {
	current atomic.Pointer[dayKey]
	mu      sync.Mutex // serialises rotation
}

// dayKey is immutable once published.
type dayKey struct {
	day    int64 // days since the Unix epoch, UTC
	secret [32]byte
}

const nanosPerDay = int64(24 * time.Hour)

// at returns the key for the day of now (Unix nanoseconds). It never goes back:
// a record that was late gets the key of the later day.
func (p *pseudonyms) at(now int64) *dayKey {
	day := now / nanosPerDay
	if k := p.current.Load(); k != nil && k.day >= day {
		return k
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if k := p.current.Load(); k != nil && k.day >= day {
		return k
	}
	k := &dayKey{day: day}
	_, _ = rand.Read(k.secret[:]) // never fails: the runtime stops the process instead
	p.current.Store(k)
	return k
}

// of returns the pseudonym of a, 0 for an invalid address.
//
// It is the head of SHA-256 over the secret and the address. Both have a fixed
// length and the digest is cut to a quarter, so that the length extension which
// makes HMAC necessary elsewhere has nothing to work on.
func (k *dayKey) of(a netip.Addr) uint64 {
	if !a.IsValid() {
		return 0
	}
	var input [48]byte
	copy(input[:], k.secret[:])
	address := a.As16() // IPv4 and its mapped form become the same
	copy(input[32:], address[:])
	sum := sha256.Sum256(input[:])
	return max(binary.BigEndian.Uint64(sum[:]), 1)
}

// A pseudonym is written as 'p' and 16 hex digits, which no address can be.
const pseudonymLen = 17

func appendPseudonym(dst []byte, hash uint64) []byte {
	if hash == 0 {
		return dst
	}
	dst = append(dst, 'p')
	for shift := 60; shift >= 0; shift -= 4 {
		dst = append(dst, "0123456789abcdef"[hash>>shift&15])
	}
	return dst
}

func parsePseudonym(s string) (uint64, bool) {
	if len(s) != pseudonymLen || s[0] != 'p' {
		return 0, false
	}
	hash, err := strconv.ParseUint(s[1:], 16, 64)
	return hash, err == nil && hash != 0
}
