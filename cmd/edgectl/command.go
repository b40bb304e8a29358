package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// command is one subcommand of edgectl.
type command struct {
	name    string
	args    string // what follows the flags in the usage line
	summary string // half a line for the overview
	text    string // the help text above the flags
	// setup binds flags to fs and returns what runs once they are parsed, with the
	// arguments that are not flags.
	setup func(fs *flag.FlagSet) func(s streams, args []string) error
}

// errDenied ends a command with exit code 1 that has already said why.
var errDenied = errors.New("denied")

// usageError is a mistake in how a command was called.
type usageError struct{ text string }

func (e usageError) Error() string { return e.text }

func usagef(format string, args ...any) error {
	return usageError{fmt.Sprintf(format, args...)}
}

// execute parses args and runs the command.
func (c *command) execute(args []string, s streams) int {
	fs := c.flags()
	action := c.setup(fs)
	operands, err := parseInterleaved(fs, args)
	if errors.Is(err, flag.ErrHelp) {
		c.printHelp(s.out)
		return exitOK
	}
	if err != nil {
		err = usageError{err.Error()}
	} else {
		err = action(s, operands)
	}
	return c.exitCode(err, s)
}

func (c *command) exitCode(err error, s streams) int {
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errDenied):
		return exitFailed
	case errors.As(err, &usage):
		fmt.Fprintf(s.err, "edgectl %s: %v\nRun 'edgectl help %s' for its flags.\n", c.name, err, c.name)
		return exitUsage
	}
	fmt.Fprintf(s.err, "edgectl %s: %v\n", c.name, err)
	return exitFailed
}

func (c *command) flags() *flag.FlagSet {
	fs := flag.NewFlagSet(c.name, flag.ContinueOnError)
	fs.SetOutput(io.Discard) // errors are returned, help is ours
	return fs
}

// parseInterleaved lets flags stand after other arguments too. What follows "--"
// is no flag.
func parseInterleaved(fs *flag.FlagSet, args []string) (operands []string, err error) {
	for {
		if err := fs.Parse(args); err != nil {
			return nil, err
		}
		rest := fs.Args()
		if len(rest) == 0 {
			return operands, nil
		}
		if consumed := len(args) - len(rest); consumed > 0 && args[consumed-1] == "--" {
			return append(operands, rest...), nil
		}
		operands, args = append(operands, rest[0]), rest[1:]
	}
}

// list is a flag that may be given several times.
type list []string

func (l *list) String() string { return strings.Join(*l, ", ") }

// Set implements flag.Value.
func (l *list) Set(value string) error {
	*l = append(*l, value)
	return nil
}
