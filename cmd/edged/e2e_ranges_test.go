package main

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
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

// part is one part of a multipart/byteranges body.
type part struct {
	header http.Header
	bytes  []byte
}

// partsOf takes a multipart/byteranges answer apart, and holds its framing to RFC
// 9110 §14.6 and RFC 2046 §5.1.1 byte for byte.
func partsOf(t *testing.T, r *edgetest.Response) []part {
	t.Helper()
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/byteranges" || params["boundary"] == "" {
		t.Fatalf("Content-Type %q: %v", r.Header.Get("Content-Type"), err)
	}
	wantField(t, r, "Content-Length", strconv.Itoa(len(r.Bytes)))
	wantNo(t, r, "Content-Range")
	end := "\r\n--" + params["boundary"] + "--\r\n"
	if !bytes.HasSuffix(r.Bytes, []byte(end)) || bytes.Count(r.Bytes, []byte(end)) != 1 {
		t.Errorf("the body ends with %q, want %q", r.Bytes[max(0, len(r.Bytes)-80):], end)
	}
	in := multipart.NewReader(bytes.NewReader(r.Bytes), params["boundary"])
	var all []part
	for {
		p, err := in.NextRawPart()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatalf("part %d: %v", len(all), err)
		}
		b, err := io.ReadAll(p)
		if err != nil {
			t.Fatalf("part %d: %v", len(all), err)
		}
		all = append(all, part{http.Header(p.Header), b})
	}
}

