package disk

import (
	"fmt"
	"math/bits"

	"edged/cache/object"
)

// Sizes and limits of a record. maxTail is what follows the header before the
// body at most: key, metadata, checksum table.
const (
	recordHeaderSize = 96
	maxTail          = object.MaxKeyBytes + object.MaxMetaBytes + 4*(object.StripeSize/pieceSize)
	maxRecord        = recordHeaderSize + maxTail + object.StripeSize + 2*pageSize
)

// recordHeader is the fixed part of a record. Its checksum covers itself;
// tailCRC covers key, metadata and checksum table.
type recordHeader struct {
	generation uint64    // of the extent the record was written to
	id         object.ID // of the key, under the disk's seed
	version    uint64    // object.Meta.Version
	seq        uint64    // object.Meta.Seq
	stripe     uint32    // index of the stripe
	stripes    uint32    // stripes of the object as far as known, 0 = empty body
	keyLen     uint32
	metaLen    uint32
	bodyLen    uint32 // bytes of all blocks present
	page       uint32 // where the record is in its extent
	blocks     uint8  // bit i: block i of the stripe is present
	tailCRC    uint32
}

// tailLen returns the length of key, metadata and checksum table.
func (h *recordHeader) tailLen() int {
	return int(h.keyLen) + int(h.metaLen) + 4*pieces(int(h.bodyLen))
}

// bodyOff returns where the body begins in the record. Bodies of a piece or more
// begin at a page so that they can be read directly; smaller ones save the space.
func (h *recordHeader) bodyOff() int {
	end := recordHeaderSize + h.tailLen()
	if h.bodyLen >= pieceSize {
		return roundPage(end)
	}
	return end
}

// length returns the length of the whole record, a multiple of pageSize.
func (h *recordHeader) length() int { return roundPage(h.bodyOff() + int(h.bodyLen)) }

// blockAt returns where in the body block i of the stripe is, and its length.
func (h *recordHeader) blockAt(i int) (off, n int, ok bool) {
	if i < 0 || i >= object.StripeBlocks || h.blocks&(1<<i) == 0 {
		return 0, 0, false
	}
	off = bits.OnesCount8(h.blocks&(1<<i-1)) * object.BlockSize
	return off, min(object.BlockSize, int(h.bodyLen)-off), true
}

// appendTo appends the encoded header to dst.
func (h *recordHeader) appendTo(dst []byte) []byte {
	var b [recordHeaderSize]byte
	le.PutUint32(b[0:], magicRecord)
	le.PutUint16(b[4:], FormatVersion)
	le.PutUint64(b[8:], h.generation)
	le.PutUint64(b[16:], h.id.Hi)
	le.PutUint64(b[24:], h.id.Lo)
	le.PutUint64(b[32:], h.version)
	le.PutUint64(b[40:], h.seq)
	le.PutUint32(b[48:], h.stripe)
	le.PutUint32(b[52:], h.stripes)
	le.PutUint32(b[56:], h.keyLen)
	le.PutUint32(b[60:], h.metaLen)
	le.PutUint32(b[64:], h.bodyLen)
	le.PutUint32(b[68:], uint32(h.bodyOff()))
	le.PutUint32(b[72:], uint32(h.length()))
	le.PutUint32(b[76:], h.page)
	b[80] = h.blocks
	le.PutUint32(b[84:], h.tailCRC)
	le.PutUint32(b[92:], checksum(b[:92]))
	return append(dst, b[:]...)
}

