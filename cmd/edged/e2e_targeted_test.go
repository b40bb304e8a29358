package main

import (
	"fmt"
	"strings"
	"testing"

	"edged/internal/edgetest"
)

func TestE2EFreshness(t *testing.T) {
	s := newSuite(t)
	t.Run("responses", func(t *testing.T) { t.Parallel(); s.storedOrNot(t) })
	t.Run("targeted fields", func(t *testing.T) { t.Parallel(); s.targetedFields(t) })
	t.Run("requests", func(t *testing.T) { t.Parallel(); s.wishes(t) })
	t.Run("age", func(t *testing.T) { t.Parallel(); s.ages(t) })
	t.Run("stale", func(t *testing.T) { t.Parallel(); s.staleAnswers(t) })
}

// freshness is a case: what an origin says, and what becomes of the second request.
type freshness struct {
	name   string
	fields []string
	want   string // "hit", "stale" (stored, but validated first) or "miss" (not stored)
}

// outcome asks twice and says what the second request met.
func (s *suite) outcome(t *testing.T, host, path string) (*edgetest.Response, string) {
	t.Helper()
	want(t, s.ask(t, edgetest.HTTP1, "GET", host, path), 200, nil)
	got := s.ask(t, edgetest.HTTP1, "GET", host, path)
	switch cs := got.CacheStatus(); {
	case strings.Contains(cs, "; hit") && strings.Contains(cs, "stale"):
		return got, "swr"
	case strings.Contains(cs, "; hit"):
		return got, "hit"
	case strings.Contains(cs, "fwd=stale"), strings.Contains(cs, "fwd=request"):
		return got, "stale"
	case strings.Contains(cs, "fwd=uri-miss"), strings.Contains(cs, "fwd=vary-miss"):
		return got, "miss"
	}
	return got, got.CacheStatus()
}

func (s *suite) freshnessCases(t *testing.T, host, suffix string, cases []freshness) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			path := "/freshness/" + host + "/" + slug(c.name) + suffix
			s.origin.Handle(path, edgetest.Serve([]byte("0123456789"), append([]string{"ETag", `"f"`}, c.fields...)...))
			if got, outcome := s.outcome(t, host, path); outcome != c.want {
				t.Errorf("%q: %s, want %s (Cache-Status %q)", c.fields, outcome, c.want, got.CacheStatus())
			}
		})
	}
}

const (
	past   = "Sun, 06 Nov 1994 08:49:37 GMT"
	future = "Sun, 06 Nov 2094 08:49:37 GMT"
)

// cc makes a Cache-Control field of each value.
func cc(values ...string) []string {
	var fields []string
	for _, v := range values {
		fields = append(fields, "Cache-Control", v)
	}
	return fields
}

