package main

import (
	"flag"
	"fmt"
	"net/http"
)

const drainHelp = `
Drain takes a running node out of service: /readyz answers 503 at once, no new
connection is taken, requests under way end, and the process stops, as on SIGTERM.
systemd does not start it again by itself: systemctl start edged does.

Examples:
  edgectl drain
  edgectl drain -admin /run/edged/admin.sock`

func drainCommand() command {
	return command{
		name:    "drain",
		args:    "[-admin ADDRESS | -config FILE]",
		summary: "let a running node finish its requests and stop",
		text:    drainHelp,
		setup: func(fs *flag.FlagSet) func(streams, []string) error {
			var f drainFlags
			f.bind(fs)
			return f.run
		},
	}
}

// drainFlags are the flags of drain.
type drainFlags struct{ nodeFlags }

func (f *drainFlags) run(s streams, args []string) error {
	if len(args) != 0 {
		return usagef("what is %q for?", args[0])
	}
	n, err := f.node()
	if err != nil {
		return err
	}
	var answer struct {
		State string `json:"state"`
	}
	if _, err := n.ask(http.MethodPost, "/api/v1/drain", &answer); err != nil {
		return err
	}
	fmt.Fprintln(s.out, answer.State)
	return nil
}
