package cache

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"edged/cache/object"
	"edged/cache/purge"
)

const filmKey = "a\x00site\x00/film"

func purgeURL(key string) purge.Rule { return purge.URL(object.Key(key)) }

func soft(r purge.Rule) purge.Rule {
	r.Soft = true
	return r
}

// order purges and fails the test on an error.
func (s *store) order(rules ...purge.Rule) uint64 {
	s.Helper()
	n, _, err := s.Purge(0, rules)
	if err != nil {
		s.Fatal(err)
	}
	return n
}

func (s *store) gone(key string) bool {
	o, _ := s.lookup(key)
	return o == nil
}

func TestPurgeFromMemoryAndDisk(t *testing.T) {
	s := newStore(t, Options{})
	s.fillWhole(filmKey, pattern(3*object.BlockSize), object.Resumable)
	s.fillWhole(filmKey+"2", pattern(100), 0)
	used := s.Stats().RAM.Resident
	s.order(purgeURL(filmKey))
	if !s.gone(filmKey) {
		t.Error("still served")
	}
	if _, ok := s.disk.Lookup(filmKey); ok {
		t.Error("a lookup left it on disk")
	}
	if now := s.Stats().RAM.Resident; now > used-3*object.BlockSize {
		t.Errorf("a lookup left %d of %d bytes in memory", now, used)
	}
	if s.gone(filmKey + "2") {
		t.Error("its neighbour is gone")
	}
	if st := s.Stats(); st.Purged != 1 || st.Purges.Rules != 1 {
		t.Errorf("counted %d purged by %d rules, want 1 and 1", st.Purged, st.Purges.Rules)
	}
	s.fillWhole(filmKey, pattern(77), 0)
	if s.gone(filmKey) {
		t.Error("what was fetched after the purge is gone")
	}
}

// TestPurgeOnDiskOnly purges what is not in memory.
func TestPurgeOnDiskOnly(t *testing.T) {
	s := newStore(t, Options{})
	o := s.fillWhole(filmKey, pattern(100), 0)
	s.index.remove(o)
	o.discard()
	s.order(purge.Prefix("a\x00site\x00/"))
	if !s.gone(filmKey) {
		t.Error("served from disk")
	}
	if _, ok := s.disk.Lookup(filmKey); ok {
		t.Error("the lookup left it on disk")
	}
}

// TestPurgeLeavesReaders holds that who reads a purged object gets all of it.
func TestPurgeLeavesReaders(t *testing.T) {
	s := newStore(t, Options{})
	data := pattern(3*object.BlockSize + 9)
	o := s.fillWhole(filmKey, data, 0)
	var r Reader
	r.Open(o, 0, -1)
	defer r.Close()
	first, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	got := bytes.Clone(first)
	s.order(purge.Everything())
	if !s.gone(filmKey) {
		t.Error("still served to others")
	}
	rest, err := drain(&r)
	if err != nil || !bytes.Equal(append(got, rest...), data) {
		t.Errorf("the reader got %d of %d bytes, %v", len(got)+len(rest), len(data), err)
	}
}

func TestSoftPurge(t *testing.T) {
	now := time.Unix(5000, 0)
	s := newStore(t, Options{Now: func() time.Time { return now }})
	o := s.fillWhole(filmKey, pattern(100), 0)
	m := *o.Meta()
	m.Freshness = object.Freshness{
		Received: now.UnixNano(), InitialAge: time.Second, Lifetime: time.Hour,
		StaleWhileRevalidate: time.Minute, StaleIfError: 10 * time.Minute,
	}
	o.replaceMeta(&m, o.Size())
	now = now.Add(20 * time.Minute)
	s.order(soft(purgeURL(filmKey)))
	o, _ = s.lookup(filmKey)
	if o == nil {
		t.Fatal("a soft purge took it away")
	}
	f := o.Meta().Freshness
	if f.Age(now.UnixNano()-1) < f.Lifetime || f.StaleWhileRevalidate != 0 {
		t.Errorf("it is not stale: age %v of %v, %v while revalidating", f.Age(now.UnixNano()), f.Lifetime, f.StaleWhileRevalidate)
	}
	if left := f.StaleIfError - (f.Age(now.UnixNano()) - f.Lifetime); left != 10*time.Minute {
		t.Errorf("serves %v longer on errors, want 10m", left)
	}
	stale := o.Meta()
	s.order(soft(purge.Account("a"))) // changes nothing more
	if o, _ = s.lookup(filmKey); o == nil || o.Meta() != stale {
		t.Error("purged softly twice it changed twice")
	}
	v := s.Validate([]byte(filmKey), stale, 1)
	if !v.Freshened(o, &m) {
		t.Fatal("a validation after the soft purge was refused")
	}
	v.Leave()
	if o, _ = s.lookup(filmKey); o == nil || o.Meta().Freshness.Lifetime != time.Hour {
		t.Errorf("validated since, it is not fresh again")
	}
}

