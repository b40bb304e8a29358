package server

// children are programs that tests start as processes of their own.
var children = map[string]func(args []string) error{}
