package rfc9111

import (
	"strings"
	"testing"
	"time"

	"edged/cache/object"
)

// now is the time of every test: Thu, 15 Jan 2026 12:00:00 GMT.
const now = 1768478400 * int64(time.Second)

// header turns "Name: value" lines into a header. A value "@-30" is the
// HTTP-date 30 seconds before now.
func header(lines ...string) object.Header {
	var h object.Header
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		if offset, ok := strings.CutPrefix(value, "@"); ok {
			value = date(offset)
		}
		h = append(h, object.Field{Name: name, Value: value})
	}
	return h
}

// date is the HTTP-date at a distance in seconds from now.
func date(offset string) string {
	d, err := time.ParseDuration(offset + "s")
	if err != nil {
		panic(err)
	}
	return string(AppendDate(nil, (now+int64(d))/int64(time.Second)))
}

// compute is Compute of a 200 that took no time, at now.
func compute(d Defaults, lines ...string) object.Freshness {
	return Compute(200, header(lines...), d, now, now)
}

func seconds(n int64) time.Duration { return time.Duration(n) * time.Second }

// in returns the time n seconds after now.
func in(n float64) int64 { return now + int64(n*float64(time.Second)) }

func checkAllocs(t *testing.T, what string, run func()) {
	t.Helper()
	if raceEnabled {
		t.Skip("allocations are not counted under the race detector")
	}
	if n := testing.AllocsPerRun(200, run); n != 0 {
		t.Errorf("%s: %v allocations, want 0", what, n)
	}
}