// storedOrNot: RFC 9111 §3, §4.2, §5.2.2, §5.3. The paths have no media class, so that
// no default lifetimes are in the way.
func (s *suite) storedOrNot(t *testing.T) {
	s.freshnessCases(t, openHost, ".bin", []freshness{
		{"max-age", cc("max-age=60"), "hit"},
		{"s-maxage", cc("s-maxage=60"), "hit"},
		{"s-maxage before max-age", cc("max-age=0, s-maxage=60"), "hit"},
		{"s-maxage 0 before max-age", cc("s-maxage=0, max-age=60"), "stale"},
		{"max-age before Expires", append(cc("max-age=60"), "Expires", past), "hit"},
		{"max-age 0 before Expires", append(cc("max-age=0"), "Expires", future), "stale"},
		{"Expires", []string{"Expires", future}, "hit"},
		{"Expires in the past", []string{"Expires", past}, "stale"},
		{"Expires 0", []string{"Expires", "0"}, "stale"},
		{"Expires -1", []string{"Expires", "-1"}, "stale"},
		{"Expires malformed", []string{"Expires", "next week"}, "stale"},
		{"Expires twice, unlike", []string{"Expires", future, "Expires", past}, "stale"},
		{"Expires in RFC 850 form", []string{"Expires", "Saturday, 06-Nov-60 08:49:37 GMT"}, "hit"},
		{"case", cc("MAX-AGE=60, Public"), "hit"},
		{"quoted", cc(`max-age="60"`), "hit"}, // §5.2: recipients ought to accept both forms
		{"spaces and empty members", cc(" , max-age=60 ,, "), "hit"},
		{"spaces around =", cc("max-age = 60"), "stale"},
		{"signed", cc("max-age=+60"), "stale"},
		{"negative", cc("max-age=-60"), "stale"},
		{"float", cc("max-age=60.0"), "stale"},
		{"hexadecimal", cc("max-age=0x60"), "stale"},
		{"no value", cc("max-age"), "stale"},
		{"empty value", cc("max-age="), "stale"},
		{"letters", cc("max-age=a"), "stale"},
		{"digits and letters", cc("max-age=60a"), "stale"},
		{"single quotes", cc("max-age='60'"), "stale"},
		{"leading zeros", cc("max-age=0060"), "hit"},
		{"2^31", cc("max-age=2147483648"), "hit"},
		{"2^64", cc("max-age=18446744073709551616"), "hit"}, // §1.2.2
		{"200 digits", cc("max-age=" + strings.Repeat("9", 200)), "hit"},
		{"twice, the shorter counts", cc("max-age=60, max-age=0"), "stale"},
		{"twice, on lines", cc("max-age=0", "max-age=60"), "stale"},
		{"lines are one list", cc("public", "max-age=60"), "hit"},
		{"no-store on another line", cc("max-age=60", "no-store"), "miss"},
		{"no-store", cc("no-store"), "miss"},
		{"no-store with an argument", cc("max-age=60, no-store=0"), "miss"},
		{"no-store in quotes of another", cc(`max-age=60, ext="no-store"`), "hit"},
		{"max-age in quotes of another", cc(`max-age=60, ext="a, max-age=0, b"`), "hit"},
		{"open quote", cc(`max-age=60, ext="a`), "hit"},
		{"private", cc("max-age=60, private"), "miss"},
		{"private of a field", cc(`max-age=60, private="X-Mine"`), "hit"},
		{"private of a field, unquoted", cc("max-age=60, private=X-Mine"), "hit"},
		{"private of nothing", cc(`max-age=60, private=""`), "miss"},
		{"no-cache", cc("max-age=60, no-cache"), "stale"},
		{"no-cache of a field", cc(`max-age=60, no-cache="X-Mine"`), "hit"},
		{"unknown directives", cc("max-age=60, unknown, x=y, z=\"1, 2\""), "hit"},
		{"longer name", cc("max-age=60, no-storey, no-cache-x, xprivate"), "hit"},
		{"semicolons", cc("max-age=60; public"), "stale"},
		{"must-revalidate is fresh", cc("max-age=60, must-revalidate"), "hit"},
		{"proxy-revalidate is fresh", cc("max-age=60, proxy-revalidate"), "hit"},
		{"immutable", cc("max-age=60, immutable"), "hit"}, // RFC 8246
		{"immutable, no lifetime", cc("immutable"), "stale"},
		{"must-understand", cc("max-age=60, must-understand, no-store"), "hit"}, // 200 is understood
		{"no-transform", cc("max-age=60, no-transform"), "hit"},
		{"Pragma is none of a response", append(cc("max-age=60"), "Pragma", "no-cache"), "hit"},
		{"Vary *", append(cc("max-age=60"), "Vary", "*"), "miss"},
		{"Vary * among others", append(cc("max-age=60"), "Vary", "Accept, *"), "miss"},
		{"Vary * on another line", append(cc("max-age=60"), "Vary", "Accept", "Vary", "*"), "miss"},
		{"Vary on what is not forwarded", append(cc("max-age=60"), "Vary", "Cookie, User-Agent"), "hit"},
		{"Vary, empty", append(cc("max-age=60"), "Vary", ""), "hit"},
		{"Set-Cookie", append(cc("max-age=60"), "Set-Cookie", "a=b"), "hit"}, // stripped
		{"Set-Cookie, nothing said", []string{"Expires", future, "Set-Cookie", "a=b"}, "miss"},
		{"Date missing", append(cc("max-age=60"), "Date", ""), "hit"},
		{"Date malformed", append(cc("max-age=60"), "Date", "today"), "hit"},
		{"Date in the future", append(cc("max-age=60"), "Date", future), "hit"},
		{"Date in the past", append(cc("max-age=60"), "Date", past), "stale"}, // that old: §4.2.3
		{"Expires before Date", []string{"Date", future, "Expires", past}, "stale"},
		{"Age as high as max-age", append(cc("max-age=60"), "Age", "60"), "stale"},
		{"Age below", append(cc("max-age=60"), "Age", "30"), "hit"},
		{"Age malformed", append(cc("max-age=60"), "Age", "abc"), "hit"}, // §5.1: ignored
		{"Age negative", append(cc("max-age=60"), "Age", "-7200"), "hit"},
		{"Age float", append(cc("max-age=60"), "Age", "7200.5"), "hit"},
		{"Age huge", append(cc("max-age=60"), "Age", "99999999999999999999"), "stale"},
		{"Age list, first counts", append(cc("max-age=60"), "Age", "0, 7200"), "hit"},
		{"Age twice, first counts", append(cc("max-age=60"), "Age", "7200", "Age", "0"), "stale"},
		{"Age with a parameter", append(cc("max-age=60"), "Age", "7200;foo=bar"), "hit"},
		{"heuristic", []string{"Last-Modified", past}, "hit"},
		{"heuristic, public", append(cc("public"), "Last-Modified", past), "hit"},
		{"no heuristic against Pragma", []string{"Last-Modified", past, "Pragma", "no-cache"}, "stale"},
		{"Last-Modified in the future", []string{"Last-Modified", future}, "stale"},
		{"only a validator", nil, "stale"},
	})
	t.Run("statuses", func(t *testing.T) {
		for status, hit := range map[int]bool{
			200: true, 203: true, 204: true, 300: true, 301: true, 302: true, 307: true, 308: true, 404: true, 405: true, 410: true, 414: true,
			400: true, 403: true, 451: true, 499: true, 299: true, 429: false, 416: false, 412: false, 408: false, 425: false, 431: false,
		} {
			path := fmt.Sprintf("/freshness/status-%d.bin", status)
			length := "Content-Length: 2\r\n"
			body := "hi"
			if status == 204 {
				length, body = "", ""
			}
			s.origin.Handle(path, edgetest.Raw(fmt.Sprintf("HTTP/1.1 %d X\r\nCache-Control: max-age=60\r\nLocation: /x\r\nConnection: close\r\n%s\r\n%s", status, length, body)))
			want(t, s.fetch(t, path), status, []byte(body))
			got := s.fetch(t, path)
			want(t, got, status, []byte(body))
			if is := strings.Contains(got.CacheStatus(), "; hit"); is != hit {
				t.Errorf("status %d: Cache-Status %q, want hit: %v", status, got.CacheStatus(), hit)
			}
		}
	})
}

