package revoke

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"edged/auth"
)

var _ auth.Revocations = Revocations{}

const noon = 1_800_000_000

func at(sec int64) func() time.Time { return func() time.Time { return time.Unix(sec, 0) } }

func open(t testing.TB, path string, now int64) *List {
	t.Helper()
	l, err := Open(Options{Path: path, Now: at(now)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func apply(t testing.TB, l *List, o ...Order) uint64 {
	t.Helper()
	n, err := l.Apply(o...)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// asked is a token as auth asks about it.
type asked struct {
	account, kid, session, token string
	issued                       int64
}

func (a asked) in(l *List) bool {
	sum := sha256.Sum256([]byte(a.token))
	return l.Of(a.account).Revoked(a.kid, []byte(a.session), &sum, a.issued)
}

func TestWhatIsWithdrawn(t *testing.T) {
	good := asked{"acme", "k1", "s1", "token", noon - 10}
	for _, c := range []struct {
		name  string
		order Order
		hits  []asked
		spare []asked
	}{
		{
			"token",
			Order{Account: "acme", Token: "token", Until: noon + 60},
			[]asked{good, {"acme", "k2", "", "token", 0}},
			[]asked{{"acme", "k1", "s1", "token2", noon - 10}, {"acme", "k1", "token", "", 0}},
		},
		{
			"digest",
			Order{Account: "acme", Digest: "3c469e9d6c5875d37a43f353d4f88e61fcf812c66eee3457465a40b0da4153e0", Until: noon + 60}, // of "token"
			[]asked{good},
			[]asked{{"acme", "k1", "s1", "token2", noon - 10}},
		},
		{
			"session",
			Order{Account: "acme", Session: "s1", Until: noon + 60},
			[]asked{good, {"acme", "k9", "s1", "other", 0}},
			[]asked{{"bolt", "k1", "s1", "token", noon - 10}, {"acme", "k1", "s11", "token", 0}, {"acme", "k1", "", "s1", 0}},
		},
		{
			"key",
			Order{Account: "acme", Key: "k1"},
			[]asked{good, {"acme", "k1", "", "x", noon * 2}},
			[]asked{{"acme", "k11", "s1", "token", 0}, {"bolt", "k1", "s1", "token", 0}},
		},
		{
			"key before",
			Order{Account: "acme", Key: "k1", Before: noon},
			[]asked{good, {"acme", "k1", "", "x", 0}},
			[]asked{{"acme", "k1", "s1", "token", noon}, {"acme", "k2", "s1", "token", 0}},
		},
		{
			"account before",
			Order{Account: "acme", Before: noon},
			[]asked{good, {"acme", "k2", "", "x", 0}},
			[]asked{{"acme", "k1", "s1", "token", noon}, {"bolt", "k1", "s1", "token", 0}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "revocations.log")
			l := open(t, path, noon)
			for _, a := range append(c.hits, c.spare...) {
				if a.in(l) {
					t.Errorf("%+v is withdrawn before anything was", a)
				}
			}
			apply(t, l, c.order)
			again := open(t, path, noon)
			for _, l := range []*List{l, again} {
				for _, a := range c.hits {
					if !a.in(l) {
						t.Errorf("%+v is not withdrawn", a)
					}
				}
				for _, a := range c.spare {
					if a.in(l) {
						t.Errorf("%+v is withdrawn", a)
					}
				}
			}
			lift := c.order
			lift.Lift = true
			apply(t, again, lift)
			for _, l := range []*List{again, open(t, path, noon)} {
				for _, a := range c.hits {
					if a.in(l) {
						t.Errorf("%+v is withdrawn although that was lifted", a)
					}
				}
			}
		})
	}
}

func TestOrdersThatMakeNoSense(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "r.log"), noon)
	for name, o := range map[string]Order{
		"nothing":           {Account: "acme"},
		"no account":        {Token: "t", Until: noon + 1},
		"two":               {Account: "acme", Token: "t", Session: "s", Until: noon + 1},
		"no end":            {Account: "acme", Token: "t"},
		"over":              {Account: "acme", Session: "s", Until: noon},
		"date of a session": {Account: "acme", Session: "s", Before: noon, Until: noon + 1},
		"digest too short":  {Account: "acme", Digest: "3c46", Until: noon + 1},
		"negative":          {Account: "acme", Before: -1},
	} {
		if _, err := l.Apply(Order{Account: "acme", Key: "k"}, o); !errors.Is(err, ErrOrder) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if s := l.Stats(); s.Number != 0 || s.Keys != 0 {
		t.Errorf("a half of orders was carried out: %+v", s)
	}
}

func TestNumbersGoOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.log")
	l := open(t, path, noon)
	for i := range 10 {
		if n := apply(t, l, Order{Account: "acme", Token: fmt.Sprint(i), Until: noon + 10}); n != uint64(i+1) {
			t.Fatalf("number %d, want %d", n, i+1)
		}
	}
	if n := apply(t, l, Order{Account: "acme", Key: "a"}, Order{Account: "acme", Key: "b"}); n != 12 {
		t.Errorf("number %d of two at once, want 12", n)
	}
	l.Close()
	later := open(t, path, noon+3600) // the tokens are over: the file is written anew
	if s := later.Stats(); s.Digests != 0 || s.Keys != 2 || s.Number != 12 || !s.Durable {
		t.Errorf("%+v", s)
	}
	if text, _ := os.ReadFile(path); strings.Count(string(text), "\n") != 3 {
		t.Errorf("file was not shortened:\n%s", text)
	}
	later.Close()
	if n := apply(t, open(t, path, noon+3600), Order{Account: "acme", Key: "c"}); n != 13 {
		t.Errorf("number %d after a restart, want 13", n)
	}
}

func TestTornAndDamagedLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.log")
	l := open(t, path, noon)
	apply(t, l, Order{Account: "acme", Session: "one", Until: noon + 60})
	apply(t, l, Order{Account: "acme", Session: "two", Until: noon + 60})
	l.Close()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	first := strings.IndexByte(string(whole), '\n') + 1
	for cut := first; cut < len(whole); cut++ {
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		l := open(t, path, noon)
		if !(asked{account: "acme", session: "one"}).in(l) || l.Stats().Damaged != 0 {
			t.Fatalf("cut at %d: the first order is lost, or a torn line counts as damage", cut)
		}
		apply(t, l, Order{Account: "acme", Session: "three", Until: noon + 60})
		l.Close()
		if l := open(t, path, noon); !(asked{account: "acme", session: "three"}).in(l) || l.Stats().Damaged != 0 {
			t.Fatalf("cut at %d: what came after the torn line is lost", cut)
		}
	}
	if err := os.WriteFile(path, append([]byte("{\"n\":9,\"kind\":\"token\",\"id\":\"zz\"}\nrubbish\n"), whole...), 0o600); err != nil {
		t.Fatal(err)
	}
	if l := open(t, path, noon); l.Stats().Damaged != 2 || !(asked{account: "acme", session: "two"}).in(l) {
		t.Errorf("damaged lines: %+v", l.Stats())
	}
}

func TestNoSecretInTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.log")
	l := open(t, path, noon)
	apply(t, l, Order{Account: "acme", Token: "h1.k.secrettoken.sig", Until: noon + 60}, Order{Account: "acme", Session: "secretsession", Until: noon + 60})
	text, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(text), "secret") {
		t.Errorf("%v:\n%s", err, text)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
}

// An account that is forgotten has no name in the file; the orders of others, and the
// row of numbers, stay, also after a restart.
func TestForget(t *testing.T) {
	path := filepath.Join(t.TempDir(), "revocations.log")
	orders := func(account string) []Order {
		return []Order{
			{Account: account, Token: "token-" + account, Until: noon + 60},
			{Account: account, Session: "s", Until: noon + 60},
			{Account: account, Key: "k1"},
			{Account: account, Before: noon},
			{Account: account, Session: "over", Until: noon + 1},
		}
	}
	for name, where := range map[string]string{"file": path, "memory": ""} {
		l := open(t, where, noon)
		apply(t, l, orders("leaving")...)
		last := apply(t, l, orders("acme")...)
		l.now = at(noon + 30)
		leaving, acme := asked{"leaving", "k2", "s", "token-leaving", noon + 9}, asked{"acme", "k2", "s", "token-acme", noon + 9}
		if !leaving.in(l) || !acme.in(l) {
			t.Fatalf("%s: nothing is withdrawn", name)
		}
		gone, err := l.Forget("leaving")
		if want := map[string]int{"file": 4, "memory": 2}[name]; err != nil || gone != want {
			t.Errorf("%s: %d orders forgotten, want %d: %v", name, gone, want, err)
		}
		if gone, err := l.Forget("leaving"); gone != 0 || err != nil {
			t.Errorf("%s: once more: %d, %v", name, gone, err)
		}
		if next := apply(t, l, Order{Account: "acme", Key: "k3"}); next != last+1 || !acme.in(l) {
			t.Errorf("%s: the next order is %d after %d, acme withdrawn: %v", name, next, last, acme.in(l))
		}
		if where == "" {
			continue
		}
		if leaving.in(l) {
			t.Errorf("%s: what is forgotten is still withdrawn", name)
		}
		if text, err := os.ReadFile(path); err != nil || strings.Contains(string(text), "leaving") || !strings.Contains(string(text), "acme") {
			t.Errorf("the file holds %s, %v", text, err)
		}
		again := open(t, path, noon+30)
		if leaving.in(again) || !acme.in(again) || apply(t, again, Order{Account: "acme", Key: "k4"}) != last+2 {
			t.Errorf("after a restart: leaving %v, acme %v", leaving.in(again), acme.in(again))
		}
	}
}

