package edge

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"edged/internal/target"
)

// purgeable answers every path with its fetch number, tagged and long-lived.
func purgeable(b **bench) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "max-age=3600, stale-if-error=600")
		h.Set("ETag", `"v1"`)
		h.Set("Surrogate-Key", "film all"+strings.ReplaceAll(r.URL.Path, "/", "-"))
		h.Set("Cache-Tag", "tagged")
		if r.Header.Get("If-None-Match") == `"v1"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		if r.Header.Get("Accept-Language") != "" {
			h.Set("Vary", "Accept-Language")
		}
		fmt.Fprint(w, (*b).fetches.Load())
	}
}

// order purges and fails the test on an error.
func (b *bench) order(o PurgeOrder) PurgeResult {
	b.Helper()
	r, err := b.edge.Purge(&o)
	if err != nil {
		b.Fatalf("%+v: %v", o, err)
	}
	return r
}

func TestPurgeOrders(t *testing.T) {
	const other = "/films/b/2.m4s"
	tests := []struct {
		name   string
		order  PurgeOrder
		others bool // goes, too
	}{
		{"URL", PurgeOrder{URLs: []string{"https://media.test/films/a/1.m4s"}}, false},
		{"URL in another spelling", PurgeOrder{URLs: []string{"http://MEDIA.test:8080/films/%61/1.m4s"}}, false},
		{"path", PurgeOrder{Account: "acme", Site: "media.test", URLs: []string{"/films/a/1.m4s"}}, false},
		{"prefix", PurgeOrder{Prefixes: []string{"https://media.test/films/a/"}}, false},
		{"prefix within a segment", PurgeOrder{Prefixes: []string{"https://media.test/films/a/1"}}, false},
		{"both by prefix", PurgeOrder{Prefixes: []string{"https://media.test/fil"}}, true},
		{"surrogate key", PurgeOrder{Account: "acme", Keys: []string{"all-films-a-1.m4s"}}, false},
		{"surrogate key of both", PurgeOrder{Account: "acme", Keys: []string{"film"}}, true},
		{"cache tag", PurgeOrder{Account: "acme", Keys: []string{"tagged"}}, true},
		{"site", PurgeOrder{Account: "acme", Site: "media.test"}, true},
		{"account", PurgeOrder{Account: "acme"}, true},
		{"everything", PurgeOrder{All: true}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b *bench
			b = newBench(t, purgeable(&b))
			first, second := b.get("/films/a/1.m4s").body, b.get(other).body
			if n := b.order(tt.order); n.Number == 0 || n.Rules != 1 || !n.Known {
				t.Errorf("result %+v", n)
			}
			if got := b.get("/films/a/1.m4s").body; got == first {
				t.Error("what was purged is served")
			}
			if got := b.get(other).body; (got != second) != tt.others {
				t.Errorf("%s: got fetch %s, before it was %s; want it purged: %v", other, got, second, tt.others)
			}
		})
	}
}

func TestPurgeTellsQueriesApart(t *testing.T) {
	var b *bench
	b = newBench(t, purgeable(&b), func(s *Site) {
		s.Query = target.QueryPolicy{Mode: target.Allow, Names: []string{"v"}, Drop: []string{"ect"}}
	})
	one, two, none := b.get("/a?v=1&x=9").body, b.get("/a?v=2").body, b.get("/a").body
	b.order(PurgeOrder{URLs: []string{"https://media.test/a?y=7&v=1&ect=token"}})
	if got := b.get("/a?v=1").body; got == one {
		t.Error("the same key in another spelling is served")
	}
	if b.get("/a?v=2").body != two || b.get("/a").body != none {
		t.Error("another query was purged, too")
	}
}

func TestPurgeCoversVariants(t *testing.T) {
	var b *bench
	b = newBench(t, purgeable(&b), func(s *Site) { s.Forward = []string{"Accept-Language"} })
	de, fr := b.get("/a", "Accept-Language", "de").body, b.get("/a", "Accept-Language", "fr").body
	if b.get("/a", "Accept-Language", "de").body != de {
		t.Fatal("variants are not stored: the test proves nothing")
	}
	b.order(PurgeOrder{URLs: []string{"https://media.test/a"}})
	if b.get("/a", "Accept-Language", "de").body == de || b.get("/a", "Accept-Language", "fr").body == fr {
		t.Error("a variant is served")
	}
}

func TestSoftPurgeValidates(t *testing.T) {
	var b *bench
	fail := false
	inner := purgeable(&b)
	b = newBench(t, func(w http.ResponseWriter, r *http.Request) {
		if fail {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		inner(w, r)
	})
	first := b.get("/a").body
	b.order(PurgeOrder{URLs: []string{"https://media.test/a"}, Soft: true})
	before := b.fetches.Load()
	if got := b.get("/a"); got.body != first || !strings.Contains(got.cacheStatus(), "fwd=stale; fwd-status=304") {
		t.Errorf("validated: %q, %s", got.body, got.cacheStatus())
	}
	b.clock.advance(time.Minute)
	if got := b.get("/a"); got.body != first || !strings.Contains(got.cacheStatus(), "hit") || b.fetches.Load() != before+1 {
		t.Errorf("after that: %q, %s", got.body, got.cacheStatus())
	}
	b.order(PurgeOrder{URLs: []string{"https://media.test/a"}, Soft: true})
	fail = true
	if got := b.get("/a"); got.body != first || !strings.Contains(got.cacheStatus(), "stale-if-error") {
		t.Errorf("while the origin fails: %q, %s", got.body, got.cacheStatus())
	}
	fail = false
	b.order(PurgeOrder{Account: "acme", Keys: []string{"film"}})
	if got := b.get("/a"); got.body == first {
		t.Error("purged by a key that a 304 confirmed, it is served")
	}
}

// TestSurrogateKeysAreHidden from viewers, but where the site shows them.
func TestSurrogateKeysAreHidden(t *testing.T) {
	for _, show := range []bool{false, true} {
		var b *bench
		b = newBench(t, purgeable(&b), func(s *Site) { s.ShowKeys = show })
		for range 2 {
			got := b.get("/a")
			if got.header.Has("Surrogate-Key") != show || got.header.Has("Cache-Tag") != show {
				t.Errorf("show %v: header %v", show, got.header)
			}
		}
		b.clock.advance(2 * time.Hour)
		if got := b.get("/a"); got.header.Has("Surrogate-Key") != show || !strings.Contains(got.cacheStatus(), "304") {
			t.Errorf("show %v, validated: %s, header %v", show, got.cacheStatus(), got.header)
		}
	}
}

func TestPurgeOrderIsRefused(t *testing.T) {
	var b *bench
	b = newBench(t, purgeable(&b))
	many := make([]string, MaxPurgeRules+1)
	for _, tt := range []struct {
		order PurgeOrder
		text  string
	}{
		{PurgeOrder{}, "nothing is named"},
		{PurgeOrder{Soft: true}, "nothing is named"},
		{PurgeOrder{All: true, Account: "acme"}, "which is it"},
		{PurgeOrder{Site: "media.test"}, "needs the account"},
		{PurgeOrder{Keys: []string{"a"}}, "needs the account"},
		{PurgeOrder{Account: "acme", Keys: []string{"a b"}}, "no spaces"},
		{PurgeOrder{Account: "a\x00b"}, "NUL"},
		{PurgeOrder{Account: strings.Repeat("x", 300)}, "at most 255"},
		{PurgeOrder{URLs: many}, "at once"},
		{PurgeOrder{URLs: []string{"https://nowhere.test/"}}, "no site has the host"},
		{PurgeOrder{Account: "evil", URLs: []string{"https://media.test/a"}}, "another account"},
		{PurgeOrder{URLs: []string{"/a"}}, "needs account and site"},
		{PurgeOrder{Account: "acme", Site: "x", URLs: []string{"/a"}}, "has no site"},
		{PurgeOrder{URLs: []string{"a b"}}, "not a URL"},
		{PurgeOrder{URLs: []string{"https://media.test/a/../b"}}, "no request can have"},
		{PurgeOrder{Prefixes: []string{"https://media.test/a?b"}}, "leave the query out"},
	} {
		_, err := b.edge.Purge(&tt.order)
		if !errors.Is(err, ErrPurge) || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("%.80v: got %v, want %q", tt.order, err, tt.text)
		}
	}
	if n := b.cache.Stats().Purges.Last; n != 0 {
		t.Errorf("a refused order has number %d", n)
	}
}

func TestPurgeOfAWildcardSite(t *testing.T) {
	var b *bench
	b = newBench(t, purgeable(&b), func(s *Site) { s.Hosts = []string{"*"} })
	first := b.get("/a").body
	if _, err := b.edge.Purge(&PurgeOrder{Account: "acme", Site: "media.test", URLs: []string{"/a"}}); err == nil {
		t.Error("a path at a site of any host was accepted")
	}
	b.order(PurgeOrder{URLs: []string{"https://other.test/a"}})
	if b.get("/a").body != first {
		t.Error("another host was purged, too")
	}
	b.order(PurgeOrder{Account: "acme", Site: "media.test"})
	if b.get("/a").body == first {
		t.Error("a host of the site is served")
	}
}

func TestPurgeOrderTwice(t *testing.T) {
	var b *bench
	b = newBench(t, purgeable(&b))
	o := PurgeOrder{Account: "acme", ID: "order-1"}
	first := b.order(o)
	if again := b.order(o); again.Number != first.Number || !again.Repeated || first.Repeated {
		t.Errorf("got %+v, then %+v", first, again)
	}
	o.Soft = true
	if other := b.order(o); other.Number == first.Number || other.Repeated {
		t.Errorf("another order under the same id: %+v", other)
	}
	if other := b.order(PurgeOrder{Account: "ended"}); other.Known {
		t.Error("an account without a site counts as known")
	}
}