// targetedFields: RFC 9213.
func (s *suite) targetedFields(t *testing.T) {
	const cdn, own = "CDN-Cache-Control", "Edged-Cache-Control"
	with := func(control string, fields ...string) []string {
		if control != "" {
			fields = append(fields, "Cache-Control", control)
		}
		return fields
	}
	s.freshnessCases(t, openHost, ".tgt", []freshness{
		{"lifetime", with("", cdn, "max-age=60"), "hit"},
		{"before no-store", with("no-store", cdn, "max-age=60"), "hit"},
		{"before private", with("private", cdn, "max-age=60"), "hit"},
		{"before max-age", with("max-age=0", cdn, "max-age=60"), "hit"},
		{"0 before max-age", with("max-age=60", cdn, "max-age=0"), "stale"},
		{"no-store before max-age", with("max-age=60", cdn, "no-store"), "miss"},
		{"private before max-age", with("max-age=60", cdn, "private"), "miss"},
		{"no-cache before max-age", with("max-age=60", cdn, "no-cache"), "stale"},
		{"s-maxage", with("no-store", cdn, "s-maxage=60"), "hit"},
		{"s-maxage before max-age of it", with("", cdn, "max-age=0, s-maxage=60"), "hit"},
		{"Expires does not count", with("", cdn, "must-revalidate", "Expires", future), "stale"},
		{"Expires beside a lifetime", with("", cdn, "max-age=60", "Expires", past), "hit"},
		{"own before CDN", with("no-store", cdn, "no-store", own, "max-age=60"), "hit"},
		{"own no-store before CDN", with("max-age=60", cdn, "max-age=60", own, "no-store"), "miss"},
		{"own alone", with("no-store", own, "max-age=60"), "hit"},
		{"own malformed, CDN counts", with("no-store", own, "max-age=60,", cdn, "max-age=60"), "hit"},
		{"field name knows no case", with("no-store", "cdn-CACHE-control", "max-age=60"), "hit"},
		{"lines are one dictionary", with("no-store", cdn, "max-age=60", cdn, "public"), "hit"},
		{"last of a repeated key counts", with("no-store", cdn, "max-age=0, max-age=60"), "hit"}, // RFC 8941 §3.2
		{"parameters do not count", with("no-store", cdn, "max-age=60;a=b;c"), "hit"},
		{"parameters of a flag", with("max-age=60", cdn, "no-store;a"), "miss"},
		{"unknown members", with("no-store", cdn, `max-age=60, x=y, z="1", l=(a b), b=:aGk=:, n=1.5`), "hit"},
		{"flag said true", with("max-age=60", cdn, "no-store=?1"), "miss"},
		{"flag said false", with("no-store", cdn, "max-age=60, no-store=?0"), "hit"},
		{"no-cache of fields", with("no-store", cdn, `max-age=60, no-cache="x-mine"`), "hit"},
		{"negative lifetime", with("max-age=60", cdn, "max-age=-1"), "stale"},
		{"space around", with("no-store", cdn, "  max-age=60 ,\t public  "), "hit"},
		{"huge", with("no-store", cdn, "max-age=999999999999999"), "hit"},

		// A field that cannot be used is as if it were not there (§2.1).
		{"empty", with("max-age=60", cdn, ""), "hit"},
		{"empty, no-store", with("no-store", cdn, ""), "miss"},
		{"capital key", with("max-age=60", cdn, "Max-Age=0"), "hit"},
		{"trailing comma", with("max-age=60", cdn, "no-store,"), "hit"},
		{"space around =", with("max-age=60", cdn, "max-age = 0"), "hit"},
		{"semicolon list", with("max-age=60", cdn, "no-store; ;"), "hit"},
		{"quoted lifetime", with("max-age=60", cdn, `max-age="0"`), "hit"},
		{"decimal lifetime", with("max-age=60", cdn, "max-age=0.5"), "hit"},
		{"token lifetime", with("max-age=60", cdn, "max-age=a"), "hit"},
		{"flag lifetime", with("max-age=60", cdn, "max-age"), "hit"},
		{"sixteen digits", with("max-age=60", cdn, "max-age=9999999999999999"), "hit"},
		{"open quote", with("max-age=60", cdn, `no-store, x="a`), "hit"},
		{"not ASCII", with("max-age=60", cdn, "no-store, x=\"caf\u00e9\""), "hit"},
		{"malformed, no-store counts", with("no-store", cdn, "max-age=60, &"), "miss"},
		{"other targets do not count", with("no-store", "Other-Cache-Control", "max-age=60", "Surrogate-Control", "max-age=60"), "miss"},
	})
	// Clients get Cache-Control as it is, and the field for caches that follow (§3.1).
	s.origin.Handle("/targeted/seen.bin", edgetest.Plain([]byte("x"), "Cache-Control", "no-store", cdn, "max-age=60", "Expires", past, "ETag", `"t"`))
	for range 2 {
		for _, fields := range [][]string{nil, {"Range", "bytes=0-0"}, {"If-None-Match", `"t"`}} {
			got := s.fetch(t, "/targeted/seen.bin", fields...)
			wantField(t, got, "Cache-Control", "no-store")
			wantField(t, got, "Expires", past)
			wantField(t, got, cdn, "max-age=60")
		}
	}
	s.wantFetches(t, "/targeted/seen.bin", 1)
	// A lifetime that only we get: what is stale is so by it.
	s.origin.Handle("/targeted/short.bin", edgetest.Serve([]byte("x"), "Cache-Control", "max-age=3600", cdn, "max-age=60", "Age", "61", "ETag", `"t"`))
	if got, outcome := s.outcome(t, openHost, "/targeted/short.bin"); outcome != "stale" {
		t.Errorf("%s: %q", outcome, got.CacheStatus())
	}
	// Stale windows and Authorization are read from it, too.
	s.origin.Handle("/targeted/swr.bin", edgetest.Serve([]byte("x"), "Cache-Control", "no-store", cdn, "max-age=60, stale-while-revalidate=600", "Age", "61", "ETag", `"t"`))
	if got, outcome := s.outcome(t, openHost, "/targeted/swr.bin"); outcome != "swr" {
		t.Errorf("%s: %q", outcome, got.CacheStatus())
	}
}

