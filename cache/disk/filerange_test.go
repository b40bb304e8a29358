package disk

import (
	"bytes"
	"testing"

	"edged/cache/object"

	"golang.org/x/sys/unix"
)

// block is a body that nobody counts.
type block []byte

func (b block) Bytes() []byte { return b }
func (b block) Release()      {}

// locatable returns a disk with an object of n bytes, and its bytes.
func locatable(t *testing.T, o Options, n int) (*Tier, []byte) {
	t.Helper()
	d, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	body := bytes.Repeat([]byte("0123456789abcde"), n/15+1)[:n]
	m := &object.Meta{Account: "a", Status: 200, Size: int64(n), Version: 1, Seq: 1}
	if !d.Put("k", m, 0, []Body{block(body)}) {
		t.Fatal("Put was refused")
	}
	if err := d.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d, body
}

func locate(t *testing.T, d *Tier) (*Place, bool) {
	t.Helper()
	e, ok := d.Lookup("k")
	if !ok {
		t.Fatal("not found")
	}
	return d.Locate(e, 0)
}

// TestLocateWantsCheckedBytes: what an earlier process wrote is not offered before
// somebody read it with a good checksum, nor after a checksum failed beside it.
func TestLocateWantsCheckedBytes(t *testing.T) {
	o := Options{Path: t.TempDir(), Size: 128 << 20}
	d, body := locatable(t, o, 300_000)
	if _, ok := locate(t, d); !ok {
		t.Error("what this process wrote is not offered")
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	if _, ok := locate(t, d); ok {
		t.Error("offered before it was checked")
	}
	e, _ := d.Lookup("k")
	if err := d.ReadBlock(e, 0, make([]byte, len(body))); err != nil {
		t.Fatal(err)
	}
	p, ok := locate(t, d)
	if !ok {
		t.Fatal("not offered after it was checked")
	}
	f, ok := p.Acquire()
	got := make([]byte, f.Len())
	if n, err := unix.Pread(f.FD(), got, f.Offset()); !ok || n != len(body) || err != nil || !bytes.Equal(got, body) {
		t.Errorf("range of %d bytes, %v: not the body", n, err)
	}
	f.Release()
	f.Release() // does nothing
	d.distrust(p.extent.number)
	if _, ok := locate(t, d); ok {
		t.Error("offered although a checksum failed in its extent")
	}
	if _, ok := p.Acquire(); ok {
		t.Error("a known place is good although a checksum failed in its extent")
	}
}

func TestLocateRefuses(t *testing.T) {
	small, _ := locatable(t, Options{Path: t.TempDir(), Size: 128 << 20}, pieceSize-1)
	if _, ok := locate(t, small); ok {
		t.Error("a block that is too small to be remembered is offered")
	}
	sealed, _ := locatable(t, Options{Path: t.TempDir(), Size: 128 << 20, Encryption: Ephemeral}, 300_000)
	if _, ok := locate(t, sealed); ok {
		t.Error("an encrypted block is offered")
	}
	d, _ := locatable(t, Options{Path: t.TempDir(), Size: 128 << 20}, 300_000)
	p, ok := locate(t, d)
	e, _ := d.Lookup("k")
	if _, beyond := d.Locate(e, 1); !ok || beyond {
		t.Errorf("block 0: %v, block 1 of one: %v", ok, beyond)
	}
	d.breaker.trip(Offline, ErrTimeout)
	if _, ok := p.Acquire(); ok {
		t.Error("a range of a sick disk is offered")
	}
}

// TestDescriptorsAreReturned: the file of an evicted extent is closed by its last
// reader, not before, and not later.
func TestDescriptorsAreReturned(t *testing.T) {
	d, _ := locatable(t, Options{Path: t.TempDir(), Size: 128 << 20}, 300_000)
	p, ok := locate(t, d)
	if !ok {
		t.Fatal("no place")
	}
	f, ok := p.Acquire()
	g, ok2 := p.Acquire()
	if !ok || !ok2 {
		t.Fatal("no range")
	}
	x := d.extents.take(p.extent.number)
	x.lingers(&d.extents.lingering)
	x.release()
	if d.Stats().Space.Used == 0 {
		t.Error("an evicted extent that is read takes no space")
	}
	f.Release()
	if x.opened() == nil {
		t.Error("closed under a reader")
	}
	g.Release()
	if x.opened() != nil {
		t.Error("still open without readers")
	}
	if used := d.Stats().Space.Used; used != 0 {
		t.Errorf("%d bytes without an extent", used)
	}
	if _, ok := p.Acquire(); ok {
		t.Error("acquired what is closed")
	}
}
