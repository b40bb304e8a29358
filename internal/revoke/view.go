package revoke

import (
	"crypto/sha256"
	"maps"
	"math"
)

// recentMax is how many digests the small map of a view holds: it is copied for each
// order, the large one only when the small one is full.
const recentMax = 2048

// keyOf names a key of an account.
type keyOf struct{ account, kid string }

// view is what is withdrawn. It is immutable once published.
type view struct {
	old, recent map[id]int64     // until when; 0 in recent: lifted
	keys        map[keyOf]int64  // withdrawn if issued before this second
	before      map[string]int64 // the same for all of an account
}

func newView() *view {
	return &view{old: map[id]int64{}, recent: map[id]int64{}, keys: map[keyOf]int64{}, before: map[string]int64{}}
}

// size returns the number of digests, counting what is in both maps twice.
func (v *view) size() int { return len(v.old) + len(v.recent) }

func (v *view) has(d id) bool {
	if until, ok := v.recent[d]; ok {
		return until != 0
	}
	_, ok := v.old[d]
	return ok
}

// with returns a view in which the lines are carried out, too.
func (v *view) with(lines []line) *view {
	next := &view{old: v.old, recent: maps.Clone(v.recent), keys: maps.Clone(v.keys), before: maps.Clone(v.before)}
	for i := range lines {
		next.add(&lines[i])
	}
	if len(next.recent) > recentMax {
		next.merge()
	}
	return next
}

// add carries out one line; v is not published yet.
func (v *view) add(l *line) {
	switch l.Kind {
	case kindToken, kindSession:
		if d, ok := l.digest(); ok && l.Lift {
			v.recent[d] = 0
		} else if ok {
			v.recent[d] = max(l.Until, 1)
		}
	case kindKey:
		set(v.keys, keyOf{l.Account, l.Key}, l)
	case kindBefore:
		set(v.before, l.Account, l)
	}
}

// set withdraws what was issued before the line's date, or everything.
func set[K comparable](m map[K]int64, k K, l *line) {
	switch {
	case l.Lift:
		delete(m, k)
	case l.Before == 0:
		m[k] = math.MaxInt64
	default:
		m[k] = max(m[k], l.Before)
	}
}

// without returns a view that names nothing of an account.
func (v *view) without(account string) *view {
	next := &view{old: v.old, recent: v.recent, keys: maps.Clone(v.keys), before: maps.Clone(v.before)}
	delete(next.before, account)
	maps.DeleteFunc(next.keys, func(k keyOf, _ int64) bool { return k.account == account })
	return next
}

// merge puts the small map into a new large one.
func (v *view) merge() {
	old := maps.Clone(v.old)
	for d, until := range v.recent {
		if until == 0 {
			delete(old, d)
		} else {
			old[d] = until
		}
	}
	v.old, v.recent = old, map[id]int64{}
}

// Revocations are those of one account; they implement auth.Revocations.
type Revocations struct {
	list    *List
	account string
}

// Revoked implements auth.Revocations: no lock, no allocation. The digest of the
// session is made only when some session or token is withdrawn at all.
func (r Revocations) Revoked(kid string, session []byte, hash *[sha256.Size]byte, issued int64) bool {
	v := r.list.view.Load()
	if t, ok := v.before[r.account]; ok && issued < t {
		return true
	}
	if t, ok := v.keys[keyOf{r.account, kid}]; ok && issued < t {
		return true
	}
	if v.size() == 0 {
		return false
	}
	return v.has(id(hash[:16])) || len(session) > 0 && v.has(sessionID(r.account, session))
}
