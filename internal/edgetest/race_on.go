//go:build race

package edgetest

// RaceEnabled says that the test has the race detector; so have the binaries under test then.
const RaceEnabled = true
