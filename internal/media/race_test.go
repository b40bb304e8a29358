//go:build race

package media_test

// raceEnabled skips allocation gates: the race detector allocates on its own.
const raceEnabled = true
