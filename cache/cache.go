package cache

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"edged/cache/disk"
	"edged/cache/object"
	"edged/cache/purge"
	"edged/cache/ram"
)

// Disks is what the cache needs of the disk tier; *disk.Set and *disk.Tier are
// such. Every method degrades to a miss when a disk is sick.
type Disks interface {
	Lookup(key object.Key) (*disk.Entry, bool)
	ReadBlock(e *disk.Entry, block int, dst []byte) error
	Has(e *disk.Entry, block int) bool
	// Admits reports whether a disk takes an object of the key at the moment; again
	// says that it was asked for more than once.
	Admits(key object.Key, again bool) bool
	Put(key object.Key, m *object.Meta, stripe int, blocks []disk.Body) bool
	PutMeta(key object.Key, m *object.Meta) bool
	Remove(key object.Key)
	// Drop forgets what is stored of a version, without a write: what is dropped is
	// purged, and known to be so after a crash.
	Drop(key object.Key, version uint64)
	// Oldest returns the lowest Meta.Seq of what is stored.
	Oldest() (seq uint64, any bool)
}

// Options configure a cache.
type Options struct {
	RAM   *ram.Tier // required
	Disks Disks     // nil: memory only
	// Window is how far, in bytes, a fill of a larger object may run ahead of its
	// fastest reader; 0 means 32 MiB or a 32nd of the RAM tier, which is a third of
	// what S3-FIFO has for blocks that nobody has read yet.
	Window int64
	// Linger is how long a fill that waits at its window survives without a
	// reader; 0 means 5 s.
	Linger time.Duration
	// Stall is how long a reader waits for the next byte; 0 means 60 s.
	Stall time.Duration
	// Seq is the highest store number in use, from which this cache goes on.
	Seq uint64
	// Journals are where purges are kept; none: in memory.
	Journals []Journal
	// MaxPurges bounds the rules in force; 0 means the default of cache/purge.
	MaxPurges int
	Now       func() time.Time // nil: time.Now
	Log       *slog.Logger
}

// Cache is the two-tier store. Close it only after all its fills have ended.
type Cache struct {
	ram     *ram.Tier
	disks   Disks
	files   locator // disks, if they can tell; else nil
	index   *index
	seen    seen
	seed    uint64
	purges  purges
	invalid invalidations
	window  int64
	linger  time.Duration
	stall   time.Duration
	log     *slog.Logger
	now     func() time.Time
	mu      sync.Mutex
	joins   map[object.ID]*Fill // fetches whose header is not known yet; guarded by mu
	private map[object.ID]int64 // keys not to collapse until then (Unix ns); guarded by mu
	fills   atomic.Int64        // fetches under way
	parking parking             // readers whose clients do not take their bytes
	held    budget              // bytes that fills keep for their readers
	passing budget              // bytes that responses which are only passed through may need

	accounts accounts
	purged   atomic.Int64 // objects that a lookup found purged
}

// New returns an empty cache over the given tiers.
func New(o Options) *Cache {
	size := o.RAM.Stats().Size
	c := &Cache{
		ram: o.RAM, disks: o.Disks, index: newIndex(size / (32 << 10)), seen: newSeen(size), seed: rand.Uint64(),
		window: o.Window, linger: o.Linger, stall: o.Stall, log: o.Log, now: o.Now,
		joins: map[object.ID]*Fill{}, private: map[object.ID]int64{},
	}
	if c.window <= 0 {
		c.window = max(2*object.BlockSize, min(32<<20, size/32))
	}
	if c.linger <= 0 {
		c.linger = 5 * time.Second
	}
	if c.stall <= 0 {
		c.stall = time.Minute
	}
	c.files, _ = o.Disks.(locator)
	c.parking.max, c.held.max, c.passing.max = size/parkedShare, size/heldShare, size/passingShare
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.now == nil {
		c.now = time.Now
	}
	c.loadPurges(&o)
	if d, ok := o.Disks.(keeper); ok {
		d.JudgeKept(c.isPurged)
	}
	return c
}

