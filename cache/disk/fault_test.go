package disk_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"edged/cache/cachetest"
	"edged/cache/disk"
	"edged/cache/object"

	"golang.org/x/sys/unix"
)

// faulty opens a tier over a memory file system that can be made to fail. It
// belongs into a synctest bubble: time costs nothing there.
func faulty(t *testing.T) (*disk.Tier, *cachetest.FaultFS, *cachetest.MemFS) {
	t.Helper()
	mem := cachetest.NewMemFS()
	fs := cachetest.NewFaultFS(mem)
	o := options(fs, "/d")
	o.Size, o.ExtentSize, o.SyncInterval = 64<<20, 4<<20, 3*time.Second
	return open(t, o), fs, mem
}

func health(t *testing.T, d *disk.Tier, want disk.Health) {
	t.Helper()
	if got := d.Stats().Health; got != want {
		t.Errorf("the disk is %v, want %v", got, want)
	}
}

func TestWriteErrorsMakeReadOnly(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault cachetest.Fault
	}{
		{"EIO on write", cachetest.Fault{Op: cachetest.OpWrite, Name: "extent-", Err: unix.EIO}},
		{"short write", cachetest.Fault{Op: cachetest.OpWrite, Name: "extent-", Err: unix.EIO, Short: 5000, Times: 1}},
		{"EROFS on write", cachetest.Fault{Op: cachetest.OpWrite, Name: "extent-", Err: unix.EROFS}},
		{"EIO on sync", cachetest.Fault{Op: cachetest.OpSync, Name: "extent-", Err: unix.EIO}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, fs, _ := faulty(t)
				put(t, d, "before", 1, 100<<10)
				clear := fs.Inject(tt.fault)
				offer(t, d, "failing", 2, 100<<10)
				_ = sync(t, d) // fails or not, depending on the fault
				health(t, d, disk.ReadOnly)
				wantWhole(t, d, "before", 1, 100<<10)
				var b cachetest.Bodies
				if d.Put("refused", cachetest.Meta("refused", 3, 10), 0, b.Stripe("refused", 3, 10, 0, 0)) {
					t.Error("a read-only disk took a put")
				}
				if b.Outstanding() != 0 {
					t.Error("a refused put kept its blocks")
				}
				clear()
				time.Sleep(disk.FirstBackoff + 2*time.Second)
				health(t, d, disk.Healthy)
				put(t, d, "after", 4, 100<<10)
				wantWhole(t, d, "after", 4, 100<<10)
				wantWhole(t, d, "before", 1, 100<<10)
			})
		})
	}
}

func TestNoSpaceEvicts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, fs, _ := faulty(t)
		for i := range 12 {
			put(t, d, object.Key(fmt.Sprint(i)), uint64(i+1), object.BlockSize)
		}
		extents := d.Stats().Space.Extents
		fs.Inject(cachetest.Fault{Op: cachetest.OpResize, Name: "extent-", Err: unix.ENOSPC, Times: 1, After: 1}) // the first one seals
		for i := range 4 {
			put(t, d, object.Key(fmt.Sprint("more", i)), uint64(100+i), object.BlockSize)
		}
		health(t, d, disk.Healthy)
		if s := d.Stats().Space; s.Evictions != 1 {
			t.Errorf("%d evictions with %d extents, %+v; want 1", s.Evictions, extents, s)
		}
		wantWhole(t, d, "more3", 103, object.BlockSize)
		wantMiss(t, d, "0")
	})
}

func TestNoSpaceAtAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, fs, _ := faulty(t)
		clear := fs.Inject(cachetest.Fault{Op: cachetest.OpResize, Name: "extent-", Err: unix.ENOSPC})
		for i := range 50 {
			offerAny(d, object.Key(fmt.Sprint(i)), uint64(i+1), 1000)
		}
		if err := sync(t, d); err != nil {
			t.Errorf("Sync: %v", err)
		}
		health(t, d, disk.ReadOnly)
		wantMiss(t, d, "1")
		clear()
		time.Sleep(disk.FirstBackoff + 2*time.Second)
		put(t, d, "k", 99, 1000)
		wantWhole(t, d, "k", 99, 1000)
	})
}

// offerAny puts a small object and does not care whether it is taken.
func offerAny(c cache, key object.Key, version uint64, size int64) bool {
	var b cachetest.Bodies
	return c.Put(key, cachetest.Meta(key, version, size), 0, b.Stripe(key, version, size, 0, 0))
}

