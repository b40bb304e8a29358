package main

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"edged/internal/edgetest"
)

func TestE2ERanges(t *testing.T) {
	s := newSuite(t)
	t.Run("forms", func(t *testing.T) { t.Parallel(); s.rangeForms(t) })
	t.Run("several", func(t *testing.T) { t.Parallel(); s.severalRanges(t) })
	t.Run("same fields as 200", func(t *testing.T) { t.Parallel(); s.partialFields(t) })
	t.Run("not of a success", func(t *testing.T) { t.Parallel(); s.rangesElsewhere(t) })
	t.Run("unknown length", func(t *testing.T) { t.Parallel(); s.rangeUnknownLength(t) })
	t.Run("huge", func(t *testing.T) { t.Parallel(); s.hugeSizes(t) })
	t.Run("players", func(t *testing.T) { t.Parallel(); s.playerRanges(t) })
	t.Run("Accept-Ranges", func(t *testing.T) { t.Parallel(); s.acceptRanges(t) })
	t.Run("If-Range", func(t *testing.T) { t.Parallel(); s.ifRanges(t) })
	t.Run("coded", func(t *testing.T) { t.Parallel(); s.codedRanges(t) })
	t.Run("origins", func(t *testing.T) { t.Parallel(); s.rangeOrigins(t) })
}

// rangeForms: RFC 9110 §14.1.1, §14.1.2, §14.2, each cold and warm, over every
// protocol.
func (s *suite) rangeForms(t *testing.T) {
	const size = 10_000
	const whole, none = -1, -2
	for _, c := range []struct {
		name, ask string
		from, to  int // exclusive; or whole, or none for a 416
	}{
		{"first byte", "bytes=0-0", 0, 1}, // the probe of Safari
		{"first two", "bytes=0-1", 0, 2},
		{"last byte", "bytes=9999-9999", 9999, size},
		{"all, open", "bytes=0-", 0, size},
		{"all, closed", "bytes=0-9999", 0, size},
		{"open", "bytes=5000-", 5000, size},
		{"beyond the end is cut", "bytes=9000-99999", 9000, size},
		{"more than int64", "bytes=9000-99999999999999999999999", 9000, size},
		{"suffix", "bytes=-1", 9999, size},
		{"suffix of all", "bytes=-10000", 0, size},
		{"suffix longer than all", "bytes=-10001", 0, size},
		{"suffix more than int64", "bytes=-99999999999999999999999", 0, size},
		{"unit knows no case", "BYTES=1-2", 1, 3},
		{"leading zeros", "bytes=0001-0002", 1, 3},
		{"empty elements", "bytes=,,1-2,,", 1, 3},
		{"space around commas", "bytes=1-2 , \t 3-4", 1, 5},
		{"touching", "bytes=0-4,5-9", 0, 10},
		{"overlapping", "bytes=0-6,3-9", 0, 10},
		{"inside", "bytes=0-100,5-9", 0, 101},
		{"twice", "bytes=7-8,7-8", 7, 9},
		{"one cannot be met", "bytes=1-2,10000-10001", 1, 3},
		{"suffix of nothing beside", "bytes=-0,1-2", 1, 3},

		{"begins at the end", "bytes=10000-", none, 0},
		{"begins beyond", "bytes=10001-10002", none, 0},
		{"begins beyond int64", "bytes=99999999999999999999-", none, 0},
		{"suffix of nothing", "bytes=-0", none, 0},
		{"none can be met", "bytes=10000-,20000-,-0", none, 0},

		{"backwards", "bytes=2-1", whole, 0},
		{"backwards beside a good one", "bytes=0-1,2-1", whole, 0},
		{"no unit", "0-5", whole, 0},
		{"other unit", "seconds=0-5", whole, 0},
		{"space before =", "bytes =0-5", whole, 0},
		{"space inside", "bytes=0 - 5", whole, 0},
		{"no set", "bytes=", whole, 0},
		{"commas only", "bytes=,,", whole, 0},
		{"dash", "bytes=-", whole, 0},
		{"sign", "bytes=+0-5", whole, 0},
		{"two dashes", "bytes=0--5", whole, 0},
		{"letters", "bytes=a-b", whole, 0},
		{"hexadecimal", "bytes=0x0-0x5", whole, 0},
		{"float", "bytes=0.0-5.0", whole, 0},
		{"semicolon", "bytes=0-1;2-3", whole, 0},
		{"as Content-Range", "bytes 0-5/10000", whole, 0},
		{"nine", "bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14,16-16", whole, 0}, // §17.15
		{"bomb", "bytes=0-" + strings.Repeat(",0-", 2000), whole, 0},
		{"empty", "", whole, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := "/ranges/" + slug(c.name) + ".m4s"
			body := s.video(path, size)
			for _, p := range protocols() { // cold, then warm
				got := s.ask(t, p, "GET", openHost, path, "Range", c.ask)
				switch c.from {
				case whole:
					want(t, got, 200, body)
					wantField(t, got, "Content-Length", strconv.Itoa(size))
					wantNo(t, got, "Content-Range")
				case none:
					want(t, got, 416, nil)
					wantField(t, got, "Content-Range", "bytes */10000")
				default:
					want(t, got, 206, body[c.from:c.to])
					wantField(t, got, "Content-Length", strconv.Itoa(c.to-c.from))
					wantField(t, got, "Content-Range", fmt.Sprintf("bytes %d-%d/%d", c.from, c.to-1, size))
				}
				// The method decides first (§14.2): Range means something for GET only.
				got = s.ask(t, p, "HEAD", openHost, path, "Range", c.ask)
				want(t, got, 200, []byte{})
				wantField(t, got, "Content-Length", strconv.Itoa(size))
				wantNo(t, got, "Content-Range")
			}
		})
	}
	t.Run("two lines", func(t *testing.T) { // no list: two of them are no Range (§14.2)
		body := s.video("/ranges/lines.m4s", size)
		for _, p := range protocols() {
			want(t, s.ask(t, p, "GET", openHost, "/ranges/lines.m4s", "Range", "bytes=0-1", "Range", "bytes=4-5"), 200, body)
		}
	})
	t.Run("HTTP/1.0", func(t *testing.T) {
		body := s.video("/ranges/old.m4s", size)
		for range 2 {
			raw := s.exchange("GET /ranges/old.m4s HTTP/1.0\nHost: " + openHost + "\nRange: bytes=5-9\n\n")
			head, got, _ := strings.Cut(raw, "\r\n\r\n")
			if !strings.HasPrefix(head, "HTTP/1.1 206 ") || got != string(body[5:10]) {
				t.Errorf("got %q", raw)
			}
		}
	})
}