// wishes: RFC 9111 §5.2.1, where a site obeys its viewers; elsewhere they do not count.
func (s *suite) wishes(t *testing.T) {
	for i, c := range []struct {
		name   string
		origin []string
		ask    []string
		want   string // "hit", "asked" or "504"
	}{
		{"nothing", cc("max-age=60"), nil, "hit"},
		{"no-cache", cc("max-age=60"), cc("no-cache"), "asked"},
		{"no-cache with an argument", cc("max-age=60"), cc("no-cache=x"), "asked"},
		{"Pragma", cc("max-age=60"), []string{"Pragma", "no-cache"}, "asked"},
		{"Pragma beside Cache-Control", cc("max-age=60"), append(cc("max-age=60"), "Pragma", "no-cache"), "hit"}, // §5.4
		{"max-age 0", cc("max-age=60"), cc("max-age=0"), "asked"},
		{"max-age enough", append(cc("max-age=60"), "Age", "10"), cc("max-age=30"), "hit"},
		{"max-age too young", append(cc("max-age=60"), "Age", "40"), cc("max-age=30"), "asked"},
		{"max-age malformed", cc("max-age=60"), cc("max-age=x"), "hit"},
		{"min-fresh met", cc("max-age=60"), cc("min-fresh=30"), "hit"},
		{"min-fresh not met", append(cc("max-age=60"), "Age", "40"), cc("min-fresh=30"), "asked"},
		{"max-stale of any", append(cc("max-age=60"), "Age", "100"), cc("max-stale"), "hit"},
		{"max-stale enough", append(cc("max-age=60"), "Age", "100"), cc("max-stale=60"), "hit"},
		{"max-stale too little", append(cc("max-age=60"), "Age", "100"), cc("max-stale=10"), "asked"},
		{"max-stale against must-revalidate", append(cc("max-age=60, must-revalidate"), "Age", "100"), cc("max-stale"), "asked"},
		{"max-stale against proxy-revalidate", append(cc("max-age=60, proxy-revalidate"), "Age", "100"), cc("max-stale"), "asked"},
		{"max-stale against s-maxage", append(cc("s-maxage=60"), "Age", "100"), cc("max-stale"), "asked"},
		{"max-stale against no-cache", cc("max-age=60, no-cache"), cc("max-stale"), "asked"},
		{"only-if-cached", cc("max-age=60"), cc("only-if-cached"), "hit"},
		{"only-if-cached, stale", append(cc("max-age=60"), "Age", "100"), cc("only-if-cached"), "504"},
		{"only-if-cached, stale but tolerated", append(cc("max-age=60"), "Age", "100"), cc("only-if-cached, max-stale=60"), "hit"},
		{"no-store does not forbid a hit", cc("max-age=60"), cc("no-store"), "hit"},
		{"no-transform", cc("max-age=60"), cc("no-transform"), "hit"},
		{"unknown", cc("max-age=60"), cc("x, y=z"), "hit"},
		{"immutable withstands a reload", cc("max-age=60, immutable"), cc("max-age=0"), "hit"}, // RFC 8246 §2
		{"stale-if-error is no answer", append(cc("max-age=60, stale-if-error=600"), "Age", "100"), nil, "asked"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := fmt.Sprintf("/wishes/%d.bin", i)
			s.origin.Handle(path, edgetest.Serve([]byte("x"), append([]string{"ETag", `"w"`}, c.origin...)...))
			want(t, s.ask(t, edgetest.HTTP1, "GET", wishHost, path), 200, nil)
			n := s.origin.Count(path)
			got := s.ask(t, edgetest.HTTP1, "GET", wishHost, path, c.ask...)
			outcome := "asked"
			switch {
			case got.StatusCode == 504:
				outcome = "504"
			case strings.Contains(got.CacheStatus(), "; hit"):
				outcome = "hit"
			case s.origin.Count(path) == n:
				outcome = got.CacheStatus()
			}
			if outcome != c.want {
				t.Errorf("%s, want %s (Cache-Status %q)", outcome, c.want, got.CacheStatus())
			}
		})
	}
	got := s.ask(t, edgetest.HTTP2, "GET", wishHost, "/wishes/none.bin", cc("only-if-cached")...)
	want(t, got, 504, nil)
	s.wantFetches(t, "/wishes/none.bin", 0)
	s.video("/wishes/ignored.bin", 100)
	want(t, s.fetch(t, "/wishes/ignored.bin"), 200, nil)
	for _, v := range []string{"no-cache", "max-age=0", "no-store", "only-if-cached"} {
		want(t, s.fetch(t, "/wishes/ignored.bin", "Cache-Control", v, "Pragma", "no-cache"), 200, nil, "; hit")
	}
	s.wantFetches(t, "/wishes/ignored.bin", 1)
}

