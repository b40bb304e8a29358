package byterange_test

import (
	"testing"

	"edged/internal/byterange"
)

func TestAppendContentRange(t *testing.T) {
	for _, c := range []struct {
		r    byterange.Range
		size int64
		want string
	}{
		{byterange.Range{Start: 0, End: 100}, 1000, "bytes 0-99/1000"},
		{byterange.Range{Start: 0, End: 1}, 1, "bytes 0-0/1"},
		{byterange.Range{Start: 5, End: 10}, -1, "bytes 5-9/*"},
		{byterange.Range{Start: 1<<62 - 1, End: 1 << 62}, 1 << 62, "bytes 4611686018427387903-4611686018427387903/4611686018427387904"},
	} {
		got := byterange.AppendContentRange([]byte("x"), c.r, c.size)
		if string(got) != "x"+c.want {
			t.Errorf("AppendContentRange(%v, %d) = %q, want %q", c.r, c.size, got[1:], c.want)
		}
		if r, size, ok := byterange.ParseContentRange(c.want); r != c.r || size != c.size || !ok {
			t.Errorf("ParseContentRange(%q) = %v, %d, %v; want what was written", c.want, r, size, ok)
		}
	}
}

func TestAppendUnsatisfied(t *testing.T) {
	for size, want := range map[int64]string{0: "bytes */0", 1000: "bytes */1000"} {
		got := byterange.AppendUnsatisfied([]byte("x"), size)
		if string(got) != "x"+want {
			t.Errorf("AppendUnsatisfied(%d) = %q, want %q", size, got[1:], want)
		}
		if back, ok := byterange.ParseUnsatisfied(want); back != size || !ok {
			t.Errorf("ParseUnsatisfied(%q) = %d, %v; want %d", want, back, ok, size)
		}
	}
}

func TestParseContentRange(t *testing.T) {
	for _, c := range []struct {
		value      string
		start, end int64
		size       int64
		ok         bool
	}{
		{"bytes 0-99/1000", 0, 100, 1000, true},
		{"Bytes 0-99/1000", 0, 100, 1000, true},
		{"bytes 0-0/1", 0, 1, 1, true},
		{"bytes 5-9/*", 5, 10, -1, true},
		{"bytes 0-9/9223372036854775806", 0, 10, 1<<63 - 2, true},
		{"", 0, 0, 0, false},
		{"bytes", 0, 0, 0, false},
		{"bytes ", 0, 0, 0, false},
		{"bytes */1000", 0, 0, 0, false},
		{"bytes 0-99", 0, 0, 0, false},
		{"bytes 0-99/", 0, 0, 0, false},
		{"bytes 0-99/x", 0, 0, 0, false},
		{"bytes 0-99/-1", 0, 0, 0, false},
		{"bytes 0-99/99", 0, 0, 0, false},
		{"bytes 0-99/50", 0, 0, 0, false},
		{"bytes 9-0/100", 0, 0, 0, false},
		{"bytes -9/100", 0, 0, 0, false},
		{"bytes 9-/100", 0, 0, 0, false},
		{"bytes -/100", 0, 0, 0, false},
		{"bytes=0-99/1000", 0, 0, 0, false},
		{"bytes: 0-99/1000", 0, 0, 0, false},
		{"bytes  0-99/1000", 0, 0, 0, false},
		{"bytes 0 - 99/1000", 0, 0, 0, false},
		{"bytes 0-99/1000 ", 0, 0, 0, false},
		{"bytes 0-99,200-299/1000", 0, 0, 0, false},
		{"bytes 0-99/1000/1", 0, 0, 0, false},
		{"items 0-99/1000", 0, 0, 0, false},
		{"bytes 0-9223372036854775807/*", 0, 0, 0, false},
		{"bytes 0-99999999999999999999/*", 0, 0, 0, false},
		{"bytes 0-9/99999999999999999999", 0, 0, 0, false},
	} {
		r, size, ok := byterange.ParseContentRange(c.value)
		if r.Start != c.start || r.End != c.end || size != c.size || ok != c.ok {
			t.Errorf("ParseContentRange(%q) = %v, %d, %v; want [%d,%d), %d, %v", c.value, r, size, ok, c.start, c.end, c.size, c.ok)
		}
	}
}

func TestParseUnsatisfiedRefuses(t *testing.T) {
	for _, value := range []string{"", "bytes */*", "bytes */", "bytes *", "bytes 0-9/10", "items */10", "bytes */x", "bytes */99999999999999999999"} {
		if size, ok := byterange.ParseUnsatisfied(value); ok {
			t.Errorf("ParseUnsatisfied(%q) = %d, want it refused", value, size)
		}
	}
}
