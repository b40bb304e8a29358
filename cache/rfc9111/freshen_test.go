package rfc9111

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"edged/cache/object"
)

func stored(lines ...string) *object.Meta {
	h := header(lines...)
	return &object.Meta{
		Key: "acct\x00site\x00/a", Account: "acct", Status: 200, Size: 10, Version: 7, Seq: 9, Class: 2,
		Header:    h,
		Freshness: Compute(200, h, Defaults{}, now, now),
	}
}

func TestFreshen(t *testing.T) {
	cases := []struct {
		name             string
		old, h, want     []string
		lifetime, age    time.Duration
		flags            object.Flags
		staleWhileAsking time.Duration
	}{
		{
			name: "3.2 what is sent replaces, the rest stays",
			old:  []string{"A: 1", "Cache-Control: max-age=2", "B: 1", "b: 2", "Date: @-100"},
			h:    []string{"B: 3", "B: 4", "Date: @10", "Cache-Control: max-age=9"},
			want: []string{"A: 1", "B: 3", "B: 4", "Date: @10", "Cache-Control: max-age=9"}, lifetime: seconds(9),
		}, {
			name: "4.3.4 the stored lifetime runs anew",
			old:  []string{"Cache-Control: max-age=2", "Date: @-100"},
			h:    []string{"Date: @10"},
			want: []string{"Cache-Control: max-age=2", "Date: @10"}, lifetime: seconds(2),
		}, {
			name: "9110 §6.6.1 no Date",
			old:  []string{"Cache-Control: max-age=2", "Date: @-100"},
			want: []string{"Cache-Control: max-age=2", "Date: @10"}, lifetime: seconds(2),
		}, {
			name: "4.2.3 Age of the 304",
			old:  []string{"Cache-Control: max-age=20", "Date: @-100"},
			h:    []string{"Date: @10", "Age: 5"},
			want: []string{"Cache-Control: max-age=20", "Date: @10"}, lifetime: seconds(20), age: seconds(5),
		}, {
			name: "3.1 what is not stored of a 200 is not of a 304",
			old:  []string{"Date: @10", "Cache-Control: max-age=1"},
			h:    []string{"Connection: x", "X: 1", "Set-Cookie: a=b", "Access-Control-Allow-Origin: *", "Date: @10"},
			want: []string{"Cache-Control: max-age=1", "Date: @10"}, lifetime: seconds(1),
		}, {
			name: "3.2 what describes the bytes stays",
			old:  []string{"Content-Encoding: br", `ETag: "a"`, "Date: @10"},
			h:    []string{"Content-Encoding: gzip", "Content-Length: 0", "Content-Range: x", `ETag: W/"a"`, "Date: @10"},
			want: []string{"Content-Encoding: br", `ETag: "a"`, "Date: @10"}, flags: guessed,
		}, {
			name: "3.2 a validator that was missing",
			old:  []string{"Last-Modified: @-50", "Date: @10"},
			h:    []string{`ETag: "a"`, "Date: @10"},
			want: []string{"Last-Modified: @-50", `ETag: "a"`, "Date: @10"}, flags: guessed,
		}, {
			name: "5.2.2.4 a field that the stored response lists",
			old:  []string{`Cache-Control: no-cache="x", max-age=3`, "Date: @10"},
			h:    []string{"X: 1", "Date: @10"},
			want: []string{`Cache-Control: no-cache="x", max-age=3`, "Date: @10"}, lifetime: seconds(3),
		}, {
			name: "5.2.2.5 no-store on the 304",
			old:  []string{"Cache-Control: max-age=3", "Date: @10"},
			h:    []string{"Cache-Control: no-store", "Date: @10"},
			want: []string{"Cache-Control: no-store", "Date: @10"}, flags: noCache,
		}, {
			name: "5861 window of the 304",
			old:  []string{"Cache-Control: max-age=3", "Date: @10"},
			h:    []string{"Cache-Control: max-age=3, stale-while-revalidate=4", "Date: @10"},
			want: []string{"Cache-Control: max-age=3, stale-while-revalidate=4", "Date: @10"}, lifetime: seconds(3), staleWhileAsking: seconds(4),
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			old := stored(c.old...)
			before := stored(c.old...)
			got := Freshen(old, header(c.h...), Defaults{}, in(10), in(10))
			want := *before
			want.Header = header(c.want...)
			want.Freshness = object.Freshness{Received: in(10), Lifetime: c.lifetime, InitialAge: c.age, Flags: c.flags, StaleWhileRevalidate: c.staleWhileAsking}
			if diff := cmp.Diff(&want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, old); diff != "" {
				t.Errorf("the old Meta was changed:\n%s", diff)
			}
		})
	}
}

func TestFreshenKeepsVaryMarker(t *testing.T) {
	old := stored("Vary: foo")
	old.Freshness.Flags |= object.VaryMarker
	if got := Freshen(old, nil, Defaults{}, now, now); got.Freshness.Flags&object.VaryMarker == 0 {
		t.Error("the mark was lost")
	}
}

