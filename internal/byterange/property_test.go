package byterange_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"edged/internal/byterange"
)

// TestParseCovers: however ranges are joined, together they cover exactly the
// bytes that each of them asked for, as a map of single bytes shows.
func TestParseCovers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 40).Draw(t, "size")
		asked := make([]bool, size)
		var specs []string
		for range rapid.IntRange(1, byterange.MaxRanges).Draw(t, "count") {
			first := rapid.IntRange(0, 45).Draw(t, "first")
			last := rapid.IntRange(first, 45).Draw(t, "last")
			specs = append(specs, fmt.Sprintf("%d-%d", first, last))
			for i := first; i <= last && i < size; i++ {
				asked[i] = true
			}
		}
		header := "bytes=" + strings.Join(specs, ",")
		ranges, _ := byterange.Parse([]byte(header), int64(size), nil)
		sent := make([]bool, size)
		for _, r := range ranges {
			for i := r.Start; i < r.End; i++ {
				sent[i] = true
			}
		}
		if fmt.Sprint(asked) != fmt.Sprint(sent) {
			t.Fatalf("Parse(%q, %d) = %v does not cover what was asked for", header, size, ranges)
		}
	})
}
