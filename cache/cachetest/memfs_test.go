package cachetest

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

func write(t *testing.T, fs *MemFS, name string, p []byte, off int64) {
	t.Helper()
	f, err := fs.OpenFile(name, os.O_RDWR|os.O_CREATE)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteVec([][]byte{p[:len(p)/2], p[len(p)/2:]}, off); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, fs *MemFS, name string) []byte {
	t.Helper()
	f, err := fs.OpenFile(name, os.O_RDONLY)
	if err != nil {
		return nil
	}
	p := make([]byte, 1<<20)
	n, _ := f.ReadAt(p, 0)
	return p[:n]
}

func TestKillKeepsWrites(t *testing.T) {
	fs := NewMemFS()
	write(t, fs, "/d/a", []byte("hello"), 0)
	image := fs.Kill()
	write(t, fs, "/d/a", []byte("HELLO"), 0)
	if got := read(t, image, "/d/a"); string(got) != "hello" {
		t.Errorf("after a kill: %q", got)
	}
}

func TestArmedKillTearsAWrite(t *testing.T) {
	torn := 0
	for range 50 {
		fs := NewMemFS()
		write(t, fs, "/d/a", make([]byte, 100), 0)
		fs.ArmKill(1)
		write(t, fs, "/d/a", bytes.Repeat([]byte{1}, 100), 0)
		n := bytes.Count(read(t, fs.Killed(), "/d/a"), []byte{1})
		if n > 0 && n < 100 {
			torn++
		}
		if n := bytes.Count(read(t, fs, "/d/a"), []byte{1}); n != 100 {
			t.Fatalf("the old file system has %d of 100 bytes", n)
		}
	}
	if torn == 0 {
		t.Error("no write was torn")
	}
}

// TestCrashKeepsWhatWasSynced checks both sides: synced pages and names stay, and
// what was not synced is sometimes lost, torn and kept.
func TestCrashKeepsWhatWasSynced(t *testing.T) {
	fs := NewMemFS()
	synced, later := bytes.Repeat([]byte{1}, 2*memPage), bytes.Repeat([]byte{2}, memPage)
	write(t, fs, "/d/a", synced, 0)
	f, _ := fs.OpenFile("/d/a", os.O_RDWR)
	if err := errors.Join(f.Sync(), fs.SyncDir("/d")); err != nil {
		t.Fatal(err)
	}
	write(t, fs, "/d/a", later, memPage)
	write(t, fs, "/d/b", later, 0)
	seen := map[int]int{} // bytes of the unsynced page that arrived
	names := 0
	for seed := range uint64(100) {
		image := fs.Crash(rand.New(rand.NewPCG(seed, 0)))
		got := read(t, image, "/d/a")
		if len(got) != 2*memPage || !bytes.Equal(got[:memPage], synced[:memPage]) {
			t.Fatalf("seed %d: a synced page is lost", seed)
		}
		seen[bytes.Count(got[memPage:], []byte{2})]++
		if list, _ := image.List("/d"); len(list) == 2 {
			names++
		}
	}
	if seen[0] == 0 || seen[memPage] == 0 || len(seen) < 4 {
		t.Errorf("states of the unsynced page: %v, want lost, kept and torn", seen)
	}
	if names == 0 || names == 100 {
		t.Errorf("the unsynced name survived %d times of 100", names)
	}
}

func TestFaultsStrikeInTurn(t *testing.T) {
	fs := NewFaultFS(NewMemFS())
	f, err := fs.OpenFile("/d/extent-1", os.O_RDWR|os.O_CREATE)
	if err != nil {
		t.Fatal(err)
	}
	fs.Inject(Fault{Op: OpWrite, Name: "extent", Err: unix.EIO, Short: 3, After: 1, Times: 1})
	p := [][]byte{[]byte("ab"), []byte("cdef")}
	for i, want := range []struct {
		n   int
		err error
	}{{6, nil}, {3, unix.EIO}, {6, nil}} {
		if n, err := f.WriteVec(p, 0); n != want.n || !errors.Is(err, want.err) {
			t.Errorf("write %d: %d, %v, want %d, %v", i, n, err, want.n, want.err)
		}
	}
	fs.Inject(Fault{Op: OpRead, Flip: true, Times: 1})
	got := make([]byte, 6)
	if f.TryReadAt(got, 0) {
		t.Error("a read fault must not be passed by")
	}
	if _, err := f.ReadAt(got, 0); err != nil || string(got) == "abcdef" {
		t.Errorf("read %q, %v, want a flipped bit", got, err)
	}
	if !f.TryReadAt(got, 0) || string(got) != "abcdef" {
		t.Errorf("read %q after the fault was used up", got)
	}
}