// severalRanges: RFC 9110 §15.3.7.2, cold and warm.
func (s *suite) severalRanges(t *testing.T) {
	type span struct{ from, to int } // to exclusive
	const size = 2<<20 + 4321
	for _, c := range []struct {
		name, ask string
		size      int
		want      []span
	}{
		{"two", "bytes=0-1,10-11", size, []span{{0, 2}, {10, 12}}},
		{"as asked, not sorted", "bytes=500-509,100-109,300-309", size, []span{{500, 510}, {100, 110}, {300, 310}}},
		{"first and last", "bytes=0-0,-1", size, []span{{0, 1}, {size - 1, size}}},
		{"eight", "bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14", size, []span{{0, 1}, {2, 3}, {4, 5}, {6, 7}, {8, 9}, {10, 11}, {12, 13}, {14, 15}}},
		{"over block edges", "bytes=1048570-1048580,2097150-2097160", size, []span{{1048570, 1048581}, {2097150, 2097161}}},
		{"back over a block", "bytes=2097152-2097160,0-9", size, []span{{2097152, 2097161}, {0, 10}}},
		{"one cannot be met", "bytes=0-1,9999999-,5-6", size, []span{{0, 2}, {5, 7}}},
		{"some overlap", "bytes=0-10,20-30,5-15", size, []span{{0, 16}, {20, 31}}},
		{"of a small body", "bytes=0-1,4-5", 26, []span{{0, 2}, {4, 6}}},
		{"nearly all of a body", "bytes=0-899,1000-1999", 2000, []span{{0, 900}, {1000, 2000}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := "/several/" + slug(c.name) + ".mp4"
			body := s.video(path, c.size)
			for _, p := range protocols() {
				got := s.ask(t, p, "GET", openHost, path, "Range", c.ask)
				want(t, got, 206, nil)
				if t.Failed() {
					return
				}
				parts := partsOf(t, got)
				if len(parts) != len(c.want) {
					t.Fatalf("%d parts, want %d", len(parts), len(c.want))
				}
				for i, w := range c.want {
					if !bytes.Equal(parts[i].bytes, body[w.from:w.to]) {
						t.Errorf("part %d: %s", i, edgetest.Diff(parts[i].bytes, body[w.from:w.to]))
					}
					if got, want := parts[i].header.Get("Content-Range"), fmt.Sprintf("bytes %d-%d/%d", w.from, w.to-1, c.size); got != want {
						t.Errorf("part %d: Content-Range %q, want %q", i, got, want)
					}
					if got := parts[i].header.Get("Content-Type"); got != "video/mp4" {
						t.Errorf("part %d: Content-Type %q", i, got)
					}
				}
			}
		})
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

// rangeUnknownLength: while nobody knows the length, a Range is ignored (RFC 9110
// §14.2 lets a server); from then on it is honoured.
func (s *suite) rangeUnknownLength(t *testing.T) {
	const path = "/unknown.m4s"
	body := edgetest.Pattern(path, 50_000)
	for _, ask := range []string{"bytes=0-", "bytes=10-19", "bytes=-10", "bytes=60000-"} {
		pieces := make(chan []byte, 2)
		path := path + slug(ask)
		s.origin.Handle(path, edgetest.Pieces(pieces, "Cache-Control", "max-age=60", "ETag", `"u"`))
		pieces <- body[:20_000]
		got, err := s.clients[edgetest.HTTP1].Do(edgetest.NewRequest(t, "GET", "http://"+openHost+path, "Range", ask))
		if err != nil {
			t.Fatal(err)
		}
		if got.StatusCode != 200 || got.Header.Get("Content-Range") != "" || got.ContentLength >= 0 {
			t.Errorf("Range %s while filling: status %d, Content-Range %q, length %d", ask, got.StatusCode, got.Header.Get("Content-Range"), got.ContentLength)
		}
		head := make([]byte, 20_000)
		if _, err := io.ReadFull(got.Body, head); err != nil || !bytes.Equal(head, body[:20_000]) {
			t.Errorf("the first piece did not come alone: %v", err)
		}
		pieces <- body[20_000:]
		close(pieces)
		rest, err := io.ReadAll(got.Body)
		if err != nil || !bytes.Equal(rest, body[20_000:]) {
			t.Errorf("the rest: %v, %s", err, edgetest.Diff(rest, body[20_000:]))
		}
		got.Body.Close()
		edgetest.Eventually(t, "the length is known", func() bool { return s.fetch(t, path).ContentLength == int64(len(body)) })
		partial := s.fetch(t, path, "Range", "bytes=10-19")
		want(t, partial, 206, body[10:20], "hit")
		wantField(t, partial, "Content-Range", "bytes 10-19/50000")
		want(t, s.fetch(t, path, "Range", "bytes=60000-"), 416, nil)
	}
}

// hugeSizes: what does not fit 31, 32 or 53 bits is served as asked, and what an
// origin claims costs no memory.
func (s *suite) hugeSizes(t *testing.T) {
	for _, size := range []int64{1<<31 + 100, 1<<32 + 100, 1 << 37} {
		path := fmt.Sprintf("/huge/%d.mp4", size)
		s.origin.Handle(path, hugeFile(size))
		for _, from := range []int64{size - 10, size - 1<<20 - 5, 1<<31 - 2} {
			got := s.fetch(t, path, "Range", fmt.Sprintf("bytes=%d-%d", from, from+4))
			want(t, got, 206, hugeBytes(from, from+5))
			wantField(t, got, "Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, from+4, size))
		}
		want(t, s.fetch(t, path, "Range", fmt.Sprintf("bytes=%d-", size)), 416, nil)
		want(t, s.fetch(t, path, "Range", "bytes=-5"), 206, hugeBytes(size-5, size))
	}
	for _, size := range []int64{1 << 43, 1<<53 + 2, 99_999_999_999_999_999} {
		path := fmt.Sprintf("/huge/%d.mp4", size)
		s.origin.Handle(path, hugeFile(size))
		for _, ask := range []string{"bytes=0-4", "bytes=5000000-5000004", fmt.Sprintf("bytes=%d-", size-5)} {
			got := s.fetch(t, path, "Range", ask)
			want(t, got, 502, nil)
		}
	}
}

// hugeBytes is what a huge file has at an offset.
func hugeBytes(from, to int64) []byte {
	b := make([]byte, 0, to-from)
	for ; from < to; from++ {
		b = append(b, byte(from^from>>8^from>>20^from>>40))
	}
	return b
}

// hugeFile serves a file that nobody has room for, as far as it is taken.
func hugeFile(size int64) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from, to, status := int64(0), size, 200
		if ask := r.Header.Get("Range"); ask != "" {
			status = 206
			first, last, _ := strings.Cut(strings.TrimPrefix(ask, "bytes="), "-")
			from, _ = strconv.ParseInt(first, 10, 64)
			if n, err := strconv.ParseInt(last, 10, 64); err == nil {
				to = min(n+1, size)
			}
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, size))
		}
		w.Header().Set("Content-Length", strconv.FormatInt(to-from, 10))
		w.Header().Set("ETag", `"huge"`)
		w.Header().Set("Cache-Control", "max-age=60")
		w.WriteHeader(status)
		for from < to {
			next := min(to, from+1<<16)
			if _, err := w.Write(hugeBytes(from, next)); err != nil {
				return
			}
			from = next
		}
	})
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

