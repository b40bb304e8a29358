package logfmt

import "encoding/binary"

// dictionary finds what a block has of one part already. Two entries that want the same
// two slots are written again and again, which costs room and is no error.
type dictionary struct {
	slots [1 << dictionaryBits]slot
	n     uint32 // entries of the block so far, the last one's number
}

// slot is an entry. The zero value is free.
//
// It keeps the strings of a record: most are constants or come from the configuration,
// so that comparing them again is comparing pointers. Bytes are compared with those in
// the block.
type slot struct {
	key   uint64 // what the entry has of numbers, and a hint of its texts
	at    uint32 // where its texts begin in the block
	id    uint32 // its number, from 1
	words words
}

// words are the string fields of a part, in the order of the table.
type words [5]string

// dictionaryBits is for a hundred combinations in use at a time.
const dictionaryBits = 7

func (d *dictionary) reset() {
	if d.n > 0 {
		*d = dictionary{}
	}
}

// pair returns the two slots that an entry may be in.
func (d *dictionary) pair(key uint64) (a, b *slot) {
	i := key * 0x9e3779b97f4a7c15 >> (64 - dictionaryBits)
	return &d.slots[i], &d.slots[i^1]
}

// put numbers a new entry and remembers it in the place of the older of two, unless a
// string of it is too long.
func (d *dictionary) put(key uint64, at int, w *words) {
	d.n++
	for _, word := range w {
		if len(word) >= shortText {
			return
		}
	}
	a, b := d.pair(key)
	if b.id < a.id {
		a = b
	}
	*a = slot{key, uint32(at), d.n, *w}
}

// hint folds a text to a number that most other texts of its field do not have. It
// need not be good: what it points at is compared.
func hint[T text](v T) uint64 {
	n := len(v)
	if n == 0 {
		return 0
	}
	return uint64(n)<<24 ^ uint64(v[0])<<16 ^ uint64(v[n/2])<<8 ^ uint64(v[n-1])
}

// fold folds a text whose many values look alike: hosts of one customer.
func fold(v []byte) uint64 {
	const prime = 0x9fb21c651e98df25
	h, n := uint64(len(v)), len(v)
	if n < 8 {
		return h ^ hint(v)
	}
	for i := 0; i+8 < n; i += 8 {
		h = (h ^ binary.LittleEndian.Uint64(v[i:])) * prime
		h ^= h >> 32
	}
	h = (h ^ binary.LittleEndian.Uint64(v[n-8:])) * prime
	return h ^ h>>32
}

// same reports whether entry begins with v, as appendText wrote it. Texts of 128 bytes
// and more are never found: they are rare.
func same(entry, v []byte) bool {
	n := len(v)
	return n < len(entry) && n < shortText && int(entry[0]) == n && string(entry[1:n+1]) == string(v)
}

// shortText is the length of a text that is too long for dictionaries: its length does
// not fit a byte.
const shortText = 0x80

// appendText appends a length and the bytes.
func appendText[T text](dst []byte, v T) []byte {
	return append(appendUvarint(dst, uint64(len(v))), v...)
}

// appendUvarint is binary.AppendUvarint with a short way for short numbers.
func appendUvarint(dst []byte, n uint64) []byte {
	switch {
	case n < 1<<7:
		return append(dst, byte(n))
	case n < 1<<14:
		return append(dst, byte(n)|0x80, byte(n>>7))
	}
	return binary.AppendUvarint(dst, n)
}

// zigzag makes small numbers of those near 0.
func zigzag(n int64) uint64   { return uint64(n)<<1 ^ uint64(n>>63) }
func unzigzag(n uint64) int64 { return int64(n>>1) ^ -int64(n&1) }
