package byterange_test

import (
	"testing"

	"edged/internal/byterange"
)

func TestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	one, many := []byte("bytes=1000000-1999999"), []byte("bytes=0-0,5-6,9-9,2-3")
	room, out := make([]byterange.Range, 0, byterange.MaxRanges), make([]byte, 0, 64)
	for name, run := range map[string]func(){
		"one":           func() { byterange.Parse(one, 1<<30, room) },
		"many":          func() { byterange.Parse(many, 10, room) },
		"content range": func() { out = byterange.AppendContentRange(out[:0], byterange.Range{Start: 1, End: 2}, 1<<40) },
		"origin's":      func() { byterange.ParseContentRange("bytes 0-99/1000") },
	} {
		if n := testing.AllocsPerRun(100, run); n != 0 {
			t.Errorf("%s: %v allocations, want 0", name, n)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	for name, header := range map[string]string{"open": "bytes=0-", "closed": "bytes=1000000-1999999", "four": "bytes=0-0,5-6,9-9,2-3"} {
		b.Run(name, func(b *testing.B) {
			room := make([]byterange.Range, 0, byterange.MaxRanges)
			for b.Loop() {
				byterange.Parse([]byte(header), 1<<30, room)
			}
		})
	}
}
