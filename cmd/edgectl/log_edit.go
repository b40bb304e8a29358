package main

import (
	"errors"
	"flag"
	"fmt"
	"net/netip"

	"edged/logfmt"
)

const logAnonymizeHelp = `
Anonymize strikes the addresses of log files that were written with address = "full":
123.123.123.123 becomes 123.123.123.000, an IPv6 address its /48. Everything else stays
byte for byte (a binary file keeps its records); doing it again changes nothing. What is
no record is left out: nobody can tell what is in it.

One file goes to standard output; with -in-place files are replaced, each whole or not
at all, with their trailers and manifests, compressed as they were.
` + logFiles + `

Examples:
  edgectl log anonymize access-edge-1-20260102T150405Z-1.log.zst | pipeline
  edgectl log anonymize -in-place /var/log/edged`

const logEraseHelp = `
Erase takes the records of an account, or of an address or network, out of log files
and says what was removed. Files are replaced, each whole or not at all, with their
trailers and manifests, which count what was erased: log verify still knows whether
anything else is missing. A file that is being written is left alone: rotate first
(systemctl kill -s USR1 edged).

Struck addresses are found by their network: -address 123.123.123.0/24.

Examples:
  edgectl log erase -account acme /var/log/edged            what would be removed
  edgectl log erase -account acme -yes /var/log/edged`

func logAnonymizeCommand() command {
	return command{
		name: "log anonymize", args: "[-in-place] FILE …", summary: "strike the addresses in log files", text: logAnonymizeHelp,
		setup: func(fs *flag.FlagSet) func(streams, []string) error {
			inPlace := fs.Bool("in-place", false, "replace the files")
			return func(s streams, args []string) error {
				if *inPlace {
					return editFiles(s, args, logfmt.Strike, "struck", strike)
				}
				return anonymizeTo(s, args)
			}
		},
	}
}

func strike(*logfmt.Record) logfmt.Change { return logfmt.StrikeClient }

func anonymizeTo(s streams, args []string) error {
	if len(args) != 1 {
		return usagef("one FILE goes to standard output; say -in-place for more")
	}
	in, err := openLog(args[0])
	if err != nil {
		return err
	}
	did, err := logfmt.Rewrite(s.out, in, strike)
	if err = errors.Join(err, in.Close()); err != nil {
		return err
	}
	if did.Damaged > 0 {
		fmt.Fprintf(s.err, "edgectl log anonymize: %d lines or blocks are no good and were left out\n", did.Damaged)
	}
	return nil
}

func logEraseCommand() command {
	return command{
		name: "log erase", args: "(-account A | -address ADDRESS) -yes FILE …", summary: "remove records of an account or an address from log files", text: logEraseHelp,
		setup: func(fs *flag.FlagSet) func(streams, []string) error {
			var f logEraseFlags
			fs.StringVar(&f.account, "account", "", "remove the records of this `ACCOUNT`")
			fs.StringVar(&f.address, "address", "", "remove the records of this `ADDRESS` or network")
			fs.BoolVar(&f.yes, "yes", false, "do it")
			return f.run
		},
	}
}

// logEraseFlags are the flags of log erase.
type logEraseFlags struct {
	account, address string
	yes              bool
}

func (f *logEraseFlags) run(s streams, args []string) error {
	if (f.account == "") == (f.address == "") {
		return usagef("whose records? Give -account or -address")
	}
	var network netip.Prefix
	if f.address != "" {
		var err error
		if network, err = parseNetwork(f.address); err != nil {
			return err
		}
	}
	goes := func(r *logfmt.Record) bool {
		if f.account != "" {
			return r.Account == f.account
		}
		return network.Contains(r.Client.Unmap())
	}
	if !f.yes {
		return wouldErase(s, args, goes)
	}
	return editFiles(s, args, logfmt.Inherit, "removed", without(goes))
}

// without returns an edit that takes records out.
func without(goes func(*logfmt.Record) bool) logfmt.Edit {
	return func(r *logfmt.Record) logfmt.Change {
		if goes(r) {
			return logfmt.Erase
		}
		return logfmt.Keep
	}
}

func wouldErase(s streams, args []string, goes func(*logfmt.Record) bool) error {
	n := 0
	if _, err := eachLine(args, func(l *logfmt.Line) {
		if goes(l.Record) {
			n++
		}
	}); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%d records would be removed\n", n)
	return usagef("they cannot be brought back: say -yes")
}

// editFiles rewrites files in place and says what became of them. It goes on after a
// file that fails.
func editFiles(s streams, args []string, mode logfmt.AddressMode, verb string, edit logfmt.Edit) error {
	files, err := logfmt.FilesOf(args)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return usagef("which FILE? There is no log file in %q", args)
	}
	var failed error
	total := int64(0)
	for _, name := range files {
		did, err := logfmt.RewriteFile(name, mode, edit)
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		n := did.Changed + did.Removed
		total += n
		fmt.Fprintf(s.out, "%s: %d of %d records %s", name, n, did.Records+did.Removed, verb)
		if did.Damaged > 0 {
			fmt.Fprintf(s.out, ", %d bad lines or blocks left out", did.Damaged)
		}
		fmt.Fprintln(s.out)
	}
	fmt.Fprintf(s.out, "%d records %s in %d files\n", total, verb, len(files))
	return failed
}
