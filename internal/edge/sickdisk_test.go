package edge

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"edged/cache"
	"edged/cache/cachetest"
	"edged/cache/disk"
	"edged/cache/ram"
)

// sickBench is an edge with little memory over two disks, of which one can be made
// to fail.
type sickBench struct {
	*bench
	faults *cachetest.FaultFS
	disks  *disk.Set
}

func newSickBench(t *testing.T) *sickBench {
	t.Helper()
	const size = 700 << 10
	s := &sickBench{faults: cachetest.NewFaultFS(cachetest.NewMemFS())}
	s.bench = newBench(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=3600")
		ok(pattern(size), "video/mp2t")(w, r)
	})
	s.disks = disk.OpenSet([]disk.Options{
		{Path: "/sick", Size: 128 << 20, ExtentSize: 12 << 20, FS: s.faults, ReadTimeout: 100 * time.Millisecond},
		{Path: "/well", Size: 128 << 20, ExtentSize: 12 << 20, FS: cachetest.NewMemFS()},
	}, time.Minute)
	memory, err := ram.New(ram.Options{Size: 16 << 20})
	if err != nil {
		t.Fatal(err)
	}
	s.edge.Close()
	s.cache = cache.New(cache.Options{RAM: memory, Disks: s.disks})
	s.edge = New(Options{Cache: s.cache, Log: s.log, Now: s.clock.now})
	s.edge.SetSites(NewSites([]*Site{s.site}))
	t.Cleanup(func() { // before the one of the bench closes the edge
		s.edge.Close()
		_ = s.disks.Close() // a disk that is still sick says so
	})
	return s
}

// viewers asks for every one of n objects rounds times, from eight sides.
func (s *sickBench) viewers(n, rounds int) {
	s.Helper()
	want := pattern(700 << 10)
	var all sync.WaitGroup
	for viewer := range 8 {
		all.Go(func() {
			for i := range n * rounds / 8 {
				target := fmt.Sprintf("/film/%d.ts", (i*8+viewer*5)%n)
				if a := s.get(target); a.status != 200 || a.err != nil || a.body != want {
					s.Errorf("%s: status %d, %d bytes, %v; a sick disk must cost misses only", target, a.status, len(a.body), a.err)
					return
				}
			}
		})
	}
	all.Wait()
}

func TestSickDiskUnderLoad(t *testing.T) {
	hang := make(chan struct{})
	for _, tt := range []struct {
		name   string
		faults []cachetest.Fault
		want   disk.Health // the least that the breaker must have done
	}{
		{"ENOSPC", []cachetest.Fault{{Op: cachetest.OpWrite, Err: unix.ENOSPC}, {Op: cachetest.OpResize, Err: unix.ENOSPC}}, disk.ReadOnly},
		{"EROFS", []cachetest.Fault{{Op: cachetest.OpWrite, Err: unix.EROFS}}, disk.ReadOnly},
		{"EIO", []cachetest.Fault{
			{Op: cachetest.OpRead, Err: unix.EIO},
			{Op: cachetest.OpWrite, Err: unix.EIO},
			{Op: cachetest.OpOpen, Err: unix.EIO},
		}, disk.ReadOnly},
		{"hang", []cachetest.Fault{{Op: cachetest.OpRead, Hang: hang}, {Op: cachetest.OpWrite, Hang: hang}}, disk.Offline},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSickBench(t)
			s.viewers(48, 2) // more than memory holds: both disks are in use
			if reads := s.disks.Stats()[0].Reads.Blocks; reads == 0 {
				t.Fatal("the disk that is to fail was never read")
			}
			var clears []func()
			for _, f := range tt.faults {
				clears = append(clears, s.faults.Inject(f))
			}
			s.viewers(64, 4)
			stats := s.disks.Stats()
			if got := stats[0].Health; got < tt.want {
				t.Errorf("the sick disk is %v, want at least %v", got, tt.want)
			}
			if got := stats[1]; got.Health != disk.Healthy || got.Reads.Blocks == 0 {
				t.Errorf("the other disk is %v and was read %d times", got.Health, got.Reads.Blocks)
			}
			for _, clear := range clears {
				clear()
			}
			if tt.name == "hang" {
				close(hang)
			}
		})
	}
}
