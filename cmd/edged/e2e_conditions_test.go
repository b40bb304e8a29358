package main

import (
	"fmt"
	"strings"
	"testing"

	"edged/internal/edgetest"
)

func TestE2EConditions(t *testing.T) {
	s := newSuite(t)
	t.Run("precedence", func(t *testing.T) { t.Parallel(); s.precedence(t) })
	t.Run("tags", func(t *testing.T) { t.Parallel(); s.tagConditions(t) })
	t.Run("dates", func(t *testing.T) { t.Parallel(); s.dateConditions(t) })
	t.Run("fields of a 304", func(t *testing.T) { t.Parallel(); s.notModifiedFields(t) })
	t.Run("of other statuses", func(t *testing.T) { t.Parallel(); s.conditionsElsewhere(t) })
	t.Run("while validating", func(t *testing.T) { t.Parallel(); s.conditionsWhileValidating(t) })
	t.Run("coded", func(t *testing.T) { t.Parallel(); s.codedConditions(t) })
	t.Run("on one connection", func(t *testing.T) { t.Parallel(); s.conditionsInARow(t) })
}

const (
	dayBefore = "Sat, 05 Nov 1994 08:49:37 GMT"
	theDay    = "Sun, 06 Nov 1994 08:49:37 GMT"
	dayAfter  = "Mon, 07 Nov 1994 08:49:37 GMT"
)

// precedence: every combination of the five conditions, in the order of RFC 9110
// §13.2.2, for GET and HEAD. The oracle is written down step by step.
func (s *suite) precedence(t *testing.T) {
	body := edgetest.Pattern("precedence", 5000)
	s.origin.Handle("/precedence.m4s", edgetest.Plain(body, "Content-Type", "video/mp4", "Cache-Control", "max-age=3600", "ETag", `"p"`, "Last-Modified", theDay))
	const yes, no = 1, 2 // the condition holds, or not; 0: absent
	tag, date := []string{"", `"p"`, `"q"`}, []string{"", theDay, dayBefore}
	cases := 0
	for n := range 3 * 3 * 3 * 3 * 4 {
		match, unmodified, noneMatch, modified, ranged := n%3, n/3%3, n/9%3, n/27%3, n/81
		var fields []string
		add := func(name, value string) {
			if value != "" {
				fields = append(fields, name, value)
			}
		}
		add("If-Match", tag[match])
		add("If-Unmodified-Since", date[unmodified]) // theDay: it has not been modified since
		// If-None-Match holds when the tag is another one, If-Modified-Since when it was modified since.
		add("If-None-Match", []string{"", `"q"`, `"p"`}[noneMatch])
		add("If-Modified-Since", []string{"", dayBefore, theDay}[modified])
		if ranged > 0 {
			add("Range", "bytes=10-19")
			add("If-Range", []string{"", "", `"p"`, `"q"`}[ranged])
		}
		status := 200
		switch {
		case match == no, match == 0 && unmodified == no:
			status = 412
		case noneMatch == no, noneMatch == 0 && modified == no:
			status = 304
		case ranged == 1 || ranged == 2:
			status = 206
		}
		for _, method := range []string{"GET", "HEAD"} {
			expect, content := status, map[int][]byte{200: body, 206: body[10:20], 304: {}}[status]
			if method == "HEAD" {
				content = []byte{}
				if expect == 206 {
					expect = 200
				}
			}
			got := s.ask(t, protocols()[cases%3], method, openHost, "/precedence.m4s", fields...)
			want(t, got, expect, content)
			if t.Failed() {
				t.Fatalf("%s with %q", method, fields)
			}
			cases++
		}
	}
	s.wantFetches(t, "/precedence.m4s", 1)
}

