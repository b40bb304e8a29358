package logfmt

import (
	"encoding/binary"
	"math"
	"net/netip"
	"time"
)

// blockPen writes records into blocks of a binary file. The zero value is ready. Its
// user holds the buffer, which blocks stand in one behind the other, and may take it
// away after seal.
//
// It names the fields one by one where that saves time, and follows the table where an
// entry of a dictionary is written, which is rare. TestBlockRoundTrip holds it and the
// reader together.
type blockPen struct {
	start   int      // of the open block in the buffer
	records int      // in it; 0: none is open
	base    int64    // Unix ms that the first record counts from
	time    int64    // Unix ms of the last record
	place   Sequence // of the last record, where the user knows it
	first   Sequence
	entries [partBlock - partOwner]dictionary
}

// full reports whether the open block, which ends buf, has no room for room bytes more.
func (p *blockPen) full(buf []byte, room, limit int) bool {
	return p.records > 0 && len(buf)-p.start+room > limit
}

// seal ends the open block, if there is one. It has no place and no sums yet.
func (p *blockPen) seal(buf []byte) {
	if p.records > 0 {
		sealBlock(buf[p.start:], p.records, p.base)
		p.records = 0
	}
}

// end ends the block of records that have their places.
func (p *blockPen) end(buf []byte) []byte {
	if p.records > 0 {
		p.seal(buf)
		stampBlock(buf[p.start:], &p.first)
	}
	return buf
}

// add appends a record that follows the one before it without a gap.
func (p *blockPen) add(buf []byte, m AddressMode, r *Record) []byte {
	return p.append(buf, m, r, 0)
}

// addAt appends a record that has its place. It belongs into the open block only if run
// and node are the same: see belongs.
func (p *blockPen) addAt(buf []byte, m AddressMode, r *Record) []byte {
	layout := uint64(0)
	if s := &r.Sequence; p.records == 0 {
		p.first = *s
	} else if s.Number != p.place.Number+1 || s.Dropped != 0 {
		layout = 1 << layoutPlace
	}
	buf = p.append(buf, m, r, layout)
	p.place = r.Sequence
	return buf
}

// belongs reports whether r may stand in the open block, which ends buf.
func (p *blockPen) belongs(buf []byte, r *Record) bool {
	if p.records == 0 || r.Sequence.Run != p.place.Run {
		return false
	}
	c := cursor{rest: buf[p.start+blockHead:]}
	return string(c.text()) == r.Node
}

// begin begins a block with r.
func (p *blockPen) begin(buf []byte, r *Record) []byte {
	p.start = len(buf)
	p.base = milli(r.Time)
	p.time = p.base
	for i := range p.entries {
		p.entries[i].reset()
	}
	return appendText(beginBlock(buf, blockOfRecords), r.Node)
}

// append appends a record. layout is what the caller knows of it.
func (p *blockPen) append(buf []byte, m AddressMode, r *Record, layout uint64) []byte {
	if p.records == 0 {
		buf = p.begin(buf, r)
	}
	p.records++
	m = m.stricter(r.Address)
	form := clientFormOf(m, r)
	if m == None {
		layout |= layoutOf(r) &^ (1 << layoutSess)
	} else {
		layout |= layoutOf(r)
	}
	layout |= form << layoutClient
	trace, hex := unhex16(r.Request.Trace)
	if hex {
		layout ^= (traceText ^ traceHex) << layoutTrace
	}
	buf = p.refer(buf, partOwner, fold(r.Host)^hint(r.Request.Referrer), 0, r)
	buf = p.refer(buf, partViewer, (hint(r.Request.Protocol)^hint(r.Request.TLS)<<8)<<8|uint64(r.Request.Agent), 0, r)
	buf = p.refer(buf, partKind, layout|uint64(uint16(r.Status))<<layoutBits|hint(r.Request.Class)<<34, layout, r)
	if layout&(1<<layoutPlace) != 0 {
		buf = appendUvarint(buf, uint64(r.Sequence.Number-p.place.Number-1))
		buf = appendUvarint(buf, uint64(r.Sequence.Dropped))
	}
	now := milli(r.Time)
	buf = appendUvarint(buf, zigzag(now-p.time))
	p.time = now
	buf = appendClient(buf, form, r)
	buf = appendText(buf, r.Path)
	buf = appendUvarint(buf, uint64(r.BytesSent))
	buf = appendUvarint(buf, uint64(r.WireBytes-r.BytesSent))
	first := microsOf(r.FirstByte)
	buf = appendUvarint(buf, first)
	buf = appendUvarint(buf, zigzag(int64(microsOf(r.Duration)-first)))
	if layout&(1<<layoutTTL) != 0 {
		buf = appendUvarint(buf, zigzag(r.Cache.TTL))
	}
	if hex {
		buf = binary.BigEndian.AppendUint64(buf, trace)
	}
	if layout&rareLayout != 0 || layout>>layoutTrace&3 == traceText || layout>>layoutSource&7 == sourceMixed {
		buf = appendRare(buf, layout, r)
	}
	return buf
}

