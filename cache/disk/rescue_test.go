package disk_test

import (
	"fmt"
	"testing"

	"edged/cache/cachetest"
	"edged/cache/disk"
	"edged/cache/object"
)

// small returns the options of a disk of few small extents.
func small(t *testing.T) disk.Options {
	o := options(cachetest.NewMemFS(), "/d")
	o.Size, o.ExtentSize = 32<<20, 2<<20
	return o
}

// churn writes n objects of 100 KiB and does after, if any, after each of them.
func churn(t *testing.T, d *disk.Tier, n int, after func()) {
	t.Helper()
	base := d.Stats().Writes.Records
	for i := range n {
		put(t, d, object.Key(fmt.Sprintf("filler %d", base+int64(i))), uint64(1000+base+int64(i)), 100<<10)
		if after != nil {
			after()
		}
	}
}

// ask reads every block that is stored under key, n times.
func ask(t *testing.T, d *disk.Tier, key object.Key, n int) {
	t.Helper()
	for range n {
		look(t, d, key)
	}
}

func TestHotRecordsOutliveTheirExtent(t *testing.T) {
	d := open(t, small(t))
	put(t, d, "hot", 1, 300<<10)
	d.PutMeta("hot and empty", cachetest.Meta("hot and empty", 2, 0))
	put(t, d, "asked once", 3, 300<<10)
	put(t, d, "cold", 4, 300<<10)
	for range 3 {
		churn(t, d, 350, func() { ask(t, d, "hot", 1); ask(t, d, "hot and empty", 1) })
		wantWhole(t, d, "hot", 1, 300<<10)
	}
	if m := meta(t, d, "hot"); m.Seq != 1 {
		t.Errorf("an object that was kept has store number %d, want its own, 1", m.Seq)
	}
	meta(t, d, "hot and empty")
	wantMiss(t, d, "cold")
	w := d.Stats().Writes
	if w.Rescued < 2 || w.RescuedBytes > w.Bytes/5 {
		t.Errorf("%d records, %d bytes of %d written again; want at least 2 records and at most a fifth", w.Rescued, w.RescuedBytes, w.Bytes)
	}
}

// meta returns the metadata stored under key.
func meta(t *testing.T, d *disk.Tier, key object.Key) *object.Meta {
	t.Helper()
	e, ok := d.Lookup(key)
	if !ok {
		t.Fatalf("%q is gone", key)
	}
	return e.Meta
}

func TestOneHitIsNotHot(t *testing.T) {
	d := open(t, small(t))
	put(t, d, "asked once", 1, 3*object.BlockSize/2)
	ask(t, d, "asked once", 1)
	churn(t, d, 400, nil)
	wantMiss(t, d, "asked once")
	if n := d.Stats().Writes.Rescued; n != 0 {
		t.Errorf("%d records were written again, want none", n)
	}
}

func TestKeptRecordsHaveTheNewestMetadata(t *testing.T) {
	d := open(t, small(t))
	put(t, d, "hot", 1, 300<<10)
	fresh := *cachetest.Meta("hot", 1, 300<<10)
	fresh.Seq, fresh.Freshness.Received = 77, 4711
	if !d.PutMeta("hot", &fresh) {
		t.Fatal("PutMeta was refused")
	}
	churn(t, d, 400, func() { ask(t, d, "hot", 1) })
	wantWhole(t, d, "hot", 1, 300<<10)
	if m := meta(t, d, "hot"); m.Freshness.Received != 4711 || m.Seq != 77 {
		t.Errorf("kept with metadata received at %d, store number %d; want the freshened 4711 and 77", m.Freshness.Received, m.Seq)
	}
}

func TestRemovedAndReplacedAreNotKept(t *testing.T) {
	o := small(t)
	d := open(t, o)
	put(t, d, "removed", 1, 300<<10)
	put(t, d, "replaced", 2, 300<<10)
	ask(t, d, "removed", 3)
	ask(t, d, "replaced", 3)
	d.Remove("removed")
	churn(t, d, 20, nil)
	put(t, d, "replaced", 3, 100<<10)
	churn(t, d, 250, nil)
	wantMiss(t, d, "removed")
	if n := d.Stats().Writes.Rescued; n != 0 {
		t.Errorf("%d records were written again, want none", n)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = open(t, o)
	wantMiss(t, d, "removed")
}

// A record that rots before its second life must not take its chance to be served.
func TestDamagedRecordsAreNotKept(t *testing.T) {
	fs := cachetest.NewFaultFS(cachetest.NewMemFS())
	o := small(t)
	o.FS = fs
	d := open(t, o)
	put(t, d, "hot", 1, 300<<10)
	ask(t, d, "hot", 3)
	churn(t, d, 200, nil)
	fs.Inject(cachetest.Fault{Op: cachetest.OpRead, Name: "extent-0000000001", Flip: true})
	churn(t, d, 200, nil)
	wantMiss(t, d, "hot")
	if n := d.Stats().Writes.Rescued; n != 0 {
		t.Errorf("%d damaged records were written again", n)
	}
}

// Hits survive a restart: what is hot is known at once.
func TestHitsAreSaved(t *testing.T) {
	o := small(t)
	d := open(t, o)
	put(t, d, "hot", 1, 300<<10)
	ask(t, d, "hot", 3)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = open(t, o)
	churn(t, d, 350, nil)
	wantWhole(t, d, "hot", 1, 300<<10)
}

// A large object is kept stripe by stripe.
func TestPurgedAreNotKept(t *testing.T) {
	d := open(t, small(t))
	set := disk.NewSet([]*disk.Tier{d})
	set.JudgeKept(func(m *object.Meta) bool { return m.Key == "purged" && m.Seq == 1 })
	put(t, d, "purged", 1, 300<<10)
	put(t, d, "hot", 2, 300<<10)
	ask(t, d, "purged", 3)
	ask(t, d, "hot", 3)
	churn(t, d, 350, nil)
	wantMiss(t, d, "purged")
	if w := d.Stats().Writes; w.Rescued != 1 {
		t.Errorf("%d records were written again, want the one that is not purged", w.Rescued)
	}
}

func TestStripesAreKept(t *testing.T) {
	o := options(cachetest.NewMemFS(), "/d")
	o.Size, o.ExtentSize = 200<<20, 24<<20
	d := open(t, o)
	const size = 2*object.StripeSize + 500
	put(t, d, "film", 1, size)
	for i := range 18 {
		put(t, d, object.Key(fmt.Sprint("filler ", i)), uint64(i+10), 2*object.StripeSize)
		ask(t, d, "film", 1)
	}
	v, ok := look(t, d, "film")
	if !ok || v.readable < object.StripeBlocks {
		t.Errorf("of a film that is read all the time %d blocks are left (found: %v)", v.readable, ok)
	}
}
