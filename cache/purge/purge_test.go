package purge

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"edged/cache/object"
)

func keyOf(account, site, target string) object.Key {
	return object.Key(account + "\x00" + site + "\x00" + target)
}

func TestJudge(t *testing.T) {
	film := keyOf("acme", "vod", "/films/a/1.m4s")
	tests := []struct {
		name string
		rule Rule
		key  object.Key
		keys string
		want Verdict
	}{
		{"the URL", URL(film), film, "", Hard},
		{"a variant of it", URL(film), film + "\x00abc\x00accept=x", "", Hard},
		{"a coded form of it", URL(film), film + "\x00coding=br@0123456789abcdef", "", Hard},
		{"a rule made from a variant", URL(film + "\x00abc\x00accept=x"), film, "", Hard},
		{"another query", URL(film), film + "?a=1", "", Live},
		{"the same query", URL(film + "?a=1"), film + "?a=1", "", Hard},
		{"another site", URL(film), keyOf("acme", "live", "/films/a/1.m4s"), "", Live},
		{"another account", URL(film), keyOf("evil", "vod", "/films/a/1.m4s"), "", Live},

		{"a prefix that ends a segment", Prefix(keyOf("acme", "vod", "/films/")), film, "", Hard},
		{"the whole site", Prefix(keyOf("acme", "vod", "/")), film, "", Hard},
		{"a prefix of the last segment", Prefix(keyOf("acme", "vod", "/films/a/1.m")), film, "", Hard},
		{"the key itself as a prefix", Prefix(film), film, "", Hard},
		{"and its variants", Prefix(film), film + "\x00v\x00a=b", "", Hard},
		{"a prefix within a segment", Prefix(keyOf("acme", "vod", "/fil")), film, "", Hard},
		{"a longer prefix", Prefix(film + "x"), film, "", Live},
		{"a neighbour's prefix", Prefix(keyOf("acme", "vod", "/films/b/")), film, "", Live},
		{"a prefix at another site", Prefix(keyOf("acme", "vo", "/films/")), film, "", Live},
		{"a prefix of another account", Prefix(keyOf("evil", "vod", "/films/")), film, "", Live},
		{"all hosts of a wildcard site", Prefix("acme\x00*"), keyOf("acme", "*a.example", "/x"), "", Hard},

		{"a surrogate key", SurrogateKey("acme", "film-a"), film, "x film-a y", Hard},
		{"another one", SurrogateKey("acme", "film"), film, "x film-a y", Live},
		{"another case", SurrogateKey("acme", "Film-a"), film, "x film-a y", Live},
		{"more keys than are kept", SurrogateKey("acme", "film"), film, AnyKey, Hard},
		{"of another account", SurrogateKey("evil", "film-a"), film, "film-a", Live},
		{"any key of another account", SurrogateKey("evil", "film-a"), film, AnyKey, Live},
		{"no keys", SurrogateKey("acme", "film-a"), film, "", Live},

		{"the account", Account("acme"), film, "", Hard},
		{"another", Account("evil"), film, "", Live},
		{"an account that begins alike", Account("acm"), film, "", Live},
		{"everything", Everything(), film, "", Hard},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			table := NewTable(Options{Seq: 100})
			before := table.Next()
			n, _ := table.Purge(0, []Rule{tt.rule})
			after := table.Next()
			if got := table.Judge(string(tt.key), tt.keys, before, 0); got != tt.want {
				t.Errorf("an older object: got %v, want %v", got, tt.want)
			}
			if got := table.Judge(string(tt.key), tt.keys, after, 0); got != Live {
				t.Errorf("a later object: got %v, want live", got)
			}
			if got := table.Judge(string(tt.key), tt.keys, before, n); got != Live {
				t.Errorf("judged before: got %v, want live", got)
			}
			restored := NewTable(Options{})
			l, err := Parse(table.AppendLog(nil))
			if err != nil {
				t.Fatal(err)
			}
			restored.Restore(l)
			if got := restored.Judge(string(tt.key), tt.keys, before, 0); got != tt.want {
				t.Errorf("after a restart: got %v, want %v", got, tt.want)
			}
			tt.rule.Soft = true
			table = NewTable(Options{Seq: 100})
			table.Purge(0, []Rule{tt.rule})
			if got, want := table.Judge(string(tt.key), tt.keys, 100, 0), min(tt.want, Soft); got != want {
				t.Errorf("softly: got %v, want %v", got, want)
			}
		})
	}
}

