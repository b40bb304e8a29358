package byterange_test

import (
	"slices"
	"testing"

	"edged/internal/byterange"
)

const (
	whole = byterange.Whole
	part  = byterange.Partial
	none  = byterange.Unsatisfiable
)

// parseCases are Range fields against a representation of ten bytes.
var parseCases = []struct {
	header  string
	outcome byterange.Outcome
	ranges  []byterange.Range
}{
	// One range.
	{"bytes=0-", part, []byterange.Range{{0, 10}}},
	{"bytes=0-0", part, []byterange.Range{{0, 1}}},
	{"bytes=0-9", part, []byterange.Range{{0, 10}}},
	{"bytes=0-99", part, []byterange.Range{{0, 10}}},
	{"bytes=2-4", part, []byterange.Range{{2, 5}}},
	{"bytes=9-", part, []byterange.Range{{9, 10}}},
	{"bytes=9-9", part, []byterange.Range{{9, 10}}},
	{"bytes=-1", part, []byterange.Range{{9, 10}}},
	{"bytes=-10", part, []byterange.Range{{0, 10}}},
	{"bytes=-11", part, []byterange.Range{{0, 10}}},
	{"bytes=00000000000000000000002-0004", part, []byterange.Range{{2, 5}}},
	{"bytes=2-9223372036854775807", part, []byterange.Range{{2, 10}}},
	{"bytes=2-99999999999999999999999", part, []byterange.Range{{2, 10}}},
	{"bytes=-99999999999999999999999", part, []byterange.Range{{0, 10}}},

	// Unit names know no case, lists forgive spaces and empty elements.
	{"Bytes=2-4", part, []byterange.Range{{2, 5}}},
	{"BYTES=2-4", part, []byterange.Range{{2, 5}}},
	{"bytes= 2-4", part, []byterange.Range{{2, 5}}},
	{"bytes=2-4 ", part, []byterange.Range{{2, 5}}},
	{"bytes=\t2-4\t,", part, []byterange.Range{{2, 5}}},
	{"bytes=,,2-4,,", part, []byterange.Range{{2, 5}}},

	// Several.
	{"bytes=0-0,5-6", part, []byterange.Range{{0, 1}, {5, 7}}},
	{"bytes=0-0 , 5-6", part, []byterange.Range{{0, 1}, {5, 7}}},
	{"bytes=5-6,0-0", part, []byterange.Range{{5, 7}, {0, 1}}},
	{"bytes=0-0,-1", part, []byterange.Range{{0, 1}, {9, 10}}},
	{"bytes=0-4,2-6", part, []byterange.Range{{0, 7}}},
	{"bytes=0-4,5-6", part, []byterange.Range{{0, 7}}},
	{"bytes=5-6,0-4", part, []byterange.Range{{0, 7}}},
	{"bytes=0-4,6-6", part, []byterange.Range{{0, 5}, {6, 7}}},
	{"bytes=0-,0-,0-", part, []byterange.Range{{0, 10}}},
	{"bytes=2-3,2-3", part, []byterange.Range{{2, 4}}},
	{"bytes=0-0,4-4,2-2,1-3", part, []byterange.Range{{0, 5}}},
	{"bytes=8-8,0-0,4-4,1-3", part, []byterange.Range{{8, 9}, {0, 5}}},
	{"bytes=0-0,2-2,4-4,6-6,8-8", part, []byterange.Range{{0, 1}, {2, 3}, {4, 5}, {6, 7}, {8, 9}}},
	{"bytes=20-,0-0", part, []byterange.Range{{0, 1}}},
	{"bytes=0-0,-0", part, []byterange.Range{{0, 1}}},
	{"bytes=0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0", part, []byterange.Range{{0, 1}}},

	// Beyond the end.
	{"bytes=10-", none, nil},
	{"bytes=10-20", none, nil},
	{"bytes=-0", none, nil},
	{"bytes=10-,20-", none, nil},
	{"bytes=9223372036854775807-", none, nil},
	{"bytes=99999999999999999999999-", none, nil},

	// Ignored: absent, foreign, malformed, excessive.
	{"", whole, nil},
	{"bytes", whole, nil},
	{"bytes=", whole, nil},
	{"bytes=,", whole, nil},
	{"bytes= ", whole, nil},
	{"bytes=-", whole, nil},
	{"bytes=0", whole, nil},
	{"bytes=a-", whole, nil},
	{"bytes=0-a", whole, nil},
	{"bytes=-a", whole, nil},
	{"bytes=4-2", whole, nil},
	{"bytes=20-15", whole, nil},
	{"bytes=0-0,4-2", whole, nil},
	{"bytes=4-2,0-0", whole, nil},
	{"bytes=0-0;1-1", whole, nil},
	{"bytes=0-0 1-1", whole, nil},
	{"bytes=0 -0", whole, nil},
	{"bytes=0- 0", whole, nil},
	{"bytes=0--0", whole, nil},
	{"bytes=--1", whole, nil},
	{"bytes=+1-2", whole, nil},
	{"bytes=0x1-2", whole, nil},
	{"bytes=1.0-2", whole, nil},
	{"bytes =0-0", whole, nil},
	{" bytes=0-0", whole, nil},
	{"byte=0-0", whole, nil},
	{"byte\u017f=0-0", whole, nil},
	{"items=0-0", whole, nil},
	{"seconds=1-2", whole, nil},
	{"=0-0", whole, nil},
	{"0-0", whole, nil},
	{"bytes=0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0", whole, nil},
	{"bytes=20-,20-,20-,20-,20-,20-,20-,20-,20-", whole, nil},
}