// rareLayout are the bits of what most records do not have.
const rareLayout = 1<<layoutRange | 1<<layoutQuery | 1<<layoutSess | 1<<layoutCMCD | 1<<layoutAgent

// appendRare appends the rest of a record.
func appendRare(buf []byte, layout uint64, r *Record) []byte {
	if layout>>layoutTrace&3 == traceText {
		buf = appendText(buf, r.Request.Trace)
	}
	if layout>>layoutSource&7 == sourceMixed {
		for _, n := range [...]int64{r.Source.RAM, r.Source.Disk, r.Source.Origin} {
			buf = appendUvarint(buf, uint64(n))
		}
	}
	if layout&(1<<layoutRange) != 0 {
		buf = appendUvarint(buf, uint64(r.Request.RangeStart))
		buf = appendUvarint(buf, uint64(r.Request.RangeEnd-r.Request.RangeStart))
	}
	if layout&(1<<layoutQuery) != 0 {
		buf = appendText(buf, r.Request.Query)
	}
	if layout&(1<<layoutSess) != 0 {
		buf = binary.BigEndian.AppendUint64(buf, r.Token.Session)
	}
	if layout&(1<<layoutCMCD) != 0 {
		var room [maxCMCD]byte
		buf = appendText(buf, r.Request.CMCD.append(room[:0]))
	}
	if layout&(1<<layoutAgent) != 0 {
		buf = appendText(buf, r.Request.UserAgent)
	}
	return buf
}

