package logfmt

// Encoder writes records that have their places one after the other, in any format. In
// Binary it gathers them into blocks. It belongs to one goroutine.
type Encoder struct {
	format Format
	mode   AddressMode
	pen    blockPen
	block  []byte // the open one
}

// NewEncoder returns an Encoder that leaves of clients what m does, or less where a
// record says so.
func NewEncoder(f Format, m AddressMode) *Encoder { return &Encoder{format: f, mode: m} }

// Append takes r and appends what is whole: the line of r, or a block of earlier
// records, or nothing yet. Nothing of r is kept but what is in a block.
func (e *Encoder) Append(dst []byte, r *Record) []byte {
	if e.format != Binary {
		return Append(dst, e.format, e.mode, r)
	}
	if !e.pen.belongs(e.block, r) || e.pen.full(e.block, r.room(), blockSize) {
		dst = e.End(dst)
	}
	e.block = e.pen.addAt(e.block, e.mode, r)
	return dst
}

// End appends the block that is open, if one is. The next record begins another one.
func (e *Encoder) End(dst []byte) []byte {
	dst = append(dst, e.pen.end(e.block)...)
	e.block = e.block[:0]
	return dst
}