// wantNo holds that a field is absent.
func wantNo(t *testing.T, r *edgetest.Response, name string) {
	t.Helper()
	if got := r.Header.Values(name); len(got) > 0 {
		t.Errorf("%s is %q, want none", name, got)
	}
}

// partialFields: a 206 has the fields that a 200 would have had (RFC 9110 §15.3.7),
// and Age beside Date when it comes from the cache (RFC 9111 §5.1).
func (s *suite) partialFields(t *testing.T) {
	fields := []string{
		"Content-Type", "video/mp4", "Cache-Control", "public, max-age=3600", "Cache-Control", "immutable",
		"ETag", `"f"`, "Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT", "Expires", "Thu, 01 Dec 2094 16:00:00 GMT",
		"Content-Location", "/elsewhere", "Content-Language", "en", "Vary", "X-Unknown", "Age", "7",
		"Content-Disposition", "inline", "X-Custom", "kept", "Content-Range", "bytes 0-1/2", // without a meaning in a 200 (§14.4)
	}
	body := edgetest.Pattern("fields", 5000)
	s.origin.Handle("/fields.m4s", edgetest.Answer(200, body, fields...))
	for _, p := range protocols() {
		for _, ask := range []string{"bytes=0-9", "bytes=0-9,20-29"} {
			whole, partial := s.ask(t, p, "GET", openHost, "/fields.m4s"), s.ask(t, p, "GET", openHost, "/fields.m4s", "Range", ask)
			want(t, whole, 200, body)
			want(t, partial, 206, nil)
			for _, name := range []string{
				"Cache-Control", "Etag", "Last-Modified", "Expires", "Content-Location", "Content-Language", "Vary", "Date",
				"Content-Disposition", "X-Custom", "Accept-Ranges", "Access-Control-Allow-Origin", "Access-Control-Expose-Headers",
			} {
				if a, b := whole.Header.Values(name), partial.Header.Values(name); fmt.Sprint(a) != fmt.Sprint(b) || len(a) == 0 {
					t.Errorf("%s: %s is %q in the 206 and %q in the 200", p, name, b, a)
				}
			}
			if age, err := strconv.Atoi(partial.Header.Get("Age")); err != nil || age < 7 {
				t.Errorf("Age %q", partial.Header.Get("Age"))
			}
			if n := len(partial.Header.Values("Content-Range")); n != 1 && !strings.Contains(ask, ",") {
				t.Errorf("%d Content-Range fields: %q", n, partial.Header.Values("Content-Range"))
			}
		}
	}
}

