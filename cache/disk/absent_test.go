package disk_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"edged/cache/cachetest"
	"edged/cache/disk"
	"edged/cache/object"

	"golang.org/x/sys/unix"
)

// pair returns the options of two disks of which the second fails to open until
// clear is called. It holds "k" from an earlier run.
func pair(t *testing.T, fault cachetest.Fault) (list []disk.Options, clear func()) {
	t.Helper()
	fs := cachetest.NewFaultFS(cachetest.NewMemFS())
	list = []disk.Options{options(cachetest.NewMemFS(), "/a"), options(fs, "/b")}
	d, err := disk.Open(list[1])
	if err != nil {
		t.Fatal(err)
	}
	put(t, d, "k", 1, 1000)
	put(t, d, "kept", 2, 1000)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	return list, fs.Inject(fault)
}

func openSet(t *testing.T, list []disk.Options) *disk.Set {
	t.Helper()
	s := disk.OpenSet(list, time.Second)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

func wantMembers(t *testing.T, s *disk.Set, open, absent int) {
	t.Helper()
	if n := len(s.Stats()); n != open || s.Absent() != absent {
		t.Errorf("%d disks open and %d absent, want %d and %d", n, s.Absent(), open, absent)
	}
}

func TestAbsentDiskJoinsLater(t *testing.T) {
	hang := make(chan struct{})
	for _, tt := range []struct {
		name  string
		fault cachetest.Fault
	}{
		{"EIO", cachetest.Fault{Op: cachetest.OpOpen, Name: "superblock", Err: unix.EIO}},
		{"hangs", cachetest.Fault{Op: cachetest.OpOpen, Name: "superblock", Hang: hang}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if tt.fault.Hang != nil {
					hang = make(chan struct{}) // of this bubble
					tt.fault.Hang = hang
				}
				list, clear := pair(t, tt.fault)
				s := openSet(t, list)
				wantMembers(t, s, 1, 1)
				put(t, s, "new", 9, 1000) // the other one serves
				wantWhole(t, s, "new", 9, 1000)
				wantMiss(t, s, "kept")
				s.Remove("k")
				clear()
				if tt.fault.Hang != nil {
					close(hang)
				}
				time.Sleep(time.Minute)
				wantMembers(t, s, 2, 0)
				wantWhole(t, s, "kept", 2, 1000)
				wantMiss(t, s, "k") // was removed while it was away
				if got := s.Stats()[1].Path; got != "/b" {
					t.Errorf("the second disk is %s, want /b", got)
				}
			})
		})
	}
}

// So much was removed that nobody can say what: the disk starts over.
func TestAbsentDiskThatMissedTooMuch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		list, clear := pair(t, cachetest.Fault{Op: cachetest.OpOpen, Name: "superblock", Err: unix.EIO})
		s := openSet(t, list)
		for i := range disk.MissedMax + 1 {
			s.Remove(object.Key(fmt.Sprint(i)))
		}
		clear()
		time.Sleep(time.Minute)
		wantMembers(t, s, 2, 0)
		wantMiss(t, s, "kept")
		put(t, s, "kept", 3, 1000)
		wantWhole(t, s, "kept", 3, 1000)
	})
}

func TestSetOfAbsentDisksCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		list, _ := pair(t, cachetest.Fault{Op: cachetest.OpOpen, Name: "superblock", Err: unix.EIO})
		s := disk.OpenSet(list[1:], time.Second)
		wantMembers(t, s, 0, 1)
		if s.Admits("k", true) {
			t.Error("a set without a disk admits")
		}
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
}
