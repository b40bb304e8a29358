package cache

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"edged/cache/disk"
	"edged/cache/object"

	"golang.org/x/sys/unix"
)

// newFileStore returns a store over a real disk in a directory.
func newFileStore(t *testing.T, e disk.Encryption) (*store, *disk.Tier) {
	t.Helper()
	d, err := disk.Open(disk.Options{
		Path: t.TempDir(), Size: 96 << 20, ExtentSize: 24 << 20, Encryption: e, Key: make([]byte, disk.KeySize),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return newStore(t, Options{Disks: d}), d
}

func noise(n int, seed uint64) []byte {
	b, rng := make([]byte, n), rand.New(rand.NewPCG(seed, 1))
	for i := 0; i+8 <= n; i += 8 {
		v := rng.Uint64()
		for j := range 8 {
			b[i+j] = byte(v >> (8 * j))
		}
	}
	return b
}

// drainFiles reads o from off as an adapter with sendfile does, and counts the bytes
// that came from files.
func drainFiles(t *testing.T, o *Object, off, end int64) (all []byte, fromFiles int) {
	t.Helper()
	var r Reader
	r.Open(o, off, end)
	defer r.Close()
	for {
		fd, at, n, ok := r.NextFile()
		if !ok {
			span, err := r.Next()
			if err != nil {
				return all, fromFiles
			}
			all = append(all, span...)
			continue
		}
		b := make([]byte, n)
		if k, err := unix.Pread(fd, b, at); err != nil || k != n {
			t.Fatalf("pread of %d bytes at %d: %d, %v", n, at, k, err)
		}
		take := min(n, 300_000) // the kernel took a part
		r.Unread(n - take)
		all, fromFiles = append(all, b[:take]...), fromFiles+take
	}
}

func TestBytesFromFiles(t *testing.T) {
	s, d := newFileStore(t, disk.Plain)
	data := noise(3*object.BlockSize+100_000, 1)
	o := s.fillWhole("/k", data, object.Resumable)
	if err := d.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ off, end int64 }{{0, -1}, {0, -1}, {5, 17}, {object.BlockSize - 3, 2*object.BlockSize + 9}} {
		end := tt.end
		if end < 0 {
			end = int64(len(data))
		}
		got, files := drainFiles(t, o, tt.off, tt.end)
		if !bytes.Equal(got, data[tt.off:end]) {
			t.Errorf("bytes [%d, %d) are wrong", tt.off, end)
		}
		if files != len(got) {
			t.Errorf("[%d, %d): %d of %d bytes from files", tt.off, end, files, len(got))
		}
	}
	if !allocless(t, o) {
		t.Error("a range of a file allocates")
	}
}

func allocless(t *testing.T, o *Object) bool {
	t.Helper()
	var r Reader
	return raceEnabled || testing.AllocsPerRun(100, func() {
		r.Open(o, 0, -1)
		for range 4 {
			if _, _, _, ok := r.NextFile(); !ok {
				t.Fatal("no range")
			}
		}
		r.Close()
	}) == 0
}

func TestNoFilesOfEncryptedDisks(t *testing.T) {
	s, d := newFileStore(t, disk.Keyed)
	data := noise(2*object.BlockSize, 2)
	o := s.fillWhole("/k", data, object.Resumable)
	if err := d.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 8 {
		if got, files := drainFiles(t, o, 0, -1); files != 0 || !bytes.Equal(got, data) {
			t.Fatalf("%d bytes from files", files)
		}
	}
}

// TestEvictedRangeKeepsItsBytes holds a range while its extent is evicted and its
// space is written by others.
func TestEvictedRangeKeepsItsBytes(t *testing.T) {
	s, d := newFileStore(t, disk.Plain)
	data := noise(object.BlockSize, 3)
	o := s.fillWhole("/k", data, object.Resumable)
	if err := d.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	var r Reader
	r.Open(o, 0, -1)
	defer r.Close()
	fd, off, n, ok := r.NextFile()
	if !ok || n != len(data) {
		t.Fatalf("NextFile: %d bytes, %v", n, ok)
	}
	used := d.Stats().Space
	for i := range 160 {
		s.fillWhole("/other"+string(rune('a'+i)), noise(object.BlockSize, uint64(100+i)), object.Resumable)
		if err := d.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := d.Lookup("/k"); ok {
		t.Fatal("the extent was not evicted")
	}
	got := make([]byte, n)
	if k, err := unix.Pread(fd, got, off); k != n || err != nil || !bytes.Equal(got, data) {
		t.Errorf("after eviction: %d bytes, %v, equal %v", k, err, bytes.Equal(got, data))
	}
	if now := d.Stats().Space; now.Used > now.Size || now.Evictions == used.Evictions {
		t.Errorf("space: %+v", now)
	}
	if _, _, _, ok := r.NextFile(); ok {
		t.Error("a second range behind the end")
	}
}
