package disk_test

import (
	"errors"
	"math/rand/v2"
	"testing"
	"testing/synctest"

	"edged/cache/cachetest"
	"edged/cache/disk"
)

func journalDisk(t *testing.T, layer disk.FS) *disk.Tier {
	t.Helper()
	d, err := disk.Open(disk.Options{Path: "/d", Size: 16 << 20, ExtentSize: 1 << 20, FS: layer})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func wantJournal(t *testing.T, layer disk.FS, want string) {
	t.Helper()
	d, err := disk.Open(disk.Options{Path: "/d", Size: 16 << 20, ExtentSize: 1 << 20, FS: layer})
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.Journal().Load()
	if string(got) != want || err != nil {
		t.Errorf("journal holds %q, %v; want %q", got, err, want)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

func TestJournal(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	m := cachetest.NewMemFS()
	j := journalDisk(t, m).Journal()
	if b, err := j.Load(); len(b) != 0 || err != nil {
		t.Errorf("a new disk: %q, %v", b, err)
	}
	if err := j.Append([]byte("x")); err == nil {
		t.Error("Append made a file whose name is not durable")
	}
	for _, step := range []struct {
		do   func([]byte) error
		b    string
		want string
	}{
		{j.Replace, "head", "head"},
		{j.Append, ",one", "head,one"},
		{j.Append, ",two", "head,one,two"},
		{j.Replace, "h", "h"},
		{j.Append, ",3", "h,3"},
	} {
		if err := step.do([]byte(step.b)); err != nil {
			t.Fatal(err)
		}
		wantJournal(t, m.Kill(), step.want)
		for range 5 {
			wantJournal(t, m.Crash(rng), step.want)
		}
	}
}

// TestJournalGoesOn appends to what an earlier run left.
func TestJournalGoesOn(t *testing.T) {
	m := cachetest.NewMemFS()
	if err := journalDisk(t, m).Journal().Replace([]byte("head")); err != nil {
		t.Fatal(err)
	}
	left := m.Kill()
	if err := journalDisk(t, left).Journal().Append([]byte(",one")); err != nil {
		t.Fatal(err)
	}
	wantJournal(t, left.Crash(rand.New(rand.NewPCG(1, 2))), "head,one")
}

func TestJournalOnASickDisk(t *testing.T) {
	for _, op := range []cachetest.Op{cachetest.OpWrite, cachetest.OpSync, cachetest.OpOpen} {
		faults := cachetest.NewFaultFS(cachetest.NewMemFS())
		d := journalDisk(t, faults)
		if err := d.Journal().Replace([]byte("head")); err != nil {
			t.Fatal(err)
		}
		sick := errors.New("input/output error")
		faults.Inject(cachetest.Fault{Op: op, Name: "purges", Err: sick})
		err := d.Journal().Append([]byte("one"))
		if op == cachetest.OpOpen {
			err = d.Journal().Replace([]byte("one"))
		}
		if !errors.Is(err, sick) {
			t.Errorf("fault of %d: got %v", op, err)
		}
		if h := d.Stats().Health; h != disk.ReadOnly {
			t.Errorf("fault of %d: the disk is %v, want read-only", op, h)
		}
		if err := d.Journal().Append([]byte("two")); !errors.Is(err, disk.ErrOffline) {
			t.Errorf("on a sick disk: got %v, want ErrOffline", err)
		}
	}
}

func TestJournalOfAHungDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		faults := cachetest.NewFaultFS(cachetest.NewMemFS())
		d := journalDisk(t, faults)
		if err := d.Journal().Replace([]byte("head")); err != nil {
			t.Fatal(err)
		}
		hang := make(chan struct{})
		faults.Inject(cachetest.Fault{Op: cachetest.OpSync, Name: "purges", Hang: hang, Times: 1})
		for range 2 { // the one that hangs, and one that waits for it
			if err := d.Journal().Append([]byte("one")); !errors.Is(err, disk.ErrTimeout) {
				t.Errorf("got %v, want ErrTimeout", err)
			}
		}
		close(hang)
		synctest.Wait()
		if err := d.Journal().Replace([]byte("again")); err != nil {
			t.Errorf("once it answers: %v", err)
		}
	})
}

func TestDrop(t *testing.T) {
	m := cachetest.NewMemFS()
	d := journalDisk(t, m)
	put(t, d, "a\x00s\x00/1", 1, 5000)
	put(t, d, "a\x00s\x00/2", 2, 100<<10)
	d.Drop("a\x00s\x00/1", 7)
	if _, ok := d.Lookup("a\x00s\x00/1"); !ok {
		t.Error("another version was dropped")
	}
	before := d.Stats().Writes.Records
	d.Drop("a\x00s\x00/2", 2)
	d.Drop("a\x00s\x00/2", 2)
	if _, ok := d.Lookup("a\x00s\x00/2"); ok {
		t.Error("it is still there")
	}
	if s := d.Stats(); s.Space.Objects != 1 || s.Space.Entries != 1 || s.Writes.Records != before {
		t.Errorf("%d objects, %d entries, %d records written; want 1, 1, %d", s.Space.Objects, s.Space.Entries, s.Writes.Records, before)
	}
}

func TestOldest(t *testing.T) {
	d := journalDisk(t, cachetest.NewMemFS())
	if _, any := d.Oldest(); any {
		t.Error("an empty disk has an oldest object")
	}
	for _, v := range []uint64{30, 10, 20} {
		put(t, d, cachetest.Meta("k", v, 1).Key, v, 100)
	}
	var bodies cachetest.Bodies
	m := *cachetest.Meta("a\x00s\x00/old", 5, 100)
	m.Seq = 3
	d.Put(m.Key, &m, 0, bodies.Stripe(m.Key, 5, 100, 0, 0))
	if err := sync(t, d); err != nil {
		t.Fatal(err)
	}
	if n, any := d.Oldest(); n != 3 || !any {
		t.Errorf("oldest is %d, %v; want 3", n, any)
	}
}
