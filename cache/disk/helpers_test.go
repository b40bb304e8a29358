package disk_test

import (
	"bytes"
	"context"
	"testing"

	"edged/cache/cachetest"
	"edged/cache/object"
)

// sync waits until everything queued is durable.
func sync(t *testing.T, c any) error {
	t.Helper()
	return c.(interface{ Sync(context.Context) error }).Sync(t.Context())
}

// put stores a whole object and waits for it.
func put(t *testing.T, c cache, key object.Key, version uint64, size int64) {
	t.Helper()
	offer(t, c, key, version, size)
	if err := sync(t, c); err != nil {
		t.Fatalf("Sync: %v", err)
	}
}

// offer puts a whole object without waiting.
func offer(t *testing.T, c cache, key object.Key, version uint64, size int64) {
	t.Helper()
	var bodies cachetest.Bodies
	m := cachetest.Meta(key, version, size)
	for stripe := range (object.Blocks(size) + object.StripeBlocks - 1) / object.StripeBlocks {
		if !c.Put(key, m, stripe, bodies.Stripe(key, version, size, stripe, 0)) {
			t.Fatalf("Put(%q, version %d, stripe %d) was refused", key, version, stripe)
		}
	}
}

// verdict is what a lookup of a key shows.
type verdict struct {
	version  uint64
	readable int   // blocks that could be read, all of them right
	err      error // of the last one that could not
}

// look reads everything that is stored under key. Wrong bytes fail the test.
func look(t *testing.T, c cache, key object.Key) (v verdict, ok bool) {
	t.Helper()
	e, ok := c.Lookup(key)
	if !ok {
		return v, false
	}
	v.version = e.Meta.Version
	for i := range object.Blocks(e.Meta.Size) {
		got := make([]byte, object.BlockLen(e.Meta.Size, i))
		if err := c.ReadBlock(e, i, got); err != nil {
			v.err = err
			continue
		}
		if !bytes.Equal(got, cachetest.Block(key, v.version, e.Meta.Size, i)) {
			t.Fatalf("WRONG BYTES: %q version %d block %d", key, v.version, i)
		}
		v.readable++
	}
	return v, true
}

// wantWhole fails unless the version is stored completely.
func wantWhole(t *testing.T, c cache, key object.Key, version uint64, size int64) {
	t.Helper()
	v, ok := look(t, c, key)
	if !ok || v.version != version || v.readable != object.Blocks(size) {
		t.Errorf("%q: found %v, %+v; want version %d with %d blocks", key, ok, v, version, object.Blocks(size))
	}
}

// wantMiss fails when key is found.
func wantMiss(t *testing.T, c cache, key object.Key) {
	t.Helper()
	if v, ok := look(t, c, key); ok {
		t.Errorf("%q: found %+v, want a miss", key, v)
	}
}
