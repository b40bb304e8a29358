package rfc9111

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"edged/cache/object"
)

// stated returns Directives with the named spans set and all else absent.
func stated(change func(*Directives)) Directives {
	d := noDirectives()
	change(&d)
	return d
}

func maxAge(n int64) Directives { return stated(func(d *Directives) { d.MaxAge = seconds(n) }) }

func TestParseResponse(t *testing.T) {
	cases := []struct {
		name  string
		lines []string
		want  Directives
	}{
		{"5.2 nothing", nil, noDirectives()},
		{"5.2 empty members", []string{" , ,\t,"}, noDirectives()},
		{"5.2 case", []string{"MaX-aGe=3600"}, maxAge(3600)},
		{"5.2 quoted value", []string{`max-age="3600"`}, maxAge(3600)},
		{"5.2 quoted text of an extension", []string{`ext="max-age=3600, no-store", max-age=1`}, maxAge(1)},
		{"5.2 quoted text behind", []string{`max-age=1, ext="max-age=3600"`}, maxAge(1)},
		{"5.2 escaped quote in an extension", []string{`ext="a\", no-store", max-age=5`}, maxAge(5)},
		{"5.2.3 extensions", []string{"foobar, max-age=3600, x=y"}, maxAge(3600)},
		{"5.2 long extension", []string{strings.Repeat("x", 100) + "=1, max-age=3"}, maxAge(3)},
		{"1.2.2 leading zeros", []string{"max-age=003600"}, maxAge(3600)},
		{"1.2.2 2^31-1", []string{"max-age=2147483647"}, maxAge(1<<31 - 1)},
		{"1.2.2 2^31+1", []string{"max-age=2147483649"}, maxAge(1 << 31)},
		{"1.2.2 overflow", []string{"max-age=99999999999999999999999999"}, maxAge(1 << 31)},
		{"4.2.1 negative", []string{"max-age=-3600"}, maxAge(0)},
		{"4.2.1 decimal", []string{"max-age=3600.0"}, maxAge(0)},
		{"4.2.1 letters before", []string{"max-age=a3600"}, maxAge(0)},
		{"4.2.1 letters behind", []string{"max-age=3600a"}, maxAge(0)},
		{"4.2.1 single quotes", []string{"max-age='3600'"}, maxAge(0)},
		{"4.2.1 no value", []string{"max-age"}, maxAge(0)},
		{"4.2.1 empty value", []string{"max-age="}, maxAge(0)},
		{"4.2.1 empty quotes", []string{`max-age=""`}, maxAge(0)},
		{"4.2.1 space before =", []string{"max-age =3600"}, maxAge(0)},
		{"4.2.1 space after =", []string{"max-age= 3600"}, maxAge(0)},
		{"4.2.1 open quote", []string{`max-age="3600`}, maxAge(0)},
		{"4.2.1 text behind the quote", []string{`max-age="3600"0`}, maxAge(0)},
		{"4.2.1 no comma", []string{"max-age=3600 no-store"}, stated(func(d *Directives) { d.MaxAge, d.NoStore = 0, true })},
		{"4.2.1 twice, shorter last", []string{"max-age=1800, max-age=1"}, maxAge(1)},
		{"4.2.1 twice, shorter first", []string{"max-age=1", "max-age=1800"}, maxAge(1)},
		{"4.2.1 twice, one bad", []string{"max-age=1800, max-age=x"}, maxAge(0)},
		{"5.2.2.10 s-maxage", []string{"s-maxage=7, max-age=1"}, stated(func(d *Directives) { d.SMaxAge, d.MaxAge = seconds(7), seconds(1) })},
		{"5.2.2.5 no-store", []string{"No-StOrE"}, stated(func(d *Directives) { d.NoStore = true })},
		{"5.2.2.5 no-store with a value", []string{"no-store=foo"}, stated(func(d *Directives) { d.NoStore = true })},
		{"5.2.2.5 behind an open quote", []string{`ext="x, no-store`}, stated(func(d *Directives) { d.NoStore = true })},
		{"5.2.2.4 no-cache", []string{"no-cache"}, stated(func(d *Directives) { d.NoCache = true })},
		{"5.2.2.4 fields", []string{`no-cache="A, b"`}, stated(func(d *Directives) { d.Fields = []string{"a", "b"} })},
		{"5.2.2.4 fields as a token", []string{"no-cache=set-cookie"}, stated(func(d *Directives) { d.Fields = []string{"set-cookie"} })},
		{"5.2.2.4 both forms", []string{`no-cache, no-cache="a"`}, stated(func(d *Directives) { d.NoCache, d.Fields = true, []string{"a"} })},
		{"5.2.2.4 no fields", []string{`no-cache=""`}, stated(func(d *Directives) { d.NoCache = true })},
		{"5.2.2.4 a field that is none", []string{`no-cache="a b"`}, stated(func(d *Directives) { d.NoCache = true })},
		{"5.2.2.4 an essential field", []string{`no-cache="Content-Type"`}, stated(func(d *Directives) { d.NoCache = true })},
		{"5.2.2.4 a targeted field", []string{`no-cache="CDN-Cache-Control"`}, stated(func(d *Directives) { d.NoCache = true })},
		{"5.2.2.7 private", []string{"private"}, stated(func(d *Directives) { d.Private = true })},
		{"5.2.2.7 fields", []string{`private="x-user"`}, stated(func(d *Directives) { d.Fields = []string{"x-user"} })},
		{"5.2.2.7 open quote", []string{`private="x-user, max-age=9`}, stated(func(d *Directives) { d.Private, d.MaxAge = true, seconds(9) })},
		{"5.2.2.9 public", []string{"public"}, stated(func(d *Directives) { d.Public = true })},
		{"5.2.2.9 public with a value", []string{"public=1"}, noDirectives()},
		{"5.2.2.2 must-revalidate", []string{"must-revalidate"}, stated(func(d *Directives) { d.MustRevalidate = true })},
		{"5.2.2.8 proxy-revalidate", []string{"proxy-revalidate"}, stated(func(d *Directives) { d.ProxyRevalidate = true })},
		{"5.2.2.3 must-understand", []string{"must-understand"}, stated(func(d *Directives) { d.MustUnderstand = true })},
		{"8246 immutable", []string{"immutable"}, stated(func(d *Directives) { d.Immutable = true })},
		{"8246 immutable with a value", []string{"immutable=true"}, noDirectives()},
		{"5861 windows", []string{"stale-while-revalidate=3, stale-if-error=4"}, stated(func(d *Directives) {
			d.StaleWhileRevalidate, d.StaleIfError = seconds(3), seconds(4)
		})},
		{"5861 bad windows", []string{"stale-while-revalidate=x, stale-if-error"}, stated(func(d *Directives) {
			d.StaleWhileRevalidate, d.StaleIfError = 0, 0
		})},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var h object.Header
			for _, line := range c.lines {
				h = append(h, object.Field{Name: "cache-control", Value: line})
			}
			if diff := cmp.Diff(c.want, ParseResponse(h)); diff != "" {
				t.Errorf("Cache-Control %q (-want +got):\n%s", c.lines, diff)
			}
		})
	}
}