// TestSoftPurgeDuringValidation: a validation that began before the purge gives no
// new life.
func TestSoftPurgeDuringValidation(t *testing.T) {
	s := newStore(t, Options{})
	o := s.fillWhole(filmKey, pattern(100), 0)
	m := *o.Meta()
	m.Freshness.Lifetime, m.Freshness.Received = time.Hour, s.now().UnixNano()
	v := s.Validate([]byte(filmKey), o.Meta(), 1)
	s.order(soft(purgeURL(filmKey)))
	if !v.Freshened(o, &m) {
		t.Fatal("refused")
	}
	v.Leave()
	o, _ = s.lookup(filmKey)
	if o == nil || o.Meta().Freshness.TTL(s.now().UnixNano()) > 0 {
		t.Error("the 304 to an older question made it fresh")
	}
}

// TestHardPurgeDuringValidation: neither a validation under way nor one that begins
// afterwards with what was seen before brings a purged body back.
func TestHardPurgeDuringValidation(t *testing.T) {
	for _, before := range []bool{true, false} {
		s := newStore(t, Options{})
		o := s.fillWhole(filmKey, pattern(100), 0)
		seen := o.Meta()
		var v *Fill
		if before {
			v = s.Validate([]byte(filmKey), seen, 1)
		}
		s.order(purgeURL(filmKey))
		if !before {
			v = s.Validate([]byte(filmKey), seen, 1)
		}
		if v.Freshened(o, seen) {
			t.Errorf("began before %v: freshened", before)
		}
		v.Abort(errors.New("no"))
		v.Leave()
		if !s.gone(filmKey) {
			t.Errorf("began before %v: served", before)
		}
	}
}

// TestPurgeDuringFill: what a fetch brings that began before a purge goes to those
// who waited for it then, and to nobody else.
func TestPurgeDuringFill(t *testing.T) {
	for _, rule := range []purge.Rule{purgeURL(filmKey), purge.SurrogateKey("a", "k"), purge.Everything()} {
		for _, started := range []bool{false, true} {
			s := newStore(t, Options{})
			old := s.lead(filmKey)
			follower, leader, _ := s.Join([]byte(filmKey), nil, 1)
			if leader {
				t.Fatal("two leaders")
			}
			m := &object.Meta{Account: "a", Status: 200, Size: 5, Keys: "x k"}
			if started {
				old.Start(m, 0)
			}
			s.order(rule)
			young, leader, newer := s.Join([]byte(filmKey), nil, 1)
			if !leader || newer != nil {
				t.Fatalf("%v, started %v: joined a fetch from before the purge", rule.Kind, started)
			}
			if !started {
				old.Start(m, 0)
			}
			finish(t, old, "old")
			if !s.gone(filmKey) {
				t.Errorf("%v, started %v: what was fetched before is served", rule.Kind, started)
			}
			if _, ok := s.disk.Lookup(filmKey); ok && !started {
				t.Errorf("%v: what was fetched before is on disk", rule.Kind)
			}
			if got, err := read(follower.Object(), 0, -1); string(got) != "old--" || err != nil {
				t.Errorf("who waited before got %q, %v", got, err)
			}
			follower.Leave()
			young.Start(&object.Meta{Account: "a", Status: 200, Size: 5, Keys: "x k"}, 0)
			finish(t, young, "new")
			o, _ := s.lookup(filmKey)
			if o == nil {
				t.Fatal("what was fetched afterwards is gone")
			}
			if got, err := read(o, 0, -1); string(got) != "new--" || err != nil {
				t.Errorf("served %q, %v", got, err)
			}
		}
	}
}

// TestYoungerFetchWins: a fetch that began before a purge and starts after one that
// began afterwards does not replace it.
func TestYoungerFetchWins(t *testing.T) {
	s := newStore(t, Options{})
	old := s.lead(filmKey)
	s.order(soft(purgeURL(filmKey))) // which alone would not keep the old one out
	young := s.lead(filmKey)
	young.Start(&object.Meta{Account: "a", Status: 200, Size: 5}, 0)
	finish(t, young, "new")
	o := old.Start(&object.Meta{Account: "a", Status: 200, Size: 5}, 0)
	finish(t, old, "old")
	if o.Stored() {
		t.Error("the old one counts as stored")
	}
	if o, _ := s.lookup(filmKey); o == nil {
		t.Error("nothing is stored")
	} else if got, err := read(o, 0, -1); string(got) != "new--" || err != nil {
		t.Errorf("served %q, %v", got, err)
	}
}

