package disk

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"edged/cache/object"
)

// readPool bounds the reads that wait for the device. Their goroutines read into
// buffers of the pool, never into the caller's, so that a caller can give up on a
// hung disk and use its own memory again.
type readPool struct {
	slots   chan struct{} // one per read that may wait for the device
	buffers chan []byte   // free buffers
	timeout time.Duration
	breaker *breaker
	running sync.WaitGroup
}

func newReadPool(workers int, timeout time.Duration, b *breaker) *readPool {
	return &readPool{
		slots: make(chan struct{}, workers), buffers: make(chan []byte, workers),
		timeout: timeout, breaker: b,
	}
}

// read fills p from an extent that the caller holds. What the page cache has is
// read at once, by the caller; anything else waits its turn, at most timeout.
func (r *readPool) read(x *extent, p []byte, off int64) error {
	if f := x.opened(); f != nil && f.TryReadAt(p, off) {
		r.breaker.readDone()
		return nil
	}
	limit := time.NewTimer(r.timeout)
	defer limit.Stop()
	select {
	case r.slots <- struct{}{}:
	case <-limit.C: // all workers are busy: says nothing about this read
		return fmt.Errorf("%w: too many reads wait", ErrTimeout)
	}
	if !x.retain() {
		<-r.slots
		return ErrNotFound
	}
	buf := r.buffer(len(p))
	done := make(chan error, 1)
	r.running.Go(func() {
		defer func() { <-r.slots }()
		defer x.release()
		done <- readExtent(x, buf, off)
	})
	select {
	case err := <-done:
		if err == nil {
			copy(p, buf)
		}
		r.recycle(buf)
		return r.judge(err)
	case <-limit.C: // the reader keeps buf
		return r.judge(fmt.Errorf("%w: extent %d", ErrTimeout, x.number))
	}
}

func readExtent(x *extent, p []byte, off int64) error {
	f, err := x.open()
	if err != nil {
		return err
	}
	return readFull(f, p, off)
}

// judge tells the breaker how a read ended.
func (r *readPool) judge(err error) error {
	switch {
	case err == nil || errors.Is(err, ErrCorrupt):
		r.breaker.readDone() // the device answered
	default:
		r.breaker.readFailed(err)
	}
	return err
}

func (r *readPool) buffer(n int) []byte {
	select {
	case b := <-r.buffers:
		return b[:n]
	default:
		return make([]byte, n, object.BlockSize)
	}
}

func (r *readPool) recycle(b []byte) {
	select {
	case r.buffers <- b:
	default:
	}
}

// wait waits for all reads to end and reports whether they did.
func (r *readPool) wait(limit time.Duration) bool { return waitFor(&r.running, limit) }

// Entry is an object version found on a disk. It stays usable whatever happens to
// the disk; reads through it then miss. It may be shared by goroutines.
type Entry struct {
	// Meta is the newest metadata stored for the version, owned by the caller.
	Meta *object.Meta

	tier    *Tier
	id      object.ID
	version uint64
	size    int64
	last    recordCache
	pass    pass
}

// Disk names the disk that the entry was found on.
func (e *Entry) Disk() UUID { return e.tier.super.uuid }

// recordCache keeps the record that was read last, so that the eight blocks of a
// stripe cost one read of its header.
type recordCache struct {
	mu  sync.Mutex
	rec *record // guarded by mu
}

func (c *recordCache) get(p position) *record {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rec != nil && at(c.rec.extent, c.rec.page) == p {
		return c.rec
	}
	return nil
}

func (c *recordCache) put(r *record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rec = r
}

// pass notes where a reader of an entry is. Reading the blocks of a record one
// after the other is one hit of the record, reading one of them again another.
type pass struct {
	mu    sync.Mutex
	at    position // guarded by mu
	block int      // guarded by mu
}

// begins reports whether a read of a block of the record at p begins a pass.
func (r *pass) begins(p position, block int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	first := r.at != p || block <= r.block
	r.at, r.block = p, block
	return first
}

// probeSize is what is read of a record first; mostly it holds all but the body.
const probeSize = pageSize

// readRecord reads and checks header and tail of the record that s points to.
func (t *Tier) readRecord(x *extent, s *slot, id object.ID) (*record, error) {
	return t.recordBy(func(p []byte, off int64) error { return t.reads.read(x, p, off) }, x, s, id)
}

// recordBy is readRecord with a way to read of the caller's choice.
func (t *Tier) recordBy(read func(p []byte, off int64) error, x *extent, s *slot, id object.ID) (*record, error) {
	off := int64(s.page) * pageSize
	b := make([]byte, probeSize)
	if err := read(b, off); err != nil {
		return nil, err
	}
	h, err := parseRecordHeader(b)
	if err != nil {
		return nil, err
	}
	if h.generation != x.generation.Load() || h.page != s.page || h.version != s.version || h.id.Hi != id.Hi {
		return nil, fmt.Errorf("%w: another record at extent %d page %d", ErrCorrupt, s.extent, s.page)
	}
	end := recordHeaderSize + h.tailLen()
	if end > len(b) {
		more := make([]byte, end)
		copy(more, b)
		if err := read(more[len(b):], off+int64(len(b))); err != nil {
			return nil, err
		}
		b = more
	}
	return h.parseTail(s.extent, b[recordHeaderSize:end])
}

