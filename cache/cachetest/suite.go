package cachetest

import (
	"bytes"
	"fmt"
	"sync"
	"testing"

	"edged/cache/disk"
	"edged/cache/object"
)

// Store is what the suite needs of a tier. *disk.Tier and *disk.Set fit but for
// Settle; other tiers are adapted by their tests.
type Store interface {
	// Put offers one stripe of an object; it takes over the blocks.
	Put(key object.Key, m *object.Meta, stripe int, blocks []disk.Body) bool
	// PutMeta offers freshened metadata.
	PutMeta(key object.Key, m *object.Meta) bool
	// Get finds an object and returns how to read its blocks.
	Get(key object.Key) (m *object.Meta, read func(block int, dst []byte) error, ok bool)
	// Remove forgets a key, at once.
	Remove(key object.Key)
	// Settle waits until what was offered can be found.
	Settle()
}

// Subject is a tier under test.
type Subject struct {
	// Open returns an empty store; it registers its own cleanup.
	Open func(t *testing.T) Store
	// Reopen closes a store properly and opens it again; nil for a tier that
	// forgets.
	Reopen func(t *testing.T, s Store) Store
}

// Run is the conformance suite: what callers of a tier rely on.
func Run(t *testing.T, subject Subject) {
	tests := []struct {
		name string
		run  func(*suite)
	}{
		{"absent key is a miss", (*suite).absent},
		{"whole object", (*suite).whole},
		{"object of several stripes", (*suite).stripes},
		{"some blocks only", (*suite).partial},
		{"blocks that come later", (*suite).completed},
		{"no body", (*suite).bodyless},
		{"another version replaces", (*suite).replaced},
		{"versions never mix", (*suite).unmixed},
		{"freshened metadata", (*suite).freshened},
		{"freshened metadata of a version that is gone", (*suite).freshenedTooLate},
		{"size not known yet", (*suite).sizeless},
		{"remove", (*suite).removed},
		{"remove before it is written", (*suite).removedAtOnce},
		{"put after remove", (*suite).putAgain},
		{"wrong block length is refused", (*suite).misfit},
		{"what was got may be changed", (*suite).aliasing},
		{"many goroutines", (*suite).parallel},
		{"close and open again", (*suite).reopened},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &suite{T: t, subject: subject}
			s.store = subject.Open(t)
			tt.run(s)
			s.store.Settle()
			if n := s.bodies.Outstanding(); n != 0 {
				t.Errorf("%d blocks were never released", n)
			}
		})
	}
}

type suite struct {
	*testing.T
	subject Subject
	store   Store
	bodies  Bodies
}

// Meta returns the metadata that tests give to a version of a key.
func Meta(key object.Key, version uint64, size int64) *object.Meta {
	return &object.Meta{
		Key: key, Account: "acme", Status: 200, Size: size, Version: version, Seq: version,
		Header:    object.Header{{Name: "Content-Type", Value: "video/mp4"}, {Name: "ETag", Value: fmt.Sprintf("%q", fmt.Sprint(version))}},
		Freshness: object.Freshness{Received: 1, Lifetime: 60e9},
	}
}

// put stores a whole object.
func (s *suite) put(key object.Key, version uint64, size int64) {
	s.Helper()
	m := Meta(key, version, size)
	for stripe := range (object.Blocks(size) + object.StripeBlocks - 1) / object.StripeBlocks {
		if !s.store.Put(key, m, stripe, s.bodies.Stripe(key, version, size, stripe, 0)) {
			s.Fatalf("Put(%q, version %d, stripe %d) was refused", key, version, stripe)
		}
	}
}

// wantMiss fails when key is found.
func (s *suite) wantMiss(key object.Key) {
	s.Helper()
	if m, _, ok := s.store.Get(key); ok {
		s.Errorf("Get(%q) found version %d, want a miss", key, m.Version)
	}
}

// get returns what is stored under key; it must be of the given version.
func (s *suite) get(key object.Key, version uint64) (*object.Meta, func(int, []byte) error) {
	s.Helper()
	m, read, ok := s.store.Get(key)
	if !ok {
		s.Fatalf("Get(%q) missed, want version %d", key, version)
	}
	if m.Version != version || m.Key != key {
		s.Fatalf("Get(%q) found %q version %d, want version %d", key, m.Key, m.Version, version)
	}
	return m, read
}

