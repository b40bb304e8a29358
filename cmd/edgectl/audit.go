package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"edged/internal/audit"
	"edged/internal/config"
)

const auditHelp = `
Audit prints the record of what operators ordered on this node: purges, revocations,
erasures, drains, reloads, starts and stops, and wipes; who ordered it, when, and what
became of it. Refused orders are in it, too. Nothing of a viewer is, and no path: a purge
tells how many it named.

Entries are numbered. A gap is an entry that somebody removed; the exit code is 1 then.
They are kept for 400 days, and 64 MiB at most.

Examples:
  edgectl audit -since 2026-11-01
  edgectl audit -file /backup/edge-ams-01/audit.log -json`

func auditCommand() command {
	return command{
		name: "audit", args: "[-config FILE | -file FILE] [-since TIME] [-json]", summary: "what operators ordered on this node, and what became of it", text: auditHelp,
		setup: func(fs *flag.FlagSet) func(streams, []string) error {
			var f auditFlags
			fs.StringVar(&f.config, "config", defaultConfig, "configuration `FILE` of edged")
			fs.StringVar(&f.file, "file", "", "the `FILE` of the record (default: audit.log in node.state)")
			fs.Var(&f.since, "since", "only what came after `TIME`, RFC 3339 or Unix seconds")
			fs.BoolVar(&f.json, "json", false, "print a line of JSON an entry")
			return f.run
		},
	}
}

// auditFlags are the flags of audit.
type auditFlags struct {
	config, file string
	since        moment
	json         bool
}

func (f *auditFlags) run(s streams, args []string) error {
	if len(args) != 0 {
		return usagef("what is %q for?", args[0])
	}
	if f.file == "" {
		c, err := config.Load(f.config)
		if err != nil {
			return fmt.Errorf("where is the record? Give -file FILE, or a configuration: %w", err)
		}
		if c.StateDir() == "" {
			return fmt.Errorf("%s has no node.state: there is no record", f.config)
		}
		f.file = filepath.Join(c.StateDir(), config.AuditName)
	}
	entries, damaged, err := audit.Read(f.file)
	if err != nil {
		return err
	}
	missing := gaps(entries)
	entries = slices.DeleteFunc(entries, func(e audit.Entry) bool { return e.At.Before(f.since.Time) })
	if err := f.print(s.out, entries); err != nil {
		return err
	}
	if damaged+missing > 0 {
		fmt.Fprintf(s.err, "edgectl audit: %d entries are missing, %d lines make no sense\n", missing, damaged)
		return errDenied
	}
	return nil
}

// gaps counts the numbers that are missing between the first entry and the last.
func gaps(entries []audit.Entry) (missing int) {
	for i := 1; i < len(entries); i++ {
		if step := entries[i].Number - entries[i-1].Number; step != 1 {
			missing += max(1, int(step)-1) // a number that comes back hides one, too
		}
	}
	return missing
}

func (f *auditFlags) print(w io.Writer, entries []audit.Entry) error {
	if f.json {
		e := json.NewEncoder(w)
		for i := range entries {
			if err := e.Encode(&entries[i]); err != nil {
				return err
			}
		}
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NUMBER\tTIME\tORDER\tOUTCOME\tWHO\tACCOUNT\tDETAILS")
	for i := range entries {
		e := &entries[i]
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\t%s\t%s\n", e.Number, e.At.UTC().Format(time.RFC3339), plain(e.Order), plain(string(e.Outcome)), plain(e.Who),
			orDash(plain(e.Account)), plain(detailText(e.Details)))
	}
	return t.Flush()
}

// detailText is details as words, in the order of their names.
func detailText(details map[string]any) string {
	var words []string
	for name, value := range details {
		words = append(words, fmt.Sprintf("%s=%v", name, value))
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}

// plain keeps what a refused order may hold from moving the cursor of a terminal.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '?'
		}
		return r
	}, text)
}