// finish writes five bytes, ends the fill and leaves it.
func finish(t *testing.T, f *Fill, text string) {
	t.Helper()
	if err := write(f, []byte(text+"--")); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(nil, false); err != nil {
		t.Fatal(err)
	}
	f.Leave()
}

// TestInvalidationDuringFetch is the same for an invalidation by an unsafe request.
func TestInvalidationDuringFetch(t *testing.T) {
	for _, others := range []int{0, maxInvalid + 1} {
		s := newStore(t, Options{})
		f := s.lead(filmKey)
		s.Invalidate([]byte(filmKey))
		for i := range others {
			s.Invalidate(fmt.Append(nil, "a\x00site\x00/", i))
		}
		o := f.Start(&object.Meta{Account: "a", Status: 200, Size: 5}, 0)
		finish(t, f, "old")
		if !s.gone(filmKey) || o.Stored() {
			t.Errorf("after %d others: stored", others)
		}
		s.fillWhole(filmKey, pattern(9), 0)
		if s.gone(filmKey) {
			t.Errorf("after %d others: what came later is not stored", others)
		}
	}
}

// TestPurgeOfVariants: one URL is all its variants, also those fetched meanwhile.
func TestPurgeOfVariants(t *testing.T) {
	s := newStore(t, Options{})
	fill := func() *Object {
		f := s.lead(filmKey)
		f.Rekey([]string{"accept"}, noVariant{})
		o := f.Start(&object.Meta{Account: "a", Status: 200, Size: 5}, 0)
		finish(t, f, "abc")
		return o
	}
	variant := fill()
	if s.gone(filmKey) {
		t.Fatal("not stored")
	}
	s.order(purgeURL(filmKey))
	if !s.gone(filmKey) || !s.gone(string(variant.Key())) {
		t.Error("a variant is served")
	}
	old := s.lead(filmKey)
	s.order(purgeURL(filmKey))
	old.Rekey([]string{"accept"}, noVariant{})
	old.Start(&object.Meta{Account: "a", Status: 200, Size: 5}, 0)
	finish(t, old, "old")
	if !s.gone(filmKey) {
		t.Error("a variant that was being fetched is served")
	}
	fill()
	if s.gone(filmKey) {
		t.Error("a variant that was fetched afterwards is gone")
	}
}

// memJournal is a journal that can fail.
type memJournal struct {
	mu      sync.Mutex
	b       []byte
	appends int
	fail    error
}

func (j *memJournal) Load() ([]byte, error) { return bytes.Clone(j.b), j.fail }

func (j *memJournal) Append(b []byte) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.fail == nil {
		j.b = append(j.b, b...)
		j.appends++
	}
	return j.fail
}

func (j *memJournal) Replace(b []byte) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.fail == nil {
		j.b = bytes.Clone(b)
	}
	return j.fail
}

// survives reports whether a cache that starts with the given journals knows of
// the purge of account a before number n.
func survives(t *testing.T, n uint64, journals ...Journal) bool {
	t.Helper()
	s := newStore(t, Options{Journals: journals, Seq: n + 5})
	return s.purges.table.Judge(filmKey, "", n-1, 0) == purge.Hard
}

func TestPurgeIsNotedOnEveryDisk(t *testing.T) {
	a, b := &memJournal{}, &memJournal{}
	s := newStore(t, Options{Journals: []Journal{a, b}})
	n := s.order(purge.Account("a"))
	s.order(purge.Account("b"))
	if a.appends != 1 || b.appends != 1 {
		t.Errorf("%d and %d appends, want 1 each behind the first log", a.appends, b.appends)
	}
	for _, j := range []*memJournal{a, b} {
		if !survives(t, n, j) {
			t.Error("one of the disks does not know of the purge")
		}
	}
}

