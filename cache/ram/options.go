package ram

import (
	"errors"
	"fmt"
	"log/slog"
	"math/bits"

	"edged/cache/object"
)

// ErrPinned is wrapped by the error of [Tier.Close] while blocks are held.
var ErrPinned = errors.New("ram: blocks are still pinned")

// MinSize is the smallest arena in bytes: some slabs, so that the classes of a
// manifest and of a full block can live side by side.
const MinSize = 4 * slabSize

const (
	maxShards = 256
	// shardBytes is what a shard should have at least, by default: the queues of
	// a FIFO policy mean little when they hold only a few blocks.
	shardBytes = 64 * object.BlockSize
	// defaultMaxShards bounds the default; evictions are not the hot path.
	defaultMaxShards = 32
)

// Options configure a [Tier].
type Options struct {
	// Size is the size of the arena in bytes, rounded down to whole slabs of
	// 2 MiB. It is a hard bound; block handles (64 bytes each) and the policy's
	// memory of evicted blocks come on top, below one per cent for media. Below
	// 64 MiB the 19 size classes compete for a handful of slabs: that works, but
	// part of the arena stays empty when blocks of many sizes come.
	Size int64
	// Shards is the number of independent policies, rounded up to a power of two,
	// at most 256. 0 means one per 64 MiB, at most 32.
	Shards int
	// HugePages asks the kernel to back the arena with huge pages.
	HugePages bool
	// Prefault makes a goroutine touch the whole arena in the background, so that
	// the first requests do not pay for it. RSS grows to Size at once. It needs
	// Linux 5.14; elsewhere a warning is logged and memory is faulted in on use.
	Prefault bool
	// Policy makes the policy of each shard; nil means [NewS3FIFO].
	Policy func() Policy
	// Log receives warnings about the mapping; nil discards them.
	Log *slog.Logger
}

// withDefaults fills in what is not set and checks the rest.
func (o Options) withDefaults() (Options, error) {
	if o.Size < MinSize {
		return o, fmt.Errorf("ram: size of %d bytes is below the minimum of %d", o.Size, MinSize)
	}
	if o.Shards < 0 || o.Shards > maxShards {
		return o, fmt.Errorf("ram: %d shards, want 0 to %d", o.Shards, maxShards)
	}
	o.Size -= o.Size % slabSize
	if o.Shards == 0 {
		o.Shards = int(min(max(o.Size/shardBytes, 1), defaultMaxShards))
	}
	o.Shards = 1 << bits.Len(uint(o.Shards-1))
	if o.Policy == nil {
		o.Policy = NewS3FIFO
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o, nil
}
