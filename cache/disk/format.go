package disk

import (
	"encoding/binary"
	"hash/crc32"

	"edged/cache/object"
)

// FormatVersion is the version of every structure on the disk. A change of any
// layout takes the next one; FORMAT.md says what a reader does with others.
const FormatVersion = 2

// Geometry. Records begin at page borders so that a later direct-I/O mode needs
// no new format; a piece is what one checksum covers.
const (
	pageSize  = 4 << 10
	pieceSize = 64 << 10
	// maxStripes bounds an object to 8 TiB, and every loop over its stripes.
	maxStripes = 1 << 20
)

// Magic numbers, little endian text in a hex dump.
const (
	magicSuper    = 0x53444445 // "EDDS"
	magicExtent   = 0x58444445 // "EDDX"
	magicRecord   = 0x52444445 // "EDDR"
	magicFooter   = 0x46444445 // "EDDF"
	magicSnapshot = 0x49444445 // "EDDI"
	magicRemovals = 0x54444445 // "EDDT"
	magicState    = 0x4c444445 // "EDDL"
)

// headSize is the length of every fixed structure but the record header and the
// table entries. Its last four bytes are the CRC32C of the others.
const headSize = 64

var (
	le         = binary.LittleEndian
	castagnoli = crc32.MakeTable(crc32.Castagnoli) // the polynomial with a CPU instruction
)

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// UUID names a disk, whatever path it is mounted at.
type UUID [16]byte

// position orders records: extent number in the high half, page in the low.
type position uint64

func at(extent, page uint32) position { return position(extent)<<32 | position(page) }

func (p position) extent() uint32 { return uint32(p >> 32) }
func (p position) page() uint32   { return uint32(p) }

// roundPage returns n rounded up to a whole number of pages.
func roundPage(n int) int { return (n + pageSize - 1) &^ (pageSize - 1) }

// pieces returns how many checksums a body of n bytes has.
func pieces(n int) int { return (n + pieceSize - 1) / pieceSize }

// newHead returns a zeroed fixed structure with its first fields set.
func newHead(magic uint32) []byte {
	b := make([]byte, headSize)
	le.PutUint32(b, magic)
	le.PutUint16(b[4:], FormatVersion)
	return b
}

// sealHead sets the checksum of a fixed structure and returns it.
func sealHead(b []byte) []byte {
	le.PutUint32(b[headSize-4:], checksum(b[:headSize-4]))
	return b
}

// goodHead reports whether b begins with a fixed structure of ours.
func goodHead(b []byte, magic uint32) bool {
	return len(b) >= headSize && le.Uint32(b) == magic && le.Uint16(b[4:]) == FormatVersion &&
		le.Uint32(b[headSize-4:]) == checksum(b[:headSize-4])
}

// stripesOf returns how many stripes a body of size bytes has; 0 when size is
// unknown.
func stripesOf(size int64) int64 {
	return (max(size, 0) + object.StripeSize - 1) / object.StripeSize
}
