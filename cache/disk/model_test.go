package disk_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"edged/cache/cachetest"
	"edged/cache/disk"
	"edged/cache/object"
)

var modelSteps = flag.Int("model.steps", 300, "steps of each run of the model test; a nightly run takes 100000")

// model plays random operations, kills, power losses and damage to a tier and
// knows what may be found. Versions are numbered in the order of their puts, and
// their bytes follow from key and version, so that nothing else need be kept.
type model struct {
	*testing.T
	rng    *rand.Rand
	fs     *cachetest.MemFS
	opts   disk.Options
	tier   *disk.Tier
	bodies *cachetest.Bodies
	last   uint64                // version given to the last put
	sizes  map[uint64]int64      // of every version
	keyOf  map[uint64]object.Key // of every version
	floor  map[object.Key]uint64 // versions up to here were removed
	must   map[object.Key]uint64 // this version, or a later one, must be found
	queued map[object.Key]uint64 // version put since the last sync
	strict bool                  // nothing is ever evicted or damaged
}

func TestModel(t *testing.T) {
	for _, tt := range []struct {
		name   string
		size   int64
		strict bool
		seed   uint64
		key    byte // 0: not encrypted
	}{
		{"nothing is lost", 512 << 20, true, 1, 0},
		{"with eviction", 24 << 20, false, 2, 0},
		{"with eviction and damage", 24 << 20, false, 3, 0},
		{"encrypted, nothing is lost", 512 << 20, true, 4, 1},
		{"encrypted, with eviction and damage", 24 << 20, false, 5, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := &model{
				T: t, rng: rand.New(rand.NewPCG(tt.seed, 0)), fs: cachetest.NewMemFS(), strict: tt.strict,
				sizes: map[uint64]int64{}, keyOf: map[uint64]object.Key{}, floor: map[object.Key]uint64{},
				must: map[object.Key]uint64{}, queued: map[object.Key]uint64{}, bodies: &cachetest.Bodies{},
			}
			m.opts = disk.Options{
				Path: "/d", Size: tt.size, ExtentSize: 4 << 20, SyncInterval: time.Hour, ReadTimeout: time.Minute,
			}
			if tt.key != 0 {
				m.opts = encrypted(m.opts, tt.key)
			}
			m.start()
			for range *modelSteps {
				m.step(strings.HasSuffix(tt.name, "damage"))
			}
			m.checkAll()
			m.close()
		})
	}
}

func (m *model) start() {
	m.Helper()
	m.opts.FS = m.fs
	d, err := disk.Open(m.opts)
	if err != nil {
		m.Fatalf("Open: %v", err)
	}
	m.tier = d
}

func (m *model) close() {
	m.Helper()
	if err := m.tier.Close(); err != nil {
		m.Fatalf("Close: %v", err)
	}
	if n := m.bodies.Outstanding(); n != 0 {
		m.Fatalf("%d blocks were never released", n)
	}
}

func (m *model) key() object.Key { return object.Key(fmt.Sprintf("acme\x00s\x00/%d", m.rng.IntN(30))) }

func (m *model) step(damage bool) {
	switch n := m.rng.IntN(1000); {
	case n < 500:
		m.put(m.key())
	case n < 560:
		m.tier.Remove(m.remove(m.key()))
	case n < 600:
		m.freshen(m.key())
	case n < 900:
		m.check(m.key())
	case n < 950:
		m.sync()
	case n < 965:
		if err := m.tier.SaveSnapshot(); err != nil {
			m.Fatalf("snapshot: %v", err)
		}
	case n < 970:
		m.reopen()
	case n < 980:
		m.kill(damage)
	case n < 990:
		m.killInside()
	default:
		m.crash()
	}
}

// put offers some stripe of a new version, mostly all of a small one.
func (m *model) put(key object.Key) {
	m.last++
	v := m.last
	size := []int64{1, 900, 5000, 66 << 10, 300 << 10, object.BlockSize + 7}[m.rng.IntN(6)]
	m.sizes[v], m.keyOf[v] = size, key
	if m.tier.Put(key, cachetest.Meta(key, v, size), 0, m.bodies.Stripe(key, v, size, 0, 0)) {
		m.queued[key] = v
	}
}

