package rfc9111

import (
	"testing"
	"time"

	"edged/cache/object"
)

func TestStorable(t *testing.T) {
	get := Request{Method: "GET"}
	signed := Request{Method: "GET", Authorization: true}
	class := Defaults{Lifetime: time.Hour, Negative: time.Second, StaleIfError: time.Hour}
	cases := []struct {
		name   string
		req    Request
		status int
		d      Defaults
		lines  []string
		want   Reason
	}{
		{"3 max-age", get, 200, Defaults{}, []string{"Cache-Control: max-age=1"}, OK},
		{"3 s-maxage", get, 200, Defaults{}, []string{"Cache-Control: s-maxage=1"}, OK},
		{"3 Expires", get, 200, Defaults{}, []string{"Expires: @60", "Date: @0"}, OK},
		{"3 Expires without Date", get, 200, Defaults{}, []string{"Expires: @60"}, OK},
		{"3 Expires without Date, long past", get, 200, Defaults{}, []string{"Expires: Thu, 01 Jan 1970 00:00:00 GMT"}, NoLifetime},
		{"3 nothing", get, 200, Defaults{}, nil, NoLifetime},
		{"3 nothing but public", get, 200, Defaults{}, []string{"Cache-Control: public"}, NoLifetime},
		{"3 a default", get, 200, class, nil, OK},
		{"3 a negative default", get, 404, class, nil, OK},
		{"3 no default for an error", get, 503, class, nil, NoLifetime},
		{"3 no default for a redirect", get, 302, class, nil, NoLifetime},
		{"3 an error with max-age", get, 503, Defaults{}, []string{"Cache-Control: max-age=1"}, OK},
		{"3 an unknown status with max-age", get, 299, Defaults{}, []string{"Cache-Control: max-age=1"}, OK},
		{"3 heuristic", get, 404, Defaults{Heuristic: true}, []string{"Last-Modified: @-1000", "Date: @0"}, OK},
		{"3 heuristic without Date", get, 404, Defaults{Heuristic: true}, []string{"Last-Modified: @-1"}, OK},
		{"3 heuristic, not cacheable", get, 502, Defaults{Heuristic: true}, []string{"Last-Modified: @-1000", "Date: @0"}, NoLifetime},
		{"3 a validator", get, 200, Defaults{}, []string{`ETag: "a"`}, OK},
		{"3 a date validator", get, 200, Defaults{}, []string{"Last-Modified: @-1000"}, OK},
		{"3 a bad date is no validator", get, 200, Defaults{}, []string{"Last-Modified: yesterday"}, NoLifetime},
		{"3 a validator, status not cacheable", get, 201, Defaults{}, []string{`ETag: "a"`}, NoLifetime},
		{"3 a validator on an error", get, 404, Defaults{}, []string{`ETag: "a"`}, NoLifetime},
		{"3 max-age=0 and a validator", get, 200, Defaults{}, []string{"Cache-Control: max-age=0", `ETag: "a"`}, OK},
		{"3 max-age=0 alone", get, 200, class, []string{"Cache-Control: max-age=0"}, NoLifetime},
		{"5861 max-age=0 and a window", get, 200, Defaults{}, []string{"Cache-Control: max-age=0, stale-while-revalidate=9"}, OK},
		{"5861 max-age=0 and a window for errors", get, 200, Defaults{}, []string{"Cache-Control: max-age=0, stale-if-error=9"}, OK},
		{"5861 a window that is forbidden", get, 200, Defaults{}, []string{"Cache-Control: max-age=0, stale-if-error=9, must-revalidate"}, NoLifetime},
		{"5.2.2.4 no-cache and a validator", get, 200, Defaults{}, []string{"Cache-Control: no-cache", `ETag: "a"`}, OK},
		{"5.2.2.4 no-cache alone", get, 200, class, []string{"Cache-Control: no-cache, max-age=9"}, NoLifetime},
		{"5.2.2.4 no-cache of a field", get, 200, Defaults{}, []string{`Cache-Control: no-cache="a", max-age=9`}, OK},
		{"5.2.2.5 no-store", get, 200, class, []string{"Cache-Control: no-store, max-age=9"}, NoStore},
		{"5.2.1.5 no-store of the request", Request{Method: "GET", CacheControl: "a, No-Store"}, 200, class, nil, RequestNoStore},
		{"5.2.2.7 private", get, 200, class, []string{"Cache-Control: private, max-age=9"}, Private},
		{"5.2.2.7 private fields", get, 200, class, []string{`Cache-Control: private="x-user", max-age=9`}, OK},
		{"5.2.2.3 must-understand", get, 200, Defaults{}, []string{"Cache-Control: max-age=9, no-store, must-understand"}, OK},
		{"5.2.2.3 not understood", get, 599, Defaults{}, []string{"Cache-Control: max-age=9, must-understand"}, Status},
		{"9213 no-store for others", get, 200, Defaults{}, []string{"Cache-Control: no-store", "CDN-Cache-Control: max-age=9"}, OK},
		{"9213 no-store for us", get, 200, Defaults{}, []string{"Cache-Control: max-age=9", "CDN-Cache-Control: no-store"}, NoStore},
		{"9213 private for us", get, 200, Defaults{}, []string{"Cache-Control: max-age=9", "CDN-Cache-Control: private"}, Private},
		{"3 method", Request{Method: "POST"}, 200, class, []string{"Cache-Control: max-age=9"}, Method},
		{"3 HEAD", Request{Method: "HEAD"}, 200, class, []string{"Cache-Control: max-age=9"}, Method},
		{"3 method unset", Request{}, 200, class, []string{"Cache-Control: max-age=9"}, Method},
		{"3 interim", get, 103, class, []string{"Cache-Control: max-age=9"}, Status},
		{"3 304", get, 304, class, []string{"Cache-Control: max-age=9"}, Status},
		{"3 416", get, 416, class, []string{"Cache-Control: max-age=9"}, Status},
		{"3 beyond 599", get, 600, class, []string{"Cache-Control: max-age=9"}, Status},
		{"6585 429", get, 429, class, []string{"Cache-Control: max-age=9"}, Status},
		{"6585 511", get, 511, class, []string{"Cache-Control: max-age=9"}, Status},
		{"3.3 206", get, 206, class, []string{"Cache-Control: max-age=9", "Content-Range: bytes 0-1/9"}, Partial},
		{"3.3 206 that is not storable", get, 206, class, []string{"Cache-Control: no-store", "Content-Range: bytes 0-1/9"}, NoStore},
		{"3.3 206 without a place", get, 206, class, []string{"Cache-Control: max-age=9"}, Status},
		{"3.3 206 of many parts", get, 206, class, []string{"Cache-Control: max-age=9", "Content-Range: bytes 0-1/9", "Content-Type: Multipart/Byteranges; boundary=x"}, Status},
		{"3.5 credentials", signed, 200, class, []string{"Cache-Control: max-age=9"}, Authorization},
		{"3.5 credentials and public", signed, 200, class, []string{"Cache-Control: max-age=9, public"}, OK},
		{"3.5 credentials and must-revalidate", signed, 200, class, []string{"Cache-Control: max-age=9, must-revalidate"}, OK},
		{"3.5 credentials and s-maxage", signed, 200, class, []string{"Cache-Control: s-maxage=9"}, OK},
		{"3.5 credentials and proxy-revalidate", signed, 200, class, []string{"Cache-Control: max-age=9, proxy-revalidate"}, Authorization},
		{"4.1 Vary: *", get, 200, class, []string{"Vary: foo, *"}, VaryStar},
		{"4.1 Vary", get, 200, class, []string{"Vary: foo"}, OK},
		{"7.3 Set-Cookie", get, 200, class, []string{"Set-Cookie: a=b"}, SetCookie},
		{"7.3 Set-Cookie and Expires", get, 200, class, []string{"Set-Cookie: a=b", "Expires: @60"}, SetCookie},
		{"7.3 Set-Cookie and max-age", get, 200, class, []string{"Set-Cookie: a=b", "Cache-Control: max-age=9"}, OK},
		{"7.3 Set-Cookie and s-maxage", get, 200, class, []string{"Set-Cookie: a=b", "Cache-Control: s-maxage=9"}, OK},
		{"7.3 Set-Cookie and public", get, 200, class, []string{"Set-Cookie: a=b", "Cache-Control: public"}, OK},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := Policy{Defaults: c.d}
			if got := p.Storable(&c.req, c.status, header(c.lines...)); got != c.want {
				t.Errorf("%+v %d %q: %v, want %v", c.req, c.status, c.lines, got, c.want)
			}
		})
	}
}