// TestPurgeWithASickDisk: one disk will do; who missed it learns of it at the next
// purge or the next start, and with none at all it is said.
func TestPurgeWithASickDisk(t *testing.T) {
	a, b := &memJournal{}, &memJournal{}
	s := newStore(t, Options{Journals: []Journal{a, b}})
	s.order(purge.Account("x"))
	b.fail = errors.New("read-only")
	n := s.order(purge.Account("a"))
	b.fail = nil
	if survives(t, n, b) {
		t.Fatal("the sick disk knows of it: the test proves nothing")
	}
	apart := &memJournal{b: bytes.Clone(b.b)}
	survives(t, n, &memJournal{b: bytes.Clone(a.b)}, apart)
	if !survives(t, n, apart) {
		t.Error("a start with both disks did not bring the one up to date")
	}
	s.order(purge.Account("x"))
	if !survives(t, n, b) {
		t.Error("the next purge did not bring the disk up to date")
	}

	a.fail, b.fail = errors.New("gone"), errors.New("gone")
	again, _, err := s.Purge(7, []purge.Rule{purge.Account("a")})
	if !errors.Is(err, ErrVolatile) {
		t.Errorf("with no disk: got %v, want ErrVolatile", err)
	}
	a.fail = nil
	retry, repeated, err := s.Purge(7, []purge.Rule{purge.Account("a")})
	if retry != again || !repeated || err != nil {
		t.Errorf("asked again: %d, %v, %v; want %d", retry, repeated, err, again)
	}
	if !survives(t, again, a) {
		t.Error("asked again, it is not durable")
	}
}

// TestDamagedLog: nobody knows what was in it, so all is purged, unless another
// disk knows.
func TestDamagedLog(t *testing.T) {
	a := &memJournal{}
	s := newStore(t, Options{Journals: []Journal{a}})
	s.order(purge.Account("x"))
	n := s.order(purge.Account("y"))
	damaged := func() *memJournal {
		j := &memJournal{b: bytes.Clone(a.b)}
		j.b[purge.EntrySize+9]++
		return j
	}
	if !survives(t, n, damaged()) {
		t.Error("with a damaged log something older is served")
	}
	if survives(t, n, damaged(), &memJournal{b: bytes.Clone(a.b)}) {
		t.Error("another disk has the whole log, and yet everything is purged")
	}
	behind := &memJournal{b: a.b[:2*purge.EntrySize]}
	if !survives(t, n, damaged(), behind) {
		t.Error("the other disk lacks a purge that the damaged one has, and may lack more")
	}
	if !survives(t, n, &memJournal{b: bytes.Clone(a.b), fail: errors.New("input/output error")}) {
		t.Error("with a log that cannot be read something older is served")
	}
	if survives(t, n, &memJournal{b: a.b[:len(a.b)-3]}) {
		t.Error("a torn end counts as damage")
	}
}

// TestForeignLog: the log of a later version is left alone.
func TestForeignLog(t *testing.T) {
	j := &memJournal{b: slices.Concat(purge.AppendHead(nil))}
	j.b[4] = 9
	sum := crc32.Checksum(j.b[:purge.EntrySize-4], crc32.MakeTable(crc32.Castagnoli))
	binary.LittleEndian.PutUint32(j.b[purge.EntrySize-4:], sum)
	foreign := bytes.Clone(j.b)
	s := newStore(t, Options{Journals: []Journal{j}})
	if _, _, err := s.Purge(0, []purge.Rule{purge.Everything()}); err == nil {
		t.Error("a purge was acknowledged")
	}
	if s.purges.logs[0].foreign != bytes.Equal(j.b, foreign) {
		t.Errorf("foreign %v, unchanged %v", s.purges.logs[0].foreign, bytes.Equal(j.b, foreign))
	}
}

// TestLogIsCompacted: rules that are older than all that is stored go when the log
// is rewritten, and what is stored stays.
func TestLogIsCompacted(t *testing.T) {
	j := &memJournal{}
	s := newStore(t, Options{Journals: []Journal{j}})
	batch := make([]purge.Rule, 1000)
	for i := range 40 {
		for k := range batch {
			batch[k] = purgeURL(fmt.Sprint("a\x00site\x00/", i, "/", k))
		}
		if i == 20 {
			s.fillWhole(filmKey, pattern(10), 0)
		}
		s.order(batch...)
	}
	if st := s.Stats(); len(j.b) > 3<<20 || st.Purges.Rules >= 30000 {
		t.Errorf("log of %d bytes, %d rules", len(j.b), st.Purges.Rules)
	}
	if s.gone(filmKey) {
		t.Error("what is stored went with the rules")
	}
	again := newStore(t, Options{Journals: []Journal{j}})
	if got := again.purges.table.Judge("a\x00site\x00/0/0", "", 1, 0); got != purge.Hard {
		t.Errorf("the first purge is forgotten: %v", got)
	}
}

func TestPurgeOfNothing(t *testing.T) {
	s := newStore(t, Options{})
	for _, rules := range [][]purge.Rule{nil, make([]purge.Rule, purge.MaxBatch+1)} {
		if _, _, err := s.Purge(0, rules); err == nil || !strings.Contains(err.Error(), "rules") {
			t.Errorf("%d rules: got %v", len(rules), err)
		}
	}
}

