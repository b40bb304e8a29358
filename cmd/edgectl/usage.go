package main

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"text/tabwriter"
	"time"

	"edged/internal/config"
	"edged/logfmt/usage"
)

const usageHelp = `
Usage says what accounts and sites used, out of the node's usage ledger: requests and
bytes by the hour, to write invoices from. It asks the running node; with -dir it
reads the ledger itself, of a node that is down or a copy.

Hours are UTC and whole. Without -from it begins this month, without -to it ends now.
-by splits the sums: one of month, day and hour, and any of site, protocol and status.

  REQUESTS  all that ended, refused ones too
  HITS      of these, answered without asking the origin
  BODY      body bytes sent
  WIRE      body, header and framing bytes sent, before TLS
  HIT BODY  body bytes sent by hits
  ORIGIN    body bytes that the requests read from the origin
  FETCHED   body bytes received from origins, whoever caused it

A line without an account is of requests that belong to no site.

Examples:
  edgectl usage -account acme -from 2026-01 -to 2026-02
  edgectl usage -by day,site -format csv > january.csv
  edgectl usage -dir /var/lib/edged/usage -format json`

func usageCommand() command {
	return command{
		name:    "usage",
		args:    "[-admin ADDRESS | -config FILE | -dir DIR] [-account A] [-site S] [-from T] [-to T] [-by …]",
		summary: "what accounts and sites used, for invoices",
		text:    usageHelp,
		setup: func(fs *flag.FlagSet) func(streams, []string) error {
			f := usageFlags{}
			f.nodeFlags.bind(fs)
			f.queryFlags.bind(fs)
			fs.StringVar(&f.dir, "dir", "", "read the ledger in this `DIR`ectory; no edged may be running on it")
			return f.run
		},
	}
}

// usageFlags are the flags of usage.
type usageFlags struct {
	nodeFlags
	queryFlags
	dir string
}

// queryFlags say what is asked for, and how it is printed.
type queryFlags struct {
	account, site, by, format string
	from, to                  moment
}

func (f *queryFlags) bind(fs *flag.FlagSet) {
	fs.StringVar(&f.account, "account", "", "only this `ACCOUNT`")
	fs.StringVar(&f.site, "site", "", "only this `SITE`")
	fs.Var(&f.from, "from", "first hour, a `TIME` like 2026-01, 2026-01-02 or 2026-01-02T15:00Z")
	fs.Var(&f.to, "to", "end, a `TIME`; the hour that it is in counts if it has begun")
	fs.StringVar(&f.by, "by", "site", "a `LIST` out of month, day, hour, site, protocol, status")
	fs.StringVar(&f.format, "format", "table", "`FORM` of the output: table, csv or json")
}

// query checks the flags.
func (f *queryFlags) query() (*usage.Query, error) {
	by, err := usage.ParseSplit(f.by)
	if err != nil {
		return nil, usagef("-by %s: use one of month, day and hour, and any of site, protocol and status", f.by)
	}
	switch f.format {
	case "table", "csv", "json":
	default:
		return nil, usagef("-format %s: use table, csv or json", f.format)
	}
	if !f.to.IsZero() && f.to.Before(f.from.Time) {
		return nil, usagef("-to is before -from")
	}
	return &usage.Query{Account: f.account, Site: f.site, From: f.from.Time, To: f.to.Time, By: by}, nil
}

func (f *usageFlags) run(s streams, args []string) error {
	if len(args) != 0 {
		return usagef("what is %q for?", args[0])
	}
	q, err := f.query()
	if err != nil {
		return err
	}
	if q.From.IsZero() && q.To.IsZero() {
		y, m, _ := time.Now().UTC().Date()
		q.From = time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)
	}
	r, err := f.ask(q)
	if err != nil {
		return err
	}
	if r.Damaged > 0 {
		fmt.Fprintf(s.err, "edgectl usage: %d bytes of the ledger are damaged: what they held is missing\n", r.Damaged)
	}
	return printReport(s.out, r, q.By, f.format)
}

