//go:build race

package byterange_test

// raceEnabled skips allocation gates: the race detector allocates on its own.
const raceEnabled = true
