package purge

import "slices"

// maxAccounts bounds the accounts that have rules.
const maxAccounts = 1 << 14

// fitLocked keeps the table within its limit by purging more.
func (t *Table) fitLocked() {
	if len(t.accounts) > maxAccounts { // more than a node ever has sites
		t.all.hard = max(t.all.hard, t.seq)
		t.dropLocked(t.seq)
		t.widened++
	}
	for t.rules > t.maxRules {
		t.rules -= t.largestLocked().coarsen()
		t.widened++
	}
}

// largestLocked returns the account with the most rules.
func (t *Table) largestLocked() (most *account) {
	for _, a := range t.accounts {
		if most == nil || len(a.rules) > len(most.rules) {
			most = a
		}
	}
	return most
}

// coarsen makes the older half of the rules one for the whole account, as hard as
// the hardest of them, and returns how many rules are gone.
func (a *account) coarsen() int {
	numbers := make([]uint64, 0, len(a.rules))
	for _, e := range a.rules {
		numbers = append(numbers, e.newest())
	}
	slices.Sort(numbers)
	until := numbers[len(numbers)/2]
	before := len(a.rules)
	for k, e := range a.rules {
		if e.newest() <= until {
			a.own.merge(e.stamps)
			delete(a.rules, k)
		}
	}
	gone := before - len(a.rules)
	clear(a.slashes)
	a.lengths = a.lengths[:0]
	for k, e := range a.rules {
		if k.kind == KindPrefix {
			a.uses(e.length, e.slash)
		}
	}
	return gone
}
