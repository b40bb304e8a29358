package auth

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
)

// Bounds of signing keys.
const (
	// MinSecretSize is the least length of an HMAC secret in bytes. Half the
	// size of the hash is what RFC 2104 §3 and NIST SP 800-107 leave above doubt.
	MinSecretSize = 16
	// MaxKeyIDSize is the greatest length of a key id in bytes.
	MaxKeyIDSize = 64
	// MinRSABits and MaxRSABits bound an RSA modulus: less is broken, more makes
	// a check cost what an attacker can ask for at will.
	MinRSABits, MaxRSABits = 2048, 4096
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
	HMACSHA1
	// Secret is a shared secret of the schemes that fix their algorithm themselves:
	// those that hash it together with the path, and those whose algorithm is a
	// setting. Other systems chose its length, so any but none will do.
	Secret
	RSA
	ECDSAP256
	numKeyTypes
)

// String returns the type's word in configuration.
func (t KeyType) String() string {
	if t == 0 || t >= numKeyTypes {
		return "unknown"
	}
	return [...]string{"", "hmac-sha256", "ed25519", "hmac-sha1", "secret", "rsa", "ecdsa-p256"}[t]
}

// Shared reports whether both sides hold the same secret; otherwise the edge has
// the public half only.
func (t KeyType) Shared() bool { return t == HMACSHA256 || t == HMACSHA1 || t == Secret }

// KeyTypes returns the words of all types, in the order of the documentation.
func KeyTypes() []string {
	words := make([]string, 0, numKeyTypes-1)
	for t := HMACSHA256; t < numKeyTypes; t++ {
		words = append(words, t.String())
	}
	return words
}

// ParseKeyType is the inverse of KeyType.String.
func ParseKeyType(word string) (KeyType, bool) {
	for t := HMACSHA256; t < numKeyTypes; t++ {
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
	// Name is what the scheme itself calls the key, where it differs from ID: the
	// account of vdox, the index of url-sig, the key name of media-cdn.
	Name string
	// Issuer is the only iss that tokens of the key may name, for schemes with one.
	Issuer string
	// Scheme is the only scheme the key is for, "" for any that can use its type.
	Scheme string
	Type   KeyType
	Secret []byte            // HMACSHA256, HMACSHA1: at least MinSecretSize bytes; Secret: at least one
	Public ed25519.PublicKey // Ed25519
	RSA    *rsa.PublicKey    // RSA
	ECDSA  *ecdsa.PublicKey  // ECDSAP256
	State  KeyState
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
	}
	if err := k.CheckMaterial(); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrKey, k.ID, err)
	}
	return nil
}

// CheckMaterial returns an error when the secret or public key does not fit the
// type. It tells sizes, never bytes.
func (k *Key) CheckMaterial() error {
	switch k.Type {
	case HMACSHA256, HMACSHA1:
		if len(k.Secret) < MinSecretSize {
			return fmt.Errorf("a secret of type %s has %d bytes, at least %d are needed: make one with edgectl keygen", k.Type, len(k.Secret), MinSecretSize)
		}
	case Secret:
		if len(k.Secret) == 0 {
			return errors.New("the secret is empty")
		}
	case Ed25519:
		if len(k.Public) != ed25519.PublicKeySize {
			return fmt.Errorf("a public key of type ed25519 has %d bytes instead of %d", len(k.Public), ed25519.PublicKeySize)
		}
	case RSA:
		if k.RSA == nil || k.RSA.N == nil || k.RSA.N.BitLen() < MinRSABits || k.RSA.N.BitLen() > MaxRSABits {
			return fmt.Errorf("an rsa key has %d to %d bits", MinRSABits, MaxRSABits)
		}
	case ECDSAP256:
		if k.ECDSA == nil || k.ECDSA.Curve != elliptic.P256() {
			return errors.New("an ecdsa-p256 key is a point of the curve P-256")
		}
	default:
		return errors.New("unknown type")
	}
	return nil
}

// name returns what the scheme calls the key.
func (k *Key) name() string {
	if k.Name != "" {
		return k.Name
	}
	return k.ID
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
