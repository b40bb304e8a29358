package cache

import (
	"maps"
	"sync"
	"sync/atomic"

	"edged/cache/ram"
)

// Floor is what one account keeps of the RAM tier, whatever others do.
type Floor struct {
	Account string
	Bytes   int64 // 0: nothing, but its bytes are counted apart
}

// AccountStats are gauges of one account.
type AccountStats struct {
	Account string
	ram.AccountStats
}

// accounts numbers the accounts for the RAM tier. Numbers are given once for the
// life of the process, because blocks carry them.
type accounts struct {
	numbers atomic.Pointer[map[string]ram.Account] // never changed, only replaced
	mu      sync.Mutex
	order   []string // of the last SetFloors; guarded by mu
}

// of returns the number of an account, 0 when it has none.
func (a *accounts) of(name string) ram.Account {
	if numbers := a.numbers.Load(); numbers != nil {
		return (*numbers)[name]
	}
	return 0
}

// SetFloors replaces the floors of all accounts. Accounts beyond those that the RAM
// tier can tell apart (255 in the life of a process) share what has no floor; list
// those that need one first.
func (c *Cache) SetFloors(floors []Floor) {
	a := &c.accounts
	a.mu.Lock()
	defer a.mu.Unlock()
	numbers, bytes := map[string]ram.Account{}, map[string]int64{}
	if old := a.numbers.Load(); old != nil {
		maps.Copy(numbers, *old)
	}
	a.order = a.order[:0:0]
	for _, f := range floors {
		if numbers[f.Account] == 0 && len(numbers) < ram.MaxAccounts-1 {
			numbers[f.Account] = ram.Account(len(numbers) + 1)
		}
		if numbers[f.Account] != 0 {
			a.order = append(a.order, f.Account)
			bytes[f.Account] = f.Bytes
		}
	}
	for name, n := range numbers {
		c.ram.SetFloor(n, bytes[name])
	}
	a.numbers.Store(&numbers)
}

func (c *Cache) accountStats() []AccountStats {
	a := &c.accounts
	a.mu.Lock()
	defer a.mu.Unlock()
	stats := make([]AccountStats, 0, len(a.order))
	for _, name := range a.order {
		stats = append(stats, AccountStats{name, c.ram.Account(a.of(name))})
	}
	return stats
}
