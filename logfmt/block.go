package logfmt

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// Layout of a block of a binary file: see FORMAT.md. All numbers of the head are
// little-endian.
const (
	blockMagic   = "\xedLog" // no line of text begins like that
	blockVersion = 1

	blockHead      = 56 // bytes of the head
	headVersion    = 4
	headKind       = 5
	headLength     = 8  // of the body
	headRecords    = 12 // in the body
	headRun        = 16
	headNumber     = 24 // Sequence of the first record, and below
	headDropped    = 32
	headTime       = 40 // Unix ms
	headBodySum    = 48 // CRC-32C of the body
	headOwnSum     = 52 // CRC-32C of the head before it
	blockOfRecords = 'R'
	blockOfTrailer = 'T' // the body is the JSON of a Trailer
)

// blockSize is when a block is full: large enough that its head and its dictionary are
// a few percent of it, small enough to be in the processor's cache when it is written.
const blockSize = 64 << 10

// maxBlock is the longest block that is read: a record whose line is as long as lines
// may be fits, whatever its numbers are.
const maxBlock = maxLine + 4<<10

// blockInfo is what the head of a block says.
type blockInfo struct {
	kind    byte
	length  int // of the body, in bytes
	records int
	place   Sequence // of the first record
	time    int64    // Unix ms that the first record counts from
	sum     uint32
}

// isBlock reports whether a piece that begins with b is a block, whole or not.
func isBlock(b []byte) bool { return bytes.HasPrefix(b, []byte(blockMagic)) }

// beginBlock appends a head that sealBlock and stampBlock complete.
func beginBlock(dst []byte, kind byte) []byte {
	var head [blockHead]byte
	copy(head[:], blockMagic)
	head[headVersion], head[headKind] = blockVersion, kind
	return append(dst, head[:]...)
}

// sealBlock writes down what the block, which is whole now, holds.
func sealBlock(block []byte, records int, unixMilli int64) {
	binary.LittleEndian.PutUint32(block[headLength:], uint32(len(block)-blockHead))
	binary.LittleEndian.PutUint32(block[headRecords:], uint32(records))
	binary.LittleEndian.PutUint64(block[headTime:], uint64(unixMilli))
}

// stampBlock gives the first record of a sealed block its place and the block its sums.
func stampBlock(block []byte, place *Sequence) {
	binary.LittleEndian.PutUint64(block[headRun:], uint64(place.Run))
	binary.LittleEndian.PutUint64(block[headNumber:], uint64(place.Number))
	binary.LittleEndian.PutUint64(block[headDropped:], uint64(place.Dropped))
	binary.LittleEndian.PutUint32(block[headBodySum:], crcOf(block[blockHead:]))
	binary.LittleEndian.PutUint32(block[headOwnSum:], crcOf(block[:headOwnSum]))
}

// crcOf is CRC-32C. The standard library makes its table once.
func crcOf(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// parseHead reads the head of a block. After ErrVersion, length is good: a later layout
// may change all else.
func parseHead(b []byte) (info blockInfo, err error) {
	if len(b) < blockHead || string(b[:len(blockMagic)]) != blockMagic || binary.LittleEndian.Uint32(b[headOwnSum:]) != crcOf(b[:headOwnSum]) {
		return info, fmt.Errorf("%w: head of a block", ErrSyntax)
	}
	length := binary.LittleEndian.Uint32(b[headLength:])
	if length > maxBlock-blockHead {
		return info, fmt.Errorf("%w: block of %d bytes", ErrSyntax, length)
	}
	info = blockInfo{
		kind: b[headKind], length: int(length), records: int(binary.LittleEndian.Uint32(b[headRecords:])),
		place: Sequence{
			Run:     int64(binary.LittleEndian.Uint64(b[headRun:])),
			Number:  int64(binary.LittleEndian.Uint64(b[headNumber:])),
			Dropped: int64(binary.LittleEndian.Uint64(b[headDropped:])),
		},
		time: int64(binary.LittleEndian.Uint64(b[headTime:])),
		sum:  binary.LittleEndian.Uint32(b[headBodySum:]),
	}
	if b[headVersion] != blockVersion {
		return info, fmt.Errorf("%w: block of version %d", ErrVersion, b[headVersion])
	}
	return info, nil
}

// cutBlock cuts the first block off b, which holds whole sealed ones.
func cutBlock(b []byte) (block, rest []byte) {
	n := blockHead + int(binary.LittleEndian.Uint32(b[headLength:]))
	return b[:n], b[n:]
}

// recordsIn returns how many records a sealed block holds.
func recordsIn(block []byte) int64 {
	return int64(binary.LittleEndian.Uint32(block[headRecords:]))
}
