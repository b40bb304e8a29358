package disk

import "fmt"

// extentHeader is the first page of an extent.
type extentHeader struct {
	number     uint32
	generation uint64 // random: records of another file never pass for ours
	uuid       UUID
	size       int64 // bytes preallocated
	created    int64 // Unix nanoseconds
}

func (h *extentHeader) encode() []byte {
	b := newHead(magicExtent)
	le.PutUint32(b[8:], h.number)
	le.PutUint64(b[16:], h.generation)
	copy(b[24:40], h.uuid[:])
	le.PutUint64(b[40:], uint64(h.size))
	le.PutUint64(b[48:], uint64(h.created))
	return append(sealHead(b), make([]byte, pageSize-headSize)...)
}

func parseExtentHeader(b []byte) (extentHeader, error) {
	if !goodHead(b, magicExtent) {
		return extentHeader{}, fmt.Errorf("%w: extent header", ErrCorrupt)
	}
	h := extentHeader{
		number: le.Uint32(b[8:]), generation: le.Uint64(b[16:]),
		size: int64(le.Uint64(b[40:])), created: int64(le.Uint64(b[48:])),
	}
	copy(h.uuid[:], b[24:40])
	return h, nil
}

// recordRef is what index, footers and recovery know of a record.
type recordRef struct {
	hash    uint64 // ID.Hi of the key
	version uint64
	seq     uint64
	extent  uint32
	page    uint32
	stripe  uint32
	stripes uint32
	pages   uint16 // length of the record
	blocks  uint8
}

func (r *recordRef) position() position { return at(r.extent, r.page) }

const footerEntrySize = 40

func (r *recordRef) appendTo(dst []byte) []byte {
	dst = le.AppendUint64(dst, r.hash)
	dst = le.AppendUint64(dst, r.version)
	dst = le.AppendUint64(dst, r.seq)
	dst = le.AppendUint32(dst, r.page)
	dst = le.AppendUint32(dst, r.stripe)
	dst = le.AppendUint32(dst, r.stripes)
	dst = le.AppendUint16(dst, r.pages)
	return append(dst, r.blocks, 0)
}

func parseRef(b []byte, extent uint32) recordRef {
	return recordRef{
		hash: le.Uint64(b), version: le.Uint64(b[8:]), seq: le.Uint64(b[16:]), extent: extent,
		page: le.Uint32(b[24:]), stripe: le.Uint32(b[28:]), stripes: le.Uint32(b[32:]),
		pages: le.Uint16(b[36:]), blocks: b[38],
	}
}

// footerSize returns the bytes that the footer of n records takes, a multiple of
// pageSize.
func footerSize(n int) int { return roundPage(n*footerEntrySize + headSize) }

// footer is the end of a sealed extent: a table of its records, and a trailer in
// the last bytes of the file.
type footer struct {
	number     uint32
	generation uint64
	end        uint32 // page after the last record, where the table begins
	refs       []recordRef
}

func (f *footer) encode() []byte {
	b := make([]byte, 0, footerSize(len(f.refs)))
	for i := range f.refs {
		b = f.refs[i].appendTo(b)
	}
	t := newHead(magicFooter)
	le.PutUint32(t[8:], f.number)
	le.PutUint32(t[12:], uint32(len(f.refs)))
	le.PutUint64(t[16:], f.generation)
	le.PutUint32(t[24:], f.end)
	le.PutUint32(t[28:], checksum(b))
	b = b[:cap(b)]
	copy(b[len(b)-headSize:], sealHead(t))
	return b
}

// trailer is the decoded end of a footer: where its table is.
type trailer struct {
	number     uint32
	generation uint64
	end, count uint32
	tableCRC   uint32
}

// parseTrailer decodes the last headSize bytes of an extent of size bytes.
func parseTrailer(b []byte, size int64) (trailer, error) {
	if !goodHead(b, magicFooter) {
		return trailer{}, fmt.Errorf("%w: extent trailer", ErrCorrupt)
	}
	t := trailer{
		number: le.Uint32(b[8:]), count: le.Uint32(b[12:]), generation: le.Uint64(b[16:]),
		end: le.Uint32(b[24:]), tableCRC: le.Uint32(b[28:]),
	}
	if int64(t.end)*pageSize+int64(footerSize(int(t.count))) != size {
		return trailer{}, fmt.Errorf("%w: extent trailer is out of bounds", ErrCorrupt)
	}
	return t, nil
}

// tableLen returns the length in bytes of the table, without padding.
func (t *trailer) tableLen() int { return int(t.count) * footerEntrySize }

// parseTable decodes the table of the footer.
func (t *trailer) parseTable(b []byte) ([]recordRef, error) {
	if len(b) != t.tableLen() || checksum(b) != t.tableCRC {
		return nil, fmt.Errorf("%w: extent footer", ErrCorrupt)
	}
	refs := make([]recordRef, 0, t.count)
	for ; len(b) > 0; b = b[footerEntrySize:] {
		r := parseRef(b, t.number)
		if r.stripe >= maxStripes || r.stripes > maxStripes || r.page == 0 || r.page+uint32(r.pages) > t.end {
			return nil, fmt.Errorf("%w: extent footer is out of bounds", ErrCorrupt)
		}
		refs = append(refs, r)
	}
	return refs, nil
}
