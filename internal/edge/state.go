package edge

// state is what the steps of one request share. It is reset by Finish.
type state struct{}