// ifRanges: RFC 9110 §13.1.5.
func (s *suite) ifRanges(t *testing.T) {
	const modified, other = "Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:38 GMT"
	body := edgetest.Pattern("ifrange", 9000)
	now := "Mon, 07 Nov 1994 08:49:37 GMT"
	for _, c := range []struct {
		name   string
		origin []string
		tag    string
		status int
	}{
		{"strong", []string{"ETag", `"a"`}, `"a"`, 206},
		{"strong, spaces", []string{"ETag", `"a"`}, `  "a" `, 206},
		{"another", []string{"ETag", `"a"`}, `"b"`, 200},
		{"weak of a strong", []string{"ETag", `"a"`}, `W/"a"`, 200},
		{"strong of a weak", []string{"ETag", `W/"a"`}, `"a"`, 200},
		{"weak of a weak", []string{"ETag", `W/"a"`}, `W/"a"`, 200},
		{"a list", []string{"ETag", `"a"`}, `"a", "b"`, 200},
		{"any", []string{"ETag", `"a"`}, `*`, 200},
		{"unquoted", []string{"ETag", `"a"`}, `a`, 200},
		{"unquoted at both ends", []string{"ETag", `a`}, `a`, 200},
		{"tag without one", nil, `"a"`, 200},
		{"date", []string{"Last-Modified", modified}, modified, 206},
		{"date in asctime form", []string{"Last-Modified", modified}, "Sun Nov  6 08:49:37 1994", 206},
		{"date in RFC 850 form", []string{"Last-Modified", modified}, "Sunday, 06-Nov-94 08:49:37 GMT", 206},
		{"later date", []string{"Last-Modified", modified}, other, 200},
		{"earlier date", []string{"Last-Modified", other}, modified, 200},
		{"date without one", nil, modified, 200},
		{"date beside a tag", []string{"ETag", `"a"`, "Last-Modified", modified}, modified, 206},
		{"date is as young as Date", []string{"Last-Modified", now, "Date", now}, now, 200}, // weak: §8.8.2.2
		{"nonsense", []string{"ETag", `"a"`, "Last-Modified", modified}, "yesterday", 200},
		{"empty", []string{"ETag", `"a"`}, "", 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := "/ifrange/" + slug(c.name) + ".m4s"
			s.origin.Handle(path, edgetest.Plain(body, append([]string{"Content-Type", "video/mp4", "Cache-Control", "max-age=60, s-maxage=2000000000"}, c.origin...)...))
			for _, p := range protocols() {
				got := s.ask(t, p, "GET", openHost, path, "Range", "bytes=0-99", "If-Range", c.tag)
				if c.status == 206 {
					want(t, got, 206, body[:100])
				} else {
					want(t, got, 200, body)
					wantNo(t, got, "Content-Range")
				}
			}
			// A range beyond the end is a 416 only if the condition holds (§14.2).
			got := s.fetch(t, path, "Range", "bytes=99999-", "If-Range", c.tag)
			want(t, got, map[int]int{206: 416, 200: 200}[c.status], nil)
			// Without Range it is ignored.
			want(t, s.fetch(t, path, "If-Range", `"none such"`), 200, body)
		})
	}
	t.Run("two lines", func(t *testing.T) {
		s.origin.Handle("/ifrange/lines.m4s", edgetest.Plain(body, "Cache-Control", "max-age=60", "ETag", `"a"`))
		want(t, s.fetch(t, "/ifrange/lines.m4s", "Range", "bytes=0-9", "If-Range", `"a"`, "If-Range", `"b"`), 200, body)
	})
}

