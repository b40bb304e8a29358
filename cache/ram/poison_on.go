//go:build race

package ram

import "bytes"

// poisoned reports that freed chunks are overwritten and checked, so that a use
// after free is seen: by the race detector as a write beside a read, by readers
// as nonsense, and by the next Alloc when the chunk was written to.
const poisoned = true

// poisonPage is what a free page looks like.
func poisonPage() []byte { return bytes.Repeat([]byte{0xdb}, pageSize) }

// poison overwrites whole pages.
func poison(mem []byte) {
	page := poisonPage()
	for len(mem) > 0 {
		mem = mem[copy(mem, page):]
	}
}

// checkPoison panics when mem, which is being allocated, was written to while it
// was free.
func checkPoison(mem []byte) {
	page := poisonPage()
	for ; len(mem) > 0; mem = mem[pageSize:] {
		if !bytes.Equal(mem[:pageSize], page) {
			panic("ram: a free chunk was written to")
		}
	}
}
