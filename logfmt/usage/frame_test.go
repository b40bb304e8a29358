package usage

import (
	"encoding/hex"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func sampleRows() []Row {
	return []Row{
		{Key{490_000, "acme", "a.example", "HTTP/1.1", 2}, Counts{10, 8, 1 << 40, 1<<40 + 900, 1 << 39, 1 << 38, 0}},
		{Key{490_000, "acme", "a.example", "", 0}, Counts{Fetched: 77}},
		{Key{490_001, "", "", "HTTP/2", 4}, Counts{Requests: 3, Body: 96, Wire: 396}},
	}
}

// The bytes of FORMAT.md, so that a change of the format is seen.
func TestFrameGolden(t *testing.T) {
	f := frame{seq: 300, time: 1_764_000_000, rows: sampleRows()}
	got := hex.EncodeToString(f.append([]byte(fileMagic)))
	text, err := os.ReadFile("testdata/frame.hex")
	if err != nil {
		t.Fatal(err)
	}
	if got != strings.TrimSpace(string(text)) {
		t.Errorf("a file with one frame is\n%s, want\n%s", got, text)
	}
}

func TestFrameRoundTrip(t *testing.T) {
	for _, want := range []frame{
		{seq: 1, time: -5, rows: []Row{}},
		{seq: 1<<64 - 1, time: 1 << 40, rows: sampleRows()},
	} {
		text := want.append(nil)
		got, size, err := parseFrame(append(slices.Clone(text), "more"...))
		if err != nil || size != len(text) {
			t.Fatalf("parseFrame: %d of %d bytes, %v", size, len(text), err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(frame{})); diff != "" {
			t.Errorf("round trip (-want +got):\n%s", diff)
		}
		for cut := range len(text) {
			if _, _, err := parseFrame(text[:cut]); err == nil {
				t.Errorf("a frame cut at %d of %d bytes is taken", cut, len(text))
			}
		}
	}
}

// journal makes a file of frames.
func journal(frames ...frame) []byte {
	b := []byte(fileMagic)
	for i := range frames {
		b = frames[i].append(b)
	}
	return b
}

func TestParse(t *testing.T) {
	one := frame{seq: 1, rows: sampleRows()[:1]}
	two := frame{seq: 2, rows: sampleRows()[1:2]}
	three := frame{seq: 3, rows: sampleRows()[2:]}
	whole := journal(one, two, three)
	size := func(f frame) int64 { return int64(len(f.append(nil))) }
	flipped := slices.Clone(whole)
	flipped[int64(len(fileMagic))+size(one)+frameHead+3] ^= 1
	for _, c := range []struct {
		name string
		file []byte
		seqs []uint64
		want contents
	}{
		{"nothing", nil, nil, contents{}},
		{"no header", []byte("garbage"), nil, contents{torn: 7}},
		{"half a header", []byte("edus"), nil, contents{torn: 4}},
		{"a header", []byte(fileMagic), nil, contents{end: 8}},
		{"whole", whole, []uint64{1, 2, 3}, contents{seq: 3, end: int64(len(whole))}},
		{"torn", whole[:len(whole)-1], []uint64{1, 2}, contents{seq: 2, end: int64(len(whole)) - size(three), torn: size(three) - 1}},
		{"zeroes behind", append(slices.Clone(whole), make([]byte, 50)...), []uint64{1, 2, 3}, contents{seq: 3, end: int64(len(whole)), torn: 50}},
		{"doubled", journal(one, two, two, three), []uint64{1, 2, 3}, contents{seq: 3, end: int64(len(whole)) + size(two), skipped: 1}},
		{"damaged", flipped, []uint64{1, 3}, contents{seq: 3, end: int64(len(whole)), damaged: size(two)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var seqs []uint64
			got := parse(c.file, func(f frame) { seqs = append(seqs, f.seq) })
			if got != c.want || !slices.Equal(seqs, c.seqs) {
				t.Errorf("frames %v, %+v; want %v, %+v", seqs, got, c.seqs, c.want)
			}
		})
	}
}

// Whatever is in a file, reading it ends, invents no row that no checksum vouches for,
// and does not ask for memory that the file does not account for.
func FuzzParse(f *testing.F) {
	f.Add(journal(frame{seq: 1, rows: sampleRows()}, frame{seq: 2, rows: sampleRows()}))
	f.Add([]byte(fileMagic + frameMagic))
	f.Add([]byte(fileMagic + frameMagic + "\x02\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, file []byte) {
		last := uint64(0)
		c := parse(file, func(f frame) {
			if f.seq <= last {
				t.Errorf("frame %d after %d", f.seq, last)
			}
			last = f.seq
		})
		if c.end < 0 || c.end+c.torn != int64(len(file)) {
			t.Errorf("%d bytes: good up to %d, %d torn", len(file), c.end, c.torn)
		}
	})
}

// A payload of any bytes, with a checksum that fits, is refused or read and written back.
func FuzzPayload(f *testing.F) {
	sample := frame{seq: 9, time: 5, rows: sampleRows()}
	f.Add(sample.appendPayload(nil))
	f.Add([]byte{1, 2, 0, 0})
	f.Fuzz(func(t *testing.T, payload []byte) {
		d := decoder{rest: payload}
		got := d.frame()
		if d.bad {
			return
		}
		again, _, err := parseFrame(got.append(nil))
		if err != nil {
			t.Fatalf("what was read cannot be written back: %v", err)
		}
		if diff := cmp.Diff(got, again, cmp.AllowUnexported(frame{})); diff != "" {
			t.Errorf("written back (-read +again):\n%s", diff)
		}
	})
}
