package media

import (
	"math"
	"testing"
	"time"
)

func TestISODuration(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct {
		text string
		want time.Duration
		ok   bool
	}{
		{"PT2S", 2 * time.Second, true},
		{" PT2S\n", 2 * time.Second, true},
		{"PT0S", 0, true},
		{"PT2.002S", 2002 * time.Millisecond, true},
		{"PT0.5S", 500 * time.Millisecond, true},
		{"PT.5S", 500 * time.Millisecond, true},
		{"PT5.S", 5 * time.Second, true},
		{"PT1.1234567899S", 1123456789, true},
		{"PT1H2M3.5S", time.Hour + 2*time.Minute + 3500*time.Millisecond, true},
		{"PT0.5H", 30 * time.Minute, true},
		{"P0Y0M0DT0H0M2.000S", 2 * time.Second, true},
		{"P1Y1M1W1D", (365 + 30 + 7 + 1) * day, true},
		{"P1M", 30 * day, true},
		{"PT1M", time.Minute, true},
		{"PT99999999999999999999S", math.MaxInt64, true},
		{"PT9223372036S", 9223372036 * time.Second, true},
		{"PT9223372037S", math.MaxInt64, true},
		{"P292YT9999999999S", math.MaxInt64, true},
		{"", 0, false},
		{"P", 0, false},
		{"2S", 0, false},
		{"-PT2S", 0, false},
		{"PT-2S", 0, false},
		{"PT2", 0, false},
		{"PT2.", 0, false},
		{"PTS", 0, false},
		{"PT.S", 0, false},
		{"P2S", 0, false},
		{"PT2D", 0, false},
		{"PTT2S", 0, false},
		{"PT2S3", 0, false},
		{"PT1,5S", 0, false},
		{"pt2s", 0, false},
	} {
		got, ok := isoDuration([]byte(c.text))
		if got != c.want || ok != c.ok {
			t.Errorf("isoDuration(%q) = %v, %v; want %v, %v", c.text, got, ok, c.want, c.ok)
		}
	}
}

func TestSeconds(t *testing.T) {
	for _, c := range []struct {
		text string
		want time.Duration
		ok   bool
	}{
		{"6", 6 * time.Second, true},
		{"0.33334", 333340 * time.Microsecond, true},
		{"6 seconds", 6 * time.Second, true},
		{"1e3", time.Second, true},
		{"", 0, false},
		{".", 0, false},
		{"x", 0, false},
		{"-6", 0, false},
	} {
		got, ok := seconds([]byte(c.text))
		if got != c.want || ok != c.ok {
			t.Errorf("seconds(%q) = %v, %v; want %v, %v", c.text, got, ok, c.want, c.ok)
		}
	}
}

func FuzzISODuration(f *testing.F) {
	for _, s := range []string{"PT2S", "P1Y2M3W4DT5H6M7.8S", "PT99999999999999999999H", "PT.5S", "-PT1S"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if d, ok := isoDuration([]byte(text)); d < 0 || !ok && d != 0 {
			t.Fatalf("isoDuration(%q) = %v, %v", text, d, ok)
		}
	})
}