// tagConditions: RFC 9110 §13.1.1, §13.1.2, §8.8.3.2. match is strong, none-match weak.
func (s *suite) tagConditions(t *testing.T) {
	for i, c := range []struct {
		stored, asked    string
		match, noneMatch int // status
	}{
		{`"a"`, `"a"`, 200, 304},
		{`"a"`, `W/"a"`, 412, 304},
		{`W/"a"`, `"a"`, 412, 304},
		{`W/"a"`, `W/"a"`, 412, 304},
		{`"a"`, `"b"`, 412, 200},
		{`"a"`, `"A"`, 412, 200},
		{`"a"`, `*`, 200, 304},
		{`"a"`, ` * `, 200, 304},
		{`"a"`, `"b", "a"`, 200, 304},
		{`"a"`, `"b","a"`, 200, 304},
		{`"a"`, `, ,"a",`, 200, 304},
		{`"a"`, `W/"b",	W/"a"`, 412, 304},
		{`"a"`, `"b" "a"`, 412, 200},
		{`"a"`, `a`, 412, 200},
		{`"a"`, `"a`, 412, 200},
		{`"a"`, `w/"a"`, 412, 200}, // §8.8.3: the flag knows case
		{`"a"`, ``, 412, 200},
		{`"a, b"`, `"a, b"`, 200, 304},
		{`"a, b"`, `"x", "a, b"`, 200, 304},
		{`"b"`, `"a, "b"`, 412, 200},
		{`""`, `""`, 200, 304},
		{`"\"`, `"\"`, 200, 304}, // a backslash is an ordinary byte
		{``, `"a"`, 412, 200},
		{``, `*`, 200, 304}, // there is a representation
	} {
		t.Run(fmt.Sprintf("%s of %s", c.asked, c.stored), func(t *testing.T) {
			path := fmt.Sprintf("/tags/%d.m4s", i)
			name := "ETag"
			if c.stored == "" {
				name = ""
			}
			s.origin.Handle(path, edgetest.Plain([]byte("body"), "Cache-Control", "max-age=3600", name, c.stored))
			for _, p := range protocols() {
				want(t, s.ask(t, p, "GET", openHost, path, "If-Match", c.asked), c.match, nil)
				want(t, s.ask(t, p, "GET", openHost, path, "If-None-Match", c.asked), c.noneMatch, nil)
				want(t, s.ask(t, p, "HEAD", openHost, path, "If-None-Match", c.asked), c.noneMatch, []byte{})
			}
		})
	}
	t.Run("lines", func(t *testing.T) { // are one list (§5.3)
		s.origin.Handle("/tags/lines.m4s", edgetest.Plain([]byte("body"), "Cache-Control", "max-age=3600", "ETag", `"a"`))
		for _, p := range protocols() {
			want(t, s.ask(t, p, "GET", openHost, "/tags/lines.m4s", "If-None-Match", `"x"`, "If-None-Match", `"a"`), 304, nil)
			want(t, s.ask(t, p, "GET", openHost, "/tags/lines.m4s", "If-Match", `"x"`, "If-Match", `"a"`), 200, nil)
		}
	})
}

// dateConditions: RFC 9110 §13.1.3, §13.1.4, §5.6.7.
func (s *suite) dateConditions(t *testing.T) {
	s.origin.Handle("/dates.m4s", edgetest.Plain([]byte("body"), "Cache-Control", "max-age=3600", "Last-Modified", theDay))
	s.origin.Handle("/dateless.m4s", edgetest.Plain([]byte("body"), "Cache-Control", "max-age=3600", "Date", theDay, "Age", "1"))
	s.origin.Handle("/misdated.m4s", edgetest.Plain([]byte("body"), "Cache-Control", "max-age=3600", "Last-Modified", "the other day"))
	for _, c := range []struct {
		asked                string
		modified, unmodified int // status
	}{
		{theDay, 304, 200},
		{dayBefore, 200, 412},
		{dayAfter, 304, 200},
		{"Sunday, 06-Nov-94 08:49:37 GMT", 304, 200},
		{"Sun Nov  6 08:49:37 1994", 304, 200},
		{"Sat Nov  5 08:49:37 1994", 200, 412},
		{"Saturday, 05-Nov-94 08:49:37 GMT", 200, 412},
		{"Thu, 01 Jan 2094 00:00:00 GMT", 304, 200}, // later than now is not malformed
		// What follows is no date: the field is as if absent.
		{"", 200, 200},
		{"0", 200, 200},
		{"yesterday", 200, 200},
		{"Sun, 06 Nov 1994 08:49:37", 200, 200},
		{"Sun, 06 Nov 1994 08:49:37 UTC", 200, 200},
		{"Sun, 06 Nov 1994 08:49:37 +0000", 200, 200},
		{"Sun, 6 Nov 1994 08:49:37 GMT", 200, 200},
		{"Sun, 31 Feb 1994 08:49:37 GMT", 200, 200},
		{"Sun, 06 Nov 1994 25:49:37 GMT", 200, 200},
		{"06 Nov 1994 08:49:37 GMT", 200, 200},
		{"1994-11-06T08:49:37Z", 200, 200},
		{"784111777", 200, 200},
		{theDay + ", " + theDay, 200, 200},
		{dayAfter + " trailing", 200, 200},
	} {
		for _, p := range protocols() {
			got := s.ask(t, p, "GET", openHost, "/dates.m4s", "If-Modified-Since", c.asked)
			want(t, got, c.modified, nil)
			want(t, s.ask(t, p, "HEAD", openHost, "/dates.m4s", "If-Modified-Since", c.asked), c.modified, []byte{})
			want(t, s.ask(t, p, "GET", openHost, "/dates.m4s", "If-Unmodified-Since", c.asked), c.unmodified, nil)
			// Without a date of the resource there is nothing to compare If-Unmodified-Since with.
			want(t, s.ask(t, p, "GET", openHost, "/dateless.m4s", "If-Unmodified-Since", c.asked), 200, nil)
			want(t, s.ask(t, p, "GET", openHost, "/misdated.m4s", "If-Unmodified-Since", c.asked), 200, nil)
			if t.Failed() {
				t.Fatalf("%s: %q", p, c.asked)
			}
		}
	}
	for _, p := range protocols() { // a list of dates is none (§13.1.3, §13.1.4)
		want(t, s.ask(t, p, "GET", openHost, "/dates.m4s", "If-Modified-Since", theDay, "If-Modified-Since", theDay), 200, nil)
		want(t, s.ask(t, p, "GET", openHost, "/dates.m4s", "If-Unmodified-Since", dayBefore, "If-Unmodified-Since", dayBefore), 200, nil)
	}
}

