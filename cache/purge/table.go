package purge

import (
	"slices"
	"sync"
	"sync/atomic"
)

// Options configure a table.
type Options struct {
	// Seq is the highest number in use; the table goes on behind it.
	Seq uint64
	// MaxRules bounds the rules; 0 means 131072, which is about 16 MiB.
	MaxRules int
}

const (
	defaultRules = 1 << 17
	// maxLengths bounds the lengths of prefixes within a segment that an account
	// may have in use: each costs every judgement a digest.
	maxLengths = 32
	// maxRequests is how many requests are remembered by their id.
	maxRequests = 4096
)

// stamps are the newest numbers under which something was purged; 0 is never.
type stamps struct{ hard, soft uint64 }

// put notes number n and reports whether that is newer.
func (s *stamps) put(soft bool, n uint64) {
	if soft {
		s.soft = max(s.soft, n)
	} else {
		s.hard = max(s.hard, n)
	}
}

// merge takes over what is newer in o.
func (s *stamps) merge(o stamps) {
	s.hard, s.soft = max(s.hard, o.hard), max(s.soft, o.soft)
}

// newest returns the newer one.
func (s stamps) newest() uint64 { return max(s.hard, s.soft) }

// ruleKey finds a rule within its account.
type ruleKey struct {
	kind Kind
	name digest
}

// entry is a rule in the table.
type entry struct {
	stamps
	length uint32 // of a prefix
	slash  bool
}

// account holds the rules of one account.
type account struct {
	newest  uint64 // of all below
	own     stamps // the account as a whole
	anyKey  stamps // the newest surrogate keys
	rules   map[ruleKey]entry
	slashes map[uint32]struct{} // lengths in use of prefixes that end in '/'
	lengths []uint32            // lengths in use of other prefixes
}

// Table holds the rules in force and gives out numbers.
type Table struct {
	newest   atomic.Uint64 // changes with every purge and restore
	maxRules int

	// order is held while a number is drawn and, for a purge, until its rules can
	// be seen: a fetch with a higher number began after that.
	order sync.Mutex
	seq   uint64 // last number drawn; guarded by order

	mu       sync.RWMutex
	all      stamps              // everything
	accounts map[digest]*account // guarded by mu, as is the rest
	last     uint64              // number of the newest purge
	rules    int                 // in all accounts
	requests map[uint64]uint64   // id of a request → number of its purge
	recent   []uint64            // keys of requests, the oldest first
	widened  uint64              // times that rules were made wider for want of room
}

// NewTable returns a table without rules.
func NewTable(o Options) *Table {
	t := &Table{seq: o.Seq, maxRules: o.MaxRules, accounts: map[digest]*account{}, requests: map[uint64]uint64{}}
	if t.maxRules <= 0 {
		t.maxRules = defaultRules
	}
	return t
}

// Next draws the number of a fetch that begins.
func (t *Table) Next() uint64 {
	t.order.Lock()
	defer t.order.Unlock()
	t.seq++
	return t.seq
}

// Newest returns a number that grows with every purge and with every log that is
// restored; 0 when there was none.
func (t *Table) Newest() uint64 { return t.newest.Load() }

// Purge puts rules in force and returns their number. request, when it is not 0,
// identifies who asked for what: the same one gets the same number again, and
// changes nothing.
func (t *Table) Purge(request uint64, rules []Rule) (number uint64, repeated bool) {
	t.order.Lock()
	defer t.order.Unlock()
	t.mu.Lock()
	defer t.mu.Unlock()
	if n, ok := t.requests[request]; ok && request != 0 {
		return n, true
	}
	t.seq++
	for _, r := range rules {
		t.addLocked(r, t.seq)
	}
	t.rememberLocked(request, t.seq)
	t.fitLocked()
	t.last = t.seq
	t.newest.Store(t.seq)
	return t.seq, false
}

