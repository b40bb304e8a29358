package ram

import (
	"testing"

	"edged/cache/object"
)

// BenchmarkHit is what a RAM hit costs here, parallel on different blocks. It
// proves nothing about one hot block shared by many cores: see BenchmarkHot.
func BenchmarkHit(b *testing.B) {
	tier := newTier(b, Options{Size: 64 << 20})
	blocks := fillTier(b, tier, 64<<10)[1:]
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			hit(blocks[i%len(blocks)])
		}
	})
}

// BenchmarkHot has all goroutines hit one block.
func BenchmarkHot(b *testing.B) {
	tier := newTier(b, Options{Size: MinSize})
	hot := store(b, tier, 64<<10, 1, nil)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			hit(hot)
		}
	})
}

func hit(b *Block) {
	if b.Retain() {
		b.Touch()
		b.Release()
	}
}

// BenchmarkMiss is Alloc with its eviction, Admit and Release, without the fill.
func BenchmarkMiss(b *testing.B) {
	for _, bb := range []struct {
		name string
		size func(i uint64) int
	}{
		{"4KiB", func(uint64) int { return 4 << 10 }},
		{"1MiB", func(uint64) int { return object.BlockSize }},
		{"mixed", sizeOf},
	} {
		b.Run(bb.name, func(b *testing.B) {
			tier := newTier(b, Options{Size: 256 << 20})
			i := uint64(0)
			next := func() { store(b, tier, bb.size(i), i, nil); i++ }
			for tier.Stats().Evictions == 0 {
				next()
			}
			b.ReportAllocs()
			for b.Loop() {
				next()
			}
			s := tier.Stats()
			b.ReportMetric(float64(s.Evictions)/float64(i), "evictions/op")
			b.ReportMetric(float64(s.Resident)/float64(s.Size), "resident/size")
		})
	}
}

// BenchmarkMissParallel has all goroutines miss: one lock of the arena for all.
func BenchmarkMissParallel(b *testing.B) {
	tier := newTier(b, Options{Size: 256 << 20})
	fillTier(b, tier, 64<<10)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := uint64(0); pb.Next(); i++ {
			store(b, tier, 64<<10, i, nil)
		}
	})
}

// BenchmarkVictim is the policy alone, in the steady state of a zipf load.
func BenchmarkVictim(b *testing.B) {
	p := NewS3FIFO()
	for i := range uint64(100_000) {
		p.Admit(NewEntry(mix(i), 64<<10))
	}
	b.ReportAllocs()
	for i := uint64(100_000); b.Loop(); i++ {
		v := p.Victim()
		v.hash = mix(i)
		v.state.bits.Store(uint32(i) & frequencyMask)
		p.Admit(v)
	}
}