// notModifiedFields: RFC 9110 §15.4.5, §8.6.
func (s *suite) notModifiedFields(t *testing.T) {
	fields := []string{
		"Content-Type", "video/mp4", "Cache-Control", "max-age=3600", "Cache-Control", "public", "ETag", `"n"`, "Last-Modified", theDay,
		"Expires", "Thu, 01 Dec 2094 16:00:00 GMT", "Content-Location", "/elsewhere", "Vary", "X-Unknown", "Content-Language", "en",
		"Content-Encoding", "aes128gcm", "X-Custom", "1",
	}
	s.origin.Handle("/notmodified.m4s", edgetest.Plain([]byte("body"), fields...))
	for round := range 2 { // cold: the origin answers 200; warm
		for _, p := range protocols() {
			for _, method := range []string{"GET", "HEAD"} {
				got := s.ask(t, p, method, openHost, "/notmodified.m4s", "If-None-Match", `"n"`)
				want(t, got, 304, []byte{})
				for name, value := range map[string]string{
					"Cache-Control": "max-age=3600public", "Etag": `"n"`, "Expires": "Thu, 01 Dec 2094 16:00:00 GMT",
					"Content-Location": "/elsewhere", "Vary": "X-Unknown", "X-Custom": "1",
				} {
					if v := strings.Join(got.Header.Values(name), ""); v != value {
						t.Errorf("round %d, %s %s: %s is %q, want %q", round, p, method, name, v, value)
					}
				}
				if len(got.Header.Values("Date")) != 1 {
					t.Errorf("Date %q", got.Header.Values("Date"))
				}
				for _, name := range []string{"Content-Type", "Content-Length", "Content-Encoding", "Content-Range", "Transfer-Encoding"} {
					wantNo(t, got, name)
				}
				wantField(t, got, "Access-Control-Allow-Origin", "*")
			}
		}
	}
}