func TestTargeted(t *testing.T) {
	target := func(change func(*Directives)) Directives {
		return stated(func(d *Directives) { d.Targeted = true; change(d) })
	}
	hour := target(func(d *Directives) { d.MaxAge = time.Hour })
	fallback := maxAge(1)
	cases := []struct {
		name, field string
		want        Directives
	}{
		{"2.2 replaces Cache-Control", "CDN-Cache-Control: max-age=3600", hour},
		{"2.1 extension", "CDN-Cache-Control: foobar, max-age=3600", hour},
		{"2.1 parameters", "CDN-Cache-Control: max-age=3600;x=y", hour},
		{"2.1 own field", "Edged-Cache-Control: max-age=3600", hour},
		{"2.1 saturates", "CDN-Cache-Control: max-age=99999999999", target(func(d *Directives) { d.MaxAge = maxDelta })},
		{"2.1 negative", "CDN-Cache-Control: max-age=-5", target(func(d *Directives) { d.MaxAge = 0 })},
		{"2.1 last of two", "CDN-Cache-Control: max-age=1, max-age=3600", hour},
		{"2.1 forbids", "CDN-Cache-Control: no-store, private, no-cache", target(func(d *Directives) {
			d.NoStore, d.Private, d.NoCache = true, true, true
		})},
		{"2.1 forbids with any value", "CDN-Cache-Control: no-store=1, private=(a b), no-cache=\"a b\"", target(func(d *Directives) {
			d.NoStore, d.Private, d.NoCache = true, true, true
		})},
		{"2.1 said not to apply", "CDN-Cache-Control: no-store=?0, public=?0", target(func(*Directives) {})},
		{"2.1 fields", `CDN-Cache-Control: private="X-A", no-cache=x-b`, target(func(d *Directives) {
			d.Fields = []string{"x-a", "x-b"}
		})},
		{"2.1 permits", "CDN-Cache-Control: public, immutable, must-understand", target(func(d *Directives) {
			d.Public, d.Immutable, d.MustUnderstand = true, true, true
		})},
		{"2.1 permits with a value", "CDN-Cache-Control: public=1, immutable=a", target(func(*Directives) {})},
		{"2.1 revalidation", "CDN-Cache-Control: must-revalidate, proxy-revalidate, s-maxage=2, stale-if-error=1, stale-while-revalidate=9", target(func(d *Directives) {
			d.MustRevalidate, d.ProxyRevalidate = true, true
			d.SMaxAge, d.StaleIfError, d.StaleWhileRevalidate = seconds(2), seconds(1), seconds(9)
		})},
		{"2.1 ignored: empty", "CDN-Cache-Control: ", fallback},
		{"2.1 ignored: syntax", "CDN-Cache-Control: max-age=10000, &&&&&", fallback},
		{"2.1 ignored: string", `CDN-Cache-Control: max-age="10000"`, fallback},
		{"2.1 ignored: decimal", "CDN-Cache-Control: max-age=10.0", fallback},
		{"2.1 ignored: no value", "CDN-Cache-Control: max-age", fallback},
		{"2.1 ignored: inner list", "CDN-Cache-Control: max-age=(1 2)", fallback},
		{"2.1 ignored: case", "CDN-Cache-Control: MaX-aGe=3600", fallback},
		{"2.1 ignored: space before =", "CDN-Cache-Control: max-age =100", fallback},
		{"2.1 ignored: space after =", "CDN-Cache-Control: max-age= 100", fallback},
		{"2.1 ignored: trailing comma", "CDN-Cache-Control: max-age=100,", fallback},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := ParseResponse(header("Cache-Control: max-age=1", c.field))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.field, diff)
			}
		})
	}
}

