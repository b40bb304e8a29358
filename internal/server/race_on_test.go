//go:build race

package server

// raceEnabled skips allocation gates: the race detector allocates.
const raceEnabled = true
