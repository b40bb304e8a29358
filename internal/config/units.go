package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Size is a number of bytes, written "64GiB", "10GB", "512KiB" or "4096".
type Size int64

// sizeUnits from the longest name, so that "GiB" is not taken for "B".
func sizeUnits() []struct {
	name  string
	bytes float64
} {
	return []struct {
		name  string
		bytes float64
	}{
		{"KiB", 1 << 10},
		{"MiB", 1 << 20},
		{"GiB", 1 << 30},
		{"TiB", 1 << 40},
		{"kB", 1e3},
		{"KB", 1e3},
		{"MB", 1e6},
		{"GB", 1e9},
		{"TB", 1e12},
		{"B", 1},
		{"", 1},
	}
}

// Allowance is a size that may be "off", which is no limit.
type Allowance int64

// Unlimited is the Allowance "off".
const Unlimited Allowance = -1

// UnmarshalText parses an allowance.
func (a *Allowance) UnmarshalText(text []byte) error {
	if string(text) == "off" {
		*a = Unlimited
		return nil
	}
	var s Size
	if err := s.UnmarshalText(text); err != nil {
		return fmt.Errorf(`%q is not a size: write for example "800GiB", or "off"`, text)
	}
	*a = Allowance(s)
	return nil
}

// UnmarshalText parses a size.
func (s *Size) UnmarshalText(text []byte) error {
	t := strings.TrimSpace(string(text))
	for _, u := range sizeUnits() {
		number, ok := strings.CutSuffix(t, u.name)
		if !ok {
			continue
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil || !(v >= 0 && v*u.bytes <= 1<<62) { // neither is NaN
			break
		}
		*s = Size(v * u.bytes)
		return nil
	}
	return fmt.Errorf(`%q is not a size: write for example "64GiB", "500MB" or "4096"`, t)
}

// String returns the size in the largest binary unit that divides it.
func (s Size) String() string {
	names := []string{"", "KiB", "MiB", "GiB", "TiB"}
	i := 0
	for i < len(names)-1 && s != 0 && s%1024 == 0 {
		s, i = s/1024, i+1
	}
	return strconv.FormatInt(int64(s), 10) + names[i]
}

// Share is a part of something, written as a [Size] or as "5%". "" is nothing.
type Share string

// UnmarshalText checks a share.
func (s *Share) UnmarshalText(text []byte) error {
	*s = Share(strings.TrimSpace(string(text)))
	if _, ok := s.percent(); ok || *s == "" {
		return nil
	}
	if err := new(Size).UnmarshalText(text); err != nil {
		return fmt.Errorf(`%q is neither a size nor a part of one: write for example "512MiB" or "5%%"`, text)
	}
	return nil
}

// percent returns the number before a percent sign.
func (s Share) percent() (float64, bool) {
	number, ok := strings.CutSuffix(string(s), "%")
	if !ok {
		return 0, false
	}
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	return v, err == nil && v >= 0 && v <= 100
}

// Of returns the share in bytes when the whole is total.
func (s Share) Of(total Size) Size {
	if v, ok := s.percent(); ok {
		return Size(float64(total) / 100 * v)
	}
	var n Size
	if n.UnmarshalText([]byte(s)) != nil {
		return 0 // "", or what Load has refused
	}
	return n
}

const day = Duration(24 * time.Hour)

// Duration is a span, written "2s", "500ms", "12h" or, beyond what Go has, "7d".
type Duration time.Duration

// UnmarshalText parses a duration.
func (d *Duration) UnmarshalText(text []byte) error {
	t := strings.TrimSpace(string(text))
	if days, ok := strings.CutSuffix(t, "d"); ok {
		if v, err := strconv.ParseFloat(days, 64); err == nil && v >= 0 && v < 100*365 {
			*d = Duration(v * 24 * float64(time.Hour))
			return nil
		}
	} else if v, err := time.ParseDuration(t); err == nil && v >= 0 {
		*d = Duration(v)
		return nil
	}
	return fmt.Errorf(`%q is not a duration: write for example "500ms", "2s", "12h" or "7d"`, t)
}

// String returns the duration, in days where it is a whole number of them.
func (d Duration) String() string {
	if d != 0 && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	return time.Duration(d).String()
}
