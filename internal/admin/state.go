package admin

import "fmt"

// State is how far the life of the node is.
type State uint8

// The states. Only a serving node is ready.
const (
	Starting State = iota // not all listeners are up
	Serving
	Draining // no new connections; requests under way end
)

// String returns the word of the status page, its JSON and /readyz.
func (s State) String() string {
	words := [...]string{"starting", "serving", "draining"}
	if int(s) >= len(words) {
		return fmt.Sprintf("state(%d)", s)
	}
	return words[s]
}