// Selecting gives the request's values of the fields that select among variants.
type Selecting interface {
	// AppendSelecting appends the normalised value of field name to dst.
	AppendSelecting(dst []byte, name string) []byte
}

// Lookup finds the object stored under the primary key, or under the variant of
// it that sel selects, fresh or stale. The key it resolved to is appended to
// buf and returned, for Join after a miss. Tier says where the object was.
func (c *Cache) Lookup(key []byte, sel Selecting, buf []byte) (o *Object, tier Tier, resolved []byte) {
	o, tier = c.find(key)
	if o == nil || o.Meta().Freshness.Flags&object.VaryMarker == 0 {
		return o, tier, append(buf, key...)
	}
	resolved = appendVariant(append(buf, key...), o.Meta(), sel)
	if o, tier = c.find(resolved); o != nil && o.Meta().Freshness.Flags&object.VaryMarker != 0 {
		o = nil
	}
	return o, tier, resolved
}

func (c *Cache) find(key []byte) (*Object, Tier) {
	id := object.Hash(c.seed, key)
	if o := c.index.get(id, key); o != nil && o.live() {
		o.asked()
		if o.resident.Load() == 0 && o.disk.Load() != nil {
			return o, TierDisk
		}
		return o, TierRAM
	}
	if c.disks == nil {
		return nil, TierNone
	}
	e, ok := c.disks.Lookup(object.Key(key))
	if !ok || c.dropPurged(e.Meta) || !c.usable(e) {
		return nil, TierNone
	}
	if o := c.opened(id, e); o.live() {
		return o, TierDisk
	}
	return nil, TierNone
}

// usable reports whether what is on disk is whole or can be made whole.
func (c *Cache) usable(e *disk.Entry) bool {
	m := e.Meta
	if m.Freshness.Flags&(object.Resumable|object.VaryMarker) != 0 || m.Size <= 0 {
		return true
	}
	for i := range object.Blocks(m.Size) {
		if !c.disks.Has(e, i) {
			return false
		}
	}
	return true
}

// opened puts an object found on disk into the index, unless somebody was faster.
func (c *Cache) opened(id object.ID, e *disk.Entry) *Object {
	o := newObject(c, id, e.Meta.Key, e.Meta)
	o.disk.Store(e)
	o.admission.again.Store(true)
	if won := c.index.putIfAbsent(o); won != nil {
		return won
	}
	if o.Size() == 0 {
		c.anchor(o)
	}
	return o
}

// anchor gives an object without a body a block of its own: what has a block is
// bounded, counted and evicted like everything else.
func (c *Cache) anchor(o *Object) {
	b, ok := c.ram.Alloc(1)
	if !ok {
		c.index.remove(o)
		return
	}
	s := &slot{object: o, source: TierOrigin, block: b}
	if !o.place(s) {
		b.Release()
		return
	}
	c.settle(s)
}

// Done tells the cache that a request is through with o, which Lookup or a fill
// returned. It forgets an object of which nothing is in memory.
func (c *Cache) Done(o *Object) {
	if o.resident.Load() == 0 {
		o.forgetIdle()
	}
}

// Forget takes o out of the cache: its origin has something else now that may not
// be stored. Who reads o goes on reading what is in memory.
func (o *Object) Forget() {
	o.c.index.remove(o)
	o.c.forgetDisk(o)
}

// newVersion makes the object of a response that a fill received.
func (c *Cache) newVersion(f *Fill, m *object.Meta) *Object {
	own := *m
	own.Key, own.Seq = f.key, f.seq
	for own.Version == 0 {
		own.Version = rand.Uint64()
	}
	o := newObject(c, f.id, f.key, &own)
	o.admission.born = time.Now().UnixNano()
	o.admission.storage.Store(uint32(f.storage))
	if c.seen.again(f.id) || f.followed.Load() {
		o.admission.again.Store(true)
	}
	return o
}

