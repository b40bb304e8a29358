package disk

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"edged/cache/object"
)

// Options configure the tier of one disk.
type Options struct {
	// Path is the directory. It is created when missing, and belongs to the tier
	// alone.
	Path string
	// Size is the most the directory may take, in bytes; at least 48 MiB, or three
	// extents.
	Size int64
	// ExtentSize is the length of an extent in bytes; 0 means 256 MiB, or less
	// for a small Size.
	ExtentSize int64
	// MeanObject is the expected mean length in bytes of a record, from which the
	// index is sized once, at 45 bytes a record; 0 means 256 KiB. With smaller
	// records the index fills before the disk does and evicts early.
	MeanObject int64
	// Workers bounds the reads that wait for the device at the same time; 0 means
	// 32 (NVMe). 8 suits a rotating disk.
	Workers int
	// QueueBytes bounds what waits to be written, in bytes; 0 means 64 MiB.
	QueueBytes int64
	// SyncInterval is how often written records are made durable; 0 means 3 s.
	SyncInterval time.Duration
	// SnapshotInterval is how often the index is saved at least, when it changed;
	// 0 means 30 min. It is also saved after every 64 extents, and by Close.
	SnapshotInterval time.Duration
	// ReadTimeout is how long a read may wait for the device; 0 means 3 s.
	ReadTimeout time.Duration
	// Encryption protects what is stored from whoever gets hold of the disk. An
	// Ephemeral disk starts empty. Otherwise it must be as the disk was made: Open
	// refuses with ErrKey, and touches nothing, when it is not.
	Encryption Encryption
	// Key is the secret of a Keyed disk, KeySize random bytes. Disks may share one.
	Key []byte
	// WritesPerDay bounds what is written in bytes a day, over days; 0 means no
	// limit. Near the limit Admits asks for a second hit, at the limit nothing is
	// stored.
	WritesPerDay int64
	// ScrubInterval is how long the scrubber takes to read everything stored; 0
	// means a week, less than that never.
	ScrubInterval time.Duration
	// FS is the file layer; nil means the operating system's.
	FS FS
	// Log gets trouble and recovery; nil discards.
	Log *slog.Logger
}

