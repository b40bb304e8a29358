package edge

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
)

const playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n"

func playlistText() string {
	return playlist + strings.Repeat("#EXTINF:2.000,\nsegment.m4s\n", 200) + "#EXT-X-ENDLIST\n"
}

func gunzip(t *testing.T, s string) string {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader([]byte(s)))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestManifestsAreCodedOnHits(t *testing.T) {
	text := playlistText()
	b := newBench(t, ok(text, "application/vnd.apple.mpegurl"))
	if a := b.get("/v/a.m3u8", "Accept-Encoding", "gzip"); a.body != text || a.header.Has("Content-Encoding") {
		t.Error("a miss does not wait for a coding")
	}
	b.edge.fetchers.Wait()
	if a := b.get("/v/a.m3u8", "Accept-Encoding", "gzip"); a.body != text {
		t.Error("the first hit does not wait for a coding either")
	}
	b.edge.fetchers.Wait()
	for range 2 {
		a := b.get("/v/a.m3u8", "Accept-Encoding", "gzip")
		b.want(a, 200, "hit")
		if a.header.Get("Content-Encoding") != "gzip" || gunzip(t, a.body) != text || int64(len(a.body)) != a.size {
			t.Fatalf("coded hit: %v", a.header)
		}
		if a.header.Get("Vary") != "Accept-Encoding" || !strings.HasSuffix(a.header.Get("ETag"), `-gzip"`) {
			t.Errorf("Vary %q, ETag %q", a.header.Get("Vary"), a.header.Get("ETag"))
		}
		b.want(b.get("/v/a.m3u8", "Accept-Encoding", "gzip", "If-None-Match", a.header.Get("ETag")), 304)
	}
	plain := b.get("/v/a.m3u8")
	if plain.body != text || plain.header.Get("Vary") != "Accept-Encoding" {
		t.Errorf("plain hit: %v", plain.header)
	}
	if a := b.get("/v/a.m3u8", "Accept-Encoding", "gzip", "Range", "bytes=0-"); a.status != 206 || a.body != text {
		t.Errorf("range with gzip: %d, %d bytes", a.status, len(a.body))
	}
	b.wantFetches(1)
}

func TestCodedFormFollowsItsVersion(t *testing.T) {
	text, control := playlistText(), "max-age=10"
	b := newBench(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", control)
		io.WriteString(w, text)
	})
	b.get("/v/a.m3u8")
	b.edge.fetchers.Wait()
	b.get("/v/a.m3u8", "Accept-Encoding", "gzip")
	b.edge.fetchers.Wait()
	if got := gunzip(t, b.get("/v/a.m3u8", "Accept-Encoding", "gzip").body); got != text {
		t.Error("first version differs")
	}
	text += "#more\n"
	b.clock.advance(11 * time.Second)
	b.get("/v/a.m3u8")
	b.edge.fetchers.Wait()
	if a := b.get("/v/a.m3u8", "Accept-Encoding", "gzip"); a.body != text {
		t.Error("an old form is served until the new one is made")
	}
	b.edge.fetchers.Wait()
	if got := gunzip(t, b.get("/v/a.m3u8", "Accept-Encoding", "gzip").body); got != text {
		t.Error("the coded form is that of the version before")
	}
}

func TestCodedFormIsFreshenedWithItsText(t *testing.T) {
	text, control := playlistText(), "max-age=10"
	b := newBench(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", control)
		w.Header().Set("ETag", `"1"`)
		if r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		io.WriteString(w, text)
	})
	b.get("/v/a.m3u8")
	b.edge.fetchers.Wait()
	b.get("/v/a.m3u8", "Accept-Encoding", "gzip")
	b.edge.fetchers.Wait()
	first := b.get("/v/a.m3u8", "Accept-Encoding", "gzip").header
	control = "max-age=20"
	b.clock.advance(11 * time.Second)
	b.want(b.get("/v/a.m3u8"), 200, "fwd=stale", "fwd-status=304")
	for range 2 { // what freshens the form, and what finds it so
		a := b.get("/v/a.m3u8", "Accept-Encoding", "gzip")
		b.want(a, 200, "hit")
		if got := gunzip(t, a.body); got != text {
			t.Error("another text")
		}
		if a.header.Get("Cache-Control") != control || a.header.Get("Date") == first.Get("Date") {
			t.Errorf("Cache-Control %q, Date %q as at first", a.header.Get("Cache-Control"), a.header.Get("Date"))
		}
		if a.header.Get("ETag") != first.Get("ETag") {
			t.Errorf("ETag %q, was %q", a.header.Get("ETag"), first.Get("ETag"))
		}
	}
}

func TestWhatIsNotCoded(t *testing.T) {
	text := playlistText()
	for _, c := range []struct{ name, path, field, value string }{
		{"segment", "/v/a.m4s", "", ""},
		{"coded by the origin", "/v/a.m3u8", "Content-Encoding", "x-own"},
		{"no-transform", "/v/a.m3u8", "Cache-Control", "max-age=60, no-transform"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Cache-Control", "max-age=60")
				if c.field != "" {
					w.Header().Set(c.field, c.value)
				}
				io.WriteString(w, text)
			})
			b.get(c.path)
			b.edge.fetchers.Wait()
			b.get(c.path, "Accept-Encoding", "gzip")
			b.edge.fetchers.Wait()
			if a := b.get(c.path, "Accept-Encoding", "gzip"); a.body != text {
				t.Errorf("%d bytes with %v", len(a.body), a.header)
			}
		})
	}
}

func TestIncompressibleTextIsLeftAlone(t *testing.T) {
	noise := make([]byte, 4096)
	for i, x := 0, uint32(1); i < len(noise); i++ {
		x = x*1664525 + 1013904223
		noise[i] = byte(x >> 24)
	}
	b := newBench(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		w.Write(noise)
	})
	b.get("/v/a.m3u8")
	b.edge.fetchers.Wait()
	b.get("/v/a.m3u8", "Accept-Encoding", "gzip")
	b.edge.fetchers.Wait()
	x := b.edge.NewExchange()
	b.fill(x, request{target: "/v/a.m3u8", header: fields{"Accept-Encoding": "gzip"}})
	b.edge.Serve(x)
	if f := b.cache.Validate(x.form.key, nil, x.now); f != nil {
		t.Error("the text is coded again with every hit")
		f.Abort(errNotCoded)
		f.Leave()
	}
	b.edge.Finish(x, Delivery{})
}
