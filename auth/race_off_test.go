//go:build !race

package auth_test

// raceEnabled skips allocation gates where the race detector allocates itself.
const raceEnabled = false
