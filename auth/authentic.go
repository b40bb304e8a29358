package auth

import (
	"crypto/sha256"
	"sync"
)

// maxAuthentic is how many tokens of one site are kept parsed: some 2 KiB each.
const maxAuthentic = 4096

// authentic is a token whose signature was right and whose claims could be read.
// Nothing in it changes any more.
type authentic[C any] struct {
	key    *verifyKey
	claims C
	sum    [sha256.Size]byte // of what was signed: it stands for the token in revocations
}

// authentics keeps tokens of a scheme whose claims cost more to read than all the
// rest of a hit: 3 to 20 µs for JSON or CBOR. It holds nothing that is judged: state
// of the key, time, scope, client and revocation are looked at on every request. It
// lives as long as its site, and so never longer than the keys.
//
// It is safe for concurrent use.
type authentics[C any] struct {
	mu    sync.RWMutex
	known map[[sha256.Size]byte]*authentic[C] // by the whole token; guarded by mu
}

func newAuthentics[C any]() *authentics[C] {
	return &authentics[C]{known: map[[sha256.Size]byte]*authentic[C]{}}
}

// get returns the token if it was seen before, nil otherwise.
func (a *authentics[C]) get(raw []byte) *authentic[C] {
	sum := sha256.Sum256(raw)
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.known[sum]
}

// put keeps a token, and lets go of any other when there are too many. Only who can
// sign gets here, so that a flood of wrong tokens drives nothing out.
func (a *authentics[C]) put(raw []byte, t *authentic[C]) {
	sum := sha256.Sum256(raw)
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.known) >= maxAuthentic {
		for other := range a.known {
			delete(a.known, other)
			break
		}
	}
	a.known[sum] = t
}
