package coding

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

func TestNegotiate(t *testing.T) {
	for _, c := range []struct {
		accept string
		want   Coding
	}{
		{"", Identity},
		{"gzip, deflate, br, zstd", Zstd}, // browsers on XHR and fetch
		{"gzip, deflate, br", Brotli},
		{"gzip, identity;q=1, *;q=0", Gzip}, // Chromium's own HLS on playlists
		{"identity", Identity},
		{"identity;q=1, *;q=0", Identity},
		{"*", Zstd},
		{"*;q=0", Identity},
		{"gzip;q=1.0, br;q=0.5, zstd;q=0.1", Gzip},
		{"br;q=0", Identity},
		{"gzip;q=0, *", Zstd},
		{"GZIP", Gzip},
		{"x-gzip", Gzip},
		{"deflate", Identity},
		{"identity;q=1, gzip;q=0.5", Identity},
		{"gzip;q=2", Identity},
		{"gzip;q=0.5555", Identity},
		{"gzip;q=", Identity},
		{"gzip;q=abc", Identity},
		{"gzip; q=0.1", Gzip},
		{",,gzip,,", Gzip},
	} {
		if got := Negotiate([]byte(c.accept)); got != c.want {
			t.Errorf("Negotiate(%q) = %q, want %q", c.accept, got, c.want)
		}
	}
}

func TestNegotiateAllocatesNothing(t *testing.T) {
	accept := []byte("gzip, deflate, br;q=0.9, zstd;q=0.8, *;q=0.1")
	if n := testing.AllocsPerRun(100, func() { Negotiate(accept) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzNegotiate(f *testing.F) {
	f.Add([]byte("gzip;q=0.5, br"))
	f.Add([]byte("*;q=0"))
	f.Fuzz(func(t *testing.T, accept []byte) {
		c := Negotiate(accept)
		if c >= NumCodings {
			t.Fatalf("Negotiate(%q) = %d", accept, c)
		}
		if c != Identity && !bytes.Contains(bytes.ToLower(accept), []byte(c.String())) && !bytes.Contains(accept, []byte("*")) {
			t.Errorf("Negotiate(%q) = %q, which it does not name", accept, c)
		}
	})
}

// decode is the inverse of Append, by other code than made it where there is some.
func decode(t *testing.T, c Coding, body []byte) []byte {
	t.Helper()
	var r io.Reader
	var err error
	switch c {
	case Gzip:
		r, err = gzip.NewReader(bytes.NewReader(body))
	case Brotli:
		r = brotli.NewReader(bytes.NewReader(body))
	case Zstd:
		var d *zstd.Decoder
		if d, err = zstd.NewReader(bytes.NewReader(body)); err == nil {
			defer d.Close()
			r = d
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestAppendRoundTrip(t *testing.T) {
	playlist := []byte("#EXTM3U\n" + strings.Repeat("#EXTINF:2.000,\nsegment-000123.m4s\n", 300))
	for c := Gzip; c < NumCodings; c++ {
		got, ok := Append([]byte("before"), c, playlist)
		if !ok || len(got) > len(playlist)/5 {
			t.Errorf("%s: ok %v, %d of %d bytes", c, ok, len(got), len(playlist))
			continue
		}
		if text := decode(t, c, got[len("before"):]); !bytes.Equal(text, playlist) {
			t.Errorf("%s: decodes to something else", c)
		}
	}
}

func TestAppendRefuses(t *testing.T) {
	random := make([]byte, 4096)
	for i, x := 0, uint32(1); i < len(random); i++ {
		x = x*1664525 + 1013904223
		random[i] = byte(x >> 24)
	}
	for _, c := range []struct {
		name string
		c    Coding
		src  []byte
	}{
		{"identity", Identity, make([]byte, 1000)},
		{"short", Zstd, make([]byte, MinSize-1)},
		{"long", Gzip, make([]byte, MaxSize+1)},
		{"incompressible", Brotli, random},
	} {
		if got, ok := Append([]byte("x"), c.c, c.src); ok || string(got) != "x" {
			t.Errorf("%s: coded to %d bytes", c.name, len(got))
		}
	}
}

func TestETag(t *testing.T) {
	for _, c := range []struct{ tag, want string }{
		{`"abc"`, `"abc-br"`}, {`""`, `"-br"`}, {`W/"abc"`, `W/"abc-br"`}, {`W/"`, ""}, {"abc", ""}, {"", ""}, {`"`, ""},
	} {
		if got := ETag(c.tag, Brotli); got != c.want {
			t.Errorf("ETag(%s) = %q, want %q", c.tag, got, c.want)
		}
	}
}
