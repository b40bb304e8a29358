package ram

// s3fifo is S3-FIFO (Yang et al., SOSP 2023), weighted by bytes. New blocks wait
// in a small queue; those that are hit there, or come back soon after they fell
// out of it, move to the main queue, which gives every hit one more turn. A hit
// only raises a counter, so nothing is locked or moved on the hit path.
//
// On synthetic video traces (live edge, zipf, one-hit wonders, sequential viewers)
// it beat LRU, W-TinyLFU and sampled LFU or drew with them: filters at admission
// turn away just the new blocks that a live edge is made of.
type s3fifo struct {
	small, main queue
	ghost       ghost
}

const (
	// smallShare is the part of all bytes the small queue is allowed: one in ten.
	smallShare = 10
	// promoteAt is the number of hits that moves a block from small to main. One
	// would gain a point of hit ratio if requests came singly. But a player asks for
	// several ranges of a block in a row, and followers of a fill hit it at once:
	// with every request doubled, two is better by 2 to 4 points.
	promoteAt = 2
)

// NewS3FIFO returns the policy that a [Tier] uses by default.
func NewS3FIFO() Policy {
	return &s3fifo{small: queue{id: 1}, main: queue{id: 2}, ghost: newGhost()}
}

func (p *s3fifo) Admit(b *Block) bool {
	known := p.ghost.take(b.hash, p.ghostWindow())
	if known {
		p.main.push(b)
	} else {
		p.small.push(b)
	}
	return known
}

func (p *s3fifo) Remove(b *Block) {
	if b.in == p.small.id {
		p.small.remove(b)
	} else {
		p.main.remove(b)
	}
}

func (p *s3fifo) Victim() *Block {
	if p.small.weight*smallShare >= p.weight() {
		if b := p.fromSmall(); b != nil {
			return b
		}
	}
	if b := p.fromMain(); b != nil {
		return b
	}
	if b := p.fromSmall(); b != nil {
		return b
	}
	return p.fromMain() // what fromSmall has just moved there
}

// fromSmall evicts the oldest block of small that was not hit often enough, and
// moves those that were to main.
func (p *s3fifo) fromSmall() *Block {
	for range min(p.small.len, maxPassedOver) {
		b := p.small.last
		switch {
		case b.state.frequency() >= promoteAt:
			b.state.chill()
			p.small.remove(b)
			p.main.push(b)
		case b.pinned():
			p.small.renew(b)
		default:
			p.small.remove(b)
			p.ghost.add(b.hash, b.pages, p.ghostWindow())
			return b
		}
	}
	return nil
}

// fromMain evicts the oldest block of main that was not hit since its last turn.
// When nearly all were, it takes a hot one rather than hold the lock for long.
func (p *s3fifo) fromMain() *Block {
	const turns = 4 // the highest frequency, and one more
	for passed := range min(turns*p.main.len, 2*maxPassedOver) {
		b := p.main.last
		hot := b.state.frequency() > 0
		if !b.pinned() && (!hot || passed >= maxPassedOver) {
			p.main.remove(b)
			return b
		}
		if hot {
			b.state.cool()
		}
		p.main.renew(b)
	}
	return nil
}

// weight returns the bytes of all blocks.
func (p *s3fifo) weight() int64 { return p.small.weight + p.main.weight }

// ghostWindow returns how many pages of evicted blocks are remembered: as many
// as main may hold.
func (p *s3fifo) ghostWindow() uint32 {
	return uint32(p.weight() / smallShare * (smallShare - 1) / pageSize)
}