func TestSoftAndHard(t *testing.T) {
	key := keyOf("acme", "vod", "/a")
	soft := URL(key)
	soft.Soft = true
	table := NewTable(Options{})
	seq := table.Next()
	table.Purge(0, []Rule{soft})
	if got := table.Judge(string(key), "", seq, 0); got != Soft {
		t.Fatalf("after a soft purge: %v", got)
	}
	validated := table.Next()
	if got := table.Judge(string(key), "", validated, 0); got != Live {
		t.Errorf("validated since: %v", got)
	}
	table.Purge(0, []Rule{URL(key)})
	table.Purge(0, []Rule{soft})
	for _, seq := range []uint64{seq, validated} {
		if got := table.Judge(string(key), "", seq, 0); got != Hard {
			t.Errorf("fetch %d after hard and soft: %v, want hard", seq, got)
		}
	}
}

func TestRequestGetsItsNumberAgain(t *testing.T) {
	table := NewTable(Options{})
	rules := []Rule{Account("acme")}
	n, repeated := table.Purge(7, rules)
	if repeated {
		t.Error("the first one counts as repeated")
	}
	table.Purge(8, rules)
	again, repeated := table.Purge(7, rules)
	if again != n || !repeated {
		t.Errorf("got %d, %v; want %d again", again, repeated, n)
	}
	l, err := Parse(table.AppendLog(nil))
	if err != nil {
		t.Fatal(err)
	}
	restored := NewTable(Options{})
	restored.Restore(l)
	if again, repeated := restored.Purge(7, rules); again != n || !repeated {
		t.Errorf("after a restart: got %d, %v; want %d again", again, repeated, n)
	}
	if a, _ := table.Purge(0, rules); a <= n {
		t.Errorf("without an id: got %d, which was there before", a)
	}
	for i := range uint64(maxRequests) {
		table.Purge(100+i, rules)
	}
	if len(table.requests) != maxRequests || len(table.recent) != maxRequests {
		t.Errorf("%d requests remembered, want %d", len(table.requests), maxRequests)
	}
}

func TestJoinable(t *testing.T) {
	key := string(keyOf("acme", "vod", "/a"))
	for _, tt := range []struct {
		name string
		rule Rule
		want bool
	}{
		{"its URL", URL(object.Key(key)), false},
		{"another URL", URL(object.Key(key) + "b"), true},
		{"a surrogate key, which it may turn out to have", SurrogateKey("acme", "k"), false},
		{"one of another account", SurrogateKey("evil", "k"), true},
	} {
		table := NewTable(Options{})
		seq := table.Next()
		table.Purge(0, []Rule{tt.rule})
		if got := table.Joinable(key, seq); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
		if !table.Joinable(key, table.Next()) {
			t.Errorf("%s: a later fetch is not joinable", tt.name)
		}
	}
}

// purged is the plain truth: a list of rules as text.
type purged struct {
	match func(key, keys string) bool
	soft  bool
	n     uint64
}

func truth(all []purged, key, keys string, seq uint64) Verdict {
	v := Live
	for _, p := range all {
		switch {
		case p.n <= seq || !p.match(key, keys):
		case p.soft:
			v = max(v, Soft)
		default:
			v = Hard
		}
	}
	return v
}

func randomRule(r *rand.Rand) (Rule, purged) {
	account := fmt.Sprint("a", r.IntN(3))
	path := fmt.Sprintf("/%d/%d/%d", r.IntN(3), r.IntN(12), r.IntN(4))
	key := string(keyOf(account, "s", path))
	cut := key[:len(key)-r.IntN(len(path))]
	tag := fmt.Sprint("t", r.IntN(5))
	var rule Rule
	p := purged{soft: r.IntN(3) == 0}
	switch r.IntN(12) {
	case 0:
		rule, p.match = Account(account), func(k, _ string) bool { return strings.HasPrefix(k, account+"\x00") }
	case 1, 2:
		rule = SurrogateKey(account, tag)
		p.match = func(k, keys string) bool {
			return strings.HasPrefix(k, account+"\x00") && strings.Contains(" "+keys+" ", " "+tag+" ")
		}
	case 3, 4, 5:
		rule, p.match = Prefix(object.Key(cut)), func(k, _ string) bool { return strings.HasPrefix(k, cut) }
	case 6:
		rule, p.match = Everything(), func(string, string) bool { return true }
		p.soft = p.soft || r.IntN(2) == 0
	default:
		rule, p.match = URL(object.Key(key)), func(k, _ string) bool { return k == key || strings.HasPrefix(k, key+"\x00") }
	}
	rule.Soft = p.soft
	return rule, p
}

