package disk

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
)

// Encryption says who can read what a disk stores.
type Encryption uint8

// The kinds of protection at rest, in the words of configuration and status page.
const (
	Plain     Encryption = iota // "off": whoever has the disk
	Keyed                       // "key": whoever has the disk and Options.Key
	Ephemeral                   // "boot": this process alone, the key is never anywhere else
)

// String returns the word used in the configuration, metrics and on the status page.
func (e Encryption) String() string { return [...]string{"off", "key", "boot"}[e] }

// ParseEncryption is the inverse of String.
func ParseEncryption(word string) (Encryption, bool) {
	for e := Plain; e <= Ephemeral; e++ {
		if e.String() == word {
			return e, true
		}
	}
	return Plain, false
}

// KeySize is the length of Options.Key in bytes.
const KeySize = 32

// checkSize is the length of the key check value in the superblock.
const checkSize = 16

// keyring holds what is derived from the key of one disk. The same key on another
// disk, or after a wipe, gives nothing in common: the UUID is the salt.
type keyring struct {
	seed  uint64          // of the key hash, which on a plain disk is in the superblock
	check [checkSize]byte // tells a wrong key; says nothing about the others
	files []byte          // key from which every file gets its own
}

func newKeyring(key []byte, uuid UUID) (*keyring, error) {
	if len(key) != KeySize {
		return nil, fmt.Errorf("disk: a key of %d bytes: want %d", len(key), KeySize)
	}
	b, err := hkdf.Key(sha256.New, key, uuid[:], "edged disk", 8+checkSize+KeySize)
	if err != nil {
		return nil, fmt.Errorf("disk: key: %w", err)
	}
	r := &keyring{seed: le.Uint64(b), files: b[8+checkSize:]}
	copy(r.check[:], b[8:])
	return r, nil
}

// opens reports whether the superblock was made with the same key.
func (r *keyring) opens(s *superblock) bool {
	return subtle.ConstantTimeCompare(r.check[:], s.check[:]) == 1
}

// saltSize makes a random salt that comes twice a thing nobody waits for.
const saltSize = 24

// epoch is a part of a file that was written under one salt: from an offset up to
// that of the next epoch. Its AES-256 key is its own, so that the offset alone
// is a counter that never comes twice.
type epoch struct {
	from  int64
	salt  [saltSize]byte
	block cipher.Block
}

func (r *keyring) epoch(from int64, salt [saltSize]byte) (epoch, error) {
	key, err := hkdf.Expand(sha256.New, r.files, "file"+string(salt[:]), KeySize)
	if err != nil {
		return epoch{}, fmt.Errorf("disk: file key: %w", err)
	}
	block, err := aes.NewCipher(key)
	return epoch{from, salt, block}, err
}

// newEpoch returns an epoch under a fresh salt.
func (r *keyring) newEpoch(from int64) (epoch, error) {
	var salt [saltSize]byte
	_, _ = rand.Read(salt[:]) // never fails
	return r.epoch(from, salt)
}

// xor encrypts or decrypts p, which is at off in the file, in place: AES-CTR, whose
// counter is the number of the 16-byte unit.
func (e *epoch) xor(p []byte, off int64) {
	var iv, skipped [aes.BlockSize]byte
	binary.BigEndian.PutUint64(iv[8:], uint64(off)/aes.BlockSize)
	stream := cipher.NewCTR(e.block, iv[:])
	skip := skipped[:off%aes.BlockSize]
	stream.XORKeyStream(skip, skip)
	stream.XORKeyStream(p, p)
}