func TestParse(t *testing.T) {
	for _, c := range parseCases {
		t.Run(c.header, func(t *testing.T) {
			got, outcome := byterange.Parse([]byte(c.header), 10, nil)
			if outcome != c.outcome || !slices.Equal(got, c.ranges) {
				t.Errorf("Parse(%q, 10) = %v, %v; want %v, %v", c.header, got, outcome, c.ranges, c.outcome)
			}
		})
	}
}

func TestParseSizes(t *testing.T) {
	const most = 1<<63 - 1
	for _, c := range []struct {
		header  string
		size    int64
		outcome byterange.Outcome
		ranges  []byterange.Range
	}{
		{"bytes=0-", 0, whole, nil},
		{"bytes=0-0", 0, whole, nil},
		{"bytes=-5", 0, whole, nil},
		{"bytes=0-5", -1, whole, nil},
		{"bytes=0-0", 1, part, []byterange.Range{{0, 1}}},
		{"bytes=1-1", 1, none, nil},
		{"bytes=-1", 1, part, []byterange.Range{{0, 1}}},
		{"bytes=-1", most, part, []byterange.Range{{most - 1, most}}},
		{"bytes=9223372036854775806-", most, part, []byterange.Range{{most - 1, most}}},
		{"bytes=5-9223372036854775807", most, part, []byterange.Range{{5, most}}},
	} {
		got, outcome := byterange.Parse([]byte(c.header), c.size, nil)
		if outcome != c.outcome || !slices.Equal(got, c.ranges) {
			t.Errorf("Parse(%q, %d) = %v, %v; want %v, %v", c.header, c.size, got, outcome, c.ranges, c.outcome)
		}
	}
}

// TestParseAppends: what dst holds is left alone, whatever the outcome.
func TestParseAppends(t *testing.T) {
	held := byterange.Range{Start: 3, End: 7}
	for header, want := range map[string]int{
		"bytes=0-1,5-6":  3,
		"bytes=3-6":      2,
		"bytes=20-":      1,
		"bytes=0-1,x":    1,
		"bytes=0-1,9-99": 3,
	} {
		got, _ := byterange.Parse([]byte(header), 10, []byterange.Range{held})
		if len(got) != want || got[0] != held {
			t.Errorf("Parse(%q) appended to %v: %v, want %d ranges", header, held, got, want)
		}
	}
}

func TestOutcomeStatus(t *testing.T) {
	for outcome, want := range map[byterange.Outcome]int{whole: 200, part: 206, none: 416} {
		if got := outcome.Status(); got != want {
			t.Errorf("Outcome(%d).Status() = %d, want %d", outcome, got, want)
		}
	}
}

func TestSingle(t *testing.T) {
	for _, c := range []struct {
		header      string
		first, last int64
		ok          bool
	}{
		{"bytes=0-", 0, -1, true},
		{"bytes=5-9", 5, 9, true},
		{"bytes=,5-9,", 5, 9, true},
		{"bytes=-7", -1, 7, true},
		{"bytes=-0", -1, 0, true},
		{"", 0, 0, false},
		{"bytes=", 0, 0, false},
		{"bytes=0-1,3-4", 0, 0, false},
		{"bytes=0-1,x", 0, 0, false},
		{"bytes=x", 0, 0, false},
		{"bytes=9-5", 0, 0, false},
		{"items=0-1", 0, 0, false},
	} {
		first, last, ok := byterange.Single([]byte(c.header))
		if first != c.first || last != c.last || ok != c.ok {
			t.Errorf("Single(%q) = %d, %d, %v; want %d, %d, %v", c.header, first, last, ok, c.first, c.last, c.ok)
		}
	}
}