func TestStorableWithoutDefaults(t *testing.T) {
	get := Request{Method: "GET"}
	if got := Storable(&get, 200, nil); got != NoLifetime {
		t.Errorf("nothing stated: %v", got)
	}
	if got := Storable(&get, 200, header("Cache-Control: max-age=1")); got != OK {
		t.Errorf("max-age: %v", got)
	}
}

func TestCookiePolicy(t *testing.T) {
	get := Request{Method: "GET"}
	h := header("Set-Cookie: a=b", "Set-Cookie2: c=d", "Cache-Control: max-age=9", "Date: @0")
	cases := []struct {
		policy CookiePolicy
		want   Reason
		stored int
	}{{CookieStrip, OK, 2}, {CookieRefuse, SetCookie, 2}, {CookieKeep, OK, 4}}
	for _, c := range cases {
		p := Policy{Cookies: c.policy}
		if got := p.Storable(&get, 200, h); got != c.want {
			t.Errorf("policy %d: %v, want %v", c.policy, got, c.want)
		}
		if got := p.StoredHeader(200, h, now); len(got) != c.stored {
			t.Errorf("policy %d stores %v", c.policy, got)
		}
	}
	p := Policy{Cookies: CookieKeep, Defaults: Defaults{Lifetime: time.Hour}}
	if got := p.Storable(&get, 200, header("Set-Cookie: a=b")); got != OK {
		t.Errorf("keep without a stated lifetime: %v", got)
	}
}