// load returns the metadata that a head points to, if it is that of key.
func (t *Tier) load(key object.Key, id object.ID, s *slot) (*Entry, error) {
	x, ok := t.extents.acquire(s.extent)
	if !ok {
		return nil, ErrNotFound
	}
	defer x.release()
	rec, err := t.readRecord(x, s, id)
	if err != nil {
		return nil, err
	}
	if string(rec.key) != string(key) { // half the hash agrees, the key does not
		return nil, ErrNotFound
	}
	m, err := object.ParseMeta(rec.meta)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	if m.Version != rec.version {
		return nil, fmt.Errorf("%w: metadata is of another version", ErrCorrupt)
	}
	if m.Size < 0 { // the fill never told how long the body is
		return nil, ErrNotFound
	}
	m.Key = key
	e := &Entry{Meta: m, tier: t, id: id, version: m.Version, size: m.Size}
	if rec.blocks != 0 {
		e.last.put(rec)
	}
	return e, nil
}

// seek asks the index for the head of key. It finds nothing on a disk that cannot be
// read.
func (t *Tier) seek(key object.Key, head *slot) (id object.ID, ok bool) {
	if !t.breaker.readable() {
		return id, false
	}
	id = object.HashString(t.super.seed, string(key))
	return id, t.index.head(id.Hi, head)
}

// Contains reports whether the index knows a version of key, which is what Lookup finds
// out first. It never waits for the disk, nor for anybody else but who changes the same
// part of the index. Budget: 200 ns with ten million objects, one wait for memory among
// them, no allocation (make bench-tiers).
func (t *Tier) Contains(key object.Key) bool {
	var s slot
	_, ok := t.seek(key, &s)
	return ok
}

// Lookup returns the newest version stored under key. Trouble with the disk is a
// miss, counted, and felt by the breaker. Only a hit waits for the disk.
func (t *Tier) Lookup(key object.Key) (*Entry, bool) {
	var s slot
	id, ok := t.seek(key, &s)
	if !ok {
		t.counters.lookups.Add(1)
		return nil, false
	}
	return t.fetch(key, id, &s)
}

// fetch returns what the head s of key points to, as Lookup does.
func (t *Tier) fetch(key object.Key, id object.ID, s *slot) (*Entry, bool) {
	t.counters.lookups.Add(1)
	e, err := t.load(key, id, s)
	if err != nil {
		t.readFailed(id.Hi, 0, s.position(), err)
		return nil, false
	}
	if s.blocks == 0 && e.size == 0 { // has no blocks to count
		t.index.touch(s)
	}
	t.counters.hits.Add(1)
	return e, true
}

// readFailed counts what went wrong and forgets a record that is damaged.
func (t *Tier) readFailed(hash uint64, stripe uint32, p position, err error) {
	switch {
	case errors.Is(err, ErrCorrupt):
		t.counters.corrupt.Add(1)
		t.index.forget(hash, stripe, p)
		t.distrust(p.extent())
		t.log.Warn("disk: forgot a damaged record", "extent", p.extent(), "page", p.page(), "error", err)
	case errors.Is(err, ErrNotFound):
	default:
		t.counters.readErrors.Add(1)
	}
}

// distrust takes back what was thought of the bytes of an extent.
func (t *Tier) distrust(number uint32) {
	if x, ok := t.extents.acquire(number); ok {
		x.checked.bits.Store(nil)
		x.release()
	}
}

// Has reports whether ReadBlock would find a block, without touching the disk.
func (t *Tier) Has(e *Entry, block int) bool {
	if block < 0 || !t.breaker.readable() {
		return false
	}
	var s slot
	return t.index.find(e.id.Hi, e.version, uint32(block/object.StripeBlocks), block%object.StripeBlocks, &s)
}

// ReadBlock reads block number block of the version of e into dst, whose length
// must be that of the block (object.BlockLen). Every byte is checked. The error
// wraps ErrNotFound, ErrCorrupt, ErrTimeout, ErrOffline or what the device said;
// dst then holds anything, but nobody writes to it any more.
func (t *Tier) ReadBlock(e *Entry, block int, dst []byte) error {
	if block < 0 || block >= object.Blocks(e.size) || len(dst) != object.BlockLen(e.size, block) {
		return fmt.Errorf("%w: block %d of %d bytes", ErrNotFound, block, len(dst))
	}
	if !t.breaker.readable() {
		return ErrOffline
	}
	stripe, i := uint32(block/object.StripeBlocks), block%object.StripeBlocks
	var s slot
	if !t.index.find(e.id.Hi, e.version, stripe, i, &s) {
		return ErrNotFound
	}
	if err := t.readBlock(e, &s, stripe, i, dst); err != nil {
		t.readFailed(e.id.Hi, stripe, s.position(), err)
		return err
	}
	if e.pass.begins(s.position(), block) {
		t.index.touch(&s)
	}
	t.counters.reads.Add(1)
	t.counters.readBytes.Add(int64(len(dst)))
	return nil
}

// readBlock reads block i of the record at s.
func (t *Tier) readBlock(e *Entry, s *slot, stripe uint32, i int, dst []byte) error {
	x, ok := t.extents.acquire(s.extent)
	if !ok {
		return ErrNotFound
	}
	defer x.release()
	rec := e.last.get(s.position())
	if rec == nil {
		var err error
		if rec, err = t.readRecord(x, s, e.id); err != nil {
			return err
		}
		if rec.stripe != stripe || rec.id != e.id {
			return fmt.Errorf("%w: another stripe at extent %d page %d", ErrCorrupt, s.extent, s.page)
		}
		e.last.put(rec)
	}
	off, n, ok := rec.blockAt(i)
	if !ok || n != len(dst) {
		return fmt.Errorf("%w: record has another block %d", ErrCorrupt, i)
	}
	at := int64(s.page)*pageSize + int64(rec.bodyOff()+off)
	if err := t.reads.read(x, dst, at); err != nil {
		return err
	}
	if err := rec.verify(dst, off); err != nil {
		return err
	}
	x.checked.add(at, n, t.extentSize)
	return nil
}