func TestReadErrorsTakeOffline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, fs, _ := faulty(t)
		put(t, d, "k", 1, 5000)
		clear := fs.Inject(cachetest.Fault{Op: cachetest.OpRead, Err: unix.EIO})
		for range disk.ReadFailures {
			wantMiss(t, d, "k")
		}
		health(t, d, disk.Offline)
		if n := d.Stats().Reads.Errors; n != disk.ReadFailures {
			t.Errorf("%d read errors, want %d", n, disk.ReadFailures)
		}
		time.Sleep(10 * time.Second)
		health(t, d, disk.Offline)
		clear()
		time.Sleep(time.Minute)
		health(t, d, disk.Healthy)
		wantWhole(t, d, "k", 1, 5000)
	})
}

func TestHungReadCostsATimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, fs, _ := faulty(t)
		put(t, d, "k", 1, 5000)
		e, ok := d.Lookup("k")
		if !ok {
			t.Fatal("lost")
		}
		hang := make(chan struct{})
		clear := fs.Inject(cachetest.Fault{Op: cachetest.OpRead, Name: "extent-", Hang: hang})
		began := time.Now()
		dst := make([]byte, 5000)
		if err := d.ReadBlock(e, 0, dst); !errors.Is(err, disk.ErrTimeout) {
			t.Errorf("ReadBlock: %v, want ErrTimeout", err)
		}
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("took %v, want the read timeout", took)
		}
		for range disk.ReadFailures {
			d.Lookup("k")
		}
		health(t, d, disk.Offline)
		began = time.Now()
		if _, ok := d.Lookup("k"); ok || time.Since(began) != 0 {
			t.Error("an offline disk must miss at once")
		}
		for i := range dst {
			dst[i] = 1 // ours again: the hung read must not write to it
		}
		clear()
		close(hang)
		time.Sleep(time.Minute)
		for i := range dst {
			if dst[i] != 1 {
				t.Fatal("a read that was given up wrote to its caller's memory")
			}
		}
		health(t, d, disk.Healthy)
		wantWhole(t, d, "k", 1, 5000)
	})
}

func TestHungWriteNeverBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, fs, _ := faulty(t)
		put(t, d, "k", 1, 5000)
		hang := make(chan struct{})
		fs.Inject(cachetest.Fault{Op: cachetest.OpWrite, Name: "extent-", Hang: hang, Times: 1})
		began, taken := time.Now(), 0
		for i := range 80 {
			if offerAny(d, object.Key(fmt.Sprint(i)), uint64(10+i), object.BlockSize) {
				taken++
			}
		}
		if time.Since(began) != 0 || taken == 0 || taken > 64 {
			t.Errorf("%d puts taken in %v, want at most a queue full, at once", taken, time.Since(began))
		}
		wantWhole(t, d, "k", 1, 5000)
		d.Remove("k")
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("Remove took %v", took)
		}
		wantMiss(t, d, "k")
		time.Sleep(time.Minute)
		health(t, d, disk.Offline)
		close(hang)
		time.Sleep(10 * time.Minute)
		health(t, d, disk.Healthy)
		wantMiss(t, d, "k")
		put(t, d, "new", 999, 5000)
		wantWhole(t, d, "new", 999, 5000)
	})
}

func TestFlippedBitIsCorrupt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, fs, _ := faulty(t)
		put(t, d, "k", 1, 100<<10)
		e, _ := d.Lookup("k")
		fs.Inject(cachetest.Fault{Op: cachetest.OpRead, Flip: true, Times: 1})
		if err := d.ReadBlock(e, 0, make([]byte, 100<<10)); !errors.Is(err, disk.ErrCorrupt) {
			t.Errorf("ReadBlock: %v, want ErrCorrupt", err)
		}
		if err := d.ReadBlock(e, 0, make([]byte, 100<<10)); !errors.Is(err, disk.ErrNotFound) {
			t.Errorf("ReadBlock again: %v, want ErrNotFound", err)
		}
		wantMiss(t, d, "k")
		if n := d.Stats().Reads.Corrupt; n != 1 {
			t.Errorf("%d corrupt, want 1", n)
		}
		health(t, d, disk.Healthy)
	})
}