// layoutOf returns what there is of r, but for its client and its place. A trace counts
// as text.
func layoutOf(r *Record) (layout uint64) {
	layout = bit(r.Aborted) | bit(r.Cache.Hit)<<1 | bit(r.Cache.Stored)<<2 | bit(r.Cache.Collapsed)<<3
	layout |= bit(r.Cache.HasTTL) << layoutTTL
	layout |= bit(r.Request.RangeStart >= 0 && r.Request.RangeEnd > r.Request.RangeStart) << layoutRange
	layout |= bit(len(r.Request.Query) > 0) << layoutQuery
	layout |= bit(r.Token.Session != 0) << layoutSess
	layout |= bit(r.Request.CMCD != CMCD{}) << layoutCMCD
	layout |= bit(len(r.Request.UserAgent) > 0) << layoutAgent
	if len(r.Request.Trace) > 0 {
		layout |= traceText << layoutTrace
	}
	return layout | sourceFormOf(r)<<layoutSource
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

func sourceFormOf(r *Record) uint64 {
	s := &r.Source
	switch {
	case s.RAM|s.Disk|s.Origin == 0:
		return sourceNone
	case s.RAM == r.BytesSent && s.Disk|s.Origin == 0:
		return sourceRAM
	case s.Disk == r.BytesSent && s.RAM|s.Origin == 0:
		return sourceDisk
	case s.Origin == r.BytesSent && s.RAM|s.Disk == 0:
		return sourceOrigin
	}
	return sourceMixed
}

// clientFormOf returns what m leaves of the client, as appendAddress has it for text.
func clientFormOf(m AddressMode, r *Record) uint64 {
	a := r.Client
	switch {
	case m == None:
		return clientNone
	case m == Pseudonym || m == Full && !a.IsValid():
		return bit(r.Pseudonym != 0) * clientHash
	case !a.IsValid():
		return clientNone
	case a.Is4() || a.Is4In6():
		if m == Strike {
			return clientStruck
		}
		return clientFour
	case m == Strike || isPrefix(a):
		return clientPrefix
	}
	return clientSix
}

// isPrefix reports whether an IPv6 address has nothing behind its /48.
func isPrefix(a netip.Addr) bool {
	b := a.As16()
	return binary.BigEndian.Uint16(b[6:]) == 0 && binary.BigEndian.Uint64(b[8:]) == 0
}

func appendClient(buf []byte, form uint64, r *Record) []byte {
	switch form {
	case clientStruck:
		b := r.Client.As16() // an IPv4 address is its end
		return append(buf, b[12], b[13], b[14])
	case clientFour:
		b := r.Client.As16()
		return append(buf, b[12:]...)
	case clientPrefix:
		b := struck(r.Client).Addr().As16()
		return append(buf, b[:6]...)
	case clientSix:
		b := r.Client.As16()
		return append(buf, b[:]...)
	case clientHash:
		return binary.BigEndian.AppendUint64(buf, r.Pseudonym)
	}
	return buf
}

// refer appends the number of r's entry of a part; 0 and the entry where the block has
// none yet. key tells entries apart as far as they are numbers.
func (p *blockPen) refer(buf []byte, of part, key, layout uint64, r *Record) []byte {
	d, block := &p.entries[of-partOwner], buf[p.start:]
	a, b := d.pair(key)
	if a.id != 0 && a.key == key && a.matches(block, of, r) {
		return appendUvarint(buf, uint64(a.id))
	}
	if b.id != 0 && b.key == key && b.matches(block, of, r) {
		return appendUvarint(buf, uint64(b.id))
	}
	buf = append(buf, 0)
	w := wordsOf(of, r)
	d.put(key, len(buf)-p.start, &w)
	return appendEntry(buf, of, layout, r)
}

// matches reports whether the texts of an entry, which is in block, are those of r. Its
// numbers are in the key. Once strings are the same, it is known where bytes stand.
func (s *slot) matches(block []byte, of part, r *Record) bool {
	w := &s.words
	switch of {
	case partOwner:
		if w[0] != r.Account || w[1] != r.Site || w[2] != r.Token.Scheme || w[3] != r.Token.Key {
			return false
		}
		host := int(s.at) + len(w[0]) + len(w[1]) + 2
		referrer := host + len(r.Host) + len(w[2]) + len(w[3]) + 3
		return same(block[host:], r.Host) && same(block[referrer:], r.Request.Referrer)
	case partViewer:
		return w[0] == r.Request.Protocol && w[1] == r.Request.TLS
	}
	if w[0] != r.Cache.Forward || w[1] != r.Source.Tier || w[2] != r.Request.Class || w[3] != r.Token.Verdict || w[4] != r.Error {
		return false
	}
	return same(block[s.at:], r.Method) && uint(r.Status) <= math.MaxUint16 // the key has no more of it
}

// wordsOf returns the strings of a part.
func wordsOf(of part, r *Record) words {
	switch of {
	case partOwner:
		return words{r.Account, r.Site, r.Token.Scheme, r.Token.Key}
	case partViewer:
		return words{r.Request.Protocol, r.Request.TLS}
	}
	return words{r.Cache.Forward, r.Source.Tier, r.Request.Class, r.Token.Verdict, r.Error}
}

// appendEntry appends the texts of a part in the order of the table, then its numbers.
func appendEntry(buf []byte, of part, layout uint64, r *Record) []byte {
	for i := range fields {
		f := &fields[i]
		if f.part != of {
			continue
		}
		switch f.Kind {
		case KindText:
			if b := r.bytesOf(f.id); b != nil {
				buf = appendText(buf, *b)
			} else {
				buf = appendText(buf, *r.stringOf(f.id))
			}
		case KindAgent:
			buf = appendText(buf, r.Request.Agent.String())
		}
	}
	if of == partKind {
		buf = appendUvarint(buf, uint64(r.Status))
		buf = appendUvarint(buf, layout)
	}
	return buf
}

// milli returns Unix milliseconds, rounded down as text has them.
func milli(unixNano int64) int64 {
	n := unixNano / int64(time.Millisecond)
	if n*int64(time.Millisecond) > unixNano {
		n--
	}
	return n
}

// microsOf returns a duration as text has it: in microseconds, 0 when missing.
func microsOf(d time.Duration) uint64 {
	return uint64(micros(max(d, 0)))
}

// unhex16 reads 16 lower-case hex digits, eight at a time.
func unhex16(b []byte) (n uint64, ok bool) {
	if len(b) != 16 {
		return 0, false
	}
	high, ok1 := unhex8(binary.BigEndian.Uint64(b))
	low, ok2 := unhex8(binary.BigEndian.Uint64(b[8:]))
	return high<<32 | low, ok1 && ok2
}

// unhex8 reads eight lower-case hex digits.
func unhex8(x uint64) (n uint64, ok bool) {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	letter := x >> 6 & ones // '0' is 0x30, 'a' is 0x61
	value := x&(ones*0x0f) + letter*9
	// Both sums keep to their bytes: what is not ASCII is found by its top bit.
	digitLow, digitHigh := (x|tops)-ones*'0', (x|tops)-ones*('9'+1)
	letterLow, letterHigh := (x|tops)-ones*'a', (x|tops)-ones*('f'+1)
	good := digitLow&^digitHigh | letterLow&^letterHigh
	if x&tops != 0 || good&tops != tops {
		return 0, false
	}
	value |= value >> 4
	value &= 0x00ff00ff00ff00ff
	value |= value >> 8
	value &= 0x0000ffff0000ffff
	return (value | value>>16) & 0xffffffff, true
}
