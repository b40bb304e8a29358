//go:build !amd64 || race

package disk

// optimistic look-ups need an order of loads that only amd64 gives.
const optimistic = false
