//go:build !race

package disk

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// allocSlots returns n zeroed slots outside the Go heap: an index of gigabytes
// would otherwise count as live heap and double the distance between collections.
// The unsafe view is sound because a slot has no pointers, every bit pattern of it
// is valid, and the mapping is page aligned (TestSlotLayout). Pages are only taken
// when first used; huge ones where the kernel has them, because nearly every look-up
// in a table of this size misses the TLB otherwise. Hashes are spread evenly, so that
// small pages would all be taken after a few thousand objects, too.
func allocSlots(n int) ([]slot, error) {
	b, err := unix.Mmap(-1, 0, n*slotSize, unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
	if err != nil {
		return nil, fmt.Errorf("disk: memory for an index of %d slots: %w", n, err)
	}
	_ = unix.Madvise(b, unix.MADV_HUGEPAGE) // advice
	return unsafe.Slice((*slot)(unsafe.Pointer(unsafe.SliceData(b))), n), nil
}

// dropSlots empties slots that are not needed any more, and gives their pages back.
// They stay mapped for a look-up that is still under way, which takes no lock.
func dropSlots(s []slot) {
	_ = unix.Madvise(bytesOf(s), unix.MADV_DONTNEED) // or the pages go later
}

// unmapSlots gives slots back that nobody can look at any more.
func unmapSlots(s []slot) {
	// An error would mean a corrupted slice header.
	_ = unix.Munmap(bytesOf(s))
}

// bytesOf returns the mapping of what allocSlots returned.
func bytesOf(s []slot) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), len(s)*slotSize)
}