// addLocked puts one rule in force. What it makes needless goes.
func (t *Table) addLocked(r Rule, n uint64) {
	if r.Kind == KindEverything {
		t.all.put(r.Soft, n)
		if !r.Soft {
			t.dropLocked(n)
		}
		return
	}
	a := t.accountLocked(r.account)
	if r.Kind == KindPrefix && !r.slash && len(a.lengths) >= maxLengths && !slices.Contains(a.lengths, r.length) {
		r = r.widened()
		t.widened++
	}
	a.newest = max(a.newest, n)
	switch r.Kind {
	case KindAccount:
		a.own.put(r.Soft, n)
		if !r.Soft {
			t.rules -= a.drop(n)
		}
		return
	case KindSurrogate:
		a.anyKey.put(r.Soft, n)
	case KindPrefix:
		a.uses(r.length, r.slash)
	}
	before := len(a.rules)
	k := ruleKey{r.Kind, r.name}
	e := a.rules[k]
	e.length, e.slash = r.length, r.slash
	e.put(r.Soft, n)
	a.rules[k] = e
	t.rules += len(a.rules) - before
}

func (t *Table) accountLocked(name digest) *account {
	a := t.accounts[name]
	if a == nil {
		a = &account{rules: map[ruleKey]entry{}, slashes: map[uint32]struct{}{}}
		t.accounts[name] = a
	}
	return a
}

// uses notes that a prefix of this length is in use.
func (a *account) uses(length uint32, slash bool) {
	if slash {
		a.slashes[length] = struct{}{}
	} else if !slices.Contains(a.lengths, length) {
		a.lengths = append(a.lengths, length)
	}
}

// drop forgets the rules that a hard one for all of the account with number n makes
// needless, and returns how many.
func (a *account) drop(n uint64) int {
	before := len(a.rules)
	clear(a.slashes)
	a.lengths = a.lengths[:0]
	for k, e := range a.rules {
		if e.newest() <= n {
			delete(a.rules, k)
		} else if k.kind == KindPrefix {
			a.uses(e.length, e.slash)
		}
	}
	if a.own.soft <= n {
		a.own.soft = 0
	}
	return before - len(a.rules)
}

// dropLocked forgets what a hard rule for everything with number n makes needless.
func (t *Table) dropLocked(n uint64) {
	for name, a := range t.accounts {
		t.rules -= a.drop(n)
		if a.newest <= n {
			delete(t.accounts, name)
		}
	}
	if t.all.soft <= n {
		t.all.soft = 0
	}
}

// rememberLocked notes the number of a request; the oldest request is forgotten.
func (t *Table) rememberLocked(request, n uint64) {
	if request == 0 {
		return
	}
	if _, ok := t.requests[request]; !ok {
		t.recent = append(t.recent, request)
	}
	t.requests[request] = max(n, t.requests[request])
	if len(t.recent) > maxRequests {
		delete(t.requests, t.recent[0])
		t.recent = slices.Delete(t.recent, 0, 1)
	}
}

// Trim folds all rules with a number up to floor into one for everything: for what
// is known to be older than all that is stored.
func (t *Table) Trim(floor uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	floor = min(floor, t.last) // no rule is younger than that
	if floor > t.all.hard {
		t.all.hard = floor
		t.dropLocked(floor)
	}
}

// Stats are figures of a table.
type Stats struct {
	Last    uint64 // number of the newest purge, 0 when there was none
	Rules   int    // rules in force
	Widened uint64 // times that rules were made wider for want of room
}

// Stats returns a snapshot.
func (t *Table) Stats() Stats {
	t.mu.RLock()
	defer t.mu.RUnlock()
	s := Stats{Last: t.last, Rules: t.rules, Widened: t.widened}
	count := func(one stamps) {
		if one.newest() > 0 {
			s.Rules++
		}
	}
	count(t.all)
	for _, a := range t.accounts {
		count(a.own)
	}
	return s
}
