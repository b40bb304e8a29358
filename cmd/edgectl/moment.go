package main

import (
	"strconv"
	"time"
)

// moment is a flag for a point in time: RFC 3339, a day or a month (UTC), or Unix
// seconds. Unset it is now.
type moment struct{ time.Time }

// String implements flag.Value.
func (m *moment) String() string {
	if m.IsZero() {
		return ""
	}
	return m.Format(time.RFC3339)
}

// Set implements flag.Value.
func (m *moment) Set(value string) error {
	if seconds, err := strconv.ParseInt(value, 10, 64); err == nil {
		m.Time = time.Unix(seconds, 0).UTC()
		return nil
	}
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04", time.DateOnly, "2006-01"} {
		if t, err := time.Parse(form, value); err == nil {
			m.Time = t
			return nil
		}
	}
	return usagef("use a time like 2026-01-02T15:04:05Z, 2026-01-02, 2026-01, or Unix seconds")
}

// orNow returns the moment, or the present one when the flag was not given.
func (m *moment) orNow() time.Time {
	if m.IsZero() {
		return time.Now()
	}
	return m.Time
}
