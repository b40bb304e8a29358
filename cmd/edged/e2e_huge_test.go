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
