//go:build !race

package rfc9111

// raceEnabled skips allocation gates, which the race detector falsifies.
const raceEnabled = false
