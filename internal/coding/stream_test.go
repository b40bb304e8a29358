package coding

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
)

func TestStream(t *testing.T) {
	var s Stream
	s.Append(nil, []byte("dropped"))
	s.Drop()
	for _, text := range []string{"", "short", strings.Repeat("#EXTINF:4,\nsegment.m4s\n", 10000)} {
		coded := []byte("before")
		for rest := text; len(rest) > 0; {
			n := min(len(rest), 5000)
			coded = s.Append(coded, []byte(rest[:n]))
			rest = rest[n:]
		}
		coded = s.Finish(coded)
		r, err := gzip.NewReader(bytes.NewReader(bytes.TrimPrefix(coded, []byte("before"))))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err != nil || string(got) != text {
			t.Errorf("%d bytes came back of %d, %v", len(got), len(text), err)
		}
		if len(text) > 1000 && len(coded) > len(text)/20 {
			t.Errorf("%d bytes became %d", len(text), len(coded))
		}
	}
}

func TestPaysToStream(t *testing.T) {
	for _, tt := range []struct {
		accept string
		size   int64
		want   bool
	}{
		{"", 5000, false},
		{"gzip", 5000, true},
		{"gzip, br, zstd", -1, true},
		{"gzip", 1000, false},
		{"br", 5000, false},
		{"gzip;q=0", 5000, false},
		{"gzip;q=0.5, identity", 5000, false},
		{"gzip, identity;q=1, *;q=0", 5000, true},
	} {
		if got := PaysToStream([]byte(tt.accept), tt.size); got != tt.want {
			t.Errorf("PaysToStream(%q, %d) = %v", tt.accept, tt.size, got)
		}
	}
}