// ages: RFC 9111 §4.2.3, §5.1: exactly one Age, a whole number, on whatever was not
// made for this very request.
func (s *suite) ages(t *testing.T) {
	for name, c := range map[string]struct {
		sent     []string
		from, to int
	}{
		"none":       {nil, 0, 20},
		"some":       {[]string{"Age", "10"}, 10, 30},
		"spaces":     {[]string{"Age", "  10 "}, 10, 30},
		"malformed":  {[]string{"Age", "ten"}, 0, 20},
		"two lines":  {[]string{"Age", "10", "Age", "1000"}, 10, 30},
		"a list":     {[]string{"Age", "10, 1000"}, 10, 30},
		"beyond all": {[]string{"Age", "99999999999"}, 1 << 31, 1 << 31},
		"2^31":       {[]string{"Age", "2147483648"}, 1 << 31, 1 << 31},
	} {
		t.Run(name, func(t *testing.T) {
			path := "/ages/" + slug(name) + ".bin"
			s.origin.Handle(path, edgetest.Plain([]byte("x"), append(cc("max-age=99999999999"), c.sent...)...))
			s.fetch(t, path)
			for _, p := range protocols() {
				got := s.ask(t, p, "GET", openHost, path)
				var age int
				if v := got.Header.Values("Age"); len(v) != 1 {
					t.Fatalf("%s: Age %q", p, v)
				} else if _, err := fmt.Sscanf(v[0], "%d", &age); err != nil || age < c.from || age > c.to {
					t.Errorf("%s: Age %q, want %d to %d", p, v, c.from, c.to)
				}
			}
		})
	}
}