// parseRecordHeader decodes and checks a header. The lengths of what it returns
// are within their limits and agree with each other.
func parseRecordHeader(b []byte) (recordHeader, error) {
	if len(b) < recordHeaderSize || le.Uint32(b) != magicRecord || le.Uint16(b[4:]) != FormatVersion ||
		le.Uint32(b[92:]) != checksum(b[:92]) {
		return recordHeader{}, fmt.Errorf("%w: record header", ErrCorrupt)
	}
	h := recordHeader{
		generation: le.Uint64(b[8:]),
		id:         object.ID{Hi: le.Uint64(b[16:]), Lo: le.Uint64(b[24:])},
		version:    le.Uint64(b[32:]),
		seq:        le.Uint64(b[40:]),
		stripe:     le.Uint32(b[48:]),
		stripes:    le.Uint32(b[52:]),
		keyLen:     le.Uint32(b[56:]),
		metaLen:    le.Uint32(b[60:]),
		bodyLen:    le.Uint32(b[64:]),
		page:       le.Uint32(b[76:]),
		blocks:     b[80],
		tailCRC:    le.Uint32(b[84:]),
	}
	if !h.sane() || le.Uint32(b[68:]) != uint32(h.bodyOff()) || le.Uint32(b[72:]) != uint32(h.length()) {
		return recordHeader{}, fmt.Errorf("%w: record header is out of bounds", ErrCorrupt)
	}
	return h, nil
}

// sane checks the limits of every length and number.
func (h *recordHeader) sane() bool {
	n := uint32(bits.OnesCount8(h.blocks))
	return h.keyLen <= object.MaxKeyBytes && h.metaLen <= object.MaxMetaBytes &&
		h.stripe < maxStripes && h.stripes <= maxStripes &&
		h.bodyLen <= n*object.BlockSize && (n == 0 || h.bodyLen > (n-1)*object.BlockSize)
}

// ref returns what the index keeps of the record.
func (h *recordHeader) ref(extent uint32) recordRef {
	return recordRef{
		hash: h.id.Hi, version: h.version, seq: h.seq, extent: extent, page: h.page,
		stripe: h.stripe, stripes: h.stripes, pages: uint16(h.length() / pageSize), blocks: h.blocks,
	}
}

// record is a header with its tail, as read from the disk. It is immutable.
type record struct {
	recordHeader
	extent uint32
	key    []byte
	meta   []byte
	table  []byte // one little-endian CRC32C per piece of the body
}

// parseTail checks and cuts the tail, which is kept.
func (h *recordHeader) parseTail(extent uint32, tail []byte) (*record, error) {
	if len(tail) != h.tailLen() || checksum(tail) != h.tailCRC {
		return nil, fmt.Errorf("%w: record metadata", ErrCorrupt)
	}
	k, m := int(h.keyLen), int(h.keyLen+h.metaLen)
	return &record{recordHeader: *h, extent: extent, key: tail[:k:k], meta: tail[k:m:m], table: tail[m:]}, nil
}

// verify checks body bytes that begin at off, a multiple of pieceSize, in the body.
func (r *record) verify(body []byte, off int) error {
	for i := off / pieceSize; len(body) > 0; i++ {
		n := min(pieceSize, len(body))
		if checksum(body[:n]) != le.Uint32(r.table[4*i:]) {
			return fmt.Errorf("%w: body of extent %d page %d, piece %d", ErrCorrupt, r.extent, r.page, i)
		}
		body = body[n:]
	}
	return nil
}

// appendPrologue appends everything of a record that comes before its body:
// header, key, metadata, checksums, padding. bodies are the blocks present, in
// order. It completes h.
func appendPrologue(dst []byte, h *recordHeader, key string, meta []byte, bodies [][]byte) []byte {
	start := len(dst)
	dst = append(dst, make([]byte, recordHeaderSize)...)
	dst = append(append(dst, key...), meta...)
	h.keyLen, h.metaLen, h.bodyLen = uint32(len(key)), uint32(len(meta)), 0
	for _, b := range bodies {
		h.bodyLen += uint32(len(b))
		for ; len(b) > 0; b = b[min(pieceSize, len(b)):] {
			dst = le.AppendUint32(dst, checksum(b[:min(pieceSize, len(b))]))
		}
	}
	h.tailCRC = checksum(dst[start+recordHeaderSize:])
	h.appendTo(dst[start:start])
	return append(dst, make([]byte, h.bodyOff()-(len(dst)-start))...)
}
