package edgetest

import (
	"fmt"
	"hash/fnv"
)

// Pattern returns n bytes in which every byte tells its place and whose it is: two
// names never share a run of more than a few bytes, and a piece served from the
// wrong offset differs from its first bytes on.
func Pattern(name string, n int) []byte {
	h := fnv.New64a()
	h.Write([]byte(name))
	seed := h.Sum64()
	b := make([]byte, n)
	for i := range b {
		if i%8 == 0 {
			seed += 0x9e3779b97f4a7c15 // splitmix64: a stream of its own for each name
		}
		z := seed
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		z ^= z >> 31
		b[i] = byte(z >> (8 * (i % 8)))
	}
	return b
}

// Diff says where got first differs from want, "" when they are equal.
func Diff(got, want []byte) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Sprintf("byte %d of %d is %#02x, want %#02x", i, len(want), got[i], want[i])
		}
	}
	if len(got) != len(want) {
		return fmt.Sprintf("%d bytes, want %d", len(got), len(want))
	}
	return ""
}
