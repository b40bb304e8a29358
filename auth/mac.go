package auth

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"hash"
	"sync"
)

// hashByName returns the hash of this word in configuration. SHA-1 and MD5 are
// there for signers that know nothing else; as HMACs both still hold.
func hashByName(word string) (func() hash.Hash, bool) {
	switch word {
	case "", "sha256":
		return sha256.New, true
	case "sha1":
		return sha1.New, true
	case "md5":
		return md5.New, true
	}
	return nil, false
}

// macPool makes HMACs of one secret. It is safe for concurrent use.
type macPool struct{ sync.Pool } // of hash.Hash, keyed once: New costs five allocations, Reset none

func newMACPool(newHash func() hash.Hash, secret []byte) *macPool {
	return &macPool{sync.Pool{New: func() any { return hmac.New(newHash, secret) }}}
}

// sum appends the HMAC of message to dst.
func (p *macPool) sum(dst, message []byte) []byte {
	h, ok := p.Get().(hash.Hash)
	if !ok {
		return dst // never: New returns nothing else
	}
	h.Reset()
	h.Write(message)
	dst = h.Sum(dst)
	p.Put(h)
	return dst
}
