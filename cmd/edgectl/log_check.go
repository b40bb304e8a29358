package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"text/tabwriter"

	"edged/logfmt"
	"edged/logfmt/usage"
)

const logVerifyHelp = `
Verify proves that log files are whole and that none is missing between them: every
line is a record, numbers go on from record to record and from file to file within a run of
a node, trailers and manifests have the right counts and hashes.

Records that were lost and counted, erased by request, or in the memory of a process
that was killed are told; they are nothing wrong.
` + logFiles + `

Exit code 0 means that nothing is missing, 1 that something is; it is named.

Examples:
  edgectl log verify /var/log/edged
  edgectl log verify access-edge-1-*.log.zst`

const logUsageHelp = `
Usage adds up log files by account, site and hour, as the usage ledger does: the two
agree but for records that the log lost. With -ledger they are compared, for the hours
that the files have records of, and the difference is printed.
` + logFiles + `

Exit code 1 with -ledger means that the two differ by more than the log says it lost.
Compare whole hours: -from and -to.

Examples:
  edgectl log usage -by day,site /archive/2026-01
  edgectl log usage -ledger /var/lib/edged -from 2026-01 -to 2026-02 /archive/2026-01`

func logVerifyCommand() command {
	return command{
		name: "log verify", args: "FILE …", summary: "prove that log files are whole and none is missing", text: logVerifyHelp,
		setup: func(*flag.FlagSet) func(streams, []string) error { return verifyLogs },
	}
}

func verifyLogs(s streams, args []string) error {
	if len(args) == 0 {
		return usagef("which FILE? A directory is all log files in it")
	}
	set, err := logfmt.VerifySet(args)
	if err != nil {
		return err
	}
	for _, p := range set.Problems {
		fmt.Fprintf(s.out, "%s: %s\n", p.File, p.Text)
	}
	for _, p := range set.Notes {
		fmt.Fprintf(s.out, "%s: note: %s\n", p.File, p.Text)
	}
	fmt.Fprintf(s.out, "%d files, %d records, %d lost and counted, %d erased, about %d lost by killed processes: ",
		set.Files, set.Records, set.Dropped, set.Erased, set.MaybeLost)
	if len(set.Problems) > 0 {
		fmt.Fprintf(s.out, "%d problems\n", len(set.Problems))
		return errDenied
	}
	fmt.Fprintln(s.out, "complete")
	return nil
}

func logUsageCommand() command {
	return command{
		name: "log usage", args: "[-ledger DIR] [-account A] [-site S] [-from T] [-to T] [-by …] FILE …",
		summary: "add log files up, and compare them with the ledger", text: logUsageHelp,
		setup: func(fs *flag.FlagSet) func(streams, []string) error {
			var f logUsageFlags
			f.bind(fs)
			fs.StringVar(&f.ledger, "ledger", "", "compare with the usage ledger in this `DIR`ectory")
			return f.run
		},
	}
}

// logUsageFlags are the flags of log usage.
type logUsageFlags struct {
	queryFlags
	ledger string
}

func (f *logUsageFlags) run(s streams, args []string) error {
	q, err := f.query()
	if err != nil {
		return err
	}
	rows, lost := usage.Table{}, int64(0)
	damaged, err := eachLine(args, func(l *logfmt.Line) {
		row := usage.RowOf(l.Record)
		if q.Wants(&row.Key) {
			rows.Add(row)
			lost += l.Sequence.Dropped
		}
	})
	if err != nil {
		return err
	}
	if damaged > 0 {
		fmt.Fprintf(s.err, "edgectl log usage: %d lines or blocks are no good\n", damaged)
	}
	if lost > 0 {
		fmt.Fprintf(s.err, "edgectl log usage: the log lost %d records, of whatever account\n", lost)
	}
	if f.ledger == "" {
		return printReport(s.out, usage.NewReport(q, rows), q.By, f.format)
	}
	return f.compare(s.out, q, rows, lost)
}

// compare prints what ledger and log do not have in common.
func (f *logUsageFlags) compare(w io.Writer, q *usage.Query, log usage.Table, lost int64) error {
	dir, err := ledgerDir(f.ledger)
	if err != nil {
		return err
	}
	ledger, _, err := usage.ReadTable(dir, q)
	if err != nil {
		return err
	}
	hours := map[int64]bool{}
	for k := range log {
		hours[k.Hour] = true
	}
	d := difference{}
	for k, c := range ledger {
		if k.Class != 0 && (hours[k.Hour] || !q.From.IsZero()) {
			d.note(k, c, log[k])
		}
	}
	for k, c := range log {
		if _, ok := ledger[k]; !ok {
			d.note(k, usage.Counts{}, c)
		}
	}
	return d.print(w, lost)
}

// difference is what two tables do not have in common.
type difference struct {
	lines                    []diffLine
	missing, surplus, shared uint64 // requests: only in the ledger, only in the log, in both
}

type diffLine struct {
	key         usage.Key
	ledger, log usage.Counts
}

func (d *difference) note(k usage.Key, ledger, log usage.Counts) {
	log.Fetched, ledger.Fetched = 0, 0
	d.shared += min(ledger.Requests, log.Requests)
	d.missing += ledger.Requests - min(ledger.Requests, log.Requests)
	d.surplus += log.Requests - min(ledger.Requests, log.Requests)
	if ledger != log {
		d.lines = append(d.lines, diffLine{k, ledger, log})
	}
}

func (d *difference) print(w io.Writer, lost int64) error {
	if len(d.lines) > 0 {
		slices.SortFunc(d.lines, func(a, b diffLine) int { return usage.Compare(&a.key, &b.key) })
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "HOUR (UTC)\tACCOUNT\tSITE\tPROTOCOL\tSTATUS\tREQUESTS: LEDGER\tLOG\tBODY: LEDGER\tLOG\tWIRE: LEDGER\tLOG")
		for _, l := range d.lines {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%dxx\t%d\t%d\t%d\t%d\t%d\t%d\n", usage.TimeOf(l.key.Hour).Format("2006-01-02 15:04"),
				orDash(l.key.Account), orDash(l.key.Site), l.key.Protocol, l.key.Class,
				l.ledger.Requests, l.log.Requests, l.ledger.Body, l.log.Body, l.ledger.Wire, l.log.Wire)
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	switch {
	case len(d.lines) == 0:
		fmt.Fprintf(w, "ledger and log agree: %d requests\n", d.shared)
		return nil
	case d.surplus == 0 && d.missing > 0 && d.missing <= uint64(lost):
		fmt.Fprintf(w, "the ledger has %d requests more than the log, which says that it lost %d\n", d.missing, lost)
		return nil
	}
	fmt.Fprintf(w, "%d requests are in both, %d in the ledger only, %d in the log only; the log says that it lost %d\n",
		d.shared, d.missing, d.surplus, lost)
	return errDenied
}

// openLog opens a log file, "-" for standard input.
func openLog(name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(os.Stdin), nil
	}
	return logfmt.Open(name)
}
