package rfc9111

import (
	"math"
	"testing"
	"time"
)

func TestParseRequest(t *testing.T) {
	wish := func(change func(*RequestDirectives)) RequestDirectives {
		rd := NoWishes()
		change(&rd)
		return rd
	}
	noCache := wish(func(rd *RequestDirectives) { rd.NoCache = true })
	cases := []struct {
		name, cacheControl, pragma string
		want                       RequestDirectives
	}{
		{"5.2.1 none", "", "", NoWishes()},
		{"5.2.1.4 no-cache", "No-Cache", "", noCache},
		{"5.2.1.5 no-store", "no-store", "", wish(func(rd *RequestDirectives) { rd.NoStore = true })},
		{"5.2.1.7 only-if-cached", "only-if-cached", "", wish(func(rd *RequestDirectives) { rd.OnlyIfCached = true })},
		{"5.2.1.1 max-age", "max-age=600", "", wish(func(rd *RequestDirectives) { rd.MaxAge = seconds(600) })},
		{"5.2.1.1 max-age twice", "max-age=600, max-age=5", "", wish(func(rd *RequestDirectives) { rd.MaxAge = seconds(5) })},
		{"5.2.1.1 unreadable", "max-age=x", "", NoWishes()},
		{"5.2.1.3 min-fresh", "min-fresh=3, min-fresh=9", "", wish(func(rd *RequestDirectives) { rd.MinFresh = seconds(9) })},
		{"5.2.1.2 max-stale", "max-stale=9", "", wish(func(rd *RequestDirectives) { rd.MaxStale = seconds(9) })},
		{"5.2.1.2 any staleness", "max-stale", "", wish(func(rd *RequestDirectives) { rd.MaxStale = math.MaxInt64 })},
		{"5.2.1.2 the smaller", "max-stale, max-stale=1", "", wish(func(rd *RequestDirectives) { rd.MaxStale = time.Second })},
		{"5.2.1.2 unreadable", "max-stale=x", "", NoWishes()},
		{"5.2.1 quoted", `ext="no-cache", max-age="1"`, "", wish(func(rd *RequestDirectives) { rd.MaxAge = time.Second })},
		{"5.4 pragma", "", "no-cache", noCache},
		{"5.4 pragma in a list", "", "foo, No-Cache", noCache},
		{"5.4 another pragma", "", "no-cachet", NoWishes()},
		{"5.4 pragma beside cache-control", "max-age=600", "no-cache", wish(func(rd *RequestDirectives) { rd.MaxAge = seconds(600) })},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := ParseRequest(value(c.cacheControl), value(c.pragma)); got != c.want {
				t.Errorf("ParseRequest(%q, %q) = %+v, want %+v", c.cacheControl, c.pragma, got, c.want)
			}
		})
	}
}

// value is nil, an absent field, for "".
func value(s string) []byte {
	if s == "" {
		return nil
	}
	return []byte(s)
}

func TestParseRequestAllocs(t *testing.T) {
	cc, pragma := []byte(`no-cache, max-age=600, max-stale, ext="a, b"`), []byte("no-cache")
	checkAllocs(t, "ParseRequest", func() { ParseRequest(cc, nil); ParseRequest(nil, pragma) })
}
