package disk_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"edged/cache/cachetest"
	"edged/cache/disk"
	"edged/cache/object"
)

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	d := open(t, options(nil, dir))
	if _, err := disk.Open(options(nil, dir)); !errors.Is(err, disk.ErrLocked) {
		t.Errorf("second Open: %v, want ErrLocked", err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]disk.Options{
		"no path":         {Size: 1 << 30},
		"too small":       {Path: dir, Size: 1 << 20},
		"tiny extents":    {Path: dir, Size: 1 << 30, ExtentSize: 4096},
		"not a directory": {Path: filepath.Join(dir, "superblock"), Size: 1 << 30},
	} {
		if _, err := disk.Open(o); err == nil {
			t.Errorf("%s: Open succeeded", name)
		}
	}
}

func TestForeignFilesStay(t *testing.T) {
	dir := t.TempDir()
	mine := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(mine, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := open(t, options(nil, dir))
	put(t, d, "k", 1, 10)
	if _, err := os.Stat(mine); err != nil {
		t.Errorf("a file that is not ours: %v", err)
	}
	for _, name := range []string{"superblock", "extent-0000000001", "removals"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v, want mode 0600", name, info, err)
		}
	}
}

func TestSizeIsABound(t *testing.T) {
	mem := cachetest.NewMemFS()
	o := options(mem, "/d")
	o.Size, o.ExtentSize = 40<<20, 4<<20
	d := open(t, o)
	for i := range 120 {
		put(t, d, object.Key(fmt.Sprint(i)), uint64(i+1), object.BlockSize)
		if used := usage(t, mem); used > o.Size {
			t.Fatalf("after %d objects the files take %d of %d bytes", i+1, used, o.Size)
		}
	}
	s := d.Stats()
	if s.Space.Evictions == 0 || s.Space.Used > s.Space.Size || s.LastSeq != 120 {
		t.Errorf("%+v", s)
	}
	wantWhole(t, d, "119", 120, object.BlockSize)
	wantMiss(t, d, "0")
	if got := s.Space.Objects; got < 20 || got > 40 {
		t.Errorf("%d objects of 1 MiB in 40 MiB", got)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	o.Size = 16 << 20 // the operator shrinks the disk
	if s := open(t, o).Stats().Space; s.Used > o.Size || s.Extents == 0 {
		t.Errorf("after shrinking: %+v", s)
	}
}

func usage(t *testing.T, fs disk.FS) (bytes int64) {
	t.Helper()
	files, err := fs.List("/d")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		bytes += f.Size
	}
	return bytes
}

func TestIndexFullEvicts(t *testing.T) {
	o := options(cachetest.NewMemFS(), "/d")
	o.Size, o.ExtentSize, o.MeanObject = 256<<20, 4<<20, 64<<20 // room for 4096 entries
	d := open(t, o)
	for i := range 6000 {
		offer(t, d, object.Key(fmt.Sprint(i)), uint64(i+1), 10)
		if i%500 == 0 {
			_ = sync(t, d)
		}
	}
	if err := sync(t, d); err != nil {
		t.Fatal(err)
	}
	s := d.Stats()
	if s.Space.Entries > s.Space.Capacity || s.Space.Evictions == 0 || s.Writes.Errors != 0 {
		t.Errorf("%+v", s)
	}
	wantWhole(t, d, "5999", 6000, 10)
}

func TestClosedTierMisses(t *testing.T) {
	d := open(t, options(cachetest.NewMemFS(), "/d"))
	put(t, d, "k", 1, 5000)
	e, _ := d.Lookup("k")
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	wantMiss(t, d, "k")
	if d.Has(e, 0) || d.ReadBlock(e, 0, make([]byte, 5000)) == nil || offerAny(d, "k", 2, 10) {
		t.Error("a closed tier still works")
	}
	d.Remove("k")
	if err := d.Sync(t.Context()); !errors.Is(err, disk.ErrClosed) {
		t.Errorf("Sync: %v, want ErrClosed", err)
	}
	if s := d.Stats(); s.Health != disk.Offline {
		t.Errorf("%+v", s)
	}
}

func TestSyncGivesUp(t *testing.T) {
	fs := cachetest.NewFaultFS(cachetest.NewMemFS())
	d := open(t, options(fs, "/d"))
	hang := make(chan struct{})
	fs.Inject(cachetest.Fault{Op: cachetest.OpResize, Hang: hang, Times: 1})
	offer(t, d, "k", 1, 10)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.Sync(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Sync: %v, want canceled", err)
	}
	close(hang)
}

func TestDamagedSuperblockStartsOver(t *testing.T) {
	dir := t.TempDir()
	d := open(t, options(nil, dir))
	put(t, d, "k", 1, 10)
	uuid := d.Stats().UUID
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "superblock"), []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	d = open(t, options(nil, dir))
	wantMiss(t, d, "k")
	if s := d.Stats(); s.UUID == uuid || s.Recovery.Lost != 1 || s.Space.Extents != 0 {
		t.Errorf("%+v", s)
	}
}

// TestFallsBack checks the ways back to the content when an index is unusable.
func TestFallsBack(t *testing.T) {
	for _, keep := range []int{2, 1, 0} {
		t.Run(fmt.Sprintf("%d snapshots left", keep), func(t *testing.T) {
			dir := t.TempDir()
			for i := range 3 {
				d := open(t, options(nil, dir))
				put(t, d, object.Key(fmt.Sprint(i)), uint64(i+1), 70<<10)
				if err := d.Close(); err != nil {
					t.Fatal(err)
				}
			}
			names, err := filepath.Glob(filepath.Join(dir, "index-*"))
			if err != nil || len(names) != 2 {
				t.Fatalf("%d snapshots, %v, want 2", len(names), err)
			}
			for _, name := range names[keep:] {
				if err := os.Truncate(name, 100); err != nil {
					t.Fatal(err)
				}
			}
			d := open(t, options(nil, dir))
			for i := range 3 {
				wantWhole(t, d, object.Key(fmt.Sprint(i)), uint64(i+1), 70<<10)
			}
			if r := d.Stats().Recovery; r.Snapshot != (keep > 0) || r.Lost != 2-keep || r.Scanned != 0 {
				t.Errorf("%+v", r)
			}
			if seq := d.Stats().LastSeq; seq != 3 {
				t.Errorf("LastSeq = %d, want 3", seq)
			}
		})
	}
}