// remove notes that key is removed by what its caller does next.
func (m *model) remove(key object.Key) object.Key {
	m.floor[key] = m.last
	delete(m.must, key)
	delete(m.queued, key)
	return key
}

// freshen puts the metadata of the version that is stored.
func (m *model) freshen(key object.Key) {
	if e, ok := m.tier.Lookup(key); ok {
		m.tier.PutMeta(key, e.Meta)
	}
}

func (m *model) sync() {
	m.Helper()
	if err := sync(m.T, m.tier); err != nil {
		m.Fatalf("Sync: %v", err)
	}
	m.settle()
}

// settle notes that everything queued is stored for good.
func (m *model) settle() {
	for key, v := range m.queued {
		m.must[key] = v
	}
	clear(m.queued)
}

// check looks a key up and judges what is found.
func (m *model) check(key object.Key) {
	m.Helper()
	v, ok := look(m.T, m.tier, key)
	switch {
	case !ok:
		if m.strict && m.must[key] != 0 {
			m.Fatalf("%q: lost, version %d was durable", key, m.must[key])
		}
	case m.keyOf[v.version] != key:
		m.Fatalf("%q: found version %d, which is of %q", key, v.version, m.keyOf[v.version])
	case v.version <= m.floor[key]:
		m.Fatalf("%q: version %d came back, removed up to %d", key, v.version, m.floor[key])
	case m.strict && v.version < m.must[key]:
		m.Fatalf("%q: found version %d, %d was durable", key, v.version, m.must[key])
	case m.queued[key] != 0: // may be replaced while it is read
	case m.strict && v.readable != object.Blocks(m.sizes[v.version]):
		m.Fatalf("%q: version %d has %d readable blocks: %v", key, v.version, v.readable, v.err)
	}
}

func (m *model) checkAll() {
	m.Helper()
	for i := range 30 {
		m.check(object.Key(fmt.Sprintf("acme\x00s\x00/%d", i)))
	}
}

// restart goes on with another state of the disk.
func (m *model) restart(image *cachetest.MemFS) {
	m.Helper()
	m.close()
	clear(m.queued)
	m.fs = image
	m.start()
	m.checkAll()
}

func (m *model) reopen() {
	m.Helper()
	m.close()
	m.settle()
	m.start()
	if r := m.tier.Stats().Recovery; !r.Clean || !r.Snapshot {
		m.Fatalf("recovery after a proper close: %+v", r)
	}
	m.checkAll()
}

// kill restarts from what a kill leaves, perhaps damaged.
func (m *model) kill(damage bool) {
	m.Helper()
	image := m.fs.Kill()
	if damage {
		image.Corrupt(m.rng, func(name string) bool {
			extent, snapshot, _ := disk.Ours(name)
			return extent || snapshot
		})
	}
	m.restart(image)
}

// killInside kills in the middle of some write of the next operations.
func (m *model) killInside() {
	m.Helper()
	m.fs.ArmKill(1 + m.rng.IntN(30))
	for range 200 {
		before := m.floor
		m.floor = clone(before)
		key := m.key()
		switch m.rng.IntN(4) {
		case 0:
			m.tier.Remove(m.remove(key))
		case 1:
			m.sync2()
		default:
			m.put(key)
		}
		if image := m.fs.Killed(); image != nil {
			m.floor = before // what was under way may or may not have happened
			m.restart(image)
			return
		}
	}
	m.crash()
}

// sync2 is sync for a disk that may be killed meanwhile: nothing is certain.
func (m *model) sync2() {
	m.Helper()
	if err := sync(m.T, m.tier); err != nil {
		m.Fatalf("Sync: %v", err)
	}
	clear(m.queued)
}

func clone(m map[object.Key]uint64) map[object.Key]uint64 {
	c := make(map[object.Key]uint64, len(m))
	for k, v := range m {
		c[k] = v
	}
	return c
}

// crash restarts from what a power loss leaves.
func (m *model) crash() {
	m.Helper()
	m.restart(m.fs.Crash(m.rng))
}