// TestAgainstTruth compares the table with a plain list of rules, through restarts.
// A table that is too small may say more, never less, and nothing of an account
// without purges.
func TestAgainstTruth(t *testing.T) {
	for _, limit := range []int{0, 6} {
		r := rand.New(rand.NewPCG(1, uint64(limit)))
		for range 60 {
			table := NewTable(Options{MaxRules: limit})
			var all []purged
			for range 60 {
				rule, p := randomRule(r)
				table.Next()
				p.n, _ = table.Purge(0, []Rule{rule})
				all = append(all, p)
				if r.IntN(8) == 0 {
					table = reopen(t, table, limit)
				}
				checkTruth(t, table, all, r, limit > 0)
			}
		}
	}
}

func reopen(t *testing.T, table *Table, limit int) *Table {
	t.Helper()
	l, err := Parse(table.AppendLog(nil))
	if err != nil || l.Damaged {
		t.Fatalf("log of a table: damaged %v, %v", l.Damaged, err)
	}
	again := NewTable(Options{MaxRules: limit, Seq: table.seq})
	again.Restore(l)
	return again
}

func checkTruth(t *testing.T, table *Table, all []purged, r *rand.Rand, small bool) {
	t.Helper()
	for range 12 {
		key := string(keyOf(fmt.Sprint("a", r.IntN(3)), "s", fmt.Sprintf("/%d/%d/%d", r.IntN(3), r.IntN(12), r.IntN(4))))
		if r.IntN(4) == 0 {
			key += "\x00v\x00a=b"
		}
		keys := fmt.Sprintf("t%d t%d", r.IntN(5), r.IntN(5))
		seq := r.Uint64N(table.seq + 1)
		got, want := table.Judge(key, keys, seq, 0), truth(all, key, keys, seq)
		if got < want || got > want && !small {
			t.Fatalf("Judge(%q, %q, %d) = %v, want %v", key, keys, seq, got, want)
		}
		if got := table.Judge("other\x00s\x00/1/1/1", keys, seq, 0); got > truth(all, "other\x00s\x00/1/1/1", keys, seq) {
			t.Fatalf("an account without purges: %v at %d", got, seq)
		}
	}
}

func TestBounds(t *testing.T) {
	table := NewTable(Options{MaxRules: 100})
	quiet := keyOf("quiet", "s", "/x")
	table.Next()
	for i := range 1000 {
		table.Purge(0, []Rule{URL(keyOf("busy", "s", fmt.Sprint("/", i)))})
	}
	if s := table.Stats(); s.Rules > 101 || s.Widened == 0 {
		t.Errorf("%d rules, widened %d times; want at most 101", s.Rules, s.Widened)
	}
	if got := table.Judge(string(quiet), "", 1, 0); got != Live {
		t.Errorf("an account without purges: %v", got)
	}
	for i := range 1000 {
		if got := table.Judge(string(keyOf("busy", "s", fmt.Sprint("/", i))), "", uint64(i), 0); got != Hard {
			t.Fatalf("URL %d: %v", i, got)
		}
	}
	if got := table.Judge(string(keyOf("busy", "s", "/other")), "", table.seq-10, 0); got != Live {
		t.Errorf("a young object of the busy account that nobody purged: %v", got)
	}
}

func TestLengthsAreBounded(t *testing.T) {
	table := NewTable(Options{})
	for i := range 3 * maxLengths {
		table.Purge(0, []Rule{Prefix(keyOf("a", "s", "/dir/"+strings.Repeat("x", i+1)))})
	}
	a := table.accounts[digestOf("a")]
	if len(a.lengths) > maxLengths {
		t.Errorf("%d lengths in use, want at most %d", len(a.lengths), maxLengths)
	}
	long := keyOf("a", "s", "/dir/"+strings.Repeat("x", 3*maxLengths))
	if got := table.Judge(string(long), "", 1, 0); got != Hard {
		t.Errorf("the longest prefix: %v", got)
	}
	if got := table.Judge(string(keyOf("a", "s", "/other/xxx")), "", 0, 0); got != Live {
		t.Errorf("another directory: %v", got)
	}
	for i := range maxLengths {
		table.Purge(0, []Rule{Prefix(object.Key("b\x00" + strings.Repeat("y", i+1)))})
	}
	table.Purge(0, []Rule{Prefix(object.Key("b\x00" + strings.Repeat("z", 99)))})
	if got := table.Judge("b\x00q\x00/", "", 0, 0); got != Hard {
		t.Errorf("no slash to widen to: %v, want the whole account", got)
	}
}

func TestManyAccountsAreBounded(t *testing.T) {
	table := NewTable(Options{})
	for i := range maxAccounts + 1 {
		table.Purge(0, []Rule{Account(fmt.Sprint(i))})
	}
	if len(table.accounts) > maxAccounts {
		t.Errorf("%d accounts", len(table.accounts))
	}
	if got := table.Judge("0\x00s\x00/", "", 0, 0); got != Hard {
		t.Errorf("the first one: %v", got)
	}
}