// conditionsElsewhere: what is no success has no conditions (RFC 9110 §13.2.1), and a
// range of a success has those of the whole.
func (s *suite) conditionsElsewhere(t *testing.T) {
	for _, status := range []int{301, 404, 410, 403} {
		path := fmt.Sprintf("/condition/%d.m4s", status)
		s.origin.Handle(path, edgetest.Answer(status, []byte("no"), "Cache-Control", "max-age=60", "ETag", `"a"`, "Last-Modified", theDay, "Location", "/x"))
		for range 2 {
			for _, c := range [][2]string{
				{"If-None-Match", `"a"`},
				{"If-None-Match", "*"},
				{"If-Match", `"b"`},
				{"If-Modified-Since", dayAfter},
				{"If-Unmodified-Since", dayBefore},
			} {
				want(t, s.fetch(t, path, c[0], c[1]), status, []byte("no"))
			}
		}
	}
	for _, status := range []int{203, 204} {
		path := fmt.Sprintf("/condition/%d.m4s", status)
		s.origin.Handle(path, edgetest.Raw(fmt.Sprintf("HTTP/1.1 %d Fine\r\nCache-Control: max-age=60\r\nETag: \"a\"\r\nConnection: close\r\n%s\r\n", status,
			map[int]string{203: "Content-Length: 0\r\n"}[status])))
		for range 2 {
			want(t, s.fetch(t, path, "If-None-Match", `"a"`), 304, []byte{})
			want(t, s.fetch(t, path, "If-Match", `"b"`), 412, nil)
		}
	}
	// Generated errors, and the preflight, come before all conditions.
	want(t, s.ask(t, edgetest.HTTP1, "OPTIONS", openHost, "/condition/x.m4s", "If-Match", `"none"`), 204, nil)
	want(t, s.ask(t, edgetest.HTTP1, "DELETE", openHost, "/condition/x.m4s", "If-Match", `"none"`), 405, nil)
	want(t, s.ask(t, edgetest.HTTP1, "GET", signedHost, "/condition/x.m4s", "If-None-Match", "*"), 403, nil)
}

// conditionsWhileValidating: a client's condition is about what there is after the
// origin was asked (RFC 9111 §4.3.2), whatever that said.
func (s *suite) conditionsWhileValidating(t *testing.T) {
	old, fresh := edgetest.Pattern("old", 3000), edgetest.Pattern("new", 3000)
	staleAt := func(path string) {
		s.origin.Handle(path, edgetest.Serve(old, "Content-Type", "video/mp4", "Cache-Control", "max-age=60", "Age", "60", "ETag", `"old"`, "X-From", "first"))
		want(t, s.fetch(t, path), 200, old)
	}
	next := func(path string, body []byte, tag string) {
		s.origin.Handle(path, edgetest.Serve(body, "Content-Type", "video/mp4", "Cache-Control", "max-age=60", "ETag", tag, "X-From", "second"))
	}
	for i, c := range []struct {
		name, field, value string
		same, changed      int // status after the origin's 304, and after its 200
	}{
		{"none", "", "", 200, 200},
		{"If-None-Match of the old", "If-None-Match", `"old"`, 304, 200},
		{"If-None-Match of the new", "If-None-Match", `"new"`, 200, 304},
		{"If-Match of the old", "If-Match", `"old"`, 200, 412},
		{"If-Match of the new", "If-Match", `"new"`, 412, 200},
		{"If-None-Match of any", "If-None-Match", "*", 304, 304},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, p := range protocols() {
				path := fmt.Sprintf("/validating/%d-%s.m4s", i, p)
				staleAt(path)
				next(path, old, `"old"`)
				got := s.ask(t, p, "GET", openHost, path, c.field, c.value)
				want(t, got, c.same, map[int][]byte{200: old, 304: {}}[c.same], "fwd=stale", "fwd-status=304")
				if c.same != 412 {
					wantField(t, got, "X-From", "second") // the origin's 304 updates what is stored (§4.3.4)
				}
				asked := s.origin.Asked(path)
				if v := asked[len(asked)-1].Header.Values("If-None-Match"); len(v) != 1 || v[0] != `"old"` {
					t.Errorf("the origin was asked with If-None-Match %q", v)
				}

				path = fmt.Sprintf("/validating/%d-%s-changed.m4s", i, p)
				staleAt(path)
				next(path, fresh, `"new"`)
				got = s.ask(t, p, "GET", openHost, path, c.field, c.value)
				want(t, got, c.changed, map[int][]byte{200: fresh, 304: {}}[c.changed], "fwd=stale", "fwd-status=200")
				if c.changed != 412 {
					wantField(t, got, "Etag", `"new"`)
				}
				want(t, s.ask(t, p, "GET", openHost, path), 200, fresh)
			}
		})
	}
	t.Run("Range", func(t *testing.T) {
		staleAt("/validating/range.m4s")
		next("/validating/range.m4s", old, `"old"`)
		want(t, s.fetch(t, "/validating/range.m4s", "Range", "bytes=5-9", "If-Range", `"old"`), 206, old[5:10], "fwd-status=304")
		staleAt("/validating/range-changed.m4s")
		next("/validating/range-changed.m4s", fresh, `"new"`)
		want(t, s.fetch(t, "/validating/range-changed.m4s", "Range", "bytes=5-9", "If-Range", `"old"`), 200, fresh, "fwd-status=200")
	})
	t.Run("conditions of clients stay here", func(t *testing.T) {
		s.video("/validating/cold.m4s", 2000)
		want(t, s.fetch(t, "/validating/cold.m4s", "If-None-Match", `"v1"`, "If-Modified-Since", theDay, "If-Range", `"v1"`, "Range", "bytes=0-9"), 304, nil)
		for _, name := range []string{"If-None-Match", "If-Modified-Since", "If-Range", "Range"} {
			if v := s.origin.Asked("/validating/cold.m4s")[0].Header.Values(name); len(v) > 0 {
				t.Errorf("the origin sees %s %q", name, v)
			}
		}
		want(t, s.fetch(t, "/validating/cold.m4s"), 200, nil, "hit")
	})
}

