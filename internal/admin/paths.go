package admin

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// lookup walks a decoded JSON value along a dotted path. Behind a list, "max" and
// "min" pick a number of it. What is not there is nil.
func lookup(v any, path string) any {
	for name := range strings.SplitSeq(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[name]
		case []any:
			v = element(at, name)
		default:
			return nil
		}
	}
	return v
}

func element(list []any, name string) any {
	if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < len(list) {
		return list[i]
	}
	known := numbers(list)
	switch {
	case len(known) == 0:
		return nil
	case name == "max":
		return slices.Max(known)
	case name == "min":
		return slices.Min(known)
	}
	return nil
}

// numbers leaves null out.
func numbers(list []any) (known []float64) {
	for _, v := range list {
		if n, ok := v.(float64); ok {
			known = append(known, n)
		}
	}
	return known
}

func numberAt(v any, path string) float64 {
	n, _ := lookup(v, path).(float64)
	return n
}

var errUnit = errors.New("admin: no such unit")

// write puts a value of the JSON into words.
func write(unit string, v any, now time.Time) (string, error) {
	if unit == "ago" {
		return writeAgo(v, now), nil
	}
	n, ok := v.(float64)
	if !ok {
		return "–", nil
	}
	switch unit {
	case "count":
		return count(n), nil
	case "size":
		return size(n), nil
	case "bits":
		return bits(n), nil
	case "rate":
		return rate(n), nil
	case "percent":
		return percent(n), nil
	case "took":
		return took(n), nil
	}
	return "", fmt.Errorf("%w: %s", errUnit, unit)
}

func writeAgo(v any, now time.Time) string {
	text, _ := v.(string)
	then, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return "never"
	}
	return ago(now.Sub(then).Seconds())
}

// The box of a sparkline, in units of its own.
const (
	sparkWidth  = 300
	sparkHeight = 60
)

// trace draws a list of numbers as two SVG paths: the line, and the area below it.
// The newest value is at the right. Numbers up to 1 are taken for shares, which have
// the scale 0 to 1; else the largest one nearly fills the height.
func trace(v any) (line, area string) {
	list, _ := v.([]any)
	known := numbers(list)
	if len(known) < 2 {
		return "", ""
	}
	top := max(1, slices.Max(known)) * 1.05
	step := float64(sparkWidth) / (samples - 1)
	var points []string
	first, last := math.NaN(), 0.0
	for i, v := range list {
		n, ok := v.(float64)
		if !ok {
			continue
		}
		last = sparkWidth - float64(len(list)-1-i)*step
		if math.IsNaN(first) {
			first = last
		}
		points = append(points, fmt.Sprintf("%.1f %.1f", last, sparkHeight-sparkHeight*n/top))
	}
	line = "M" + strings.Join(points, "L")
	return line, fmt.Sprintf("%sL%.1f %dL%.1f %dZ", line, last, sparkHeight, first, sparkHeight)
}