// staleAnswers: RFC 5861, and RFC 9111 §4.2.4 about who forbids it.
func (s *suite) staleAnswers(t *testing.T) {
	for i, c := range []struct {
		name, control string
		swr, onError  bool
	}{
		{"while revalidating", "max-age=60, stale-while-revalidate=600", true, false},
		{"window over", "max-age=60, stale-while-revalidate=10", false, false},
		{"window of nothing", "max-age=60, stale-while-revalidate=0", false, false},
		{"window malformed", "max-age=60, stale-while-revalidate=x", false, false},
		{"window beside must-revalidate", "max-age=60, stale-while-revalidate=600, must-revalidate", false, false},
		{"window beside s-maxage", "s-maxage=60, stale-while-revalidate=600", false, false},
		{"window beside no-cache", "max-age=60, stale-while-revalidate=600, no-cache", false, false},
		{"on error", "max-age=60, stale-if-error=600", false, true},
		{"on error, over", "max-age=60, stale-if-error=10", false, false},
		{"on error, of nothing", "max-age=60, stale-if-error=0", false, false},
		{"on error beside must-revalidate", "max-age=60, stale-if-error=600, must-revalidate", false, false},
		{"on error beside proxy-revalidate", "max-age=60, stale-if-error=600, proxy-revalidate", false, false},
		{"on error beside no-cache", "max-age=60, stale-if-error=600, no-cache", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.swr {
				path := fmt.Sprintf("/stale/%d.bin", i)
				s.origin.Handle(path, edgetest.Serve([]byte("x"), "Cache-Control", c.control, "Age", "100", "ETag", `"s"`))
				if got, outcome := s.outcome(t, openHost, path); outcome != "swr" {
					t.Errorf("%s: %q", outcome, got.CacheStatus())
				}
				edgetest.Eventually(t, "it was validated behind the viewer's back", func() bool { return s.origin.Count(path) >= 2 })
			}
			for _, status := range []int{500, 502, 503, 504} {
				path := fmt.Sprintf("/stale/%d-%d.bin", i, status)
				s.origin.Handle(path, edgetest.Serve([]byte("x"), "Cache-Control", c.control, "Age", "100", "ETag", `"s"`))
				want(t, s.fetch(t, path), 200, nil)
				s.origin.Handle(path, edgetest.Answer(status, []byte("broken")))
				got := s.fetch(t, path)
				switch {
				case c.swr: // served stale in any case
					want(t, got, 200, []byte("x"))
				case c.onError:
					want(t, got, 200, []byte("x"), "stale-if-error")
				case strings.Contains(c.name, "on error"), strings.Contains(c.name, "beside"):
					want(t, got, 502, nil)
				}
			}
		})
	}
}
