package rfc9111

import (
	"testing"
	"time"

	"edged/cache/object"
)

const (
	must      = object.MustRevalidate
	noCache   = object.NoCache
	immutable = object.Immutable
	guessed   = object.Heuristic
)

func TestLifetime(t *testing.T) {
	class := Defaults{Lifetime: 4 * time.Hour, Negative: time.Second}
	byRule := Defaults{Heuristic: true}
	cases := []struct {
		name   string
		status int
		d      Defaults
		lines  []string
		want   time.Duration
		flags  object.Flags
	}{
		{"4.2.1 s-maxage before max-age", 200, class, []string{"Cache-Control: max-age=1, s-maxage=9"}, seconds(9), must},
		{"4.2.1 s-maxage before a past Expires", 200, class, []string{"Expires: @-10", "Cache-Control: max-age=0, s-maxage=9"}, seconds(9), must},
		{"4.2.1 a shorter s-maxage", 200, class, []string{"Cache-Control: s-maxage=1", "Cache-Control: max-age=9"}, seconds(1), must},
		{"4.2.1 max-age before Expires", 200, class, []string{"Cache-Control: max-age=9", "Expires: @-7200"}, seconds(9), 0},
		{"4.2.1 max-age before a bad Expires", 200, class, []string{"Cache-Control: max-age=9", "Expires: 0"}, seconds(9), 0},
		{"4.2.1 max-age=0 before Expires", 200, class, []string{"Cache-Control: max-age=0", "Expires: @3600"}, 0, 0},
		{"4.2.1 a bad max-age is stale", 200, class, []string{"Cache-Control: max-age=x", "Expires: @3600"}, 0, 0},
		{"5.3 Expires less Date", 200, class, []string{"Expires: @30", "Date: @10"}, seconds(20), 0},
		{"5.3 Expires before Date", 200, class, []string{"Expires: @300", "Date: @400"}, 0, 0},
		{"5.3 Expires is Date", 200, class, []string{"Expires: @0", "Date: @0"}, 0, 0},
		{"5.3 no Date", 200, class, []string{"Expires: @30"}, seconds(30), 0},
		{"5.3 bad Date", 200, class, []string{"Expires: @30", "Date: foo"}, seconds(30), 0},
		{"5.3 bad Expires", 200, class, []string{"Expires: 0", "Date: @0"}, 0, 0},
		{"5.3 empty Expires", 200, class, []string{"Expires: "}, 0, 0},
		{"5.3 far future", 200, class, []string{"Expires: Sun, 21 Nov 2286 04:46:39 GMT"}, maxDelta, 0},
		{"5.3 rfc850", 200, class, []string{"Date: Thursday, 15-Jan-26 12:00:00 GMT", "Expires: Thursday, 15-Jan-26 12:00:05 GMT"}, seconds(5), 0},
		{"5.3 twice the same", 200, class, []string{"Expires: @30", "Expires: @30"}, seconds(30), 0},
		{"5.3 twice and different", 200, class, []string{"Expires: @30", "Expires: @31"}, 0, 0},
		{"9213 replaces Expires", 200, class, []string{"CDN-Cache-Control: max-age=5", "Expires: @-10000", "Cache-Control: no-store"}, seconds(5), 0},
		{"9213 without a lifetime", 200, Defaults{}, []string{"CDN-Cache-Control: public", "Cache-Control: max-age=5"}, 0, guessed},

		{"5.2.2.4 no-cache keeps the lifetime", 200, class, []string{"Cache-Control: max-age=9, no-cache"}, seconds(9), noCache},
		{"5.2.2.4 no-cache of fields", 200, class, []string{`Cache-Control: max-age=9, no-cache="a"`}, seconds(9), 0},
		{"5.2.2.5 no-store is never used", 200, class, []string{"Cache-Control: max-age=9, no-store"}, 0, noCache},
		{"5.2.2.7 private is never used", 200, class, []string{"Cache-Control: max-age=9, private"}, 0, noCache},
		{"5.2.2.3 must-understand", 200, class, []string{"Cache-Control: max-age=9, no-store, must-understand"}, seconds(9), 0},
		{"5.2.2.3 not understood", 599, class, []string{"Cache-Control: max-age=9, no-store, must-understand"}, 0, noCache},
		{"5.2.2.2 must-revalidate", 200, class, []string{"Cache-Control: max-age=9, must-revalidate"}, seconds(9), must},
		{"5.2.2.8 proxy-revalidate", 200, class, []string{"Cache-Control: max-age=9, proxy-revalidate"}, seconds(9), must},
		{"8246 immutable", 200, class, []string{"Cache-Control: max-age=9, immutable"}, seconds(9), immutable},

		{"default by class", 200, class, nil, 4 * time.Hour, guessed},
		{"default by class for a part", 206, class, nil, 4 * time.Hour, guessed},
		{"default beside public", 200, class, []string{"Cache-Control: public"}, 4 * time.Hour, guessed},
		{"default not for a redirect", 302, class, nil, 0, guessed},
		{"default not for an error", 503, class, nil, 0, guessed},
		{"negative", 404, class, nil, time.Second, guessed},
		{"negative gone", 410, class, nil, time.Second, guessed},
		{"negative before heuristic", 404, Defaults{Negative: time.Second, Heuristic: true}, []string{"Last-Modified: @-100000"}, time.Second, guessed},
		{"negative stated", 404, class, []string{"Cache-Control: max-age=60"}, seconds(60), 0},
		{"5.4 Pragma forbids guessing", 200, class, []string{"Pragma: no-cache"}, 0, guessed},
		{"5.4 Pragma undoes no lifetime", 200, class, []string{"Pragma: no-cache", "Cache-Control: max-age=5"}, seconds(5), 0},
		{"5.4 Pragma beside Cache-Control", 200, class, []string{"Pragma: no-cache", "Cache-Control: public"}, 4 * time.Hour, guessed},

		{"4.2.2 a tenth", 200, byRule, []string{"Last-Modified: @-1000", "Date: @0"}, seconds(100), guessed},
		{"4.2.2 no Date", 200, byRule, []string{"Last-Modified: @-1000"}, seconds(100), guessed},
		{"4.2.2 at most a day", 200, byRule, []string{"Last-Modified: @-100000000"}, 24 * time.Hour, guessed},
		{"4.2.2 modified in the future", 200, byRule, []string{"Last-Modified: @1000"}, 0, guessed},
		{"4.2.2 no Last-Modified", 200, byRule, nil, 0, guessed},
		{"4.2.2 not allowed", 200, Defaults{}, []string{"Last-Modified: @-1000"}, 0, guessed},
		{"4.2.2 not with a stated lifetime", 200, byRule, []string{"Last-Modified: @-1000", "Expires: 0"}, 0, 0},
		{"4.2.2 599 is not cacheable", 599, byRule, []string{"Last-Modified: @-1000"}, 0, guessed},
		{"4.2.2 599 is when public", 599, byRule, []string{"Last-Modified: @-1000", "Cache-Control: public"}, seconds(100), guessed},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := Compute(c.status, header(c.lines...), c.d, now, now)
			if f.Lifetime != c.want || f.Flags != c.flags {
				t.Errorf("%d %q: lifetime %v flags %b, want %v %b", c.status, c.lines, f.Lifetime, f.Flags, c.want, c.flags)
			}
			if f.Received != now {
				t.Errorf("Received = %d", f.Received)
			}
		})
	}
}

