package edge

import (
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"edged/internal/byterange"
)

// readParts takes a multipart/byteranges answer apart as a client would.
func readParts(t *testing.T, a answer) (ranges, bodies []string) {
	t.Helper()
	kind, params, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	if err != nil || kind != "multipart/byteranges" {
		t.Fatalf("Content-Type %q: %v", a.header.Get("Content-Type"), err)
	}
	r := multipart.NewReader(strings.NewReader(a.body), params["boundary"])
	for {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return ranges, bodies
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Header.Get("Content-Type"); got != "video/mp4" {
			t.Errorf("part of type %q", got)
		}
		b, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		ranges, bodies = append(ranges, p.Header.Get("Content-Range")), append(bodies, string(b))
	}
}

func TestSeveralRanges(t *testing.T) {
	body := pattern(3<<20 + 5)
	b := newBench(t, ok(body, "video/mp4"))
	b.want(b.get("/v/seg1.m4s"), 200)
	for _, c := range []struct {
		ask  string
		want []byterange.Range
	}{
		{"bytes=0-0,5-6", []byterange.Range{{Start: 0, End: 1}, {Start: 5, End: 7}}},
		{"bytes=3145730-,10-1048600", []byterange.Range{{Start: 3145730, End: 3145733}, {Start: 10, End: 1048601}}}, // as asked, over a block's edge
		{"bytes=0-9,-4", []byterange.Range{{Start: 0, End: 10}, {Start: 3145729, End: 3145733}}},
		{"bytes=0-1,9000000-9000001,4-4", []byterange.Range{{Start: 0, End: 2}, {Start: 4, End: 5}}},
	} {
		a := b.get("/v/seg1.m4s", "Range", c.ask)
		b.want(a, 206, "hit")
		if a.size != int64(len(a.body)) || a.header.Has("Content-Range") {
			t.Errorf("Range %s: said %d bytes and sent %d, Content-Range %q", c.ask, a.size, len(a.body), a.header.Get("Content-Range"))
		}
		ranges, bodies := readParts(t, a)
		if len(bodies) != len(c.want) {
			t.Fatalf("Range %s: %d parts, want %d", c.ask, len(bodies), len(c.want))
		}
		for i, r := range c.want {
			if want := string(byterange.AppendContentRange(nil, r, int64(len(body)))); ranges[i] != want || bodies[i] != body[r.Start:r.End] {
				t.Errorf("Range %s, part %d: %s with %d bytes, want %s", c.ask, i, ranges[i], len(bodies[i]), want)
			}
		}
	}
	b.wantFetches(1)
}

func TestHowManyRanges(t *testing.T) {
	body := pattern(2000)
	b := newBench(t, ok(body, "video/mp4"))
	b.want(b.get("/v/seg1.m4s"), 200)
	for ask, status := range map[string]int{
		"bytes=0-9,10-19":                                   206, // one range
		"bytes=0-900,1000-1999":                             206, // though with their frames they are longer than everything
		"bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14":       206, // as many as allowed
		"bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14,16-16": 200,
		"bytes=0-0,x":                                       200,
		"bytes=5000-5001,6000-6001":                         416,
	} {
		b.want(b.get("/v/seg1.m4s", "Range", ask), status)
	}
	a := b.do(request{method: "HEAD", target: "/v/seg1.m4s", header: fields{"Range": "bytes=0-0,5-6"}})
	if b.want(a, 200); a.size != 2000 || a.body != "" {
		t.Errorf("HEAD: %d bytes announced, %d sent", a.size, len(a.body))
	}
	if a := b.get("/v/seg1.m4s", "Range", "bytes=0-0,5-6", "If-Range", `"other"`); a.status != 200 || a.body != body {
		t.Errorf("If-Range of another version: %d", a.status)
	}
}

func TestSeveralRangesOnAMiss(t *testing.T) {
	body := pattern(4 << 20)
	b := newBench(t, ok(body, "video/mp4"))
	a := b.get("/v/seg1.m4s", "Range", "bytes=4000000-4000009,0-9")
	b.want(a, 206, "fwd=uri-miss")
	if _, bodies := readParts(t, a); len(bodies) != 2 || bodies[0] != body[4000000:4000010] || bodies[1] != body[:10] {
		t.Errorf("%d parts that differ", len(bodies))
	}
}

func TestSeveralRangesOfWhatIsNotStored(t *testing.T) {
	body := pattern(20000)
	b := newBench(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Content-Type", "video/mp4")
		io.WriteString(w, body)
	})
	if a := b.get("/v/seg1.m4s", "Range", "bytes=1000-1009,0-9"); a.status == 206 {
		readParts(t, a)
	} else if a.body != body {
		t.Errorf("status %d, %d bytes", a.status, len(a.body))
	}
}