// wantBlock fails unless a block can be read and is right.
func (s *suite) wantBlock(read func(int, []byte) error, m *object.Meta, block int) {
	s.Helper()
	got := make([]byte, object.BlockLen(m.Size, block))
	if err := read(block, got); err != nil {
		s.Errorf("block %d of %q: %v", block, m.Key, err)
	} else if !bytes.Equal(got, Block(m.Key, m.Version, m.Size, block)) {
		s.Errorf("block %d of %q has wrong bytes", block, m.Key)
	}
}

// wantWhole fails unless every block of the version is there.
func (s *suite) wantWhole(key object.Key, version uint64, size int64) {
	s.Helper()
	m, read := s.get(key, version)
	if m.Size != size || m.Account != "acme" || m.Header.Get("content-type") != "video/mp4" {
		s.Errorf("Get(%q) = %+v, want size %d", key, m, size)
	}
	for i := range object.Blocks(size) {
		s.wantBlock(read, m, i)
	}
}

// wantNoBlock fails when a block can be read.
func (s *suite) wantNoBlock(read func(int, []byte) error, size int64, block int) {
	s.Helper()
	if err := read(block, make([]byte, object.BlockLen(size, block))); err == nil {
		s.Errorf("block %d could be read, want an error", block)
	}
}

func (s *suite) absent() {
	s.wantMiss("acme\x00s\x00/a")
	s.put("acme\x00s\x00/b", 1, 100)
	s.store.Settle()
	s.wantMiss("acme\x00s\x00/a")
	s.wantMiss("")
}

func (s *suite) whole() {
	for i, size := range []int64{1, 511, 4096, 64<<10 - 1, 64 << 10, 64<<10 + 1, object.BlockSize, object.BlockSize + 1, 3*object.BlockSize - 7} {
		key := object.Key(fmt.Sprintf("acme\x00s\x00/%d", size))
		s.put(key, uint64(i+1), size)
		s.store.Settle()
		s.wantWhole(key, uint64(i+1), size)
	}
}

func (s *suite) stripes() {
	const size = 2*object.StripeSize + 3*object.BlockSize + 5
	s.put("k", 7, size)
	s.store.Settle()
	s.wantWhole("k", 7, size)
}

func (s *suite) partial() {
	const size = object.StripeSize + object.BlockSize + 9
	s.store.Put("k", Meta("k", 3, size), 1, s.bodies.Stripe("k", 3, size, 1, 0b01))
	s.store.Settle()
	m, read := s.get("k", 3)
	s.wantBlock(read, m, 9)
	for _, i := range []int{0, 7, 8} {
		s.wantNoBlock(read, size, i)
	}
}

func (s *suite) completed() {
	const size = 4*object.BlockSize + 1
	m := Meta("k", 3, size)
	s.store.Put("k", m, 0, s.bodies.Stripe("k", 3, size, 0, 0b10110))
	s.store.Settle()
	s.store.Put("k", m, 0, s.bodies.Stripe("k", 3, size, 0, 0b01001))
	s.store.Settle()
	s.wantWhole("k", 3, size)
}

func (s *suite) bodyless() {
	m := Meta("k", 3, 0)
	m.Status = 404
	s.store.Put("k", m, 0, nil)
	s.store.Settle()
	if got, _ := s.get("k", 3); got.Status != 404 || got.Size != 0 {
		s.Errorf("got status %d size %d, want 404 and 0", got.Status, got.Size)
	}
}

func (s *suite) replaced() {
	s.put("k", 1, object.StripeSize+10)
	s.store.Settle()
	s.put("k", 2, 1000)
	s.store.Settle()
	s.wantWhole("k", 2, 1000)
}

func (s *suite) unmixed() {
	const size = 2 * object.BlockSize
	s.put("k", 1, size)
	s.store.Settle()
	_, old := s.get("k", 1)
	s.store.Put("k", Meta("k", 2, size), 0, s.bodies.Stripe("k", 2, size, 0, 0b10))
	s.store.Settle()
	m, read := s.get("k", 2)
	s.wantBlock(read, m, 0)
	s.wantNoBlock(read, size, 1)
	got := make([]byte, object.BlockSize)
	if err := old(0, got); err == nil && !bytes.Equal(got, Block("k", 1, size, 0)) {
		s.Error("a reader of version 1 got bytes of version 2")
	}
}

func (s *suite) freshened() {
	s.put("k", 5, 3000)
	s.store.Settle()
	m := Meta("k", 5, 3000)
	m.Freshness.Received = 99
	if !s.store.PutMeta("k", m) {
		s.Fatal("PutMeta was refused")
	}
	s.store.Settle()
	if got, _ := s.get("k", 5); got.Freshness.Received != 99 {
		s.Errorf("Received = %d, want 99", got.Freshness.Received)
	}
	s.wantWhole("k", 5, 3000)
}

