package cache

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"testing"

	"edged/cache/disk"
	"edged/cache/object"
	"edged/cache/ram"
	"edged/internal/edgetest"
)

func TestMain(m *testing.M) { edgetest.Main(m) }

// arenaSize is small, so that blocks are evicted while they are wanted.
const arenaSize = 32 << 20

// store is a cache over a small RAM tier and a disk tier made of a map.
type store struct {
	testing.TB
	*Cache
	disk *mapDisk
}

func newStore(t testing.TB, o Options) *store {
	t.Helper()
	return newStoreOf(t, o, arenaSize)
}

// newStoreOf is newStore with a RAM tier of size bytes.
func newStoreOf(t testing.TB, o Options, size int64) *store {
	t.Helper()
	memory, err := ram.New(ram.Options{Size: size})
	if err != nil {
		t.Fatal(err)
	}
	if o.Window == 0 {
		o.Window = size / 4 // tests write more than what they read
	}
	s := &store{TB: t, disk: &mapDisk{records: map[object.Key]*record{}}}
	o.RAM = memory
	if o.Disks == nil {
		o.Disks = s.disk
	}
	s.Cache = New(o)
	t.Cleanup(func() {
		s.index.each(func(o *Object) bool {
			s.index.remove(o)
			o.discard()
			return true
		})
		if err := memory.Close(); err != nil { // says so when a block is still held
			t.Error(err)
		}
	})
	return s
}

// mapDisk is a disk tier in memory that can be told to fail.
type mapDisk struct {
	mu      sync.Mutex
	records map[object.Key]*record
	broken  bool // reads fail
	refuse  bool // writes are refused
	picky   bool // only what is asked for again is admitted
	full    bool // nothing is admitted
	delayed bool // writes wait
	queue   []func()
}

type record struct {
	meta   *object.Meta
	blocks map[int][]byte
}

func (d *mapDisk) Lookup(key object.Key) (*disk.Entry, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r, ok := d.records[key]
	if !ok {
		return nil, false
	}
	return &disk.Entry{Meta: r.meta}, true
}

func (d *mapDisk) block(e *disk.Entry, i int) ([]byte, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r, ok := d.records[e.Meta.Key]
	if !ok || r.meta.Version != e.Meta.Version {
		return nil, false
	}
	b, ok := r.blocks[i]
	return b, ok
}

func (d *mapDisk) Has(e *disk.Entry, i int) bool { _, ok := d.block(e, i); return ok }

// fail makes reads or writes, or neither, fail from now on.
func (d *mapDisk) fail(reads, writes bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.broken, d.refuse = reads, writes
}

// delay makes writes wait, or ends that and does those that wait: each is written
// unless fail has been told to refuse it, and then lets go of its blocks.
func (d *mapDisk) delay(on bool) {
	d.mu.Lock()
	d.delayed = on
	queue := d.queue
	if !on {
		d.queue = nil
	}
	d.mu.Unlock()
	for _, write := range queue {
		write()
	}
}

func (d *mapDisk) ReadBlock(e *disk.Entry, i int, dst []byte) error {
	b, ok := d.block(e, i)
	d.mu.Lock()
	broken := d.broken
	d.mu.Unlock()
	switch {
	case !ok:
		return disk.ErrNotFound
	case broken:
		return errors.New("input/output error")
	}
	copy(dst, b)
	return nil
}

// Admits implements Disks.
func (d *mapDisk) Admits(_ object.Key, again bool) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.full && (again || !d.picky)
}

func (d *mapDisk) Put(key object.Key, m *object.Meta, stripe int, bodies []disk.Body) bool {
	d.mu.Lock()
	if d.delayed {
		d.queue = append(d.queue, func() { d.write(key, m, stripe, bodies) })
		d.mu.Unlock()
		return true
	}
	d.mu.Unlock()
	return d.write(key, m, stripe, bodies)
}

func (d *mapDisk) write(key object.Key, m *object.Meta, stripe int, bodies []disk.Body) bool {
	defer func() {
		for _, b := range bodies {
			b.Release()
		}
	}()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.refuse {
		return false
	}
	r := d.records[key]
	if r == nil || r.meta.Version != m.Version {
		r = &record{blocks: map[int][]byte{}}
		d.records[key] = r
	}
	r.meta = m
	for i, b := range bodies {
		r.blocks[stripe*object.StripeBlocks+i] = bytes.Clone(b.Bytes())
	}
	return true
}

func (d *mapDisk) PutMeta(key object.Key, m *object.Meta) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.records[key]
	if r == nil || r.meta.Version != m.Version {
		return false
	}
	r.meta = m
	return true
}

func (d *mapDisk) Remove(key object.Key) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.records, key)
}

func (d *mapDisk) Drop(key object.Key, version uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r := d.records[key]; r != nil && r.meta.Version == version {
		delete(d.records, key)
	}
}

func (d *mapDisk) Oldest() (seq uint64, any bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range d.records {
		if !any || r.meta.Seq < seq {
			seq, any = r.meta.Seq, true
		}
	}
	return seq, any
}

// noVariant selects nothing.
type noVariant struct{}

func (noVariant) AppendSelecting(dst []byte, _ string) []byte { return dst }

func (s *store) lookup(key string) (*Object, Tier) {
	o, tier, _ := s.Lookup([]byte(key), noVariant{}, nil)
	return o, tier
}

// lead joins key and fails the test unless that makes a leader.
func (s *store) lead(key string) *Fill {
	s.Helper()
	f, leader, _ := s.Join([]byte(key), nil, 1)
	if !leader {
		s.Fatalf("Join(%q) made no leader", key)
	}
	return f
}

// write puts data into a fill until an error or the end.
func write(f *Fill, data []byte) error {
	for len(data) > 0 {
		room, err := f.Buffer(context.Background())
		if err != nil {
			return err
		}
		n := copy(room, data)
		if n == 0 {
			return ErrTooLong
		}
		f.Advance(n)
		data = data[n:]
	}
	return nil
}

// fillWhole stores data under key as one fill would.
func (s *store) fillWhole(key string, data []byte, flags object.Flags) *Object {
	s.Helper()
	f := s.lead(key)
	o := f.Start(&object.Meta{Account: "a", Status: 200, Size: int64(len(data)), Freshness: object.Freshness{Flags: flags}}, 0)
	if err := write(f, data); err != nil {
		s.Fatalf("write: %v", err)
	}
	if err := f.Commit(nil, false); err != nil {
		s.Fatalf("Commit: %v", err)
	}
	f.Leave()
	return o
}

// read returns the bytes [off, end) of o.
func read(o *Object, off, end int64) ([]byte, error) {
	var r Reader
	r.Open(o, off, end)
	defer r.Close()
	return drain(&r)
}

func drain(r *Reader) ([]byte, error) {
	var all []byte
	for {
		span, err := r.Next()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, span...)
	}
}

// pattern returns n bytes that tell their place.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i ^ i>>8 ^ i>>16)
	}
	return b
}
