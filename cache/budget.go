package cache

import "sync/atomic"

// Shares of the RAM tier that may be out of the eviction policy's reach, by why.
// What is left, half at least, serves everybody else.
const (
	parkedShare  = 8 // by readers whose clients do not take their bytes
	heldShare    = 8 // by fills, until somebody has read what they wrote
	passingShare = 4 // by responses that are only passed through
)

// budget bounds bytes of one kind.
type budget struct {
	used atomic.Int64
	max  int64
}

// take uses n bytes and reports whether the budget had them.
func (b *budget) take(n int64) bool {
	if b.used.Add(n) <= b.max {
		return true
	}
	b.used.Add(-n)
	return false
}

// add uses n bytes, of which fits was asked before; less than none gives back.
func (b *budget) add(n int64) { b.used.Add(n) }

// fits reports whether n more bytes are within the budget.
func (b *budget) fits(n int64) bool { return b.used.Load()+n <= b.max }

// BudgetStats are gauges in bytes.
type BudgetStats struct{ Used, Max int64 }

func (b *budget) stats() BudgetStats { return BudgetStats{b.used.Load(), b.max} }
