//go:build !race

package rewrite

// raceEnabled skips allocation gates: the race detector allocates on its own.
const raceEnabled = false