// codedRanges: a Range of a text that could be coded is one of what is really sent.
func (s *suite) codedRanges(t *testing.T) {
	body := []byte("WEBVTT\n\n" + strings.Repeat("00:00.000 --> 00:01.000\nsome text\n\n", 300))
	s.origin.Handle("/coded.vtt", edgetest.Serve(body, "Content-Type", "text/vtt", "Cache-Control", "max-age=60", "ETag", `"c"`))
	fetch := func(fields ...string) *edgetest.Response { return s.fetch(t, "/coded.vtt", fields...) }
	edgetest.Eventually(t, "the coded form is there", func() bool {
		return fetch("Accept-Encoding", "gzip").Header.Get("Content-Encoding") == "gzip"
	})
	coded := fetch("Accept-Encoding", "gzip")
	tag := coded.Header.Get("ETag")
	if tag == `"c"` || tag == "" || strings.HasPrefix(tag, "W/") {
		t.Errorf("the coded form has ETag %q", tag)
	}
	for _, accept := range []string{"gzip", "gzip, deflate, br, zstd", "identity", "*"} {
		for _, ask := range []string{"bytes=0-", "bytes=5-9"} {
			got := fetch("Accept-Encoding", accept, "Range", ask)
			if got.StatusCode == 206 && got.Header.Get("Content-Encoding") == "" {
				wantField(t, got, "Etag", `"c"`)
				want(t, got, 206, map[string][]byte{"bytes=0-": body, "bytes=5-9": body[5:10]}[ask])
			} else {
				t.Errorf("Accept-Encoding %s, Range %s: status %d, coding %q", accept, ask, got.StatusCode, got.Header.Get("Content-Encoding"))
			}
			if !strings.Contains(strings.Join(got.Header.Values("Vary"), ","), "Accept-Encoding") {
				t.Errorf("Vary %q", got.Header.Values("Vary"))
			}
		}
	}
	// A part of one form must not be completed with another: the tag says which.
	got := fetch("Accept-Encoding", "gzip", "Range", "bytes=5-9", "If-Range", tag)
	if got.StatusCode == 206 && got.Header.Get("ETag") != tag {
		t.Errorf("If-Range with the coded form's tag got part of %q", got.Header.Get("ETag"))
	}
}

