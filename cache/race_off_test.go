//go:build !race

package cache

// raceEnabled skips allocation gates, which the race detector falsifies.
const raceEnabled = false
