package ram

import (
	"testing"

	"edged/internal/edgetest"
)

func TestMain(m *testing.M) { edgetest.Main(m) }

// newTier returns a tier that is closed, with nothing pinned, at the end.
func newTier(t testing.TB, o Options) *Tier {
	t.Helper()
	tier, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tier.Close(); err != nil {
			t.Error(err)
		}
	})
	return tier
}

// alloc fails the test when there is no memory.
func alloc(t testing.TB, tier *Tier, n int) *Block {
	t.Helper()
	b, ok := tier.Alloc(n)
	if !ok {
		t.Fatalf("no memory for %d bytes: %+v", n, tier.Stats())
	}
	return b
}

// store allocates, admits and lets go of a block.
func store(t testing.TB, tier *Tier, n int, hash uint64, o Owner) *Block {
	t.Helper()
	b := alloc(t, tier, n)
	tier.Admit(b, hash, 0, o)
	b.Release()
	return b
}

// ownerFunc makes an Owner of a function.
type ownerFunc func(b *Block)

func (f ownerFunc) Evicted(b *Block) { f(b) }

// fillTier admits blocks of n bytes until one is evicted, and returns them all.
func fillTier(t testing.TB, tier *Tier, n int) []*Block {
	t.Helper()
	var blocks []*Block
	for before := tier.Stats().Evictions; tier.Stats().Evictions == before; {
		blocks = append(blocks, store(t, tier, n, uint64(len(blocks)), nil))
	}
	return blocks
}