// withDefaults fills in what was left zero and checks the rest.
func (o Options) withDefaults() (Options, error) {
	o.ExtentSize = or(o.ExtentSize, min(256<<20, max(minExtent, o.Size/32)))
	o.ExtentSize &^= pageSize - 1
	o.MeanObject = or(o.MeanObject, 256<<10)
	o.Workers = or(o.Workers, 32)
	o.QueueBytes = or(o.QueueBytes, 64<<20)
	o.SyncInterval = or(o.SyncInterval, 3*time.Second)
	o.SnapshotInterval = or(o.SnapshotInterval, 30*time.Minute)
	o.ReadTimeout = or(o.ReadTimeout, 3*time.Second)
	if o.ScrubInterval == 0 {
		o.ScrubInterval = 7 * 24 * time.Hour
	}
	if o.FS == nil {
		o.FS = realFS{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Log = o.Log.With("disk", o.Path)
	if o.Encryption == Ephemeral {
		o.Key = make([]byte, KeySize)
		_, _ = rand.Read(o.Key) // never fails
	}
	switch {
	case o.Encryption != Plain && len(o.Key) != KeySize:
		return o, fmt.Errorf("disk: %s: a key of %d bytes: want %d", o.Path, len(o.Key), KeySize)
	case o.Path == "":
		return o, errors.New("disk: no path")
	case o.ExtentSize < 4*pageSize || o.ExtentSize > 1<<40:
		return o, fmt.Errorf("disk: %s: extents of %d bytes: want 16 KiB to 1 TiB", o.Path, o.ExtentSize)
	case o.Size < 3*o.ExtentSize:
		return o, fmt.Errorf("disk: %s: size %d is less than three extents of %d bytes: make it larger", o.Path, o.Size, o.ExtentSize)
	}
	return o, nil
}

// or returns v, or d when v is not positive.
func or[T int | int64 | time.Duration](v, d T) T {
	if v > 0 {
		return v
	}
	return d
}

// Tier is the cache of one disk. All methods may be called from any goroutine.
type Tier struct {
	fs         FS
	dir        string
	log        *slog.Logger
	size       int64 // of the directory, as configured
	budget     int64 // what extents may take of it
	extentSize int64
	super      superblock
	encryption Encryption
	key        []byte // as configured; nil on a plain disk
	lock       io.Closer

	index    *index
	extents  extents
	breaker  breaker
	reads    *readPool
	queue    *queue
	writer   writer
	keeper   keeper
	scrubber scrubber
	wear     *wear
	journal  *Journal
	lastSeq  atomic.Uint64
	dead     atomic.Pointer[func(*object.Meta) bool] // JudgeKept; nil: nothing is purged
	counters counters
	recovery Recovery

	running   sync.WaitGroup // writer, keeper and scrubber
	closeOnce sync.Once
	closeErr  error
}

// Open takes the directory, finds again what it holds, and starts to serve. A
// directory without a disk is made one; a damaged superblock starts over. The
// error wraps ErrLocked, ErrFormat, or what the file system said.
func Open(o Options) (*Tier, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	t, err := newTier(o)
	if err != nil {
		return nil, err
	}
	if t.lock, err = o.FS.Lock(o.Path); err != nil {
		t.index.close()
		return nil, fmt.Errorf("disk: lock: %w", err)
	}
	if err := t.recover(); err != nil {
		t.abandonOpen()
		return nil, fmt.Errorf("disk: recovery of %s: %w", o.Path, err)
	}
	t.running.Go(t.writer.run)
	t.running.Go(t.keeper.run)
	t.running.Go(t.scrubber.run)
	return t, nil
}

// newTier builds a tier that has not touched the disk yet.
func newTier(o Options) (*Tier, error) {
	capacity := int(max(minShardSlots, o.Size/o.MeanObject))
	x, err := newIndex(capacity)
	if err != nil {
		return nil, err
	}
	t := &Tier{
		encryption: o.Encryption, key: o.Key,
		fs: o.FS, dir: o.Path, log: o.Log, size: o.Size, extentSize: o.ExtentSize,
		// Two snapshots and a little for the logs are taken off.
		budget:  o.Size - 2*int64(capacity)*slotSize - (1 << 20),
		index:   x,
		extents: extents{byNum: map[uint32]*extent{}},
		queue:   newQueue(o.QueueBytes),
		wear:    newWear(max(0, o.WritesPerDay)),
	}
	if o.Encryption != Plain {
		t.budget -= (o.Size/o.ExtentSize + 1) * envelopeSize
	}
	t.breaker.log = o.Log
	t.reads = newReadPool(o.Workers, o.ReadTimeout, &t.breaker)
	t.writer.t = t
	t.journal = newJournal(t)
	t.keeper.t, t.keeper.every, t.keeper.snapshot = t, o.SyncInterval, o.SnapshotInterval
	t.keeper.stop = make(chan struct{})
	t.scrubber.t, t.scrubber.every, t.scrubber.stop = t, o.ScrubInterval, t.keeper.stop
	return t, nil
}

// abandonOpen gives back what a failed Open took.
func (t *Tier) abandonOpen() {
	t.writer.removals.closeFile()
	t.releaseExtents()
	t.index.close()
	_ = t.lock.Close()
}

func (t *Tier) releaseExtents() {
	for {
		number, ok := t.extents.oldest()
		if !ok {
			return
		}
		t.extents.take(number).release()
	}
}

// Put queues a stripe of a version for writing and takes over one reference to
// each block, whatever it returns; the slice belongs to the tier too. blocks[i]
// is block stripe*object.StripeBlocks+i of the body; nil ones are absent. A
// stripe put again adds its blocks to those stored. The metadata is stored with
// it and becomes the newest of the key; a version other than the stored one
// replaces it. While m.Size is -1 only whole blocks may be put, and Lookup does
// not find the object until a Put or PutMeta knows the size.
//
// Put never waits. It returns false when it will not write: queue full, disk sick
// or closed, not encodable, blocks of the wrong length.
func (t *Tier) Put(key object.Key, m *object.Meta, stripe int, blocks []Body) bool {
	j := job{key: key, meta: m, stripe: uint32(stripe), blocks: blocks}
	if t.acceptable(&j, stripe) && t.enqueue(j) {
		return true
	}
	j.release()
	t.counters.refused.Add(1)
	return false
}

// PutMeta queues the freshened metadata of a stored version. It is dropped when
// the version is not, or no longer, the stored one, unless m.Size is 0: a response
// without a body is its metadata.
func (t *Tier) PutMeta(key object.Key, m *object.Meta) bool {
	return t.Put(key, m, 0, nil)
}

// acceptable checks what can be checked before a job is queued, and weighs it.
func (t *Tier) acceptable(j *job, stripe int) bool {
	m := j.meta
	if !m.Encodable() || len(j.key) > object.MaxKeyBytes || stripe < 0 || stripe >= maxStripes ||
		stripesOf(m.Size) > maxStripes || len(j.blocks) > object.StripeBlocks {
		return false
	}
	j.size = recordHeaderSize + object.MaxKeyBytes
	present := 0
	for i, b := range j.blocks {
		if b == nil {
			continue
		}
		n := len(b.Bytes())
		if !validBlock(m.Size, stripe*object.StripeBlocks+i, n) {
			return false
		}
		j.size += int64(n)
		present++
	}
	if present == 0 {
		j.blocks, j.stripe = nil, 0
		return m.Size >= 0
	}
	return true
}

// validBlock reports whether block i of a body of size bytes has n bytes.
func validBlock(size int64, i, n int) bool {
	if size < 0 {
		return n == object.BlockSize
	}
	return i < object.Blocks(size) && n == object.BlockLen(size, i)
}

func (t *Tier) enqueue(j job) bool {
	if !t.breaker.writable() || len(j.blocks) > 0 && t.wear.admission() == Nothing {
		return false
	}
	j.id = object.HashString(t.super.seed, string(j.key))
	return t.queue.push(j)
}

// removalWait bounds how long Remove waits for a disk that does not answer.
const removalWait = 2 * time.Second

// Remove forgets a key: from its return on no Lookup finds what was put before,
// also not after a crash. It waits until that is durable, unless the disk does
// not answer; the note is then written once it does.
func (t *Tier) Remove(key object.Key) {
	hash := object.HashString(t.super.seed, string(key)).Hi
	fence := t.queue.fence()
	known := t.index.remove(hash, fence)
	_, waiting := t.queue.depth()
	if !known && waiting == 0 || !t.breaker.readable() {
		t.queue.forget(forget{hash: hash}) // nothing to lose, or nobody to wait for
		return
	}
	done := make(chan struct{})
	if !t.queue.forget(forget{hash: hash, done: done}) {
		return
	}
	limit := time.NewTimer(removalWait)
	defer limit.Stop()
	select {
	case <-done:
	case <-limit.C:
	}
}

// forgetLater is Remove without waiting.
func (t *Tier) forgetLater(key object.Key) {
	hash := object.HashString(t.super.seed, string(key)).Hi
	t.index.remove(hash, t.queue.fence())
	t.queue.forget(forget{hash: hash})
}

// stores returns version and sequence number of what the index has under key.
func (t *Tier) stores(key object.Key) (version, seq uint64, ok bool) {
	var s slot
	ok = t.index.head(object.HashString(t.super.seed, string(key)).Hi, &s)
	return s.version, s.seq, ok
}

// Sync waits until everything queued before it is written, or dropped, and
// durable.
func (t *Tier) Sync(ctx context.Context) error {
	done := make(chan error, 1)
	if !t.queue.push(job{done: done}) {
		return ErrClosed
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("disk: sync: %w", context.Cause(ctx))
	}
}

// closeWait bounds how long Close waits for a disk that does not answer.
const closeWait = 30 * time.Second

// Close writes what is queued, seals the log, saves the index and gives the
// directory back. On a hung disk it gives up after half a minute and returns
// ErrTimeout; the process may then end, and the next start recovers.
func (t *Tier) Close() error {
	t.closeOnce.Do(func() { t.closeErr = t.close() })
	return t.closeErr
}

func (t *Tier) close() error {
	t.queue.close()
	t.journal.close()
	close(t.keeper.stop)
	if !waitFor(&t.running, closeWait) || !t.reads.wait(closeWait) {
		return fmt.Errorf("%w: close of %s", ErrTimeout, t.dir)
	}
	var err error
	if t.breaker.writable() {
		err = errors.Join(t.keeper.save(true), t.saveState())
	}
	t.journal.closeFile()
	t.breaker.state.Store(uint32(Offline)) // late callers miss
	t.releaseExtents()
	t.index.close()
	return errors.Join(err, t.lock.Close())
}

// waitFor waits for a group, but not for ever: what hangs in the kernel may never
// end.
func waitFor(g *sync.WaitGroup, limit time.Duration) bool {
	done := make(chan struct{})
	go func() { // ends with the group
		g.Wait()
		close(done)
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}
