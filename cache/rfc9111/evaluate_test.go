package rfc9111

import (
	"testing"
	"time"

	"edged/cache/object"
)

func TestEvaluate(t *testing.T) {
	cases := []struct {
		name     string
		response string // Cache-Control
		request  string
		at       float64 // seconds after receipt
		want     Decision
	}{
		{"4.2 fresh", "max-age=10", "", 9.9, Fresh},
		{"4.2 stale when the age is the lifetime", "max-age=10", "", 10, Validate},
		{"4.2 stale", "max-age=10", "", 11, Validate},
		{"4.2 the clock went back", "max-age=10", "", -100, Fresh},
		{"5.2.2.4 no-cache", "max-age=10, no-cache", "", 0, Validate},
		{"5.2.2.4 no-cache and max-stale", "max-age=10, no-cache", "max-stale", 0, Validate},
		{"5.2.1.4 no-cache of the request", "max-age=10", "no-cache", 0, Validate},
		{"5.2.1.5 no-store of the request", "max-age=10", "no-store", 0, Fresh},
		{"5.2.1.1 max-age reached", "max-age=10", "max-age=3", 3, Fresh},
		{"5.2.1.1 max-age exceeded", "max-age=10", "max-age=3", 3.1, Validate},
		{"5.2.1.1 max-age=0", "max-age=10", "max-age=0", 0.1, Validate},
		{"5.2.1.3 min-fresh", "max-age=10", "min-fresh=4", 6, Fresh},
		{"5.2.1.3 min-fresh, too late", "max-age=10", "min-fresh=4", 6.1, Validate},
		{"5.2.1.2 max-stale", "max-age=10", "max-stale=5", 15, StaleWhileRevalidate},
		{"5.2.1.2 max-stale exceeded", "max-age=10", "max-stale=5", 15.1, Validate},
		{"5.2.1.2 any staleness", "max-age=10", "max-stale", 1e6, StaleWhileRevalidate},
		{"5.2.1.2 max-stale and max-age", "max-age=10", "max-stale=5, max-age=11", 12, Validate},
		{"5.2.1.2 max-stale and no-cache", "max-age=10", "max-stale=5, no-cache", 12, Validate},
		{"5.2.2.2 must-revalidate, fresh", "max-age=10, must-revalidate", "", 9, Fresh},
		{"5.2.2.2 must-revalidate, max-stale", "max-age=10, must-revalidate", "max-stale", 11, Validate},
		{"5.2.2.8 proxy-revalidate, max-stale", "max-age=10, proxy-revalidate", "max-stale", 11, Validate},
		{"5.2.2.10 s-maxage, max-stale", "s-maxage=10", "max-stale", 11, Validate},
		{"5.2.1.7 only-if-cached, fresh", "max-age=10", "only-if-cached", 9, Fresh},
		{"5.2.1.7 only-if-cached, stale", "max-age=10", "only-if-cached", 11, Unsatisfiable504},
		{"5.2.1.7 only-if-cached, no-cache", "max-age=10, no-cache", "only-if-cached", 0, Unsatisfiable504},
		{"5.2.1.7 only-if-cached, max-stale", "max-age=10", "only-if-cached, max-stale", 11, StaleWhileRevalidate},
		{"5861 §3 within the window", "max-age=10, stale-while-revalidate=5", "", 14.9, StaleWhileRevalidate},
		{"5861 §3 behind the window", "max-age=10, stale-while-revalidate=5", "", 15, Validate},
		{"5861 §3 the client wants no stale", "max-age=10, stale-while-revalidate=5", "max-age=20", 12, Validate},
		{"5861 §3 the client wants less stale", "max-age=10, stale-while-revalidate=5", "max-stale=1", 12, Validate},
		{"5861 §3 the client wants it fresh", "max-age=10, stale-while-revalidate=5", "min-fresh=0", 12, Validate},
		{"5861 §3 reload", "max-age=10, stale-while-revalidate=5", "no-cache", 12, Validate},
		{"8246 reload of a fresh one", "max-age=10, immutable", "no-cache", 9, Fresh},
		{"8246 max-age=0 on a fresh one", "max-age=10, immutable", "max-age=0", 9, Fresh},
		{"8246 min-fresh still counts", "max-age=10, immutable", "min-fresh=5", 9, Validate},
		{"8246 a stale one", "max-age=10, immutable", "", 11, Validate},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := compute(Defaults{}, "Cache-Control: "+c.response)
			if got := Evaluate(&f, ParseRequest(value(c.request), nil), in(c.at)); got != c.want {
				t.Errorf("%q asked with %q after %vs: %v, want %v", c.response, c.request, c.at, got, c.want)
			}
		})
	}
}

