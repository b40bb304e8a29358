//go:build race

package rfc9111

const raceEnabled = true
