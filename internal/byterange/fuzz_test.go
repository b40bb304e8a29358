package byterange_test

import (
	"testing"

	"edged/internal/byterange"
)

// FuzzParse holds Parse against its promises: ranges that lie inside of the
// representation, do not touch each other and are no more than allowed; a single
// range is the one that Single reads.
func FuzzParse(f *testing.F) {
	for _, c := range parseCases {
		f.Add([]byte(c.header), int64(10))
	}
	f.Add([]byte("bytes=0-"), int64(0))
	f.Add([]byte("bytes=-5"), int64(1<<63-1))
	f.Fuzz(func(t *testing.T, header []byte, size int64) {
		ranges, outcome := byterange.Parse(header, size, nil)
		if (outcome == byterange.Partial) != (len(ranges) > 0) || len(ranges) > byterange.MaxRanges {
			t.Fatalf("Parse(%q, %d) = %v, %v", header, size, ranges, outcome)
		}
		for i, r := range ranges {
			if r.Start < 0 || r.Start >= r.End || r.End > size {
				t.Fatalf("Parse(%q, %d): %v is outside", header, size, r)
			}
			for _, o := range ranges[:i] {
				if r.Start <= o.End && o.Start <= r.End {
					t.Fatalf("Parse(%q, %d): %v and %v touch", header, size, o, r)
				}
			}
		}
		checkSingle(t, header, size, ranges, outcome)
	})
}

// checkSingle compares Single with the outcome of Parse for one range.
func checkSingle(t *testing.T, header []byte, size int64, ranges []byterange.Range, outcome byterange.Outcome) {
	t.Helper()
	first, last, ok := byterange.Single(header)
	if !ok || size <= 0 {
		return
	}
	switch outcome {
	case byterange.Whole:
		t.Fatalf("Single(%q) understands what Parse ignores", header)
	case byterange.Unsatisfiable:
		if first >= 0 && first < size || first < 0 && last != 0 {
			t.Fatalf("Single(%q) = %d, %d, unsatisfiable of %d", header, first, last, size)
		}
	case byterange.Partial:
		if len(ranges) != 1 || first >= 0 && ranges[0].Start != first {
			t.Fatalf("Single(%q) = %d, %d, but Parse gives %v", header, first, last, ranges)
		}
	}
}

func FuzzParseContentRange(f *testing.F) {
	for _, s := range []string{"bytes 0-99/1000", "bytes 5-9/*", "bytes */10", "bytes 9-0/1", "items 0-1/2", "bytes 0-9223372036854775807/*"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		r, size, ok := byterange.ParseContentRange(value)
		if !ok {
			return
		}
		if r.Start < 0 || r.Start >= r.End || size >= 0 && r.End > size || size < -1 {
			t.Fatalf("ParseContentRange(%q) = %v, %d", value, r, size)
		}
		text := string(byterange.AppendContentRange(nil, r, size))
		if r2, size2, ok := byterange.ParseContentRange(text); !ok || r2 != r || size2 != size {
			t.Fatalf("ParseContentRange(%q) = %v, %d; written as %q and read as %v, %d", value, r, size, text, r2, size2)
		}
	})
}
