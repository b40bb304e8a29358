package auth

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // what other systems sign with
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"hash"
	"slices"
	"sync"
)

// verifyKey is a Key made ready to verify with.
type verifyKey struct {
	Key
	public [sha256.Size]byte // identity of a public key in Signatures
	digest func() hash.Hash  // of mac
	size   int               // of mac
	macs   sync.Pool         // of hash.Hash, keyed once: New costs five allocations, Reset none
}

func newVerifyKey(k *Key) *verifyKey {
	v := &verifyKey{Key: *k, digest: sha256.New, size: sha256.Size}
	switch k.Type {
	case HMACSHA1:
		v.digest, v.size = sha1.New, sha1.Size
	case Ed25519:
		copy(v.public[:], k.Public)
	case RSA:
		v.identify(k.RSA)
	case ECDSAP256:
		v.identify(k.ECDSA)
	}
	return v
}

// identify derives the identity of a public key that is longer than one. An
// Ed25519 key is its own; no hash equals one but by an accident of 2^-256.
func (k *verifyKey) identify(public any) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err == nil { // Check has seen that it is a key
		k.public = sha256.Sum256(der)
	}
}

// mac appends the HMAC of message to dst.
func (k *verifyKey) mac(dst, message []byte) []byte {
	h, ok := k.macs.Get().(hash.Hash)
	if !ok {
		h = hmac.New(k.digest, k.Secret)
	}
	h.Reset()
	h.Write(message)
	dst = h.Sum(dst)
	k.macs.Put(h)
	return dst
}

// signed reports whether mac is the HMAC of message, in constant time. s.mac holds
// the right one afterwards.
func (k *verifyKey) signed(message, mac []byte, s *Scratch) bool {
	s.mac = k.mac(s.mac[:0], message)
	return hmac.Equal(s.mac, mac)
}

// ed25519 reports whether sig is the key's over message; what was right is
// remembered under the hash of token in s.sum, which must hold it.
func (k *verifyKey) ed25519(signatures *Signatures, message, sig []byte, s *Scratch) bool {
	if signatures.has(&s.sum, &k.public) {
		return true
	}
	if len(sig) != ed25519.SignatureSize || !ed25519.Verify(k.Public, message, sig) {
		return false
	}
	signatures.add(&s.sum, &k.public)
	return true
}

// keyring finds signing keys by id. It is immutable.
type keyring map[string]*verifyKey

func newKeyring(keys []Key) (keyring, error) {
	ring := make(keyring, len(keys))
	var errs []error
	for i := range keys {
		k := &keys[i]
		if err := k.Check(); err != nil {
			errs = append(errs, err)
			continue
		}
		if ring[k.ID] != nil {
			errs = append(errs, fmt.Errorf("%w: %s: the kid is used twice", ErrKey, k.ID))
			continue
		}
		ring[k.ID] = newVerifyKey(k)
	}
	return ring, errors.Join(errs...)
}

// has reports whether the ring holds a key of account and one of the types that
// is not revoked.
func (r keyring) has(account string, types ...KeyType) bool {
	for _, k := range r {
		if k.Account == account && k.State != StateRevoked && slices.Contains(types, k.Type) {
			return true
		}
	}
	return false
}

// fitting returns the keys of account and one of the types, ordered by id. Those
// of StateRevoked are among them: they say why a token is refused.
func (r keyring) fitting(account string, types ...KeyType) []*verifyKey {
	var keys []*verifyKey
	for _, k := range r {
		if k.Account == account && slices.Contains(types, k.Type) {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b *verifyKey) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return keys
}
