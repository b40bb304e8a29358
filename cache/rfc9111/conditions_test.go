package rfc9111

import (
	"fmt"
	"strings"
	"testing"
)

// conditions builds Conditions from header lines.
func conditions(lines ...string) Conditions {
	h := header(lines...)
	get := func(name string) []byte {
		if !h.Has(name) {
			return nil
		}
		return append([]byte{}, h.Joined(name)...)
	}
	return Conditions{get("If-Match"), get("If-None-Match"), get("If-Modified-Since"), get("If-Unmodified-Since"), get("If-Range")}
}

func TestConditions(t *testing.T) {
	tagged := []string{`ETag: "abc"`, "Last-Modified: @-500", "Date: @0"}
	weak := []string{`ETag: W/"abc"`}
	dated := []string{"Last-Modified: @-500", "Date: @0"}
	cases := []struct {
		name   string
		status int
		stored []string
		sent   []string
		want   Precondition
	}{
		{"13.2.2 none", 200, tagged, nil, Proceed},
		{"13.1.2 match", 200, tagged, []string{`If-None-Match: "abc"`}, NotModified},
		{"13.1.2 no match", 200, tagged, []string{`If-None-Match: "abd"`}, Proceed},
		{"13.1.2 first of many", 200, tagged, []string{`If-None-Match: "abc", "1", "2"`}, NotModified},
		{"13.1.2 in the middle", 200, tagged, []string{`If-None-Match: "1","abc" ,"2"`}, NotModified},
		{"13.1.2 last", 200, tagged, []string{`If-None-Match: "1", "2"`, `If-None-Match: "abc"`}, NotModified},
		{"13.1.2 empty members", 200, tagged, []string{`If-None-Match: ,, "abc"`}, NotModified},
		{"13.1.2 any", 200, nil, []string{`If-None-Match:  * `}, NotModified},
		{"13.1.2 any among others is none", 200, tagged, []string{`If-None-Match: "x", *`}, Proceed},
		{"13.1.2 weak sent", 200, tagged, []string{`If-None-Match: W/"abc"`}, NotModified},
		{"13.1.2 weak stored", 200, weak, []string{`If-None-Match: "abc"`}, NotModified},
		{"13.1.2 both weak", 200, weak, []string{`If-None-Match: W/"abc"`}, NotModified},
		{"13.1.2 nothing stored", 200, nil, []string{`If-None-Match: "abc"`}, Proceed},
		{"13.1.2 empty list", 200, tagged, []string{`If-None-Match: `}, Proceed},
		{"13.1.2 empty tag", 200, []string{`ETag: ""`}, []string{`If-None-Match: ""`}, NotModified},
		{"8.8.3 comma in the tag", 200, []string{`ETag: "a,b"`}, []string{`If-None-Match: "x", "a,b"`}, NotModified},
		{"8.8.3 part of a tag with a comma", 200, []string{`ETag: "b"`}, []string{`If-None-Match: "a,"b",c"`}, Proceed},
		{"8.8.3 obs-text", 200, []string{"ETag: \"\xfc\""}, []string{"If-None-Match: \"\xfc\""}, NotModified},
		{"8.8.3 backslash is no escape", 200, []string{`ETag: "a\"`}, []string{`If-None-Match: "a\", "b"`}, NotModified},
		{"8.8.3 text behind the tag", 200, tagged, []string{`If-None-Match: "abc"x`}, Proceed},
		{"8.8.3 unquoted", 200, tagged, []string{`If-None-Match: abc`}, Proceed},
		{"8.8.3 unquoted on both sides", 200, []string{"ETag: abc"}, []string{`If-None-Match: x, abc`}, NotModified},
		{"8.8.3 lower-case w", 200, tagged, []string{`If-None-Match: w/"abc"`}, Proceed},
		{"13.2.2 If-None-Match before If-Modified-Since", 200, tagged, []string{`If-None-Match: "abd"`, "If-Modified-Since: @0"}, Proceed},
		{"13.2.2 If-None-Match alone decides", 200, tagged, []string{`If-None-Match: "abc"`, "If-Modified-Since: @-10000"}, NotModified},

		{"13.1.3 same date", 200, dated, []string{"If-Modified-Since: @-500"}, NotModified},
		{"13.1.3 later", 200, dated, []string{"If-Modified-Since: @-400"}, NotModified},
		{"13.1.3 earlier", 200, dated, []string{"If-Modified-Since: @-501"}, Proceed},
		{"13.1.3 unreadable", 200, dated, []string{"If-Modified-Since: tomorrow"}, Proceed},
		{"13.1.3 rfc850", 200, []string{"Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT"}, []string{"If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT"}, NotModified},
		{"9111 §4.3.2 Date in its place", 200, []string{"Date: @-20"}, []string{"If-Modified-Since: @-20"}, NotModified},
		{"9111 §4.3.2 Date in its place, later", 200, []string{"Date: @-20"}, []string{"If-Modified-Since: @-21"}, Proceed},
		{"9111 §4.3.2 receipt in its place", 200, nil, []string{"If-Modified-Since: @0"}, NotModified},
		{"9111 §4.3.2 receipt in its place, later", 200, nil, []string{"If-Modified-Since: @-1"}, Proceed},

		{"13.1.1 match", 200, tagged, []string{`If-Match: "x", "abc"`}, Proceed},
		{"13.1.1 no match", 200, tagged, []string{`If-Match: "abd"`}, Failed},
		{"13.1.1 any", 200, nil, []string{`If-Match: *`}, Proceed},
		{"13.1.1 weak sent", 200, tagged, []string{`If-Match: W/"abc"`}, Failed},
		{"13.1.1 weak stored", 200, weak, []string{`If-Match: W/"abc"`}, Failed},
		{"13.1.1 nothing stored", 200, nil, []string{`If-Match: "abc"`}, Failed},
		{"13.1.1 empty", 200, tagged, []string{`If-Match: `}, Failed},
		{"13.2.2 If-Match, then If-None-Match", 200, tagged, []string{`If-Match: "abc"`, `If-None-Match: "abc"`}, NotModified},
		{"13.2.2 If-Match before all", 200, tagged, []string{`If-Match: "x"`, `If-None-Match: "abc"`}, Failed},
		{"13.2.2 If-Match before If-Unmodified-Since", 200, tagged, []string{`If-Match: "abc"`, "If-Unmodified-Since: @-10000"}, Proceed},

		{"13.1.4 unmodified", 200, dated, []string{"If-Unmodified-Since: @-500"}, Proceed},
		{"13.1.4 modified", 200, dated, []string{"If-Unmodified-Since: @-501"}, Failed},
		{"13.1.4 unreadable", 200, dated, []string{"If-Unmodified-Since: x"}, Proceed},
		{"13.1.4 no date stored", 200, weak, []string{"If-Unmodified-Since: @-501"}, Proceed},
		{"13.2.2 If-Unmodified-Since, then If-Modified-Since", 200, dated, []string{"If-Unmodified-Since: @0", "If-Modified-Since: @0"}, NotModified},

		{"13.2.1 not a success", 404, tagged, []string{`If-None-Match: "abc"`}, Proceed},
		{"13.2.1 not a success, If-Match", 301, tagged, []string{`If-Match: "x"`}, Proceed},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := stored(c.stored...)
			m.Status = c.status
			sent := conditions(c.sent...)
			if got := sent.Evaluate(m); got != c.want {
				t.Errorf("stored %q, sent %q: %v, want %v", c.stored, c.sent, got, c.want)
			}
		})
	}
}