// RFC 9213 §2.2: the first usable field of the target list counts.
func TestTargetList(t *testing.T) {
	got := ParseResponse(header("CDN-Cache-Control: max-age=2", "Edged-Cache-Control: max-age=3"))
	if got.MaxAge != seconds(3) {
		t.Errorf("max-age = %v, want that of the own field", got.MaxAge)
	}
	got = ParseResponse(header("CDN-Cache-Control: max-age=2", "Edged-Cache-Control: max-age=?"))
	if got.MaxAge != seconds(2) {
		t.Errorf("max-age = %v, want that of the CDN field", got.MaxAge)
	}
	got = ParseResponse(header("CDN-Cache-Control: no-store", "CDN-Cache-Control: max-age=2"))
	if got.MaxAge != seconds(2) || !got.NoStore {
		t.Errorf("got %+v, want both lines", got)
	}
}

func FuzzCacheControl(f *testing.F) {
	for _, seed := range []string{
		"max-age=3600", `max-age="3600"`, `private="set-cookie, x", s-maxage=1`, `ext="a\", no-store", max-age=5`,
		`"`, `a="`, "=", ",=,", "max-age =1 no-store", "max-stale, only-if-cached",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h := object.Header{{Name: "Cache-Control", Value: s}}
		d := ParseResponse(h)
		for _, span := range []time.Duration{d.MaxAge, d.SMaxAge, d.StaleWhileRevalidate, d.StaleIfError} {
			if span < absent || span > maxDelta {
				t.Fatalf("%q: span %v", s, span)
			}
		}
		// A directive more can only restrict, never lengthen.
		more := ParseResponse(append(h, object.Field{Name: "Cache-Control", Value: "no-store, max-age=0"}))
		if !more.NoStore || more.MaxAge != 0 {
			t.Fatalf("%q hides what another line forbids", s)
		}
		if !strings.ContainsAny(s, `"\`) {
			if behind := ParseResponse(object.Header{{Name: "Cache-Control", Value: s + ", no-store"}}); !behind.NoStore {
				t.Fatalf("%q hides what follows", s)
			}
		}
		if rd := ParseRequest([]byte(s), nil); rd.MaxAge < absent || rd.MinFresh < absent || rd.MaxStale < absent {
			t.Fatalf("%q: %+v", s, rd)
		}
	})
}

func FuzzTargeted(f *testing.F) {
	for _, seed := range []string{
		"max-age=3600", "no-store=?0", `private="a, b"`, "max-age=(1 2);x", "a=:AAA=:, max-age=1", "max-age=@12", "&&&",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h := header("Cache-Control: max-age=1")
		h = append(h, object.Field{Name: CDNField, Value: s})
		d := ParseResponse(h)
		if !d.Targeted {
			if diff := cmp.Diff(maxAge(1), d); diff != "" {
				t.Fatalf("ignored %q leaves traces:\n%s", s, diff)
			}
			return
		}
		for _, span := range []time.Duration{d.MaxAge, d.SMaxAge, d.StaleWhileRevalidate, d.StaleIfError} {
			if span < absent || span > maxDelta {
				t.Fatalf("%q: span %v", s, span)
			}
		}
	})
}