func TestSameVersion(t *testing.T) {
	const modified, other = "Last-Modified: @-500", "Last-Modified: @-400"
	cases := []struct {
		name   string
		status int
		old, h []string
		want   bool
	}{
		{"4.3.4 same strong tag", 304, []string{`ETag: "a"`}, []string{`ETag: "a"`}, true},
		{"4.3.4 same strong tag, other date", 304, []string{`ETag: "a"`, modified}, []string{`ETag: "a"`, other}, true},
		{"4.3.4 another strong tag", 304, []string{`ETag: "a"`}, []string{`ETag: "b"`}, false},
		{"4.3.4 strong tag for a weak one", 304, []string{`ETag: W/"a"`}, []string{`ETag: "a"`}, false},
		{"4.3.4 weak tag for a strong one", 304, []string{`ETag: "a"`}, []string{`ETag: W/"a"`}, true},
		{"4.3.4 same weak tag", 304, []string{`ETag: W/"a"`}, []string{`ETag: W/"a"`}, true},
		{"4.3.4 another weak tag", 304, []string{`ETag: W/"a"`}, []string{`ETag: W/"b"`}, false},
		{"4.3.4 same malformed tag", 304, []string{`ETag: abc`}, []string{`ETag: abc`}, true},
		{"4.3.4 strong tag, none stored, same strong date", 304, []string{modified, "Date: @0"}, []string{`ETag: "a"`, modified}, true},
		{"4.3.4 strong tag, none stored, date too young", 304, []string{modified, "Date: @-500"}, []string{`ETag: "a"`, modified}, false},
		{"4.3.4 strong tag, none stored, no date", 304, []string{modified}, []string{`ETag: "a"`}, false},
		{"4.3.4 weak tag, none stored", 304, []string{modified}, []string{`ETag: W/"a"`, modified}, true},
		{"4.3.4 weak tag, none stored, other date", 304, []string{modified}, []string{`ETag: W/"a"`, other}, false},
		{"4.3.4 same date", 304, []string{modified}, []string{modified}, true},
		{"4.3.4 same date in another form", 304, []string{"Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT"}, []string{"Last-Modified: Sun Nov  6 08:49:37 1994"}, true},
		{"4.3.4 another date", 304, []string{modified}, []string{other}, false},
		{"4.3.4 a date that cannot be read", 304, []string{modified}, []string{"Last-Modified: x"}, false},
		{"4.3.4 no validator sent", 304, []string{`ETag: "a"`, modified}, nil, true},
		{"4.3.4 a date for a tag", 304, []string{`ETag: "a"`}, []string{modified}, true},

		{"3.4 same strong tag", 206, []string{`ETag: "a"`}, []string{`ETag: "a"`}, true},
		{"3.4 another tag", 206, []string{`ETag: "a"`}, []string{`ETag: "b"`}, false},
		{"3.4 same weak tag", 206, []string{`ETag: W/"a"`}, []string{`ETag: W/"a"`}, false},
		{"3.4 same malformed tag", 206, []string{`ETag: a`}, []string{`ETag: a`}, false},
		{"3.4 tag missing, same date", 206, []string{`ETag: "a"`, modified}, []string{modified}, false},
		{"3.4 same strong date", 206, []string{modified, "Date: @0"}, []string{modified}, true},
		{"3.4 date too young", 206, []string{modified, "Date: @-500"}, []string{modified}, false},
		{"3.4 no validator", 206, nil, nil, false},

		{"4.3.5 HEAD, nothing differs", 200, []string{`ETag: "a"`}, []string{`ETag: "a"`, "Content-Length: 10"}, true},
		{"4.3.5 HEAD, no validator", 200, nil, nil, true},
		{"4.3.5 HEAD, another length", 200, []string{`ETag: "a"`}, []string{`ETag: "a"`, "Content-Length: 11"}, false},
		{"4.3.5 HEAD, another date", 200, []string{modified}, []string{other}, false},
		{"4.3.5 HEAD, another status", 410, nil, nil, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := SameVersion(stored(c.old...), c.status, header(c.h...)); got != c.want {
				t.Errorf("stored %q, %d %q: %v, want %v", c.old, c.status, c.h, got, c.want)
			}
		})
	}
}

func TestAppendValidators(t *testing.T) {
	cases := []struct {
		name      string
		old, want []string
	}{
		{"4.3.1 both", []string{`ETag: W/"a"`, "Last-Modified: @-5"}, []string{"Range: x", `If-None-Match: W/"a"`, "If-Modified-Since: @-5"}},
		{"4.3.1 none", []string{"A: 1"}, []string{"Range: x"}},
		{"4.3.1 a date that cannot be read", []string{"Last-Modified: 0"}, []string{"Range: x"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := AppendValidators(header("Range: x"), stored(c.old...))
			if diff := cmp.Diff(header(c.want...), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
