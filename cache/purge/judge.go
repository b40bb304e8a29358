package purge

import "strings"

// Verdict says whether an object may be served.
type Verdict uint8

// The verdicts, in the order of their weight.
const (
	Live Verdict = iota // nothing was purged since its fetch began
	Soft                // stale: to be validated first
	Hard                // gone
)

// String returns the verdict's stable word.
func (v Verdict) String() string { return [...]string{"live", "soft", "hard"}[v] }

// Judge says whether an object may be served whose fetch began at seq. key is its
// full key, keys are its surrogate keys. With since, the value of Newest before an
// earlier judgement of the same object, only newer purges count, which costs
// nothing while its account has none.
//
// It does not allocate. Its cost, some 100 ns for each name, is paid once by each
// object after each purge of its account: see BenchmarkJudge.
func (t *Table) Judge(key, keys string, seq, since uint64) Verdict {
	if t.newest.Load() <= max(seq, since) {
		return Live
	}
	account, _, _ := strings.Cut(key, "\x00")
	name := digestOf(account)
	t.mu.RLock()
	defer t.mu.RUnlock()
	worst := t.all
	if a := t.accounts[name]; a != nil && a.newest > max(seq, since) {
		worst.merge(a.match(name, key, keys))
	}
	return worst.verdict(seq)
}

// Joinable reports whether a fetch of key that began at seq, and whose header is
// not known yet, may still be shared with who comes now. Any purge of a surrogate
// key might be about its response.
func (t *Table) Joinable(key string, seq uint64) bool {
	return t.newest.Load() <= seq || t.Judge(key, AnyKey, seq, 0) == Live
}

func (s stamps) verdict(seq uint64) Verdict {
	switch {
	case s.hard > seq:
		return Hard
	case s.soft > seq:
		return Soft
	}
	return Live
}

// match returns the newest numbers of the rules that match.
func (a *account) match(name digest, key, keys string) stamps {
	worst := a.own
	if len(a.rules) == 0 {
		return worst
	}
	worst.merge(a.rules[ruleKey{KindURL, digestOf(primaryOf(key))}].stamps)
	for _, n := range a.lengths {
		if int(n) <= len(key) {
			worst.merge(a.prefix(key[:n]))
		}
	}
	if len(a.slashes) > 0 {
		worst.merge(a.atSlashes(key))
	}
	if keys != "" && a.anyKey.newest() > 0 {
		worst.merge(a.surrogates(name, keys))
	}
	return worst
}

// atSlashes matches the prefixes that end in a slash, of which a key has few.
func (a *account) atSlashes(key string) (worst stamps) {
	for i := strings.IndexByte(key, '/'); i >= 0; {
		if _, used := a.slashes[uint32(i+1)]; used {
			worst.merge(a.prefix(key[:i+1]))
		}
		next := strings.IndexByte(key[i+1:], '/')
		if next < 0 {
			break
		}
		i += 1 + next
	}
	return worst
}

func (a *account) prefix(text string) stamps {
	return a.rules[ruleKey{KindPrefix, digestOf(text)}].stamps
}

func (a *account) surrogates(name digest, keys string) (worst stamps) {
	if keys == AnyKey {
		return a.anyKey
	}
	for keys != "" {
		var key string
		key, keys, _ = strings.Cut(keys, " ")
		if len(key) <= MaxKeyBytes {
			worst.merge(a.rules[ruleKey{KindSurrogate, surrogateName(name, key)}].stamps)
		}
	}
	return worst
}
