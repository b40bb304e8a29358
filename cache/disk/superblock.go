package disk

import (
	"crypto/rand"
	"fmt"
)

// superblock identifies a disk. It is written once, when a directory is first
// used.
type superblock struct {
	uuid    UUID
	seed    uint64 // secret: keys that collide in the index cannot be crafted
	created int64  // Unix nanoseconds

	encryption Encryption
	check      [checkSize]byte // key check value of an encrypted disk
}

func newSuperblock(now int64) superblock {
	var random [24]byte
	_, _ = rand.Read(random[:]) // never fails
	s := superblock{seed: le.Uint64(random[16:]), created: now}
	copy(s.uuid[:], random[:16])
	return s
}

// lock makes s that of an encrypted disk.
func (s *superblock) lock(e Encryption, r *keyring) {
	s.encryption, s.seed, s.check = e, r.seed, r.check
}

func (s *superblock) encode() []byte {
	b := newHead(magicSuper)
	copy(b[8:24], s.uuid[:])
	if s.encryption == Plain {
		le.PutUint64(b[24:], s.seed)
	}
	le.PutUint64(b[32:], uint64(s.created))
	b[40] = byte(s.encryption)
	copy(b[44:], s.check[:])
	return append(sealHead(b), make([]byte, pageSize-headSize)...)
}

// parseSuperblock returns ErrFormat for a newer format, and ErrCorrupt for an older
// one, which is given up, and for bytes that are no superblock.
func parseSuperblock(b []byte) (superblock, error) {
	if len(b) < headSize || le.Uint32(b) != magicSuper || le.Uint32(b[headSize-4:]) != checksum(b[:headSize-4]) {
		return superblock{}, fmt.Errorf("%w: superblock", ErrCorrupt)
	}
	switch v := le.Uint16(b[4:]); {
	case v < FormatVersion:
		return superblock{}, fmt.Errorf("%w: superblock has format %d, this program %d", ErrCorrupt, v, FormatVersion)
	case v > FormatVersion:
		return superblock{}, fmt.Errorf("%w: superblock has format %d, this program %d", ErrFormat, v, FormatVersion)
	}
	s := superblock{seed: le.Uint64(b[24:]), created: int64(le.Uint64(b[32:])), encryption: Encryption(b[40])}
	if s.encryption > Ephemeral {
		return superblock{}, fmt.Errorf("%w: encryption of kind %d", ErrFormat, b[40])
	}
	copy(s.uuid[:], b[8:24])
	copy(s.check[:], b[44:])
	return s, nil
}
