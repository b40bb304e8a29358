package ram

// s3fifo is S3-FIFO (Yang et al., SOSP 2023), weighted by bytes. New blocks wait
// in a small queue; those that are hit there, or come back soon after they fell
// out of it, move to the main queue, which gives every hit one more turn. A hit
// only raises a counter, so nothing is locked or moved on the hit path.
//
// On synthetic video traces (live edge, zipf, one-hit wonders, sequential viewers)
// it beat LRU, W-TinyLFU and sampled LFU or drew with them: filters at admission
// turn away just the new blocks that a live edge is made of.
//
// Blocks that are due but belong to an account at its floor go to a third queue,
// out of the way: they would be met again with every turn. A few of them are looked
// at for each victim, and return to main when their account has grown.
type s3fifo struct {
	options           S3FIFO
	small, main, kept queue
	ghost             ghost
}

// S3FIFO are the parameters of the policy. Those of the daemon are
// [DefaultS3FIFO]; the replay tool tries others.
type S3FIFO struct {
	// Small is the share of all bytes that the small queue is allowed.
	Small float64
	// Ghost is how much is remembered of what was evicted, in bytes, as a share of
	// all bytes.
	Ghost float64
	// PromoteAt is the number of hits, at most 3, that moves a block from small to
	// main. One would gain a point of hit ratio if requests came singly. But a player
	// asks for several ranges of a block in a row, and followers of a fill hit it at
	// once: with every request doubled, two is better by 2 to 4 points.
	PromoteAt uint32
}

// DefaultS3FIFO returns the parameters of the paper, but for PromoteAt.
func DefaultS3FIFO() S3FIFO { return S3FIFO{Small: 0.1, Ghost: 0.9, PromoteAt: 2} }

// New returns a policy with these parameters.
func (o S3FIFO) New() Policy {
	return &s3fifo{
		options: o,
		small:   queue{id: 1}, main: queue{id: 2}, kept: queue{id: 3},
		ghost: newGhost(),
	}
}

// NewS3FIFO returns the policy that a [Tier] uses by default.
func NewS3FIFO() Policy {
	return DefaultS3FIFO().New()
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
	switch b.in {
	case p.small.id:
		p.small.remove(b)
	case p.main.id:
		p.main.remove(b)
	default:
		p.kept.remove(b)
	}
}

func (p *s3fifo) Victim() *Block {
	p.reviewKept(keptReview)
	if float64(p.small.weight) >= p.options.Small*float64(p.weight()) {
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
	if b := p.fromMain(); b != nil { // what fromSmall has just moved there
		return b
	}
	p.reviewKept(maxPassedOver)
	return p.fromMain()
}

// keptReview is how many kept blocks are looked at for each victim.
const keptReview = 4

// reviewKept moves those of the n oldest kept blocks to main whose account is above
// its floor again.
func (p *s3fifo) reviewKept(n int) {
	for range min(p.kept.len, n) {
		b := p.kept.last
		p.kept.remove(b)
		if b.protected() {
			p.kept.push(b)
		} else {
			p.main.push(b)
		}
	}
}

// fromSmall evicts the oldest block of small that was not hit often enough, and
// moves those that were to main.
func (p *s3fifo) fromSmall() *Block {
	for range min(p.small.len, maxPassedOver) {
		b := p.small.last
		switch {
		case b.state.frequency() >= p.options.PromoteAt:
			b.state.chill()
			p.small.remove(b)
			p.main.push(b)
		case b.pinned():
			p.small.renew(b)
		case b.protected():
			p.small.remove(b)
			p.kept.push(b)
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
		if b == nil {
			return nil
		}
		hot := b.state.frequency() > 0
		if !b.pinned() && (!hot || passed >= maxPassedOver) {
			p.main.remove(b)
			if !b.protected() {
				return b
			}
			p.kept.push(b)
			continue
		}
		if hot {
			b.state.cool()
		}
		p.main.renew(b)
	}
	return nil
}

// weight returns the bytes of all blocks that may have to go.
func (p *s3fifo) weight() int64 { return p.small.weight + p.main.weight }

// ghostWindow returns how many pages of evicted blocks are remembered.
func (p *s3fifo) ghostWindow() uint32 {
	return uint32(p.options.Ghost * float64(p.weight()) / pageSize)
}
