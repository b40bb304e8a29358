package disk_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"edged/cache/cachetest"
	"edged/cache/disk"
	"edged/cache/object"

	"golang.org/x/sys/unix"
)

// budgeted opens a small disk that may write so many bytes a day.
func budgeted(t *testing.T, fs disk.FS, perDay int64) *disk.Tier {
	t.Helper()
	o := options(fs, "/d")
	o.Size, o.ExtentSize, o.WritesPerDay = 64<<20, 4<<20, perDay
	o.SyncInterval = 3 * time.Second
	return open(t, o)
}

func wantAdmission(t *testing.T, d *disk.Tier, want disk.Admission) {
	t.Helper()
	w := d.Stats().Wear
	if w.Admission != want {
		t.Errorf("the disk takes %v with %d of %d bytes left, want %v", w.Admission, w.Left, w.PerDay, want)
	}
	if all, again := d.Admits("k", false), d.Admits("k", true); all != (want == disk.Everything) || again != (want != disk.Nothing) {
		t.Errorf("Admits = %v, and asked again %v, while the disk takes %v", all, again, want)
	}
}

func TestWriteBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const perDay = 20 << 20
		d := budgeted(t, cachetest.NewMemFS(), perDay)
		wantAdmission(t, d, disk.Everything)
		for i := range 16 {
			put(t, d, object.Key(fmt.Sprint(i)), uint64(i+1), object.BlockSize)
		}
		wantAdmission(t, d, disk.SecondHit)
		for i := range 100 {
			if !offerAny(d, object.Key(fmt.Sprint("more", i)), uint64(i+100), 1<<20) {
				break
			}
			_ = sync(t, d)
		}
		wantAdmission(t, d, disk.Nothing)
		if offerAny(d, "refused", 500, 1000) {
			t.Error("a disk without a write budget took a body")
		}
		if !d.PutMeta("0", cachetest.Meta("0", 1, object.BlockSize)) {
			t.Error("freshened metadata were refused: they cost next to nothing")
		}
		if w := d.Stats().Writes.Bytes; w > perDay+2<<20 {
			t.Errorf("%d bytes written, the budget is %d", w, perDay)
		}
		time.Sleep(12 * time.Hour) // half of it is there again
		wantAdmission(t, d, disk.Everything)
		if left := d.Stats().Wear.Left; left < perDay*4/10 || left > perDay*6/10 {
			t.Errorf("half a day later %d bytes are left, want about half of %d", left, perDay)
		}
		time.Sleep(100 * time.Hour)
		if left := d.Stats().Wear.Left; left != perDay {
			t.Errorf("after days of rest %d bytes are left, want a day's worth, %d", left, perDay)
		}
	})
}

func TestNoWriteBudget(t *testing.T) {
	d := budgeted(t, cachetest.NewMemFS(), 0)
	put(t, d, "k", 1, object.BlockSize)
	wantAdmission(t, d, disk.Everything)
}

// Neither a restart nor a kill gives a disk a new day.
func TestWriteBudgetSurvives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const perDay = 20 << 20
		fs := cachetest.NewMemFS()
		d := budgeted(t, fs, perDay)
		for i := range 16 {
			put(t, d, object.Key(fmt.Sprint(i)), uint64(i+1), object.BlockSize)
		}
		left := d.Stats().Wear.Left
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		d = budgeted(t, fs, perDay)
		if got, want := d.Stats().Wear.Left, left+perDay/24; got < want-1<<20 || got > want+1<<20 {
			t.Errorf("after a restart an hour later %d bytes are left, want about %d", got, want)
		}
	})
}

func TestScrubberFindsRot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, fs, _ := faulty(t)
		for i := range 12 {
			put(t, d, object.Key(fmt.Sprint(i)), uint64(i+1), object.BlockSize)
		}
		clear := fs.Inject(cachetest.Fault{Op: cachetest.OpRead, Name: "extent-0000000002", Flip: true, After: 6, Times: 1})
		time.Sleep(time.Hour)
		clear()
		s := d.Stats()
		if s.Scrub.Errors != 1 || s.Scrub.Bytes < 8<<20 {
			t.Errorf("the scrubber found %d errors in %d bytes, want 1 in more than 8 MiB", s.Scrub.Errors, s.Scrub.Bytes)
		}
		if s.Space.Objects != 11 {
			t.Errorf("%d objects are left, want 11: the damaged one is forgotten", s.Space.Objects)
		}
		if s.Scrub.LastRound.IsZero() {
			t.Error("no round was finished")
		}
		health(t, d, disk.Healthy)
		round := s.Scrub.LastRound
		time.Sleep(24 * time.Hour)
		if got := d.Stats().Scrub.Bytes; got != s.Scrub.Bytes {
			t.Errorf("a second round began within a day: %d bytes, %d before", got, s.Scrub.Bytes)
		}
		time.Sleep(7 * 24 * time.Hour)
		if s := d.Stats().Scrub; !s.LastRound.After(round) {
			t.Error("no second round within a week")
		}
	})
}

func TestScrubberKeepsToItsRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _, _ := faulty(t)
		for i := range 12 {
			put(t, d, object.Key(fmt.Sprint(i)), uint64(i+1), object.BlockSize)
		}
		time.Sleep(2*time.Minute + time.Second)
		if n := d.Stats().Scrub.Bytes; n == 0 || n > 5<<20 {
			t.Errorf("%d bytes in the first second, want some, and about 2 MiB", n)
		}
	})
}

// An error of the device takes the disk offline, and nothing is forgotten.
func TestScrubberOnASickDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, fs, _ := faulty(t)
		for i := range 24 {
			put(t, d, object.Key(fmt.Sprint(i)), uint64(i+1), object.BlockSize)
		}
		clear := fs.Inject(cachetest.Fault{Op: cachetest.OpRead, Name: "extent-", Err: unix.EIO, After: 10})
		time.Sleep(2*time.Minute + 20*time.Second)
		if s := d.Stats(); s.Scrub.Errors < disk.ReadFailures || s.Space.Objects != 24 {
			t.Errorf("%d errors, %d objects left; want at least %d, and 24", s.Scrub.Errors, s.Space.Objects, disk.ReadFailures)
		}
		clear()
		time.Sleep(time.Hour)
		health(t, d, disk.Healthy)
		if s := d.Stats().Scrub; s.LastRound.IsZero() {
			t.Error("the scrubber never got through")
		}
	})
}

func TestScrubberOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := options(cachetest.NewMemFS(), "/d")
		o.ExtentSize, o.ScrubInterval = 4<<20, -1
		d := open(t, o)
		for i := range 12 {
			put(t, d, object.Key(fmt.Sprint(i)), uint64(i+1), object.BlockSize)
		}
		time.Sleep(8 * 24 * time.Hour) // a round takes a week
		if n := d.Stats().Scrub.Bytes; n != 0 {
			t.Errorf("%d bytes were scrubbed", n)
		}
	})
}

// A disk that was in trouble is not trusted because the process is a new one.
func TestQuarantineSurvivesARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := cachetest.NewFaultFS(cachetest.NewMemFS())
		o := options(fs, "/d")
		o.SyncInterval = 3 * time.Second
		d := open(t, o)
		put(t, d, "k", 1, object.BlockSize)
		clear := fs.Inject(cachetest.Fault{Op: cachetest.OpRead, Name: "extent-", Err: unix.EIO})
		for range disk.ReadFailures {
			d.Lookup("k")
		}
		health(t, d, disk.Offline)
		clearProbe := fs.Inject(cachetest.Fault{Op: cachetest.OpOpen, Name: "superblock", Err: unix.EIO})
		time.Sleep(3 * time.Second) // the keeper notes it
		health(t, d, disk.Offline)
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		clear()
		clearProbe()
		d = open(t, o)
		health(t, d, disk.Offline)
		time.Sleep(disk.FirstBackoff + 2*time.Second)
		health(t, d, disk.Healthy)
		wantWhole(t, d, "k", 1, object.BlockSize)
	})
}

// A disk that passes every probe and fails every read is left alone longer and
// longer.
func TestFlappingDiskBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, fs, _ := faulty(t)
		put(t, d, "k", 1, object.BlockSize)
		fs.Inject(cachetest.Fault{Op: cachetest.OpRead, Name: "extent-", Err: unix.EIO})
		healthy := 0
		for range 600 { // ten minutes
			if d.Stats().Health == disk.Healthy {
				healthy++
				for range disk.ReadFailures {
					d.Lookup("k")
				}
			}
			time.Sleep(time.Second)
		}
		if healthy == 0 || healthy > 12 {
			t.Errorf("the disk was tried %d times in ten minutes, want a few, less and less often", healthy)
		}
	})
}

func TestOlderFormatStartsOver(t *testing.T) {
	fs := cachetest.NewMemFS()
	o := options(fs, "/d")
	d := open(t, o)
	put(t, d, "k", 1, 1000)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	overwriteVersion(t, fs, disk.FormatVersion-1)
	d = open(t, o)
	wantMiss(t, d, "k")
	put(t, d, "k", 2, 1000)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	overwriteVersion(t, fs, disk.FormatVersion+1)
	if _, err := disk.Open(o); !errors.Is(err, disk.ErrFormat) {
		t.Errorf("a newer format: %v, want ErrFormat", err)
	}
}

// overwriteVersion gives the superblock of a disk another format version.
func overwriteVersion(t *testing.T, fs disk.FS, version uint16) {
	t.Helper()
	f, err := fs.OpenFile("/d/superblock", os.O_RDWR)
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 4096)
	if _, err := f.ReadAt(b, 0); err != nil {
		t.Fatal(err)
	}
	binary.LittleEndian.PutUint16(b[4:], version)
	disk.SealHead(b)
	if _, err := f.WriteVec([][]byte{b}, 0); err != nil {
		t.Fatal(err)
	}
}
