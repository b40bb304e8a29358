package auth

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"sync"
)

// Bounds of signing keys.
const (
	// MinSecretSize is the least length of an HMAC secret in bytes. Half the
	// size of the hash is what RFC 2104 §3 and NIST SP 800-107 leave above doubt.
	MinSecretSize = 16
	// MaxKeyIDSize is the greatest length of a key id in bytes.
	MaxKeyIDSize = 64
)

// ErrKey marks a signing key that cannot be used: an unfit id, type, size or
// account. The text says which key and what to change.
var ErrKey = errors.New("auth: unusable signing key")

// KeyType is the algorithm of a signing key.
type KeyType uint8

// The algorithms. There is no zero one: a key without a type is refused.
const (
	HMACSHA256 KeyType = iota + 1
	Ed25519
)

// String returns the type's word in configuration.
func (t KeyType) String() string {
	switch t {
	case HMACSHA256:
		return "hmac-sha256"
	case Ed25519:
		return "ed25519"
	}
	return "unknown"
}

// ParseKeyType is the inverse of KeyType.String.
func ParseKeyType(word string) (KeyType, bool) {
	for t := HMACSHA256; t <= Ed25519; t++ {
		if word == t.String() {
			return t, true
		}
	}
	return 0, false
}

// KeyState is where a signing key is in its life. At least two keys of an account
// should be live at any time, so that minting can move from one to the next
// without refusing a viewer.
type KeyState uint8

// The states. All but StateRevoked are accepted; they differ for who mints.
const (
	StateActive   KeyState = iota // mint with it
	StateNext                     // accepted already, not minted with yet
	StateRetiring                 // accepted until Key.AcceptUntil, no longer minted with
	StateRevoked                  // refused
)

// String returns the state's word in configuration.
func (s KeyState) String() string {
	if s > StateRevoked {
		return "unknown"
	}
	return [...]string{"active", "next", "retiring", "revoked"}[s]
}

// ParseKeyState is the inverse of KeyState.String.
func ParseKeyState(word string) (KeyState, bool) {
	for s := StateActive; s <= StateRevoked; s++ {
		if word == s.String() {
			return s, true
		}
	}
	return 0, false
}

// Key is a signing key as configured.
type Key struct {
	ID      string // kid: unique over all accounts, [A-Za-z0-9_-], at most MaxKeyIDSize bytes
	Account string // the only account whose sites it opens
	Type    KeyType
	Secret  []byte            // HMACSHA256: at least MinSecretSize bytes
	Public  ed25519.PublicKey // Ed25519
	State   KeyState
	// AcceptUntil is the last second, in Unix time, at which tokens of this key are
	// accepted, whatever its state; 0 for no end.
	AcceptUntil int64
}

// Check returns an error that wraps ErrKey when the key cannot be used.
func (k *Key) Check() error {
	switch {
	case !validKeyID(k.ID):
		return fmt.Errorf("%w: kid %q: use 1 to %d of A-Z a-z 0-9 _ -", ErrKey, k.ID, MaxKeyIDSize)
	case k.Account == "":
		return fmt.Errorf("%w: %s: no account", ErrKey, k.ID)
	case k.State > StateRevoked:
		return fmt.Errorf("%w: %s: unknown state", ErrKey, k.ID)
	case k.Type == HMACSHA256 && len(k.Secret) < MinSecretSize:
		return fmt.Errorf("%w: %s: secret of %d bytes, at least %d are needed", ErrKey, k.ID, len(k.Secret), MinSecretSize)
	case k.Type == Ed25519 && len(k.Public) != ed25519.PublicKeySize:
		return fmt.Errorf("%w: %s: public key of %d bytes instead of %d", ErrKey, k.ID, len(k.Public), ed25519.PublicKeySize)
	case k.Type != HMACSHA256 && k.Type != Ed25519:
		return fmt.Errorf("%w: %s: unknown type", ErrKey, k.ID)
	}
	return nil
}

// usable reports whether tokens of the key are accepted at now.
func (k *Key) usable(now int64) Reason {
	switch {
	case k.State == StateRevoked:
		return KeyRevoked
	case k.AcceptUntil != 0 && now > k.AcceptUntil:
		return KeyRetired
	}
	return Allowed
}

func validKeyID(id string) bool {
	if id == "" || len(id) > MaxKeyIDSize {
		return false
	}
	for i := range len(id) {
		if !base64url(id[i]) {
			return false
		}
	}
	return true
}

// verifyKey is a Key made ready to verify with.
type verifyKey struct {
	Key
	public [ed25519.PublicKeySize]byte // identity of an Ed25519 key in Signatures
	macs   sync.Pool                   // of hash.Hash, keyed once: New costs five allocations, Reset none
}

// mac appends the HMAC-SHA256 of message to dst.
func (k *verifyKey) mac(dst, message []byte) []byte {
	h, ok := k.macs.Get().(hash.Hash)
	if !ok {
		h = hmac.New(sha256.New, k.Secret)
	}
	h.Reset()
	h.Write(message)
	dst = h.Sum(dst)
	k.macs.Put(h)
	return dst
}

// keyring finds signing keys by id. It is immutable.
type keyring map[string]*verifyKey

func newKeyring(keys []Key) (keyring, error) {
	ring := make(keyring, len(keys))
	var errs []error
	for i := range keys {
		k := &verifyKey{Key: keys[i]}
		if err := k.Check(); err != nil {
			errs = append(errs, err)
			continue
		}
		if ring[k.ID] != nil {
			errs = append(errs, fmt.Errorf("%w: %s: the kid is used twice", ErrKey, k.ID))
			continue
		}
		copy(k.public[:], k.Public)
		ring[k.ID] = k
	}
	return ring, errors.Join(errs...)
}

// has reports whether the ring holds a key of account that is not revoked.
func (r keyring) has(account string) bool {
	for _, k := range r {
		if k.Account == account && k.State != StateRevoked {
			return true
		}
	}
	return false
}