func (s *suite) freshenedTooLate() {
	s.put("k", 5, 3000)
	s.store.Settle()
	s.store.PutMeta("k", Meta("k", 4, 3000))
	s.store.PutMeta("gone", Meta("gone", 4, 3000))
	s.store.Settle()
	s.wantWhole("k", 5, 3000)
	s.wantMiss("gone")
}

func (s *suite) sizeless() {
	const size = object.StripeSize + 77
	first := s.bodies.Stripe("k", 5, size, 0, 0)
	s.store.Put("k", Meta("k", 5, -1), 0, first)
	s.store.Settle()
	s.wantMiss("k")
	s.store.Put("k", Meta("k", 5, size), 1, s.bodies.Stripe("k", 5, size, 1, 0))
	s.store.Settle()
	s.wantWhole("k", 5, size)
}

func (s *suite) removed() {
	s.put("k", 5, object.StripeSize+1)
	s.put("other", 6, 10)
	s.store.Settle()
	_, read := s.get("k", 5)
	s.store.Remove("k")
	s.store.Remove("never stored")
	s.wantMiss("k")
	s.wantNoBlock(read, object.StripeSize+1, 8)
	s.wantWhole("other", 6, 10)
}

func (s *suite) removedAtOnce() {
	for i := range 20 {
		key := object.Key(fmt.Sprint("k", i))
		s.put(key, 5, 100<<10)
		s.store.Remove(key)
		s.wantMiss(key)
	}
	s.store.Settle()
	for i := range 20 {
		s.wantMiss(object.Key(fmt.Sprint("k", i)))
	}
}

func (s *suite) putAgain() {
	for version := uint64(1); version < 5; version++ {
		s.put("k", version, 5000)
		s.store.Remove("k")
		s.put("k", version, 6000)
		s.store.Settle()
		s.wantWhole("k", version, 6000)
		s.store.Remove("k")
	}
}

func (s *suite) misfit() {
	m := Meta("k", 1, 1000)
	for _, n := range []int{0, 999, 1001, object.BlockSize} {
		if s.store.Put("k", m, 0, []disk.Body{s.bodies.Body(make([]byte, n))}) {
			s.Errorf("Put took a block of %d bytes for a body of 1000", n)
		}
	}
	if s.store.Put("k", m, 1, []disk.Body{s.bodies.Body(make([]byte, 1000))}) {
		s.Error("Put took a block behind the end of the body")
	}
	s.store.Settle()
	s.wantMiss("k")
}

func (s *suite) aliasing() {
	s.put("k", 1, 5000)
	s.store.Settle()
	m, read := s.get("k", 1)
	got := make([]byte, 5000)
	if err := read(0, got); err != nil {
		s.Fatal(err)
	}
	clear(got)
	m.Header[0].Value = "changed"
	s.wantWhole("k", 1, 5000)
}

func (s *suite) parallel() {
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 40 {
				s.mix(g, i)
			}
		})
	}
	wg.Wait()
}

// mix does a few things to keys that all goroutines share; any version of a key
// may be found, but only with its own bytes.
func (s *suite) mix(g, i int) {
	key := object.Key(fmt.Sprint("k", (g+i)%5))
	version := uint64(1 + g*1000 + i)
	const size = 70 << 10
	switch i % 4 {
	case 0, 1:
		s.store.Put(key, Meta(key, version, size), 0, s.bodies.Stripe(key, version, size, 0, 0))
	case 2:
		if m, read, ok := s.store.Get(key); ok {
			got := make([]byte, size)
			if read(0, got) == nil && !bytes.Equal(got, Block(key, m.Version, size, 0)) {
				s.Errorf("wrong bytes for %q version %d", key, m.Version)
			}
		}
	default:
		if g == 0 {
			s.store.Remove(key)
		}
	}
}

func (s *suite) reopened() {
	if s.subject.Reopen == nil {
		s.Skip("this tier forgets")
	}
	s.put("a", 1, object.StripeSize+5)
	s.put("b", 2, 300)
	s.put("c", 3, 300)
	s.store.Settle()
	s.store.Remove("b")
	s.store = s.subject.Reopen(s.T, s.store)
	s.wantWhole("a", 1, object.StripeSize+5)
	s.wantMiss("b")
	s.wantWhole("c", 3, 300)
}
