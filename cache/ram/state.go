package ram

import "sync/atomic"

// state packs what changes about a block outside any lock.
//
//	bits 0-1  frequency, 0 to 3: raised by hits, lowered by the policy
//	bits 2-3  hits, 0 to 3: raised by hits
//	bit  4    claimed: Admit was called
//	bit  5    resident: the policy has it
//	bit  6    gone: the policy had it
//
// The frequency never exceeds the hits, so frequency 3 means both are saturated.
type state struct{ bits atomic.Uint32 }

const (
	frequencyOne  = 1 << 0
	frequencyMask = 3 << 0
	hitsOne       = 1 << 2
	hitsMask      = 3 << 2
	claimedBit    = 1 << 4
	residentBit   = 1 << 5
	goneBit       = 1 << 6
)

// touch raises frequency and hits. A hit that loses a race against another is
// dropped: the policy needs an order of magnitude, not a count.
func (s *state) touch() {
	old := s.bits.Load()
	if old&frequencyMask == frequencyMask {
		return
	}
	bits := old + frequencyOne
	if old&hitsMask != hitsMask {
		bits += hitsOne
	}
	s.bits.CompareAndSwap(old, bits)
}

func (s *state) hits() uint32      { return s.bits.Load() & hitsMask >> 2 }
func (s *state) frequency() uint32 { return s.bits.Load() & frequencyMask }
func (s *state) resident() bool    { return s.bits.Load()&residentBit != 0 }
func (s *state) claimed() bool     { return s.bits.Load()&claimedBit != 0 }
func (s *state) gone() bool        { return s.bits.Load()&goneBit != 0 }

// claim reports true to exactly one caller.
func (s *state) claim() bool { return s.bits.Or(claimedBit)&claimedBit == 0 }

// enter and leave mark the stay with the policy; the lock of the shard is held.
func (s *state) enter() { s.bits.Or(residentBit) }
func (s *state) leave() { s.bits.Add(goneBit - residentBit) }

// cool lowers the frequency by one, which must not be zero. Only the policy
// lowers it, under its lock, so it cannot have become zero meanwhile.
func (s *state) cool() { s.bits.Add(^uint32(0)) }

// chill sets the frequency to zero.
func (s *state) chill() { s.bits.And(^uint32(frequencyMask)) }
