package cache

import "sync"

// parking bounds what clients that do not take their bytes keep in memory.
//
// A reader whose client is not ready is parked: the kernel has copied what it
// took, so the pinned block is needed again only when the client moves. Within the
// bound it stays pinned, and a slow client goes on without looking anything up.
// Beyond it the reader that has been parked longest loses its pin. It notices when
// its client moves, and reads the block again from wherever that is by then: from
// memory if nobody needed the room, from disk, or from the origin. Thousands of
// stalled clients can therefore neither pin the tier nor starve those that move,
// which return to the end of the line with every step.
//
// A pin counts as a whole block, also when several readers share it: the bound is
// one of the worst case.
type parking struct {
	mu          sync.Mutex
	first, last *Reader // parked longest, parked last
	readers     int
	bytes       int64 // of their blocks
	max         int64 // bound on bytes
	taken       uint64
}

// place says, under the lock of the parking, where a reader stands.
type place uint8

const (
	moving place = iota
	waiting
	robbed // waiting until somebody else needed the room
)

// put parks r, which has a pin, and takes away the pins that are too many, r's own
// among them when it is larger than the bound.
func (p *parking) put(r *Reader) {
	p.mu.Lock()
	r.place, r.ahead, r.behind = waiting, p.last, nil
	if p.last == nil {
		p.first = r
	} else {
		p.last.behind = r
	}
	p.last = r
	p.readers++
	p.bytes += r.weight()
	for p.bytes > p.max {
		p.robLocked()
	}
	p.mu.Unlock()
}

// robLocked takes the pin of the reader that has been parked longest. The release
// may free the block, which takes the lock of the arena but calls nobody.
func (p *parking) robLocked() {
	r := p.first
	p.unlinkLocked(r)
	r.place = robbed
	r.pinned.block.Release()
	r.pinned = nil
	p.taken++
}

// leave ends the parking of r and reports whether it kept its pin.
func (p *parking) leave(r *Reader) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	was := r.place
	if was == waiting {
		p.unlinkLocked(r)
	}
	r.place = moving
	return was != robbed
}

func (p *parking) unlinkLocked(r *Reader) {
	if r.ahead == nil {
		p.first = r.behind
	} else {
		r.ahead.behind = r.behind
	}
	if r.behind == nil {
		p.last = r.ahead
	} else {
		r.behind.ahead = r.ahead
	}
	r.ahead, r.behind = nil, nil
	p.readers--
	p.bytes -= r.weight()
}

// ParkingStats are gauges of what stalled readers hold.
type ParkingStats struct {
	Readers int    // readers that wait for their clients with a block pinned
	Bytes   int64  // bytes of those blocks, a shared block counted for each reader
	Max     int64  // bound on Bytes
	Taken   uint64 // pins taken away because of the bound
}

func (p *parking) stats() ParkingStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return ParkingStats{Readers: p.readers, Bytes: p.bytes, Max: p.max, Taken: p.taken}
}