// TestLookupAfterPurgeDoesNotAllocate covers the judgement and what follows it.
func TestLookupAfterPurgeDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("counts are wrong under the race detector")
	}
	s := newStore(t, Options{})
	s.fillWhole(filmKey, pattern(10), 0)
	key, buf := []byte(filmKey), make([]byte, 0, 100)
	rule := purgeURL(filmKey + "2")
	if n := testing.AllocsPerRun(50, func() {
		s.Lookup(key, noVariant{}, buf)
	}); n != 0 {
		t.Errorf("a lookup allocates %v times", n)
	}
	purgeOnly := testing.AllocsPerRun(50, func() { s.purges.table.Purge(0, []purge.Rule{rule}) })
	both := testing.AllocsPerRun(50, func() {
		s.purges.table.Purge(0, []purge.Rule{rule})
		s.Lookup(key, noVariant{}, buf)
	})
	if both > purgeOnly {
		t.Errorf("the first lookup after a purge allocates %v times", both-purgeOnly)
	}
}

// TestMillionPurged is the size that the design promises: objects under a prefix,
// purged by one rule, and none of them served.
func TestMillionPurged(t *testing.T) {
	if testing.Short() {
		t.Skip("a million objects")
	}
	n := 1_000_000
	if raceEnabled {
		n = 50_000
	}
	s := newStore(t, Options{Journals: []Journal{&memJournal{}}})
	c := s.Cache
	c.disks, c.index = nil, newIndex(int64(n))
	key := func(b []byte, i int) []byte {
		return fmt.Appendf(b, "a\x00site\x00/films/%d/segment-%d.m4s", i%1000, i)
	}
	for i := range n {
		k := key(nil, i)
		m := &object.Meta{Key: object.Key(k), Account: "a", Size: 1, Seq: c.purges.table.Next()}
		c.index.put(newObject(c, object.Hash(c.seed, k), m.Key, m))
	}
	began := time.Now()
	s.order(purge.Prefix("a\x00site\x00/films/"))
	took := time.Since(began)
	began = time.Now()
	buf := make([]byte, 0, 100)
	for i := range n {
		if o, _, _ := s.Lookup(key(buf, i), noVariant{}, nil); o != nil {
			t.Fatalf("object %d is served", i)
		}
	}
	t.Logf("%d objects purged in %v, then found purged in %v each", n, took, time.Since(began)/time.Duration(n))
	if left := s.Stats(); left.Objects != 0 || left.Purged != int64(n) {
		t.Errorf("%d objects left, %d counted as purged", left.Objects, left.Purged)
	}
}

// BenchmarkLookup is a hit in memory while purges are in force.
func BenchmarkLookup(b *testing.B) {
	for _, purges := range []int{0, 1000} {
		b.Run(fmt.Sprint(purges, " purges"), func(b *testing.B) {
			s := newStore(b, Options{})
			s.fillWhole(filmKey, pattern(10), 0)
			for i := range purges {
				s.order(purgeURL(fmt.Sprint("a\x00site\x00/other/", i)))
			}
			key, buf := []byte(filmKey), make([]byte, 0, 100)
			b.ReportAllocs()
			for b.Loop() {
				if o, _, _ := s.Lookup(key, noVariant{}, buf); o == nil {
					b.Fatal("gone")
				}
			}
		})
	}
}

// TestDiskThatJoinsLater brings purges that nobody else knows, and learns of the
// others; what was judged before is judged again.
func TestDiskThatJoinsLater(t *testing.T) {
	s := newStore(t, Options{Journals: []Journal{&memJournal{}}})
	s.fillWhole(filmKey, pattern(10), 0)
	s.purges.table.Next()
	n := s.order(purge.Account("x"))
	if s.gone(filmKey) {
		t.Fatal("gone")
	}
	b := purge.AppendBatch(purge.AppendHead(nil), n-1, 0, []purge.Rule{purgeURL(filmKey)})
	late := &memJournal{b: b}
	s.AddJournals(late)
	if !s.gone(filmKey) {
		t.Error("a purge that the disk knows of is not in force")
	}
	again := newStore(t, Options{Journals: []Journal{late}})
	if got := again.purges.table.Judge("x\x00s\x00/", "", n-1, 0); got != purge.Hard {
		t.Errorf("the disk did not learn of an earlier purge: %v", got)
	}
	if last := s.Stats().Purges.Last; last != n {
		t.Errorf("the last purge is %d, want %d", last, n)
	}
}