// A file that cannot be written anew keeps everything in force.
func TestForgetOnAFullDisk(t *testing.T) {
	dir := t.TempDir()
	l := open(t, filepath.Join(dir, "revocations.log"), noon)
	apply(t, l, Order{Account: "leaving", Key: "k1"})
	if err := os.Mkdir(filepath.Join(dir, "revocations.log.new"), 0o700); err != nil { // in the way
		t.Fatal(err)
	}
	if _, err := l.Forget("leaving"); err == nil || !(asked{"leaving", "k1", "", "t", noon}).in(l) {
		t.Errorf("forgotten without a trace on the disk: %v", err)
	}
	if n := apply(t, l, Order{Account: "acme", Key: "k1"}); n != 2 {
		t.Errorf("the next order is %d", n)
	}
}

func TestFullDisk(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "r.log"), noon)
	apply(t, l, Order{Account: "acme", Key: "a"})
	l.file.f.Close() // every write fails from here on
	if _, err := l.Apply(Order{Account: "acme", Key: "b"}); err == nil {
		t.Error("an order that is not on the disk was acknowledged")
	}
	if (asked{account: "acme", kid: "b"}).in(l) || l.Stats().Number != 1 {
		t.Error("an order that failed counts")
	}
}

func TestManyOrders(t *testing.T) {
	l := open(t, "", noon)
	orders := make([]Order, 3*recentMax)
	for i := range orders {
		orders[i] = Order{Account: "acme", Session: fmt.Sprint(i), Until: noon + 60}
	}
	var wait sync.WaitGroup
	wait.Go(func() {
		for range 1000 {
			(asked{account: "acme", session: "0"}).in(l)
		}
	})
	for len(orders) > 0 {
		n := min(len(orders), 100)
		apply(t, l, orders[:n]...)
		orders = orders[n:]
	}
	wait.Wait()
	for _, i := range []int{0, recentMax - 1, recentMax, 3*recentMax - 1} {
		if !(asked{account: "acme", session: fmt.Sprint(i)}).in(l) {
			t.Errorf("order %d is lost", i)
		}
	}
	if s := l.Stats(); s.Digests != 3*recentMax || s.Durable {
		t.Errorf("%+v", s)
	}
}

func TestBound(t *testing.T) {
	l := open(t, "", noon)
	v := newView()
	for i := range MaxOrders {
		v.old[id{byte(i), byte(i >> 8), byte(i >> 16)}] = noon
	}
	l.view.Store(v)
	if _, err := l.Apply(Order{Account: "acme", Session: "x", Until: noon + 1}); !errors.Is(err, ErrOrder) || !strings.Contains(err.Error(), "date") {
		t.Errorf("one too many: %v", err)
	}
}

func TestAskingAllocatesNothing(t *testing.T) {
	l := open(t, "", noon)
	apply(t, l, Order{Account: "acme", Session: "x", Until: noon + 1}, Order{Account: "acme", Key: "x"}, Order{Account: "bolt", Before: 1})
	sum, of, session := sha256.Sum256(nil), l.Of("acme"), []byte("4711")
	if n := testing.AllocsPerRun(100, func() { of.Revoked("k1", session, &sum, noon) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkRevoked(b *testing.B) {
	for _, n := range []int{0, 1, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			l := open(b, "", noon)
			v := newView()
			for i := range n {
				v.old[tokenID(fmt.Sprint(i))] = noon + 60
			}
			l.view.Store(v)
			sum, of, session := sha256.Sum256(nil), l.Of("acme"), []byte("4711")
			b.ReportAllocs()
			for b.Loop() {
				of.Revoked("k1", session, &sum, noon)
			}
		})
	}
}

func FuzzJournal(f *testing.F) {
	f.Add([]byte("{\"n\":1,\"account\":\"a\",\"kind\":\"key\",\"key\":\"k\"}\n"))
	f.Add([]byte("{\"n\":18446744073709551615,\"kind\":\"none\"}\n{}\n{"))
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "r.log")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		l := open(t, path, noon)
		apply(t, l, Order{Account: "acme", Session: "s", Until: noon + 60})
		l.Close()
		if !(asked{account: "acme", session: "s"}).in(open(t, path, noon)) {
			t.Error("an order is lost behind what was there before")
		}
	})
}