// rangeOrigins: what an origin makes of the range that edged asks it for.
func (s *suite) rangeOrigins(t *testing.T) {
	const size, from = 4<<20 + 11, 3_000_000
	type answer func(w http.ResponseWriter, r *http.Request, body []byte)
	part := func(w http.ResponseWriter, content string, b []byte, fields ...string) {
		for i := 0; i < len(fields); i += 2 {
			w.Header().Set(fields[i], fields[i+1])
		}
		w.Header().Set("Content-Range", content)
		w.Header().Set("Content-Length", strconv.Itoa(len(b)))
		w.WriteHeader(206)
		_, _ = w.Write(b)
	}
	plain := func(w http.ResponseWriter, body []byte, fields ...string) {
		for i := 0; i < len(fields); i += 2 {
			w.Header().Set(fields[i], fields[i+1])
		}
		w.Header().Set("Cache-Control", "max-age=60")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body)
	}
	for name, answer := range map[string]answer{
		"ignores it": func(w http.ResponseWriter, _ *http.Request, body []byte) { plain(w, body, "ETag", `"v1"`) },
		"another range": func(w http.ResponseWriter, _ *http.Request, body []byte) {
			part(w, fmt.Sprintf("bytes 5-9/%d", size), body[5:10])
		},
		"no Content-Range": func(w http.ResponseWriter, _ *http.Request, body []byte) {
			w.Header().Set("Content-Length", "5")
			w.WriteHeader(206)
			_, _ = w.Write(body[5:10])
		},
		"other unit": func(w http.ResponseWriter, _ *http.Request, body []byte) { part(w, "items 5-9/10", body[5:10]) },
		"part too short": func(w http.ResponseWriter, _ *http.Request, body []byte) {
			part(w, fmt.Sprintf("bytes 2097152-2097161/%d", size), body[2<<20:2<<20+10], "ETag", `"v1"`)
		},
		"unknown size": func(w http.ResponseWriter, _ *http.Request, body []byte) {
			part(w, fmt.Sprintf("bytes 2097152-%d/*", size-1), body[2<<20:], "ETag", `"v1"`)
		},
		"no validator": func(w http.ResponseWriter, _ *http.Request, body []byte) {
			part(w, fmt.Sprintf("bytes 2097152-%d/%d", size-1, size), body[2<<20:])
		},
		"416": func(w http.ResponseWriter, _ *http.Request, _ []byte) {
			w.Header().Set("Content-Range", "bytes */5")
			w.WriteHeader(416)
		},
		"multipart": func(w http.ResponseWriter, _ *http.Request, _ []byte) {
			w.Header().Set("Content-Type", "multipart/byteranges; boundary=x")
			w.WriteHeader(206)
			_, _ = io.WriteString(w, "--x\r\nContent-Range: bytes 2097152-2097156/9999999\r\n\r\nhello\r\n--x--\r\n")
		},
		"304": func(w http.ResponseWriter, _ *http.Request, _ []byte) { w.WriteHeader(304) },
	} {
		t.Run(name, func(t *testing.T) {
			path := "/rangeorigin/" + slug(name) + ".mp4"
			body := edgetest.Pattern(path, size)
			s.origin.Handle(path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Range") != "" {
					answer(w, r, body)
					return
				}
				if name == "no validator" {
					plain(w, body)
					return
				}
				plain(w, body, "ETag", `"v1"`)
			}))
			got := s.fetch(t, path, "Range", fmt.Sprintf("bytes=%d-%d", from, from+9))
			// Whether the range is asked for apart depends on how far the fill is. An origin
			// that lies may cost the answer; it never gives a wrong one.
			if got.Err == nil && got.StatusCode < 500 {
				want(t, got, 206, body[from:from+10])
				wantField(t, got, "Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, from+9, size))
			}
			if got = s.fetch(t, path, "Range", "bytes=0-9"); got.Err == nil && got.StatusCode < 500 {
				want(t, got, 206, body[:10])
			}
			edgetest.Eventually(t, "all of it comes", func() bool {
				got = s.fetch(t, path)
				return got.Err == nil && got.StatusCode == 200
			})
			want(t, got, 200, body)
		})
	}
	t.Run("another version in between", func(t *testing.T) {
		const path = "/rangeorigin/changed.mp4"
		old, fresh := edgetest.Pattern("old", size), edgetest.Pattern("new", size)
		s.origin.Handle(path, edgetest.Serve(old, videoFields()...))
		want(t, s.fetch(t, path, "Range", "bytes=3000000-3000009"), 206, old[from:from+10])
		s.origin.Handle(path, edgetest.Serve(fresh, "Content-Type", "video/mp4", "Cache-Control", "max-age=60", "ETag", `"v2"`))
		got := s.fetch(t, path, "Range", "bytes=0-9") // not there: the origin says that all is new
		if got.StatusCode == 206 && got.Err == nil && !bytes.Equal(got.Bytes, fresh[:10]) {
			t.Errorf("a part of nobody's version: %q, ETag %q", got.Bytes, got.Header.Get("ETag"))
		}
		want(t, s.fetch(t, path, "Range", "bytes=0-9"), 206, fresh[:10])
		got = s.fetch(t, path)
		want(t, got, 200, fresh)
		wantField(t, got, "Etag", `"v2"`)
	})
	t.Run("error in between", func(t *testing.T) {
		const path = "/rangeorigin/broken.mp4"
		body := edgetest.Pattern(path, size)
		s.origin.Handle(path, edgetest.Serve(body, videoFields()...))
		want(t, s.fetch(t, path, "Range", "bytes=3000000-3000009"), 206, body[from:from+10])
		s.origin.Handle(path, edgetest.Answer(500, []byte("broken")))
		if got := s.fetch(t, path, "Range", "bytes=0-9"); got.Err == nil && got.StatusCode < 500 {
			t.Errorf("status %d with %q", got.StatusCode, got.Bytes)
		}
		s.origin.Handle(path, edgetest.Serve(body, videoFields()...))
		want(t, s.fetch(t, path, "Range", "bytes=0-9"), 206, body[:10])
		want(t, s.fetch(t, path), 200, body)
	})
}
