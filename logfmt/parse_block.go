package logfmt

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"time"
)

// cursor walks bytes that lengths divide. Once one of them does not hold, it is bad and
// returns nothing any more.
type cursor struct {
	rest []byte
	bad  bool
}

// take returns the next n bytes, nil when there are not as many.
func (c *cursor) take(n uint64) []byte {
	if c.bad || n > uint64(len(c.rest)) {
		c.bad = true
		return nil
	}
	b := c.rest[:n]
	c.rest = c.rest[n:]
	return b
}

func (c *cursor) text() []byte { return c.take(c.uvarint()) }

func (c *cursor) uvarint() uint64 {
	n, size := binary.Uvarint(c.rest)
	if c.bad || size <= 0 {
		c.bad = true
		return 0
	}
	c.rest = c.rest[size:]
	return n
}

func (c *cursor) varint() int64 { return unzigzag(c.uvarint()) }

func (c *cursor) hash() uint64 {
	if b := c.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// need makes the cursor bad where a value cannot be.
func (c *cursor) need(ok bool) {
	if !ok {
		c.bad = true
	}
}

// blockReader reads the records of one block after the other. It keeps the block that
// it was given until the last record was read. Memory beside that is a few words for each
// entry, of which a block cannot have more than it has bytes.
type blockReader struct {
	cursor  cursor
	left    int // records
	number  int // of the next record in the block, from 0
	node    []byte
	time    int64 // Unix ms of the last record
	place   Sequence
	entries [partBlock - partOwner][][]byte
}

// parseBlock reads a block of one record.
func parseBlock(block []byte, r *Record) error {
	info, err := parseHead(block)
	if err != nil {
		return err
	}
	if info.kind != blockOfRecords || info.records != 1 || info.length != len(block)-blockHead {
		return fmt.Errorf("%w: not a block of one record", ErrSyntax)
	}
	var b blockReader
	if err := b.begin(&info, block[blockHead:]); err != nil {
		return err
	}
	return b.read(r, nil)
}

// parseTrailerBlock reads the body of a trailer, nil when it is not one.
func parseTrailerBlock(body []byte, info *blockInfo) *Trailer {
	t := new(Trailer)
	if crcOf(body) != info.sum || json.Unmarshal(body, t) != nil {
		return nil
	}
	return t
}

// begin begins a block that parseHead has seen.
func (b *blockReader) begin(info *blockInfo, body []byte) error {
	if crcOf(body) != info.sum {
		return fmt.Errorf("%w: the block is damaged", ErrSyntax)
	}
	for i := range b.entries {
		b.entries[i] = b.entries[i][:0]
	}
	b.cursor, b.left, b.number = cursor{rest: body}, info.records, 0
	b.time, b.place = info.time, info.place
	b.node = b.cursor.text()
	if b.cursor.bad || b.left == 0 {
		b.left = 0
		return fmt.Errorf("%w: a block without records", ErrSyntax)
	}
	return nil
}

// read reads the next record into r, which is empty. After an error the block is over.
func (b *blockReader) read(r *Record, words *interner) error {
	c := &b.cursor
	r.Node = words.word(b.node)
	b.left--
	var layout uint64
	for of := partOwner; of < partBlock; of++ {
		layout = b.entry(of, r, words)
	}
	b.follow(layout)
	b.varying(layout, r)
	b.rare(layout, r)
	if b.left == 0 {
		c.need(len(c.rest) == 0)
	}
	if c.bad {
		b.left = 0
		return fmt.Errorf("%w: record %d of the block", ErrSyntax, b.number)
	}
	r.Sequence = b.place
	b.number++
	return nil
}

// follow finds the place of the record.
func (b *blockReader) follow(layout uint64) {
	if b.number == 0 {
		b.cursor.need(layout&(1<<layoutPlace) == 0)
		return
	}
	b.place.Number++
	b.place.Dropped = 0
	if layout&(1<<layoutPlace) != 0 {
		b.place.Number += int64(b.cursor.uvarint())
		b.place.Dropped = int64(b.cursor.uvarint())
	}
}

// entry reads which entry of a part is r's, or a new one, and returns its layout if it
// has one.
func (b *blockReader) entry(of part, r *Record, words *interner) (layout uint64) {
	c, known := &b.cursor, &b.entries[of-partOwner]
	id := c.uvarint()
	if id > 0 {
		c.need(id <= uint64(len(*known)))
		if c.bad {
			return 0
		}
		old := cursor{rest: (*known)[id-1]}
		return readEntry(&old, of, r, words)
	}
	from := c.rest
	layout = readEntry(c, of, r, words)
	if !c.bad {
		*known = append(*known, from[:len(from)-len(c.rest)])
	}
	return layout
}

// readEntry is the inverse of appendEntry.
func readEntry(c *cursor, of part, r *Record, words *interner) (layout uint64) {
	for i := range fields {
		f := &fields[i]
		if f.part != of {
			continue
		}
		switch f.Kind {
		case KindText:
			setBytes(c.text(), r, f, words)
		case KindAgent:
			r.Request.Agent = parseAgent(c.text())
		}
	}
	if of != partKind {
		return 0
	}
	r.Status = int(c.uvarint())
	layout = c.uvarint()
	c.need(layout < 1<<layoutBits)
	bits := layout >> layoutFlags
	for i := range fields {
		if f := &fields[i]; f.Kind == KindFlag {
			*r.flagOf(f.id) = bits&1 != 0
			bits >>= 1
		}
	}
	return layout
}

// setBytes sets a text field.
func setBytes(value []byte, r *Record, f *Field, words *interner) {
	if b := r.bytesOf(f.id); b != nil {
		*b = append((*b)[:0], value...)
	} else {
		*r.stringOf(f.id) = words.word(value)
	}
}

// varying reads what is in each record.
func (b *blockReader) varying(layout uint64, r *Record) {
	c := &b.cursor
	b.time += c.varint()
	c.need(b.time >= math.MinInt64/int64(time.Millisecond) && b.time <= math.MaxInt64/int64(time.Millisecond))
	r.Time = b.time * int64(time.Millisecond)
	readClient(c, layout>>layoutClient&7, r)
	r.Path = append(r.Path[:0], c.text()...)
	r.BytesSent = int64(c.uvarint())
	r.WireBytes = r.BytesSent + int64(c.uvarint())
	first := c.uvarint()
	r.FirstByte = c.duration(first)
	r.Duration = c.duration(first + uint64(c.varint()))
	if layout&(1<<layoutTTL) != 0 {
		r.Cache.TTL, r.Cache.HasTTL = c.varint(), true
	}
	if layout>>layoutTrace&3 == traceHex {
		r.Request.Trace = hex.AppendEncode(r.Request.Trace[:0], c.take(8))
	}
}

// duration is the inverse of microsOf. The longest one was rounded up.
func (c *cursor) duration(micros uint64) time.Duration {
	const most = math.MaxInt64/uint64(time.Microsecond) + 1
	c.need(micros <= most)
	if micros >= most {
		return math.MaxInt64
	}
	return time.Duration(micros) * time.Microsecond
}

// rare is the inverse of appendRare.
func (b *blockReader) rare(layout uint64, r *Record) {
	c := &b.cursor
	switch layout >> layoutTrace & 3 {
	case traceText:
		r.Request.Trace = append(r.Request.Trace[:0], c.text()...)
	case numTraceForms:
		c.bad = true
	}
	readSource(c, layout>>layoutSource&7, r)
	if layout&(1<<layoutRange) != 0 {
		start, length := c.uvarint(), c.uvarint()
		c.need(start <= math.MaxInt64 && length > 0 && length <= math.MaxInt64-start)
		r.Request.RangeStart, r.Request.RangeEnd = int64(start), int64(start+length)
	}
	if layout&(1<<layoutQuery) != 0 {
		r.Request.Query = append(r.Request.Query[:0], c.text()...)
	}
	if layout&(1<<layoutSess) != 0 {
		r.Token.Session = c.hash()
	}
	if layout&(1<<layoutCMCD) != 0 {
		c.need(r.Request.CMCD.parse(c.text()))
	}
	if layout&(1<<layoutAgent) != 0 {
		r.Request.UserAgent = append(r.Request.UserAgent[:0], c.text()...)
	}
}

func readSource(c *cursor, form uint64, r *Record) {
	switch form {
	case sourceNone:
	case sourceRAM:
		r.Source.RAM = r.BytesSent
	case sourceDisk:
		r.Source.Disk = r.BytesSent
	case sourceOrigin:
		r.Source.Origin = r.BytesSent
	case sourceMixed:
		r.Source.RAM, r.Source.Disk, r.Source.Origin = int64(c.uvarint()), int64(c.uvarint()), int64(c.uvarint())
	default:
		c.bad = true
	}
}

// readClient is the inverse of appendClient. A struck address comes back as one, in
// the mode that writes it so.
func readClient(c *cursor, form uint64, r *Record) {
	if form >= numClientForms {
		c.bad = true
		return
	}
	if form == clientHash {
		r.Pseudonym = c.hash()
		return
	}
	b := c.take(uint64(clientSizes[form]))
	if len(b) == 0 {
		return
	}
	var room [16]byte
	copy(room[:], b)
	if form == clientStruck || form == clientFour {
		r.Client = netip.AddrFrom4([4]byte(room[:4]))
	} else {
		r.Client = netip.AddrFrom16(room)
	}
	if form == clientStruck {
		r.Address = Strike
	}
}
