//go:build linux && !race

package ram

import (
	"log/slog"
	"unsafe"

	"golang.org/x/sys/unix"
)

// memory is the mapping under an arena.
type memory struct {
	mapping []byte // as mapped
	slabs   []byte // the part of it that begins on a huge page
}

// reserve maps size bytes of address space. Pages come on first use.
func reserve(size int, hugePages bool, log *slog.Logger) (*memory, error) {
	mapping, err := unix.Mmap(-1, 0, size+slabSize,
		unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
	if err != nil {
		return nil, err
	}
	// Only the number of the address is used, to find the next huge page.
	skip := -int(uintptr(unsafe.Pointer(unsafe.SliceData(mapping)))) & (slabSize - 1)
	m := &memory{mapping: mapping, slabs: mapping[skip : skip+size : skip+size]}
	advise := func(advice int, what string) {
		if err := unix.Madvise(m.slabs, advice); err != nil {
			log.Warn("ram: the kernel refuses advice on the arena", "advice", what, "err", err)
		}
	}
	advise(unix.MADV_DONTDUMP, "dontdump")
	if hugePages {
		advise(unix.MADV_HUGEPAGE, "hugepage")
	}
	return m, nil
}

// touch makes the pages of [from, to) present without changing a byte, so it may
// run beside writers.
func (m *memory) touch(from, to int) error {
	return unix.Madvise(m.slabs[from:to], unix.MADV_POPULATE_WRITE)
}

func (m *memory) unmap() error { return unix.Munmap(m.mapping) }
