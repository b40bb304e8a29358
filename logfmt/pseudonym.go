package logfmt

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// pseudonyms turns addresses and session ids into keyed hashes. The key is random,
// lives in memory only and is replaced when a UTC hour or day begins: what two
// of them wrote cannot be joined, and once a key is gone its pseudonyms cannot
// be undone by trying all addresses.
//
// It is safe for concurrent use. While a key lives, at is lock-free.
type pseudonyms struct {
	every   int64 // life of a key in nanoseconds; 0 is a day
	current atomic.Pointer[periodKey]
	mu      sync.Mutex // serialises rotation
}

// periodKey is immutable once published. The one it replaces is left to the garbage
// collector, which nobody can ask for it.
type periodKey struct {
	period int64 // since the Unix epoch, UTC
	secret [32]byte
}

const nanosPerDay = int64(24 * time.Hour)

// at returns the key for the period of now (Unix nanoseconds). It never goes back:
// a record that was late gets the later key.
func (p *pseudonyms) at(now int64) *periodKey {
	period := now / cmp.Or(p.every, nanosPerDay)
	if k := p.current.Load(); k != nil && k.period >= period {
		return k
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if k := p.current.Load(); k != nil && k.period >= period {
		return k
	}
	k := &periodKey{period: period}
	_, _ = rand.Read(k.secret[:]) // never fails: the runtime stops the process instead
	p.current.Store(k)
	return k
}

// of returns the pseudonym of a, 0 for an invalid address.
//
// It is the head of SHA-256 over the secret and the address. Both have a fixed
// length and the digest is cut to a quarter, so that the length extension which
// makes HMAC necessary elsewhere has nothing to work on.
func (k *periodKey) of(a netip.Addr) uint64 {
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

// maxSession is how much of a session id is looked at, in bytes.
const maxSession = 128

// ofSession returns the hash of a session id, 0 for none. A byte before the id keeps
// it apart from every address; the cut digest again makes length extension useless.
func (k *periodKey) ofSession(id []byte) uint64 {
	if len(id) == 0 {
		return 0
	}
	var input [32 + 1 + maxSession]byte
	copy(input[:], k.secret[:])
	input[32] = 's'
	n := copy(input[33:], id)
	sum := sha256.Sum256(input[:33+n])
	return max(binary.BigEndian.Uint64(sum[:]), 1)
}

// A hash is written as a letter, 'p' for an address and 's' for a session, and 16
// hex digits, which no address can be.
const hashLen = 17

func appendHash(dst []byte, letter byte, hash uint64) []byte {
	if hash == 0 {
		return dst
	}
	dst = append(dst, letter)
	for shift := 60; shift >= 0; shift -= 4 {
		dst = append(dst, "0123456789abcdef"[hash>>shift&15])
	}
	return dst
}

func parseHash(s string, letter byte) (uint64, bool) {
	if len(s) != hashLen || s[0] != letter {
		return 0, false
	}
	hash, err := strconv.ParseUint(s[1:], 16, 64)
	return hash, err == nil && hash != 0
}
