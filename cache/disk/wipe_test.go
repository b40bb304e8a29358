package disk_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"edged/cache/disk"
)

func TestWipe(t *testing.T) {
	for _, tt := range []struct {
		name string
		o    disk.Options
	}{
		{"plain", options(nil, t.TempDir())},
		{"encrypted", encrypted(options(nil, t.TempDir()), 1)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			storeMarked(t, tt.o)
			mine := filepath.Join(tt.o.Path, "notes.txt")
			if err := os.WriteFile(mine, []byte("mine"), 0o600); err != nil {
				t.Fatal(err)
			}
			var last, all int
			w, err := disk.Wipe(t.Context(), tt.o.Path, disk.WipeOptions{Progress: func(done, n int) { last, all = done, n }})
			if err != nil {
				t.Fatal(err)
			}
			if w.Encryption != tt.o.Encryption || w.Files < 4 || w.Bytes < 300_000 || len(w.Foreign) != 1 || last != all || all != w.Files {
				t.Errorf("%+v, progress %d of %d", w, last, all)
			}
			if files := contents(t, tt.o.Path); len(files) != 2 || string(files["notes.txt"]) != "mine" || len(files["lock"]) != 0 {
				t.Errorf("left: %d files", len(files))
			}
			d := open(t, tt.o) // it can be used again
			wantMiss(t, d, markedKey)
			put(t, d, "k", 1, 5000)
			wantWhole(t, d, "k", 1, 5000)
		})
	}
}

// TestWipeOverwrites keeps the files open across the wipe, as somebody who kept
// a link to them would, and looks at what is left in them.
func TestWipeOverwrites(t *testing.T) {
	o := encrypted(options(nil, t.TempDir()), 1)
	storeMarked(t, o)
	before := contents(t, o.Path)
	kept := t.TempDir()
	for name := range before {
		if err := os.Link(filepath.Join(o.Path, name), filepath.Join(kept, name)); err != nil {
			t.Skip(err)
		}
	}
	if _, err := disk.Wipe(t.Context(), o.Path, disk.WipeOptions{Overwrite: true}); err != nil {
		t.Fatal(err)
	}
	for name, b := range contents(t, kept) {
		if len(b) > 0 && (len(b) != len(before[name]) || bytes.ContainsFunc(b, func(r rune) bool { return r != 0 })) {
			t.Errorf("%s still holds something", name)
		}
	}
}

func TestWipeRefuses(t *testing.T) {
	o := options(nil, t.TempDir())
	d := open(t, o)
	put(t, d, "k", 1, 5000)
	if _, err := disk.Wipe(t.Context(), o.Path, disk.WipeOptions{}); !errors.Is(err, disk.ErrLocked) {
		t.Errorf("wipe of an open disk: %v, want ErrLocked", err)
	}
	wantWhole(t, d, "k", 1, 5000)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	empty := t.TempDir()
	if _, err := disk.Wipe(t.Context(), empty, disk.WipeOptions{}); !errors.Is(err, disk.ErrNotFound) {
		t.Errorf("wipe of a directory without a disk: %v, want ErrNotFound", err)
	}
	if files := contents(t, empty); len(files) != 0 {
		t.Errorf("made %d files in it", len(files))
	}
	if _, err := disk.Wipe(t.Context(), filepath.Join(empty, "none"), disk.WipeOptions{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("wipe of no directory: %v", err)
	}
}

// TestInterruptedWipe leaves nothing that opens, and can be repeated.
func TestInterruptedWipe(t *testing.T) {
	o := encrypted(options(nil, t.TempDir()), 1)
	storeMarked(t, o)
	ctx, cancel := context.WithCancel(t.Context())
	stop := disk.WipeOptions{Progress: func(int, int) { cancel() }}
	if _, err := disk.Wipe(ctx, o.Path, stop); !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted wipe: %v", err)
	}
	w, err := disk.Wipe(t.Context(), o.Path, disk.WipeOptions{})
	if err != nil || w.Files == 0 {
		t.Errorf("second wipe: %+v, %v", w, err)
	}
	if files := contents(t, o.Path); len(files) != 1 {
		t.Errorf("left: %d files, want the lock", len(files))
	}
}
