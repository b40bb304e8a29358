//go:build linux && !race

package ram

import (
	"bufio"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"unsafe"
)

// TestMapping looks at what the kernel says about the arena: it begins on a huge
// page, stays out of core dumps and asks for huge pages only when told to.
func TestMapping(t *testing.T) {
	for _, huge := range []bool{false, true} {
		m, err := reserve(MinSize, huge, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		at := uintptr(unsafe.Pointer(unsafe.SliceData(m.slabs)))
		if at%slabSize != 0 || len(m.slabs) != MinSize || cap(m.slabs) != MinSize {
			t.Errorf("%d of %d bytes at %#x", len(m.slabs), cap(m.slabs), at)
		}
		rss, flags := smaps(t, at)
		if rss != "0" {
			t.Errorf("%s KiB are resident before any use", rss)
		}
		if !slices.Contains(flags, "dd") {
			t.Errorf("the arena goes into core dumps: %v", flags)
		}
		if got := slices.Contains(flags, "hg"); got != huge && hugePagesExist() {
			t.Errorf("huge pages %v, want %v: %v", got, huge, flags)
		}
		if err := m.unmap(); err != nil {
			t.Error(err)
		}
	}
}

// hugePagesExist reports whether the kernel knows transparent huge pages.
func hugePagesExist() bool {
	_, err := os.Stat("/sys/kernel/mm/transparent_hugepage/enabled")
	return err == nil
}

// smaps returns the resident KiB and the flags of the mapping that begins at, or
// holds, the address.
func smaps(t *testing.T, at uintptr) (rss string, flags []string) {
	t.Helper()
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Skip(err)
	}
	defer f.Close()
	here := false
	for s := bufio.NewScanner(f); s.Scan(); {
		var from, to uintptr
		if n, _ := fmt.Sscanf(s.Text(), "%x-%x ", &from, &to); n == 2 {
			here = from <= at && at < to
			continue
		}
		if name, value, _ := strings.Cut(s.Text(), ":"); here && name == "Rss" {
			rss = strings.Fields(value)[0]
		} else if here && name == "VmFlags" {
			return rss, strings.Fields(value)
		}
	}
	t.Fatalf("no mapping at %#x", at)
	return "", nil
}
