// Edgectl is the operator's tool for edged.
//
//	edgectl sign    -config FILE -account A -for 4h URL   mint a token
//	edgectl verify  -config FILE URL                      what would the edge say?
//	edgectl keygen  -type ed25519 -out FILE               make a signing key
//	edgectl status  [-admin ADDR]                         how is the running node?
//	edgectl purge   [-admin ADDR] -url URL …              forget what is stored
//	edgectl usage   [-account A] [-from T] [-to T]        what was used, for invoices
//	edgectl log     cat|grep|verify|usage|anonymize|erase FILE …
//	edgectl erase   -account A -yes                       remove all that a node has of an account
//	edgectl privacy report                                what is kept of whom, and for how long
//	edgectl drain   [-admin ADDR]                         let it finish and stop
//	edgectl wipe    -config FILE -yes                     make disks unreadable
//	edgectl help [COMMAND]
//
// Exit codes: 0 done or allowed, 1 failed or denied, 2 wrong usage. Results go to
// standard output, everything else to standard error.
//
// Each command is one file with one function that returns a [command]; commands
// lists them.
package main

import (
	"io"
	"os"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// commands lists what edgectl can do, in the order of the help text.
func commands() []command {
	return []command{
		signCommand(),
		verifyCommand(),
		keygenCommand(),
		statusCommand(),
		purgeCommand(),
		revokeCommand(),
		drainCommand(),
		usageCommand(),
		auditCommand(),
		logCatCommand(),
		logGrepCommand(),
		logVerifyCommand(),
		logUsageCommand(),
		logAnonymizeCommand(),
		logEraseCommand(),
		eraseCommand(),
		privacyCommand(),
		wipeCommand(),
	}
}

func main() {
	os.Exit(run(os.Args[1:], streams{os.Stdout, os.Stderr}))
}

// streams are the two outputs of a command.
type streams struct {
	out io.Writer // results
	err io.Writer // messages
}

// run finds the command, runs it and returns the exit code.
func run(args []string, s streams) int {
	if len(args) == 0 {
		printOverview(s.err)
		return exitUsage
	}
	name, args := args[0], args[1:]
	switch name {
	case "help", "-h", "-help", "--help":
		return help(args, s)
	}
	c, rest, ok := find(name, args)
	if !ok {
		return unknown(name, s)
	}
	return c.execute(rest, s)
}

// find returns the command that name, or name and the first of args, mean, and the
// arguments that are left.
func find(name string, args []string) (c command, rest []string, ok bool) {
	if c, ok := lookup(name); ok {
		return c, args, true
	}
	if len(args) == 0 {
		return command{}, nil, false
	}
	c, ok = lookup(name + " " + args[0])
	return c, args[1:], ok
}

func lookup(name string) (command, bool) {
	for _, c := range commands() {
		if c.name == name {
			return c, true
		}
	}
	return command{}, false
}
