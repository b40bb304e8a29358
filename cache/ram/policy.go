package ram

// Policy orders the blocks of one shard and chooses which one goes next. The
// caller serialises all calls; Touch and Retain of the blocks go on meanwhile.
//
// A policy has no capacity of its own: Victim is called when memory is needed.
// The replay tool drives it with [NewEntry] blocks instead of real ones.
type Policy interface {
	// Admit takes a new block in. It reports whether the policy remembers to
	// have let a block of the same hash go not long ago.
	Admit(b *Block) (ghost bool)
	// Remove forgets a block that it has.
	Remove(b *Block)
	// Victim chooses a block, forgets it and returns it. Blocks that readers
	// hold are passed over, because evicting them frees nothing, and so are those
	// of accounts at their floor. It returns nil when it finds none with reasonable
	// effort.
	Victim() *Block
}

// maxPassedOver bounds the blocks that one Victim call passes over, because they
// are hot or held, while it holds the lock of the shard.
const maxPassedOver = 512
