//go:build !race

package edgetest

// raceEnabled makes the binaries under test as watchful as the test itself.
const raceEnabled = false