// rangesElsewhere: a Range of what is no 200 is ignored (RFC 9110 §14.2).
func (s *suite) rangesElsewhere(t *testing.T) {
	for _, status := range []int{203, 300, 301, 404, 410, 403} {
		path := fmt.Sprintf("/elsewhere/%d.mp4", status)
		s.origin.Handle(path, edgetest.Answer(status, []byte("0123456789"), "Cache-Control", "max-age=60", "Location", "/x"))
		for _, ask := range []string{"bytes=0-1", "bytes=99-", "bytes=2000000-", "bytes=2000000-"} {
			got := s.fetch(t, path, "Range", ask)
			want(t, got, status, []byte("0123456789"))
			wantNo(t, got, "Content-Range")
		}
	}
	// Without content there is no range to name; players ask for "bytes=0-" of everything.
	s.origin.Handle("/elsewhere/empty.vtt", edgetest.Plain(nil, "Cache-Control", "max-age=60"))
	for _, ask := range []string{"bytes=0-", "bytes=-5", "bytes=0-0", "bytes=0-0,-1"} {
		want(t, s.fetch(t, "/elsewhere/empty.vtt", "Range", ask), 200, []byte{})
	}
	s.origin.Handle("/elsewhere/204.mp4", edgetest.Raw("HTTP/1.1 204 No Content\r\nCache-Control: max-age=60\r\n\r\n"))
	for range 2 {
		want(t, s.fetch(t, "/elsewhere/204.mp4", "Range", "bytes=0-"), 204, []byte{})
	}
	// What may not be stored has ranges as long as its length is known.
	body := edgetest.Pattern("nostore", 3<<20)
	s.origin.Handle("/elsewhere/nostore.mp4", edgetest.Serve(body, "Cache-Control", "no-store", "ETag", `"n"`))
	want(t, s.fetch(t, "/elsewhere/nostore.mp4", "Range", "bytes=5-9"), 206, body[5:10])
	want(t, s.fetch(t, "/elsewhere/nostore.mp4", "Range", "bytes=2500000-2500009"), 206, body[2_500_000:2_500_010])
	want(t, s.fetch(t, "/elsewhere/nostore.mp4", "Range", "bytes=-9"), 206, body[len(body)-9:])
	want(t, s.fetch(t, "/elsewhere/nostore.mp4", "Range", "bytes=4000000-"), 416, nil)
}

// playerRanges: what players ask for, one after the other.
func (s *suite) playerRanges(t *testing.T) {
	const size = 3<<20 + 777
	body := s.video("/player.mp4", size)
	// Safari: a probe of two bytes, everything, then on from where it is.
	for _, c := range []struct {
		ask      string
		from, to int
	}{
		{"bytes=0-1", 0, 2},
		{"bytes=0-3146504", 0, size},
		{"bytes=0-", 0, size},
		{"bytes=1048576-", 1 << 20, size},
		{"bytes=1048575-1048576", 1<<20 - 1, 1<<20 + 1},
		{"bytes=2097151-", 2<<20 - 1, size},
		{"bytes=3146504-", size - 1, size},
		{"bytes=0-183", 0, 184},
		{"bytes=184-1013", 184, 1014},
	} {
		for _, p := range protocols() {
			fields := []string{"Range", c.ask, "Accept-Encoding", "identity;q=1, *;q=0"}
			if c.from > 0 {
				fields = append(fields, "If-Range", `"v1"`)
			}
			got := s.ask(t, p, "GET", openHost, "/player.mp4", fields...)
			want(t, got, 206, body[c.from:c.to])
			wantField(t, got, "Content-Range", fmt.Sprintf("bytes %d-%d/%d", c.from, c.to-1, size))
			wantField(t, got, "Accept-Ranges", "bytes")
			wantField(t, got, "Etag", `"v1"`)
		}
	}
	s.wantFetches(t, "/player.mp4", 1)
	// A second player begins in the middle of a cold file, goes to its end, then seeks back.
	cold := s.video("/player-cold.mp4", size)
	for _, from := range []int{2 << 20, 3<<20 + 1, 1<<20 + 5, 0} {
		want(t, s.fetch(t, "/player-cold.mp4", "Range", fmt.Sprintf("bytes=%d-", from)), 206, cold[from:])
	}
}

// acceptRanges: it says what edged does with a Range, whatever the origin does
// (RFC 9110 §14.3).
func (s *suite) acceptRanges(t *testing.T) {
	body := edgetest.Pattern("accept", 3000)
	for i, origin := range []string{"", "bytes", "none", "items"} {
		path := fmt.Sprintf("/accept/%d.mp4", i)
		name := "Accept-Ranges"
		if origin == "" {
			name = ""
		}
		s.origin.Handle(path, edgetest.Plain(body, "Cache-Control", "max-age=60", name, origin))
		for range 2 {
			wantField(t, s.fetch(t, path), "Accept-Ranges", "bytes")
		}
		got := s.fetch(t, path, "Range", "bytes=7-8")
		want(t, got, 206, body[7:9])
		wantField(t, got, "Accept-Ranges", "bytes")
		wantField(t, s.ask(t, edgetest.HTTP2, "HEAD", openHost, path), "Accept-Ranges", "bytes")
	}
}