// TestRemovalThatTheDiskRefused checks that a removal is written when the disk
// works again, and that a failed write followed by a removal does not come back.
func TestRemovalThatTheDiskRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, fs, mem := faulty(t)
		put(t, d, "k", 1, 5000)
		put(t, d, "stays", 2, 5000)
		clear := fs.Inject(cachetest.Fault{Op: cachetest.OpWrite, Name: "removals", Err: unix.ENOSPC})
		d.Remove("k")
		wantMiss(t, d, "k")
		if n := d.Stats().Writes.PendingRemovals; n != 1 {
			t.Errorf("%d removals pending, want 1", n)
		}
		clear()
		time.Sleep(disk.FirstBackoff + 2*time.Second)
		if n := d.Stats().Writes.PendingRemovals; n != 0 {
			t.Errorf("%d removals pending after the disk healed", n)
		}
		again := open(t, options(mem.Kill(), "/d"))
		wantMiss(t, again, "k")
		wantWhole(t, again, "stays", 2, 5000)
	})
}

func TestRemovedAfterFailedWriteStaysRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, fs, mem := faulty(t)
		put(t, d, "a", 1, 5000)
		// All of the record reaches the disk, but the write is reported as failed.
		fs.Inject(cachetest.Fault{Op: cachetest.OpWrite, Name: "extent-", Err: unix.EIO, Short: 1 << 20, Times: 1})
		offer(t, d, "k", 2, 5000)
		_ = sync(t, d)
		d.Remove("k")
		d.Remove("a")
		again := open(t, options(mem.Kill(), "/d"))
		wantMiss(t, again, "k")
		wantMiss(t, again, "a")
	})
}

// TestEvictionWithAReader stalls a read, evicts its extent meanwhile, and expects
// the bytes that were there when it began.
func TestEvictionWithAReader(t *testing.T) {
	fs := cachetest.NewFaultFS(nil)
	o := options(fs, t.TempDir())
	o.Size, o.ExtentSize, o.ReadTimeout = 24<<20, 4<<20, time.Minute
	d := open(t, o)
	put(t, d, "k", 1, object.BlockSize)
	e, ok := d.Lookup("k")
	if !ok {
		t.Fatal("lost")
	}
	hang := make(chan struct{})
	clear := fs.Inject(cachetest.Fault{Op: cachetest.OpRead, Name: "extent-0000000001", Hang: hang, Times: 1})
	got, done := make([]byte, object.BlockSize), make(chan error)
	go func() { done <- d.ReadBlock(e, 0, got) }()
	for fs.Waiting() == 0 {
		runtime.Gosched() // the reader is about to run into the hang
	}
	clear()
	for i := 0; d.Stats().Space.Evictions < 2; i++ {
		put(t, d, object.Key(fmt.Sprint("new", i)), uint64(10+i), object.BlockSize)
	}
	if names, _ := filepath.Glob(filepath.Join(o.Path, "extent-0000000001")); len(names) != 0 {
		t.Error("the extent was not removed")
	}
	wantMiss(t, d, "k")
	close(hang)
	if err := <-done; err != nil {
		t.Fatalf("ReadBlock: %v", err)
	}
	if string(got) != string(cachetest.Block("k", 1, object.BlockSize, 0)) {
		t.Error("the reader got other bytes")
	}
}

// TestDamage damages a closed disk at random and expects right bytes or none.
func TestDamage(t *testing.T) {
	mem := cachetest.NewMemFS()
	o := options(mem, "/d")
	o.Size, o.ExtentSize = 64<<20, 4<<20
	d := open(t, o)
	for i := range 40 {
		put(t, d, object.Key(fmt.Sprint(i)), uint64(i+1), int64(i*9000))
	}
	d.Remove("7")
	killed := mem.Kill()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	found := 0
	for round := range 30 {
		image := mem
		if round%2 == 0 {
			image = killed
		}
		image = image.Kill()
		for range 1 + rng.IntN(4) {
			image.Corrupt(rng, func(name string) bool { _, _, removals := disk.Ours(name); return !removals })
		}
		o.FS = image
		again, err := disk.Open(o)
		if errors.Is(err, disk.ErrFormat) {
			continue
		}
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		for i := range 40 {
			if v, ok := look(t, again, object.Key(fmt.Sprint(i))); ok {
				found++
				if i == 7 || v.version != uint64(i+1) {
					t.Fatalf("round %d: key %d: found %+v", round, i, v)
				}
			}
		}
		put(t, again, "new", 1000, 5000)
		wantWhole(t, again, "new", 1000, 5000)
		if err := again.Close(); err != nil {
			t.Fatalf("round %d: close: %v", round, err)
		}
	}
	if found == 0 {
		t.Error("no damage left anything: the test proves nothing")
	}
}
