package admin

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
)

// The functions below write numbers for people. status.js has the same ones under
// the same names: a test holds the two against each other.

// count groups digits up to a hundred thousand and rounds to three digits above.
func count(n float64) string {
	switch whole := uint64(n); {
	case whole < 1000:
		return strconv.FormatUint(whole, 10)
	case whole < 100_000:
		return fmt.Sprintf("%d,%03d", whole/1000, whole%1000)
	}
	return scaled(n, 1000, "", "k", "M", "G", "T", "P", "E")
}

// size writes bytes in powers of 1024.
func size(n float64) string { return scaled(n, 1024, "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB") }

// bits writes bits a second in powers of 1000.
func bits(n float64) string {
	return scaled(n, 1000, "bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s")
}

// rate writes events a second.
func rate(n float64) string { return scaled(n, 1000, "/s", "k/s", "M/s") }

// percent writes a share.
func percent(r float64) string {
	switch {
	case math.IsNaN(r):
		return "–"
	case r > 0.9995 && r < 1:
		return "> 99.9 %" // a perfect score has to be earned
	}
	return strconv.FormatFloat(r*100, 'f', 1, 64) + " %"
}

// took writes a duration in seconds.
func took(seconds float64) string {
	switch s := math.Floor(seconds); {
	case seconds <= 0:
		return "–"
	case seconds < 1:
		return digits(seconds*1000) + " ms"
	case s < 60:
		return digits(seconds) + " s"
	case s < 3600:
		return fmt.Sprintf("%.0f min %.0f s", math.Floor(s/60), math.Mod(s, 60))
	case s < 86400:
		return fmt.Sprintf("%.0f h %.0f min", math.Floor(s/3600), math.Floor(math.Mod(s, 3600)/60))
	default:
		return fmt.Sprintf("%.0f d %.0f h", math.Floor(s/86400), math.Floor(math.Mod(s, 86400)/3600))
	}
}

// ago writes how many seconds lie between then and now.
func ago(seconds float64) string { return took(max(1, math.Floor(seconds))) + " ago" }

// scaled divides n by base until it is below it, and names the power.
func scaled(n, base float64, units ...string) string {
	i := 0
	for n >= base && i < len(units)-1 {
		n /= base
		i++
	}
	if units[i] == "" {
		return digits(n)
	}
	return digits(n) + " " + units[i]
}

// digits writes three significant digits, and whole numbers without a fraction.
func digits(n float64) string {
	places := 0
	switch {
	case n == math.Trunc(n) || n >= 100:
	case n >= 10:
		places = 1
	default:
		places = 2
	}
	return strconv.FormatFloat(n, 'f', places, 64)
}

// keys returns the words of a table of counts in order.
func keys(m map[string]uint64) []string { return slices.Sorted(maps.Keys(m)) }