// The Age a response came with counts (RFC 9111 §4.2.3).
func TestEvaluateCountsInitialAge(t *testing.T) {
	f := compute(Defaults{}, "Cache-Control: max-age=3600", "Age: 7200")
	if got := Evaluate(&f, NoWishes(), now); got != Validate {
		t.Errorf("stale on arrival: %v", got)
	}
}

func TestMayServeOnError(t *testing.T) {
	hour := Defaults{StaleIfError: time.Hour}
	cases := []struct {
		name     string
		d        Defaults
		response string
		request  string
		at       float64
		want     bool
	}{
		{"5861 §4 within", Defaults{}, "max-age=10, stale-if-error=5", "", 14, true},
		{"5861 §4 behind", Defaults{}, "max-age=10, stale-if-error=5", "", 15, false},
		{"5861 §4 not stated", Defaults{}, "max-age=10", "", 11, false},
		{"4.2.4 default", hour, "max-age=10", "", 11, true},
		{"4.2.4 stated 0 before the default", hour, "max-age=10, stale-if-error=0", "", 11, false},
		{"4.2.4 must-revalidate", hour, "max-age=10, must-revalidate", "", 11, false},
		{"4.2.4 proxy-revalidate", hour, "max-age=10, proxy-revalidate", "", 11, false},
		{"4.2.4 s-maxage", hour, "max-age=10, s-maxage=10", "", 11, false},
		{"4.2.4 no-cache", hour, "max-age=10, no-cache", "", 1, false},
		{"4.2.4 must-revalidate but fresh", hour, "max-age=10, must-revalidate", "max-age=0", 9, true},
		{"5.2.1.2 max-stale", Defaults{}, "max-age=10", "max-stale=5", 15, true},
		{"5.2.1.2 max-stale exceeded", Defaults{}, "max-age=10", "max-stale=5", 16, false},
		{"5.2.1.4 no-cache of the request", hour, "max-age=10", "no-cache", 5, false},
		{"5.2.1.1 a reload yields", hour, "max-age=10", "max-age=0", 11, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := compute(c.d, "Cache-Control: "+c.response)
			if got := MayServeOnError(&f, ParseRequest(value(c.request), nil), in(c.at)); got != c.want {
				t.Errorf("%q asked with %q after %vs: %v, want %v", c.response, c.request, c.at, got, c.want)
			}
		})
	}
}

func TestDecisionWords(t *testing.T) {
	want := []string{"fresh", "stale_while_revalidate", "validate", "unsatisfiable"}
	for i, word := range want {
		if got := Decision(i).String(); got != word {
			t.Errorf("decision %d is %q, want %q", i, got, word)
		}
	}
}

func TestEvaluateAllocs(t *testing.T) {
	f := object.Freshness{Received: now, Lifetime: seconds(10), StaleWhileRevalidate: seconds(10)}
	wishes := ParseRequest([]byte("max-age=5, max-stale"), nil)
	checkAllocs(t, "Evaluate", func() {
		Evaluate(&f, NoWishes(), now)
		Evaluate(&f, NoWishes(), in(15))
		Evaluate(&f, wishes, in(25))
		MayServeOnError(&f, wishes, in(25))
	})
}

func BenchmarkEvaluate(b *testing.B) {
	f := object.Freshness{Received: now, Lifetime: seconds(10)}
	rd := NoWishes()
	b.ReportAllocs()
	for b.Loop() {
		if Evaluate(&f, rd, now) != Fresh {
			b.Fatal("not fresh")
		}
	}
}

func BenchmarkParseRequest(b *testing.B) {
	cc := []byte("no-cache, max-age=0")
	b.ReportAllocs()
	for b.Loop() {
		if !ParseRequest(cc, nil).NoCache {
			b.Fatal("no-cache was not seen")
		}
	}
}