func TestTrim(t *testing.T) {
	table := NewTable(Options{})
	for i := range 100 {
		table.Purge(0, []Rule{URL(keyOf("a", "s", fmt.Sprint("/", i)))})
	}
	table.Trim(90)
	if s := table.Stats(); s.Rules != 11 || s.Last != 100 {
		t.Errorf("%d rules, last %d; want 10 and the one for everything, 100", s.Rules, s.Last)
	}
	if got := table.Judge("b\x00s\x00/", "", 89, 0); got != Hard {
		t.Errorf("older than everything stored: %v, want hard", got)
	}
	if got := table.Judge("b\x00s\x00/", "", 90, 0); got != Live {
		t.Errorf("as old as the oldest stored: %v", got)
	}
}

func TestKeys(t *testing.T) {
	many := make([]string, MaxKeys+1)
	for i := range many {
		many[i] = fmt.Sprint("k", i)
	}
	for _, tt := range []struct {
		name string
		h    object.Header
		want string
	}{
		{"none", object.Header{{Name: "ETag", Value: "x"}}, ""},
		{"words", object.Header{{Name: "surrogate-key", Value: " a  b\ta "}}, "a b"},
		{"tags", object.Header{{Name: "Cache-Tag", Value: "a, b,,c"}}, "a b c"},
		{"both", object.Header{{Name: "Cache-Tag", Value: "a"}, {Name: "Surrogate-Key", Value: "b"}, {Name: "Cache-Tag", Value: "c"}}, "a b c"},
		{"as many as may be", object.Header{{Name: "Surrogate-Key", Value: strings.Join(many[:MaxKeys], " ")}}, strings.Join(many[:MaxKeys], " ")},
		{"too many", object.Header{{Name: "Surrogate-Key", Value: strings.Join(many, " ")}}, AnyKey},
		{"too long", object.Header{{Name: "Surrogate-Key", Value: strings.Repeat("x", MaxKeyBytes+1)}}, AnyKey},
		{"too much", object.Header{{Name: "Surrogate-Key", Value: strings.Repeat(strings.Repeat("x", 1000)+"y ", 1) + strings.Repeat("z", 1000) + " " + strings.Repeat("a", 1000) + " " + strings.Repeat("b", 1000) + " " + strings.Repeat("c", 100)}}, AnyKey},
		{"any", object.Header{{Name: "Surrogate-Key", Value: "a *"}}, AnyKey},
	} {
		if got := Keys(tt.h); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
	for key, want := range map[string]bool{"a": true, "": false, "a b": false, "a,b": false, strings.Repeat("x", MaxKeyBytes+1): false, "film:4711/é": true} {
		if got := ValidKey(key); got != want {
			t.Errorf("ValidKey(%.20q) = %v", key, got)
		}
	}
	if !IsKeyField("SURROGATE-KEY") || !IsKeyField("cache-tag") || IsKeyField("Surrogate-Control") {
		t.Error("IsKeyField is wrong")
	}
}

func TestJudgeDoesNotAllocate(t *testing.T) {
	table, key, keys := fullTable()
	if n := testing.AllocsPerRun(100, func() { table.Judge(key, keys, 1, 0) }); n != 0 {
		t.Errorf("Judge allocates %v times", n)
	}
	if n := testing.AllocsPerRun(100, func() { table.Judge(key, keys, 1<<40, 0) }); n != 0 {
		t.Errorf("Judge of a young object allocates %v times", n)
	}
}

// fullTable has rules of every kind, none of which matches.
func fullTable() (table *Table, key, keys string) {
	table = NewTable(Options{Seq: 1})
	for i := range 1000 {
		table.Purge(0, []Rule{
			URL(keyOf("acme", "vod", fmt.Sprint("/films/", i))), SurrogateKey("acme", fmt.Sprint("film-", i)),
			Prefix(keyOf("acme", "vod", fmt.Sprintf("/films/%d/", i))), Prefix(keyOf("acme", "vod", fmt.Sprintf("/films/%d/se", i))),
		})
	}
	return table, string(keyOf("acme", "vod", "/films/x4711/video/1080p/segment-000123.m4s")), "film-x4711 series-12 acme-all"
}

func BenchmarkJudge(b *testing.B) {
	table, key, keys := fullTable()
	for _, bb := range []struct {
		name       string
		seq, since uint64
	}{
		{"newer than all purges", 1 << 40, 0},
		{"judged since", 1, 1 << 40},
		{"in full", 1, 0},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if table.Judge(key, keys, bb.seq, bb.since) != Live {
					b.Fatal("not live")
				}
			}
		})
	}
}