func TestRangeApplies(t *testing.T) {
	dated := []string{"Last-Modified: @-500", "Date: @0"}
	cases := []struct {
		name   string
		stored []string
		sent   []string
		want   bool
	}{
		{"13.1.5 absent", nil, nil, true},
		{"13.1.5 same tag", []string{`ETag: "abc"`}, []string{`If-Range: "abc" `}, true},
		{"13.1.5 another tag", []string{`ETag: "abc"`}, []string{`If-Range: "abd"`}, false},
		{"13.1.5 weak sent", []string{`ETag: "abc"`}, []string{`If-Range: W/"abc"`}, false},
		{"13.1.5 weak stored", []string{`ETag: W/"abc"`}, []string{`If-Range: W/"abc"`}, false},
		{"13.1.5 no lists", []string{`ETag: "abc"`}, []string{`If-Range: "abc", "abd"`}, false},
		{"13.1.5 any is no tag", []string{`ETag: "abc"`}, []string{"If-Range: *"}, false},
		{"13.1.5 same date", dated, []string{"If-Range: @-500"}, true},
		{"13.1.5 same date, other form", []string{"Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT"}, []string{"If-Range: Sun Nov  6 08:49:37 1994"}, true},
		{"13.1.5 a later date is not the same", dated, []string{"If-Range: @0"}, false},
		{"8.8.2.2 a date that is weak", []string{"Last-Modified: @0", "Date: @0"}, []string{"If-Range: @0"}, false},
		{"8.8.2.2 no Date, received later", []string{"Last-Modified: @-1"}, []string{"If-Range: @-1"}, true},
		{"13.1.5 no date stored", []string{`ETag: "abc"`}, []string{"If-Range: @0"}, false},
		{"13.1.5 empty", dated, []string{"If-Range: "}, false},
		{"13.1.5 malformed", []string{"ETag: abc"}, []string{"If-Range: abc"}, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			sent := conditions(c.sent...)
			if got := sent.RangeApplies(stored(c.stored...)); got != c.want {
				t.Errorf("stored %q, sent %q: %v, want %v", c.stored, c.sent, got, c.want)
			}
		})
	}
}