// freshen replaces the metadata of a stored object after the validation f. It
// reports false when the object was purged meanwhile: then its body is void,
// whatever the origin says of it.
func (c *Cache) freshen(f *Fill, o *Object, m *object.Meta) bool {
	own := *m
	o.mu.Lock() // the fill of a short-lived object may be giving it its length
	was := o.Meta()
	if c.purges.table.Judge(string(o.key), was.Keys, was.Seq, 0) == purge.Hard {
		o.mu.Unlock()
		return false
	}
	own.Key, own.Version, own.Size, own.Seq = o.key, was.Version, o.Size(), max(f.seq, was.Seq)
	o.setMetaLocked(&own)
	o.mu.Unlock()
	o.retry.Store(0)
	if c.disks != nil && (own.Size > 0 || own.Size == 0 && o.admitted()) && !c.invalidated(f) {
		c.disks.PutMeta(o.key, &own)
	}
	return true
}

// settle makes a whole block the RAM tier's.
func (c *Cache) settle(s *slot) {
	o := s.object
	s.done.Store(true)
	c.ram.Admit(s.block, blockHash(o.id, s.index), c.accounts.of(o.Meta().Account), s)
	s.block.Release()
}

func blockHash(id object.ID, i int) uint64 {
	return id.Hi ^ (uint64(i)+1)*0x9e3779b97f4a7c15
}

// alloc takes a block from the RAM tier. When readers pin everything it tries
// again for a short while.
func (c *Cache) alloc(ctx context.Context, n int) (*ram.Block, error) {
	return c.allocWithin(ctx, nil, n)
}

// allocWithin is alloc while budget, if there is one, has room for n bytes.
func (c *Cache) allocWithin(ctx context.Context, limit *budget, n int) (*ram.Block, error) {
	var b *ram.Block
	err := patiently(ctx, func() (ok bool) {
		if limit == nil || limit.fits(int64(n)) {
			b, ok = c.ram.Alloc(n)
		}
		return ok
	})
	return b, err
}

// patiently tries until it succeeds, for a short while: memory that somebody uses is
// mostly free a moment later. After that it returns ErrNoMemory.
func patiently(ctx context.Context, try func() bool) error {
	if try() {
		return nil
	}
	const patience, step = 2 * time.Second, 10 * time.Millisecond
	tick := time.NewTicker(step)
	defer tick.Stop()
	for range patience / step {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
		if try() {
			return nil
		}
	}
	return ErrNoMemory
}

// forgetDisk removes from disk what was written of o, or is about to be. Another
// version of its key stays.
func (c *Cache) forgetDisk(o *Object) {
	if c.disks == nil || !o.handedOver(-1) {
		return
	}
	if e, ok := c.disks.Lookup(o.key); !ok || e.Meta.Version == o.Meta().Version {
		c.disks.Remove(o.key)
	}
}

// Stats are counters and gauges of the cache.
type Stats struct {
	Objects int64 // objects with something in memory
	Fills   int64 // fetches under way
	RAM     ram.Stats
	Purges  purge.Stats
	Purged  int64 // objects that were looked for and found purged

	// What eviction cannot reach, in bytes, and the bounds on it.
	Parked  ParkingStats // by readers whose clients do not take their bytes
	Held    BudgetStats  // by fills, until somebody has read what they wrote
	Passing BudgetStats  // by responses that are only passed through

	Accounts []AccountStats // in the order of SetFloors
}

// Stats returns a snapshot.
func (c *Cache) Stats() Stats {
	return Stats{
		Objects: c.index.count.Load(), Fills: c.fills.Load(), RAM: c.ram.Stats(),
		Purges: c.purges.table.Stats(), Purged: c.purged.Load(),
		Parked: c.parking.stats(), Held: c.held.stats(), Passing: c.passing.stats(),
		Accounts: c.accountStats(),
	}
}