// ask gets the report from the node, or from the files of one that is down.
func (f *usageFlags) ask(q *usage.Query) (*usage.Report, error) {
	if f.dir != "" {
		return readLedger(f.dir, q)
	}
	n, err := f.node()
	if err != nil {
		return nil, err
	}
	values := url.Values{"by": {f.by}}
	for name, value := range map[string]string{"account": q.Account, "site": q.Site} {
		if value != "" {
			values.Set(name, value)
		}
	}
	for name, t := range map[string]time.Time{"from": q.From, "to": q.To} {
		if !t.IsZero() {
			values.Set(name, t.UTC().Format(time.RFC3339))
		}
	}
	r := &usage.Report{}
	_, err = n.ask(http.MethodGet, "/api/v1/usage?"+values.Encode(), r)
	return r, err
}

// readLedger reads a ledger whose directory is given, or the directory above.
func readLedger(dir string, q *usage.Query) (*usage.Report, error) {
	dir, err := ledgerDir(dir)
	if err != nil {
		return nil, err
	}
	return usage.ReadDir(dir, q)
}

// ledgerDir finds the ledger in dir or below it, where node.state has it.
func ledgerDir(dir string) (string, error) {
	below := filepath.Join(dir, config.LedgerName)
	for _, d := range []string{dir, below} {
		_, _, err := usage.ReadTable(d, &usage.Query{To: time.Unix(1, 0)})
		switch {
		case err == nil:
			return d, nil
		case errors.Is(err, usage.ErrInUse):
			return "", fmt.Errorf("edged is running on %s: ask it with -admin or -config instead of -dir", d)
		case !errors.Is(err, fs.ErrNotExist):
			return "", err
		}
	}
	return "", fmt.Errorf("there is no usage ledger in %s", dir)
}

// printReport writes a report in one of the formats.
func printReport(w io.Writer, r *usage.Report, by usage.Split, format string) error {
	switch format {
	case "json":
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	case "csv":
		return printCSV(w, r)
	}
	return printTable(w, r, by)
}

// printCSV writes all columns, empty where the report is not split by them.
func printCSV(w io.Writer, r *usage.Report) error {
	out := csv.NewWriter(w)
	_ = out.Write([]string{
		"from", "to", "account", "site", "protocol", "status",
		"requests", "hits", "body_bytes", "wire_bytes", "hit_bytes", "origin_bytes", "fetched_bytes",
	})
	for i := range r.Lines {
		l := &r.Lines[i]
		cells := append(spanCells(l, time.RFC3339), l.Account, l.Site, l.Protocol, l.Status)
		_ = out.Write(append(cells, countCells(&l.Counts)...)) // Flush keeps the error
	}
	out.Flush()
	return out.Error()
}

func spanCells(l *usage.Line, form string) []string {
	if l.From == nil {
		return []string{"", ""}
	}
	return []string{l.From.Format(form), l.To.Format(form)}
}

func countCells(c *usage.Counts) []string {
	cells := make([]string, 0, 7)
	for _, n := range []uint64{c.Requests, c.Hits, c.Body, c.Wire, c.HitBody, c.Origin, c.Fetched} {
		cells = append(cells, strconv.FormatUint(n, 10))
	}
	return cells
}

// printTable writes the columns that the report is split by.
func printTable(w io.Writer, r *usage.Report, by usage.Split) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	column := func(there bool, text string) {
		if there {
			fmt.Fprintf(t, "%s\t", text)
		}
	}
	column(by.Span != usage.Total, "FROM (UTC)")
	column(true, "ACCOUNT")
	column(by.Site, "SITE")
	column(by.Protocol, "PROTOCOL")
	column(by.Class, "STATUS")
	fmt.Fprintln(t, "REQUESTS\tHITS\tBODY\tWIRE\tHIT BODY\tORIGIN\tFETCHED")
	for i := range r.Lines {
		l := &r.Lines[i]
		column(by.Span != usage.Total, spanCells(l, "2006-01-02 15:04")[0])
		column(true, orDash(l.Account))
		column(by.Site, orDash(l.Site))
		column(by.Protocol, orDash(l.Protocol))
		column(by.Class, orDash(l.Status))
		for j, cell := range countCells(&l.Counts) {
			fmt.Fprintf(t, "%s%s", map[bool]string{true: "\t"}[j > 0], cell)
		}
		fmt.Fprintln(t)
	}
	return t.Flush()
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
