package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"edged/internal/edgetest"
)

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
