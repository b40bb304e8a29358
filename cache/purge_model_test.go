package cache

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"edged/cache/cachetest"
	"edged/cache/disk"
	"edged/cache/object"
	"edged/cache/purge"
	"edged/cache/ram"
)

// purgeWorld is a cache over two disks in memory that are killed and lose power,
// beside a list of what was purged. What must hold at every lookup:
//
//   - the bytes are those of one fetch;
//   - no purge that was acknowledged since that fetch began matches it, and one that
//     was soft made it stale unless it was validated since;
//   - a purge takes nothing away that it does not name.
type purgeWorld struct {
	*testing.T
	r     *rand.Rand
	fs    [2]*cachetest.MemFS
	ram   *ram.Tier
	disks *disk.Set
	cache *Cache

	step   int
	purges []pastPurge
	births map[uint64]birth // by version
	open   []*openFill
	hits   int
	stale  int
	misses int
	kills  int
}

// birth is when the fetch of a version began, and its last validation.
type birth struct{ begun, validated int }

type pastPurge struct {
	step int
	soft bool
	rule purge.Rule
	hits func(key, keys string) bool
}

// openFill is a fetch under way.
type openFill struct {
	*Fill
	begun  int
	stored *Object // being validated
}

func (w *purgeWorld) key() string {
	return fmt.Sprintf("a%d\x00s\x00/%d/%d", w.r.IntN(2), w.r.IntN(4), w.r.IntN(12))
}

// keysOf are the surrogate keys of what is stored under key.
func keysOf(key string) string { return fmt.Sprintf("t%d x", len(key)*int(key[len(key)-1])%5) }

func (w *purgeWorld) boot() {
	w.Helper()
	var err error
	if w.ram, err = ram.New(ram.Options{Size: 8 << 20}); err != nil {
		w.Fatal(err)
	}
	var tiers []*disk.Tier
	var journals []Journal
	last := uint64(0)
	for i, fs := range w.fs {
		t, err := disk.Open(disk.Options{Path: fmt.Sprint("/", i), Size: 6 << 20, ExtentSize: 512 << 10, MeanObject: 16 << 10, FS: fs})
		if err != nil {
			w.Fatal(err)
		}
		tiers = append(tiers, t)
		journals = append(journals, t.Journal())
		last = max(last, t.Stats().LastSeq)
	}
	w.disks = disk.NewSet(tiers)
	w.cache = New(Options{RAM: w.ram, Disks: w.disks, Journals: journals, Seq: last})
}

// halt ends the process. With kill 1 the disks keep what was written, with 2 what
// was made durable, with 0 everything.
func (w *purgeWorld) halt(kill int) {
	for _, f := range w.open {
		f.Abort(errors.New("end"))
		f.Leave()
	}
	w.open = nil
	fs := w.fs
	for i := range fs {
		switch kill {
		case 1:
			fs[i] = w.fs[i].Kill()
		case 2:
			fs[i] = w.fs[i].Crash(w.r)
		}
	}
	if err := w.disks.Close(); err != nil {
		w.Fatal(err)
	}
	w.fs = fs
	w.cache.index.each(func(o *Object) bool {
		w.cache.index.remove(o)
		o.discard()
		return true
	})
	if err := w.ram.Close(); err != nil {
		w.Fatal(err)
	}
}

func (w *purgeWorld) lookup(key string) *Object {
	o, _, _ := w.cache.Lookup([]byte(key), noVariant{}, nil)
	if o != nil && !o.Readable() {
		return nil
	}
	return o
}

func (w *purgeWorld) body(key string, begun int) []byte {
	return []byte(strings.Repeat(fmt.Sprintf("%q %d;", key, begun), 1+begun%200))
}

// look checks what is served under key.
func (w *purgeWorld) look(key string) {
	o := w.lookup(key)
	if o == nil {
		w.misses++
		return
	}
	m := o.Meta()
	born, ok := w.births[m.Version]
	if !ok {
		w.Fatalf("step %d: %q has a version that was never fetched", w.step, key)
	}
	got, err := read(o, 0, -1)
	if err != nil || !bytes.Equal(got, w.body(key, born.begun)) {
		w.Fatalf("step %d: %q: %d bytes, %v; want those of fetch %d", w.step, key, len(got), err, born.begun)
	}
	fresh := m.Freshness.TTL(time.Now().UnixNano()) > 0
	for _, p := range w.purges {
		switch {
		case !p.hits(key, m.Keys):
		case !p.soft && p.step > born.begun:
			w.Fatalf("step %d: %q, fetched at %d, was purged at %d (%v)", w.step, key, born.begun, p.step, p.rule.Kind)
		case p.soft && p.step > born.validated && fresh:
			w.Fatalf("step %d: %q, validated at %d, was purged softly at %d and is fresh", w.step, key, born.validated, p.step)
		}
	}
	w.hits++
	if !fresh {
		w.stale++
	}
	w.cache.Done(o)
}

