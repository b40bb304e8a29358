package config

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestSize(t *testing.T) {
	tests := []struct {
		text string
		want Size
		ok   bool
	}{
		{"0", 0, true},
		{"4096", 4096, true},
		{"1B", 1, true},
		{"64GiB", 64 << 30, true},
		{"1.5 MiB", 3 << 19, true},
		{"500MB", 500_000_000, true},
		{"10kB", 10_000, true},
		{"10KB", 10_000, true},
		{"2TiB", 2 << 40, true},
		{"", 0, false},
		{"GiB", 0, false},
		{"-1GiB", 0, false},
		{"1gib", 0, false},
		{"1 G", 0, false},
		{"1e30TiB", 0, false},
		{"NaN", 0, false},
		{"Inf", 0, false},
		{"NaNGiB", 0, false},
		{"0x10", 0, false},
		{"1_000", 1000, true},
	}
	for _, tt := range tests {
		var s Size
		err := s.UnmarshalText([]byte(tt.text))
		if (err == nil) != tt.ok || s != tt.want {
			t.Errorf("size %q: %d, %v; want %d, ok %v", tt.text, s, err, tt.want, tt.ok)
		}
	}
}

func TestDuration(t *testing.T) {
	tests := []struct {
		text string
		want time.Duration
		ok   bool
	}{
		{"0s", 0, true},
		{"0", 0, true},
		{"500ms", 500 * time.Millisecond, true},
		{"1h30m", 90 * time.Minute, true},
		{"7d", 7 * 24 * time.Hour, true},
		{"0.5d", 12 * time.Hour, true},
		{"", 0, false},
		{"d", 0, false},
		{"7", 0, false},
		{"-1s", 0, false},
		{"-1d", 0, false},
		{"NaNd", 0, false},
		{"999999d", 0, false},
		{"1y", 0, false},
	}
	for _, tt := range tests {
		var d Duration
		err := d.UnmarshalText([]byte(tt.text))
		if (err == nil) != tt.ok || d != Duration(tt.want) {
			t.Errorf("duration %q: %v, %v; want %v, ok %v", tt.text, d, err, tt.want, tt.ok)
		}
	}
}

// TestUnitsRoundTrip holds that what is printed in errors can be written in a file.
func TestUnitsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Size(rapid.Int64Range(0, 1<<53).Draw(t, "size"))
		var again Size
		if err := again.UnmarshalText([]byte(s.String())); err != nil || again != s {
			t.Errorf("size %d printed as %s reads %d, %v", s, s, again, err)
		}
		d := Duration(rapid.Int64Range(0, 1<<53).Draw(t, "duration"))
		var later Duration
		if err := later.UnmarshalText([]byte(d.String())); err != nil || later != d {
			t.Errorf("duration %d printed as %s reads %d, %v", d, d, later, err)
		}
	})
}

func TestShare(t *testing.T) {
	tests := []struct {
		text string
		want Size // of 1 GiB
		ok   bool
	}{
		{"", 0, true},
		{"0", 0, true},
		{"512MiB", 512 << 20, true},
		{"50%", 512 << 20, true},
		{" 12.5 % ", 128 << 20, true},
		{"100%", 1 << 30, true},
		{"101%", 0, false},
		{"-1%", 0, false},
		{"NaN%", 0, false},
		{"%", 0, false},
		{"half", 0, false},
	}
	for _, tt := range tests {
		var s Share
		err := s.UnmarshalText([]byte(tt.text))
		if (err == nil) != tt.ok || s.Of(1<<30) != tt.want {
			t.Errorf("share %q: %d, %v; want %d, ok %v", tt.text, s.Of(1<<30), err, tt.want, tt.ok)
		}
	}
}
