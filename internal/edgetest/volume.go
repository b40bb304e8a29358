package edgetest

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Volume is a small file system in memory that can be filled to the last byte.
type Volume struct {
	Dir string
	t   testing.TB
}

// NewVolume mounts a file system of about size bytes until the test ends. Where
// the test may not mount, it is skipped.
func NewVolume(t testing.TB, size string) *Volume {
	t.Helper()
	dir, err := os.MkdirTemp("", "edgevol")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		if errors.Is(err, syscall.EPERM) {
			t.Skip("mounting a file system needs root")
		}
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return &Volume{Dir: dir, t: t}
}

// Fill takes all space that is left.
func (v *Volume) Fill() {
	v.t.Helper()
	f, err := os.Create(v.filler())
	if err != nil {
		v.t.Fatal(err)
	}
	defer f.Close()
	page := []byte(strings.Repeat("x", 4096))
	for {
		if _, err := f.Write(page); err != nil {
			if !errors.Is(err, syscall.ENOSPC) {
				v.t.Fatal(err)
			}
			return
		}
	}
}

// Free gives back what Fill took.
func (v *Volume) Free() {
	v.t.Helper()
	if err := os.Remove(v.filler()); err != nil {
		v.t.Fatal(err)
	}
}

func (v *Volume) filler() string { return filepath.Join(v.Dir, "filler") }
