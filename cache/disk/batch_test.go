package disk_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"golang.org/x/sys/unix"

	"edged/cache/cachetest"
	"edged/cache/disk"
	"edged/cache/object"
)

// writesFS counts the writes to extents.
type writesFS struct {
	disk.FS
	n atomic.Int64
}

func (f *writesFS) OpenFile(name string, flag int) (disk.File, error) {
	file, err := f.FS.OpenFile(name, flag)
	if err != nil || !strings.Contains(name, "extent-") {
		return file, err
	}
	return &writesFile{File: file, n: &f.n}, nil
}

type writesFile struct {
	disk.File
	n *atomic.Int64
}

func (f *writesFile) WriteVec(bufs [][]byte, off int64) (int, error) {
	f.n.Add(1)
	return f.File.WriteVec(bufs, off)
}

// held opens a disk whose next write to an extent hangs until release is called.
func held(t *testing.T) (d *disk.Tier, writes *writesFS, faults *cachetest.FaultFS, release func()) {
	t.Helper()
	faults = cachetest.NewFaultFS(cachetest.NewMemFS())
	writes = &writesFS{FS: faults}
	d = open(t, disk.Options{Path: "/d", Size: 64 << 20, FS: writes})
	put(t, d, "first", 1, 100)
	hang := make(chan struct{})
	faults.Inject(cachetest.Fault{Op: cachetest.OpWrite, Name: "extent-", Hang: hang, Times: 1})
	offer(t, d, "hung", 2, 100)
	synctest.Wait() // the writer is at it
	return d, writes, faults, func() { close(hang) }
}

// What waits in the queue is written at once, in order.
func TestBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, writes, _, release := held(t)
		size := func(i int) int64 { return int64(1 + i*3001) }
		for i := range 60 {
			offer(t, d, batchKey(i%50), uint64(100+i), size(i)) // the first ten are replaced in the batch
		}
		before := writes.n.Load()
		release()
		sync(t, d)
		if n := writes.n.Load() - before; n < 1 || n > 8 {
			t.Errorf("60 records of 5 MB took %d writes, want about one for each MiB", n)
		}
		for i := 10; i < 60; i++ {
			wantWhole(t, d, batchKey(i%50), uint64(100+i), size(i))
		}
		wantWhole(t, d, "hung", 2, 100)
		if s := d.Stats(); s.Space.Objects != 52 || s.Writes.Records != 62 || s.Writes.QueueBytes != 0 {
			t.Errorf("%d objects, %d records written, %d bytes still queued", s.Space.Objects, s.Writes.Records, s.Writes.QueueBytes)
		}
	})
}

func batchKey(i int) object.Key { return object.Key(fmt.Sprint("acme\x00s\x00/", i)) }

// Metadata that freshen a body of the same batch are not dropped, and what is removed
// while its batch waits stays removed.
func TestBatchKeepsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _, _, release := held(t)
		offer(t, d, batchKey(0), 7, 5000)
		fresh := cachetest.Meta(batchKey(0), 7, 5000)
		fresh.Status = 203
		if !d.PutMeta(batchKey(0), fresh) {
			t.Fatal("metadata refused")
		}
		offer(t, d, batchKey(1), 8, 5000)
		go d.Remove(batchKey(1))
		synctest.Wait()
		release()
		sync(t, d)
		wantMiss(t, d, batchKey(1))
		e, ok := d.Lookup(batchKey(0))
		if !ok || e.Meta.Status != 203 {
			t.Errorf("freshened in the batch of its body: %+v, %v", e, ok)
		}
	})
}

// A failed write costs its whole batch, counted, and nothing else.
func TestBatchThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _, faults, release := held(t)
		for i := range 10 {
			offer(t, d, batchKey(i), uint64(100+i), 5000)
		}
		faults.Inject(cachetest.Fault{Op: cachetest.OpWrite, Name: "extent-", Err: unix.EIO, Times: 1})
		release()
		sync(t, d)
		wantWhole(t, d, "first", 1, 100)
		for i := range 10 {
			wantMiss(t, d, batchKey(i))
		}
		if w := d.Stats().Writes; w.Errors != 1 || w.Dropped != 10 || w.QueueBytes != 0 {
			t.Errorf("%d errors, %d dropped, %d bytes still queued; want 1, 10, 0", w.Errors, w.Dropped, w.QueueBytes)
		}
	})
}
