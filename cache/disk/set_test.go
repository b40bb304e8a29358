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

func TestSetSharesBySize(t *testing.T) {
	var tiers []*disk.Tier
	for i := range 3 {
		o := options(cachetest.NewMemFS(), "/d")
		o.Size *= int64(i + 1)
		tiers = append(tiers, open(t, o))
	}
	s := disk.NewSet(tiers)
	const keys = 1200
	for i := range keys {
		put(t, s, object.Key(fmt.Sprint(i)), uint64(i+1), 10)
	}
	for i, st := range s.Stats() {
		want := keys * (i + 1) / 6
		if n := int(st.Space.Objects); n < want*8/10 || n > want*12/10 {
			t.Errorf("disk %d has %d keys, want about %d", i, n, want)
		}
	}
	more := disk.NewSet(append(tiers, open(t, options(cachetest.NewMemFS(), "/d"))))
	for i := range keys {
		wantWhole(t, more, object.Key(fmt.Sprint(i)), uint64(i+1), 10)
	}
}

func TestSetWithASickDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := cachetest.NewFaultFS(cachetest.NewMemFS())
		sick, well := open(t, options(fs, "/d")), open(t, options(cachetest.NewMemFS(), "/d"))
		s := disk.NewSet([]*disk.Tier{sick, well})
		for i := range 20 {
			put(t, s, object.Key(fmt.Sprint(i)), 1, 10)
		}
		clear := fs.Inject(cachetest.Fault{Op: cachetest.OpWrite, Err: unix.EIO})
		for i := range 20 { // one of these makes the disk read-only
			offerAny(s, object.Key(fmt.Sprint("x", i)), 2, 10)
			_ = sync(t, s)
		}
		health(t, sick, disk.ReadOnly)
		for i := range 20 {
			put(t, s, object.Key(fmt.Sprint(i)), 3, 10)
		}
		for i := range 20 {
			wantWhole(t, s, object.Key(fmt.Sprint(i)), 3, 10)
		}
		clear()
		time.Sleep(time.Hour)
		health(t, sick, disk.Healthy)
		for i := range 20 { // what is on the disk that was sick is older
			wantWhole(t, s, object.Key(fmt.Sprint(i)), 3, 10)
			s.Remove(object.Key(fmt.Sprint(i)))
			wantMiss(t, s, object.Key(fmt.Sprint(i)))
		}
	})
}

func TestEmptySet(t *testing.T) {
	s := disk.NewSet(nil)
	var b cachetest.Bodies
	if s.Put("k", cachetest.Meta("k", 1, 10), 0, b.Stripe("k", 1, 10, 0, 0)) || b.Outstanding() != 0 {
		t.Error("a set without disks took a put, or kept its blocks")
	}
	if _, ok := s.Lookup("k"); ok || s.PutMeta("k", cachetest.Meta("k", 1, 10)) {
		t.Error("a set without disks has something")
	}
	s.Remove("k")
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