func TestPreconditionWords(t *testing.T) {
	if got := fmt.Sprint(Proceed, NotModified, Failed); got != "proceed not_modified failed" {
		t.Errorf("words: %s", got)
	}
}

func TestConditionsAllocs(t *testing.T) {
	m := stored(`ETag: "abc"`, "Last-Modified: @-500", "Date: @0")
	byTag := conditions(`If-None-Match: "x", W/"y", "abc"`, `If-Range: "abc"`)
	byDate := conditions("If-Modified-Since: @-400", "If-Range: @-500")
	failing := conditions(`If-Match: "x", W/"y"`)
	checkAllocs(t, "Conditions", func() {
		byTag.Evaluate(m)
		byTag.RangeApplies(m)
		byDate.Evaluate(m)
		byDate.RangeApplies(m)
		failing.Evaluate(m)
	})
}

func FuzzEntityTags(f *testing.F) {
	for _, seed := range []string{`"a", W/"b"`, `*`, `"a,b"`, `"a`, `W/`, `W/"`, `,,`, `a, "b"x, c`} {
		f.Add(seed, `"a"`)
	}
	f.Fuzz(func(t *testing.T, list, etag string) {
		strongly, weakly := tagInList([]byte(list), etag, true), tagInList([]byte(list), etag, false)
		if strongly && !weakly {
			t.Fatalf("%q in %q strongly but not weakly", etag, list)
		}
		if (strongly || weakly) && strings.Trim(list, " \t") != "*" {
			if etag == "" || !strings.Contains(list, opaque(etag)) {
				t.Fatalf("%q found in %q", etag, list)
			}
		}
		if strong(etag) && !strings.ContainsAny(list, `"`) {
			if !tagInList([]byte(list+", "+etag), etag, true) {
				t.Fatalf("%q not found at the end of %q", etag, list)
			}
		}
		for rest, n := []byte(list), 0; ; n++ {
			_, next, ok := nextTag(rest)
			if !ok {
				break
			}
			if len(next) >= len(rest) || n > len(list) {
				t.Fatalf("no progress in %q", list)
			}
			rest = next
		}
	})
}

func BenchmarkConditions(b *testing.B) {
	m := stored("Content-Type: video/mp4", "Cache-Control: max-age=1", `ETag: "abc"`, "Last-Modified: @-500", "Date: @0")
	c := conditions(`If-None-Match: "abc"`)
	b.ReportAllocs()
	for b.Loop() {
		if c.Evaluate(m) != NotModified {
			b.Fatal("no match")
		}
	}
}