func TestHeuristicStatuses(t *testing.T) {
	cacheable := map[int]bool{
		200: true, 203: true, 204: true, 206: true, 300: true, 301: true, 308: true,
		404: true, 405: true, 410: true, 414: true, 501: true,
	}
	for status := 200; status < 600; status++ {
		f := Compute(status, header("Last-Modified: @-1000"), Defaults{Heuristic: true}, now, now)
		if got := f.Lifetime > 0; got != cacheable[status] {
			t.Errorf("%d: heuristic lifetime %v", status, f.Lifetime)
		}
	}
}

func TestStaleWindows(t *testing.T) {
	d := Defaults{Lifetime: time.Minute, StaleWhileRevalidate: seconds(10), StaleIfError: time.Hour}
	cases := []struct {
		name                string
		status              int
		cacheControl        string
		revalidate, onError time.Duration
	}{
		{"5861 §3, §4 stated", 200, "max-age=1, stale-while-revalidate=2, stale-if-error=3", seconds(2), seconds(3)},
		{"5861 §3 stated without a lifetime", 200, "stale-while-revalidate=2", seconds(2), time.Hour},
		{"defaults with a default lifetime", 200, "", seconds(10), time.Hour},
		{"stated lifetime gets no default swr", 200, "max-age=1", 0, time.Hour},
		{"stated 0", 200, "stale-while-revalidate=0, stale-if-error=0", 0, 0},
		{"no lifetime gets no default swr", 302, "public", 0, time.Hour},
		{"9111 §4.2.4 must-revalidate", 200, "max-age=1, must-revalidate, stale-while-revalidate=2, stale-if-error=3", 0, 0},
		{"9111 §4.2.4 s-maxage", 200, "s-maxage=1, stale-while-revalidate=2, stale-if-error=3", 0, 0},
		{"9111 §4.2.4 no-cache", 200, "no-cache, stale-while-revalidate=2, stale-if-error=3", 0, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var h object.Header
			if c.cacheControl != "" {
				h = header("Cache-Control: " + c.cacheControl)
			}
			f := Compute(c.status, h, d, now, now)
			if f.StaleWhileRevalidate != c.revalidate || f.StaleIfError != c.onError {
				t.Errorf("%q: %v, %v, want %v, %v", c.cacheControl, f.StaleWhileRevalidate, f.StaleIfError, c.revalidate, c.onError)
			}
		})
	}
}

