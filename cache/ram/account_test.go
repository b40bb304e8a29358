package ram

import (
	"math/rand/v2"
	"testing"

	"edged/cache/object"
)

// churn admits blocks of all sizes for an account until they weigh bytes. It calls
// look after each, unless that is nil.
func churn(t *testing.T, tier *Tier, r *rand.Rand, a Account, bytes int64, look func()) {
	t.Helper()
	for bytes > 0 {
		b := alloc(t, tier, 1+r.IntN(1<<(12+r.IntN(9))))
		tier.Admit(b, r.Uint64(), a, nil)
		bytes -= int64(b.Weight())
		if r.IntN(4) == 0 {
			b.Touch()
			b.Touch()
		}
		b.Release()
		if look != nil {
			look()
		}
	}
}

// TestFloors lets one account churn many times the tier through it and looks what
// the other ones keep.
func TestFloors(t *testing.T) {
	const size, slack = 64 << 20, slabSize
	times := int64(20)
	if poisoned {
		times = 4
	}
	tests := []struct {
		name   string
		floor  int64 // of account 1
		stored int64 // by account 1 before
		other  int64 // floor of account 2, which churns
		least  int64 // what account 1 keeps at any time
		most   int64 // at the end
	}{
		{"at its floor", 16 << 20, 16 << 20, 0, 15 << 20, 17 << 20},
		{"above its floor", 16 << 20, 48 << 20, 0, 16<<20 - slack, 24 << 20},
		{"far below its floor", 32 << 20, 4 << 20, 0, 4 << 20, 5 << 20},
		{"both have one", 16 << 20, 40 << 20, 16 << 20, 16<<20 - slack, 24 << 20},
		{"none", 0, 16 << 20, 0, 0, 4 << 20},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tier, r := newTier(t, Options{Size: size, Shards: 4}), rand.New(rand.NewPCG(1, 2))
			tier.SetFloor(1, tt.floor)
			tier.SetFloor(2, tt.other)
			churn(t, tier, r, 1, tt.stored, nil)
			least := tier.Account(1).Resident
			churn(t, tier, r, 2, times*size, func() { least = min(least, tier.Account(1).Resident) })
			kept, s := tier.Account(1), tier.Stats()
			t.Logf("keeps %d MiB, %d at least; the other %d MiB; %d broken", kept.Resident>>20, least>>20, tier.Account(2).Resident>>20, s.FloorsBroken)
			if least < tt.least || kept.Resident > tt.most || kept.Floor != tt.floor {
				t.Errorf("%+v, at least %d at any time; want %d at least, %d at most in the end", kept, least, tt.least, tt.most)
			}
			if s.FloorsBroken != 0 || s.AllocFailures != 0 {
				t.Errorf("%d floors broken, %d failures", s.FloorsBroken, s.AllocFailures)
			}
			if n := kept.Resident + tier.Account(2).Resident; n != s.Resident || n < size*8/10 {
				t.Errorf("the accounts have %d bytes, the tier %d of %d", n, s.Resident, size)
			}
		})
	}
}

// TestFloorKeepsNoStaleBlocks: an account whose memory is all floor goes on
// replacing its own old blocks by new ones.
func TestFloorKeepsNoStaleBlocks(t *testing.T) {
	const size = 64 << 20
	tier, r := newTier(t, Options{Size: size, Shards: 1}), rand.New(rand.NewPCG(3, 4))
	tier.SetFloor(1, 20<<20)
	tier.SetFloor(2, 12<<20)
	oldest := alloc(t, tier, object.BlockSize)
	tier.Admit(oldest, 2, 1, nil)
	oldest.Release()
	churn(t, tier, r, 2, size, nil)
	churn(t, tier, r, 1, 8*size, nil)
	if oldest.Retain() {
		oldest.Release()
		t.Error("a block of eight turns ago is still there")
	}
	if n := tier.Account(2).Resident; n < 11<<20 {
		t.Errorf("the idle account has %d bytes left of 12 MiB", n)
	}
	if n := tier.Account(1).Resident; n < 19<<20 {
		t.Errorf("the busy account has %d bytes of 20 MiB", n)
	}
}

// TestFloorsBreakBeforeAllocFails: floors of more than there is do not stop fills.
func TestFloorsBreakBeforeAllocFails(t *testing.T) {
	tier, r := newTier(t, Options{Size: MinSize, Shards: 2}), rand.New(rand.NewPCG(5, 6))
	tier.SetFloor(1, MinSize)
	tier.SetFloor(2, MinSize)
	churn(t, tier, r, 1, MinSize, nil)
	churn(t, tier, r, 2, 2*MinSize, nil) // fails the test when there is no memory
	s := tier.Stats()
	if s.FloorsBroken == 0 || s.AllocFailures != 0 {
		t.Errorf("%d floors broken, %d failures; want some, and none", s.FloorsBroken, s.AllocFailures)
	}
	if s.FloorsBroken > s.Evictions {
		t.Errorf("%d floors broken by %d evictions", s.FloorsBroken, s.Evictions)
	}
}

// TestFloorIsLowered: what a floor kept is evictable when it goes.
func TestFloorIsLowered(t *testing.T) {
	const size = 32 << 20
	tier, r := newTier(t, Options{Size: size, Shards: 2}), rand.New(rand.NewPCG(7, 8))
	tier.SetFloor(1, 16<<20)
	churn(t, tier, r, 1, size, nil)
	churn(t, tier, r, 2, 2*size, nil)
	if n := tier.Account(1).Resident; n < 14<<20 {
		t.Fatalf("%d bytes are left of 16 MiB", n)
	}
	tier.SetFloor(1, 0)
	churn(t, tier, r, 2, 4*size, nil)
	if n := tier.Account(1).Resident; n > 2<<20 {
		t.Errorf("%d bytes are left of an idle account without a floor", n)
	}
}

// BenchmarkVictimBesideFloors evicts beside an idle account that keeps half of the
// blocks.
func BenchmarkVictimBesideFloors(b *testing.B) {
	tier := newTier(b, Options{Size: 256 << 20, Shards: 1})
	tier.SetFloor(1, 128<<20)
	for i := range uint64(128 << 20 / pageSize) {
		block := alloc(b, tier, pageSize)
		tier.Admit(block, i, 1, nil)
		block.Release()
	}
	i := uint64(1 << 40)
	for b.Loop() {
		i++
		store(b, tier, pageSize, i, nil)
	}
}
