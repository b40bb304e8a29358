package main

import (
	"flag"
	"fmt"
	"io"
	"strings"
)

// help serves "edgectl help [COMMAND]".
func help(args []string, s streams) int {
	if len(args) == 0 {
		printOverview(s.out)
		return exitOK
	}
	c, rest, ok := find(args[0], args[1:])
	if !ok {
		return unknown(args[0], s)
	}
	if len(rest) > 0 {
		fmt.Fprintln(s.err, "edgectl help: one command at a time")
		return exitUsage
	}
	c.printHelp(s.out)
	return exitOK
}

func unknown(name string, s streams) int {
	fmt.Fprintf(s.err, "edgectl: unknown command %q\nRun 'edgectl help' for the list.\n", name)
	return exitUsage
}

func printOverview(w io.Writer) {
	fmt.Fprint(w, "Edgectl is the operator's tool for edged.\n\nUsage: edgectl COMMAND [flags] …\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-14s %s\n", c.name, c.summary)
	}
	fmt.Fprint(w, "\nRun 'edgectl help COMMAND' for its flags and examples.\n"+
		"Exit codes: 0 done or allowed, 1 failed or denied, 2 wrong usage.\n")
}

func (c *command) printHelp(w io.Writer) {
	fs := c.flags()
	c.setup(fs)
	fmt.Fprintf(w, "Usage: edgectl %s %s\n\n%s\n\nFlags:\n", c.name, c.args, strings.TrimSpace(c.text))
	fs.VisitAll(func(f *flag.Flag) { printFlag(w, f) })
}

// flagWidth is the width of the column of flags in help texts.
const flagWidth = 20

func printFlag(w io.Writer, f *flag.Flag) {
	value, usage := flag.UnquoteUsage(f)
	line := "  -" + f.Name
	if value != "" {
		line += " " + value
	}
	if f.DefValue != "" && f.DefValue != "0s" && f.DefValue != "false" {
		usage += " (default " + f.DefValue + ")"
	}
	fmt.Fprintf(w, "%-*s %s\n", flagWidth, line, strings.ReplaceAll(usage, "\n", "\n"+strings.Repeat(" ", flagWidth+1)))
}