// begin begins a fetch, or a validation of what is stored.
func (w *purgeWorld) begin(key string) {
	o := w.lookup(key)
	var f *Fill
	if o != nil {
		f = w.cache.Validate([]byte(key), o.Meta(), 1)
	} else {
		leader := false
		if f, leader, _ = w.cache.Join([]byte(key), nil, 1); f != nil && !leader {
			f.Leave()
			return
		}
	}
	if f != nil {
		w.open = append(w.open, &openFill{f, w.step, o})
	}
}

// finish ends a fetch that began a while ago.
func (w *purgeWorld) finish() {
	if len(w.open) == 0 {
		return
	}
	i := w.r.IntN(len(w.open))
	f := w.open[i]
	w.open = append(w.open[:i], w.open[i+1:]...)
	defer f.Leave()
	key := string(f.Key())
	fresh := object.Freshness{Received: time.Now().UnixNano(), Lifetime: time.Hour}
	if f.stored != nil && w.r.IntN(2) == 0 {
		m := *f.stored.Meta()
		m.Freshness = fresh
		if f.Freshened(f.stored, &m) {
			born := w.births[m.Version]
			born.validated = max(born.validated, f.begun)
			w.births[m.Version] = born
			return
		}
	}
	if w.r.IntN(10) == 0 {
		f.Abort(errors.New("origin failed"))
		return
	}
	body := w.body(key, f.begun)
	o := f.Start(&object.Meta{Account: key[:2], Status: 200, Size: int64(len(body)), Keys: keysOf(key), Freshness: fresh}, 0)
	w.births[o.Meta().Version] = birth{f.begun, f.begun}
	if err := write(f.Fill, body); err != nil {
		w.Fatal(err)
	}
	if err := f.Commit(nil, false); err != nil {
		w.Fatal(err)
	}
}

// purge purges something and checks that a neighbour stays.
func (w *purgeWorld) purge() {
	key, other := w.key(), w.key()
	p := pastPurge{step: w.step, soft: w.r.IntN(2) == 0}
	account, tag := key[:2], fmt.Sprint("t", w.r.IntN(5))
	cut := key[:len(key)-w.r.IntN(5)]
	switch n := w.r.IntN(40); {
	case n == 0:
		p.rule, p.hits = purge.Everything(), func(string, string) bool { return true }
	case n == 1:
		p.rule, p.hits = purge.Account(account), func(k, _ string) bool { return k[:2] == account }
	case n < 6:
		p.rule = purge.SurrogateKey(account, tag)
		p.hits = func(k, keys string) bool { return k[:2] == account && strings.Contains(keys, tag) }
	case n < 14:
		p.rule, p.hits = purge.Prefix(object.Key(cut)), func(k, _ string) bool { return strings.HasPrefix(k, cut) }
	default:
		p.rule, p.hits = purge.URL(object.Key(key)), func(k, _ string) bool { return k == key }
	}
	p.rule.Soft = p.soft
	before := w.lookup(other)
	if _, _, err := w.cache.Purge(0, []purge.Rule{p.rule}); err != nil {
		w.Fatal(err)
	}
	w.purges = append(w.purges, p)
	if before != nil && !p.hits(other, keysOf(other)) && w.lookup(other) == nil {
		w.Fatalf("step %d: %v took %q away", w.step, p.rule.Kind, other)
	}
	if len(w.purges) > 400 { // what is so old is purged or forgotten for good
		w.purges = append(w.purges[:0:0], w.purges[200:]...)
	}
}

// forget lets go of what is in memory, so that it is found on disk.
func (w *purgeWorld) forget(key string) {
	if o := w.lookup(key); o != nil && o.handedOver(-1) {
		w.cache.index.remove(o)
		o.mu.Lock()
		if o.quietLocked() {
			o.emptyLocked()
		}
		o.mu.Unlock()
	}
}

func (w *purgeWorld) run(steps int) {
	w.boot()
	for w.step = 1; w.step <= steps; w.step++ {
		switch n := w.r.IntN(1000); {
		case n < 3:
			w.kills++
			w.halt(n)
			w.boot()
		case n < 4:
			if err := w.disks.Sync(w.Context()); err != nil {
				w.Fatal(err)
			}
		case n < 40:
			w.purge()
		case n < 240:
			w.begin(w.key())
		case n < 430:
			w.finish()
		case n < 480:
			w.forget(w.key())
		default:
			w.look(w.key())
		}
	}
	w.halt(0)
}

// TestPurgeModel is random Lookup, Fill, Purge, crash and reopen against a list.
func TestPurgeModel(t *testing.T) {
	seeds, steps := 4, 30_000
	if raceEnabled || testing.Short() {
		seeds, steps = 2, 5000
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			w := &purgeWorld{T: t, r: rand.New(rand.NewPCG(uint64(seed), 3)), births: map[uint64]birth{}}
			w.fs = [2]*cachetest.MemFS{cachetest.NewMemFS(), cachetest.NewMemFS()}
			w.run(steps)
			t.Logf("%d hits, %d of them stale, %d misses, %d ends of the process", w.hits, w.stale, w.misses, w.kills)
			if w.hits < steps/20 || w.stale == 0 || w.kills == 0 {
				t.Error("too little happened: the test proves nothing")
			}
		})
	}
}
