//go:build race

package logfmt

// raceEnabled skips allocation gates: the race detector allocates.
const raceEnabled = true