// What Storable accepts has a use: it is fresh for a while, may be served stale,
// or can be validated. What Compute gives no use is not stored.
func TestStorableAgreesWithCompute(t *testing.T) {
	get := Request{Method: "GET"}
	for _, h := range []object.Header{
		header("Cache-Control: max-age=0"), header("Cache-Control: no-store"), header("Cache-Control: private, max-age=3"),
		header("Expires: 0"), header("Pragma: no-cache"),
	} {
		p := Policy{Defaults: Defaults{Lifetime: time.Hour}}
		f := Compute(200, h, p.Defaults, now, now)
		if got := p.Storable(&get, 200, h); got == OK || f.Flags&object.NoCache == 0 && f.Lifetime > 0 {
			t.Errorf("%v: storable %v, freshness %+v", h, got, f)
		}
	}
}

func TestReasonWords(t *testing.T) {
	seen := map[string]bool{"unknown": true}
	for r := OK; r < NumReasons; r++ {
		if seen[r.String()] {
			t.Errorf("reason %d has the word %q of another", r, r)
		}
		seen[r.String()] = true
	}
	if NumReasons.String() != "unknown" {
		t.Errorf("a reason beyond the last is %q", NumReasons)
	}
}

func TestErrorStatus(t *testing.T) {
	for status := 100; status < 600; status++ {
		want := status == 500 || status == 502 || status == 503 || status == 504
		if got := ErrorStatus(status); got != want {
			t.Errorf("ErrorStatus(%d) = %v", status, got)
		}
	}
}

func TestInvalidates(t *testing.T) {
	cases := []struct {
		method string
		status int
		want   bool
	}{
		{"GET", 200, false},
		{"HEAD", 200, false},
		{"OPTIONS", 200, false},
		{"TRACE", 200, false},
		{"POST", 200, true},
		{"PUT", 204, true},
		{"DELETE", 303, true},
		{"M-SEARCH", 200, true},
		{"get", 200, true},
		{"POST", 100, false},
		{"POST", 404, false},
		{"PUT", 500, false},
	}
	for _, c := range cases {
		if got := Invalidates(c.method, c.status); got != c.want {
			t.Errorf("9111 §4.4 %s %d: %v, want %v", c.method, c.status, got, c.want)
		}
	}
}
