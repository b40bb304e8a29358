package disk_test

import (
	"testing"
	"time"

	"edged/cache/cachetest"
	"edged/cache/disk"
	"edged/cache/object"
	"edged/internal/edgetest"
)

func TestMain(m *testing.M) {
	if runChild() {
		return
	}
	edgetest.Main(m)
}

// options returns the options of a small disk over fs.
func options(fs disk.FS, path string) disk.Options {
	return disk.Options{
		Path: path, Size: 128 << 20, ExtentSize: 12 << 20, FS: fs,
		SyncInterval: time.Hour, ReadTimeout: 5 * time.Second,
	}
}

// open opens a tier that is closed at the end of the test.
func open(t *testing.T, o disk.Options) *disk.Tier {
	t.Helper()
	d, err := disk.Open(o)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { _ = d.Close() }) // some tests break the disk on purpose
	return d
}

// settled fits a tier or a set to the conformance suite.
type settled struct {
	t *testing.T
	cache
}

// cache is what Tier and Set have in common.
type cache interface {
	Lookup(key object.Key) (*disk.Entry, bool)
	ReadBlock(e *disk.Entry, block int, dst []byte) error
	Has(e *disk.Entry, block int) bool
	Put(key object.Key, m *object.Meta, stripe int, blocks []disk.Body) bool
	PutMeta(key object.Key, m *object.Meta) bool
	Remove(key object.Key)
	Close() error
}

func (s settled) Get(key object.Key) (*object.Meta, func(int, []byte) error, bool) {
	e, ok := s.Lookup(key)
	if !ok {
		return nil, nil, false
	}
	return e.Meta, func(i int, dst []byte) error {
		err := s.ReadBlock(e, i, dst)
		return err
	}, true
}

func (s settled) Settle() {
	s.t.Helper()
	if err := sync(s.t, s.cache); err != nil {
		s.t.Errorf("Sync: %v", err)
	}
}

func TestTierConformance(t *testing.T) {
	cold := cachetest.NewMemFS()
	cold.SetCold(true)
	for _, tt := range []struct {
		name string
		fs   func() disk.FS
		key  byte // 0: not encrypted
	}{
		{"file system", func() disk.FS { return nil }, 0},
		{"memory", func() disk.FS { return cachetest.NewMemFS() }, 0},
		{"cold", func() disk.FS { return cold }, 0},
		{"encrypted", func() disk.FS { return nil }, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cachetest.Run(t, subject(tt.fs, tt.key))
		})
	}
}

func subject(fs func() disk.FS, key byte) cachetest.Subject {
	var o disk.Options
	return cachetest.Subject{
		Open: func(t *testing.T) cachetest.Store {
			if o = options(fs(), t.TempDir()); key != 0 {
				o = encrypted(o, key)
			}
			return settled{t, open(t, o)}
		},
		Reopen: func(t *testing.T, s cachetest.Store) cachetest.Store {
			if err := s.(settled).Close(); err != nil {
				t.Fatalf("Close: %v", err)
			}
			d := open(t, o)
			if r := d.Stats().Recovery; !r.Clean || r.Scanned > 0 {
				t.Errorf("recovery after a proper close: %+v", r)
			}
			return settled{t, d}
		},
	}
}

func TestSetConformance(t *testing.T) {
	openSet := func(t *testing.T, paths []string) *disk.Set {
		var tiers []*disk.Tier
		for i, path := range paths {
			o := options(nil, path)
			o.Size += int64(i) * o.Size
			tiers = append(tiers, open(t, o))
		}
		return disk.NewSet(tiers)
	}
	var paths []string
	cachetest.Run(t, cachetest.Subject{
		Open: func(t *testing.T) cachetest.Store {
			paths = []string{t.TempDir(), t.TempDir(), t.TempDir()}
			return settled{t, openSet(t, paths)}
		},
		Reopen: func(t *testing.T, s cachetest.Store) cachetest.Store {
			if err := s.(settled).Close(); err != nil {
				t.Fatalf("Close: %v", err)
			}
			return settled{t, openSet(t, paths)}
		},
	})
}
