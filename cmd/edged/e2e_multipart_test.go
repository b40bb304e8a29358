package main

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"testing"

	"edged/internal/edgetest"
)

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
