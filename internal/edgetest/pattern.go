package edgetest

import (
	"bytes"
	"encoding/binary"
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
	b := make([]byte, 0, n+8)
	for len(b) < n { // splitmix64: a stream of its own for each name
		seed += 0x9e3779b97f4a7c15
		z := seed
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		b = binary.LittleEndian.AppendUint64(b, z^z>>31)
	}
	return b[:n:n]
}

// Diff says where got first differs from want, "" when they are equal.
func Diff(got, want []byte) string {
	if bytes.Equal(got, want) {
		return ""
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Sprintf("byte %d of %d is %#02x, want %#02x", i, len(want), got[i], want[i])
		}
	}
	return fmt.Sprintf("%d bytes, want %d", len(got), len(want))
}