// codedConditions: each form has a tag of its own (RFC 9110 §8.8.3.3).
func (s *suite) codedConditions(t *testing.T) {
	body := []byte("#EXTM3U\n#EXT-X-TARGETDURATION:6\n" + strings.Repeat("#EXTINF:6,\nsegment.m4s\n", 300) + "#EXT-X-ENDLIST\n")
	for name, tag := range map[string]string{"strong": `"c"`, "weak": `W/"c"`} {
		t.Run(name, func(t *testing.T) {
			path := "/coded/" + name + ".m3u8"
			s.origin.Handle(path, edgetest.Serve(body, "Content-Type", "application/vnd.apple.mpegurl", "Cache-Control", "max-age=60", "ETag", tag, "Last-Modified", theDay))
			tags := map[string]string{"": tag}
			for _, coding := range []string{"gzip", "br", "zstd"} {
				edgetest.Eventually(t, "the coded form is there", func() bool {
					return s.fetch(t, path, "Accept-Encoding", coding).Header.Get("Content-Encoding") == coding
				})
				tags[coding] = s.fetch(t, path, "Accept-Encoding", coding).Header.Get("ETag")
			}
			for coding, own := range tags {
				for other, its := range tags {
					got := s.fetch(t, path, "Accept-Encoding", coding, "If-None-Match", its)
					if coding == other {
						want(t, got, 304, []byte{})
						wantField(t, got, "Etag", own)
					} else {
						want(t, got, 200, nil)
					}
					if !strings.Contains(strings.Join(got.Header.Values("Vary"), ","), "Accept-Encoding") {
						t.Errorf("Vary %q", got.Header.Values("Vary"))
					}
					if coding == other {
						wantNo(t, got, "Content-Encoding")
					}
				}
				want(t, s.fetch(t, path, "Accept-Encoding", coding, "If-None-Match", strings.Join([]string{tags[""], tags["gzip"], tags["br"], tags["zstd"]}, ", ")), 304, []byte{})
				want(t, s.fetch(t, path, "Accept-Encoding", coding, "If-Modified-Since", theDay), 304, []byte{})
			}
		})
	}
}

// conditionsInARow: a 304 or 412 leaves its connection in step, for pipelined
// requests too.
func (s *suite) conditionsInARow(t *testing.T) {
	body := s.video("/inarow.m4s", 3000)
	want(t, s.fetch(t, "/inarow.m4s"), 200, body)
	c := s.node.Dial()
	const head = " /inarow.m4s HTTP/1.1\nHost: " + openHost + "\n"
	for range 3 {
		c.Send("GET" + head + "If-None-Match: \"v1\"\n\n" + "HEAD" + head + "\n" + "GET" + head + "If-Match: \"x\"\n\n" +
			"HEAD" + head + "If-None-Match: *\n\n" + "GET" + head + "Range: bytes=1-2\n\n" + "HEAD" + head + "If-Match: \"x\"\n\n" + "GET" + head + "\n")
		for i, w := range []struct {
			method string
			status int
		}{{"GET", 304}, {"HEAD", 200}, {"GET", 412}, {"HEAD", 304}, {"GET", 206}, {"HEAD", 412}, {"GET", 200}} {
			if got := c.Receive(w.method); got.StatusCode != w.status || got.Err != nil {
				t.Fatalf("answer %d: status %d, want %d, %v", i, got.StatusCode, w.status, got.Err)
			}
		}
	}
}
