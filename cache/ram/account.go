package ram

import "sync/atomic"

// Account says to whom a block belongs, in terms of memory that others may not take.
// 0 is everybody who has no floor. Whoever admits blocks gives the numbers.
type Account uint8

// MaxAccounts is how many accounts, 0 included, are told apart. The number stands
// in the byte that a [Block] had left in its cache line.
const MaxAccounts = 256

// AccountStats are gauges of one account.
type AccountStats struct {
	Resident int64 // bytes of its blocks that the policy has
	Floor    int64 // below which other accounts cannot push that
}

// accounts counts the bytes of each account. Hits do not come here: only admission
// and eviction do, under the lock of a shard, so that the counters need no lock of
// their own. Concurrent evictions in two shards may take an account below its floor
// by one block each.
type accounts struct {
	of [MaxAccounts]struct{ resident, floor atomic.Int64 }
	// broken counts the evictions in spite of a floor: nothing else could be freed.
	broken atomic.Uint64
}

func (a *accounts) add(b *Block, bytes int) { a.of[b.account].resident.Add(int64(bytes)) }

// SetFloor sets how many bytes of an account others cannot evict, from now on. An
// account grows to its floor at the cost of those that are above theirs, and is
// one of these itself when it is larger. The floors of all accounts together should
// be at most half of the tier: the rest is for what comes and goes, and for holes of
// size classes. When nothing above a floor can be freed, floors are broken, and
// [Stats] counts that.
func (t *Tier) SetFloor(a Account, bytes int64) {
	if a != 0 {
		t.accounts.of[a].floor.Store(bytes)
	}
}

// Account returns the gauges of a.
func (t *Tier) Account(a Account) AccountStats {
	of := &t.accounts.of[a]
	return AccountStats{Resident: of.resident.Load(), Floor: of.floor.Load()}
}

// protected reports whether the eviction of b would take its account below its
// floor.
func (b *Block) protected() bool {
	if b.account == 0 || b.tier == nil {
		return false
	}
	of := &b.tier.accounts.of[b.account]
	floor := of.floor.Load()
	return floor > 0 && of.resident.Load()-int64(b.Weight()) < floor
}