func TestInitialAge(t *testing.T) {
	cases := []struct {
		name  string
		delay time.Duration
		lines []string
		want  time.Duration
	}{
		{"4.2.3 nothing known", 0, nil, 0},
		{"4.2.3 response delay", 1500 * time.Millisecond, nil, 1500 * time.Millisecond},
		{"4.2.3 apparent age", 0, []string{"Date: @-7200"}, 2 * time.Hour},
		{"4.2.3 Date in the future", 0, []string{"Date: @7200"}, 0},
		{"4.2.3 a second is the grain of Date", 0, []string{"Date: @-1"}, 0},
		{"4.2.3 two are not", 0, []string{"Date: @-2"}, seconds(2)},
		{"4.2.3 Age plus delay", time.Second, []string{"Age: 30", "Date: @-20"}, seconds(31)},
		{"4.2.3 the larger", time.Second, []string{"Age: 30", "Date: @-50"}, seconds(50)},
		{"4.2.3 bad Date", 0, []string{"Date: foo"}, 0},
		{"5.1 not a number", 0, []string{"Age: abc"}, 0},
		{"5.1 negative", 0, []string{"Age: -7200"}, 0},
		{"5.1 decimal", 0, []string{"Age: 7200.0"}, 0},
		{"5.1 parameter", 0, []string{"Age: 7200;foo=111"}, 0},
		{"5.1 empty", 0, []string{"Age: "}, 0},
		{"5.1 first of a list", 0, []string{"Age: 7200, 0"}, 2 * time.Hour},
		{"5.1 first of a list is 0", 0, []string{"Age: 0, 7200"}, 0},
		{"5.1 first line", 0, []string{"Age: 7200", "Age: 0"}, 2 * time.Hour},
		{"5.1 first line is 0", 0, []string{"Age: 0", "Age: 7200"}, 0},
		{"1.2.2 2^31", 0, []string{"Age: 2147483648"}, maxDelta},
		{"1.2.2 more", 0, []string{"Age: 99999999999999999999"}, maxDelta},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := Compute(200, header(c.lines...), Defaults{}, now-int64(c.delay), now)
			if f.InitialAge != c.want {
				t.Errorf("%q after %v: age %v, want %v", c.lines, c.delay, f.InitialAge, c.want)
			}
		})
	}
}

// A clock that was set back between request and response makes nobody younger.
func TestInitialAgeClockSetBack(t *testing.T) {
	if f := Compute(200, header("Age: 5"), Defaults{}, in(10), now); f.InitialAge != seconds(5) {
		t.Errorf("age %v, want 5s", f.InitialAge)
	}
}

func TestAppendAge(t *testing.T) {
	cases := []struct {
		age  string
		at   float64
		want string
	}{{"0", 0, "0"}, {"30", 2.9, "32"}, {"2147483647", 100, "2147483648"}}
	for _, c := range cases {
		f := compute(Defaults{}, "Age: "+c.age)
		if got := string(AppendAge([]byte("Age: "), &f, in(c.at))); got != "Age: "+c.want {
			t.Errorf("Age %s after %vs: %q, want %s", c.age, c.at, got, c.want)
		}
	}
}

func TestFloorSeconds(t *testing.T) {
	for nanos, want := range map[int64]int64{0: 0, 999999999: 0, 1000000000: 1, -1: -1, -1000000000: -1} {
		if got := floorSeconds(nanos); got != want {
			t.Errorf("floorSeconds(%d) = %d, want %d", nanos, got, want)
		}
	}
}
