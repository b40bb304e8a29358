package main

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"edged/logfmt"
)

const logFiles = `
FILE is a log file, plain or compressed (.zst, .gz), of any format, closed or still
written; or a directory, for all log files in it; or "-", for standard input.`

const logCatHelp = `
Cat prints the records of log files as they are, or with -as in another format. Binary
files are printed as W3C. A W3C header comes once.
` + logFiles + `

Examples:
  edgectl log cat /var/log/edged | zstd > all.log.zst
  edgectl log cat -as json access-*.log.zst | jq .path`

const logGrepHelp = `
Grep prints the records that all conditions hold for.
` + logFiles + `

Exit code 0 means that something was found, 1 that nothing was.

Examples:
  edgectl log grep -account acme -status 5xx /var/log/edged
  edgectl log grep -path /film/4711/ -from 2026-01-02T20:00Z -to 2026-01-02T21:00Z -count /var/log/edged`

func logCatCommand() command {
	return command{
		name: "log cat", args: "[-as FORMAT] FILE …", summary: "print log files, compressed or not, of any format", text: logCatHelp,
		setup: func(fs *flag.FlagSet) func(streams, []string) error {
			f := grepFlags{all: true}
			f.bindFormat(fs)
			return f.run
		},
	}
}

func logGrepCommand() command {
	return command{
		name: "log grep", args: "[conditions] FILE …", summary: "print records of log files by field", text: logGrepHelp,
		setup: func(fs *flag.FlagSet) func(streams, []string) error {
			f := grepFlags{}
			f.bindFormat(fs)
			fs.BoolVar(&f.count, "count", false, "print how many there are instead")
			fs.StringVar(&f.account, "account", "", "of this `ACCOUNT`")
			fs.StringVar(&f.site, "site", "", "of this `SITE`")
			fs.StringVar(&f.status, "status", "", "with this `STATUS`: 404, or 4xx")
			fs.StringVar(&f.path, "path", "", "whose path begins with `PREFIX`")
			fs.StringVar(&f.client, "client", "", "of this `ADDRESS` or network, as it is in the log")
			fs.StringVar(&f.trace, "trace", "", "with this `ID` in X-Request-Id")
			fs.Var(&f.from, "from", "that came at `TIME` or later")
			fs.Var(&f.to, "to", "that came before `TIME`")
			return f.run
		},
	}
}

// grepFlags are the flags of log cat and log grep.
type grepFlags struct {
	as                                         string
	account, site, status, path, client, trace string
	from, to                                   moment
	count, all                                 bool

	network netip.Prefix
	format  *logfmt.Format // nil: as it is
}

func (f *grepFlags) bindFormat(fs *flag.FlagSet) {
	fs.StringVar(&f.as, "as", "", "`FORMAT` to print: w3c, json or binary; as it is without, or w3c")
}

func (f *grepFlags) check() error {
	if f.as != "" {
		format, err := logfmt.ParseFormat(f.as)
		if err != nil {
			return usagef("-as %s: use w3c, json or binary", f.as)
		}
		f.format = &format
	}
	if code, ok := strings.CutSuffix(f.status, "xx"); f.status != "" {
		n, err := strconv.Atoi(code)
		if err != nil || ok && (n < 1 || n > 5) || !ok && (n < 100 || n > 599) {
			return usagef("-status %s: use a number like 404, or 4xx", f.status)
		}
	}
	if f.client != "" {
		var err error
		if f.network, err = parseNetwork(f.client); err != nil {
			return err
		}
	}
	return nil
}

// parseNetwork reads an address or a network.
func parseNetwork(text string) (netip.Prefix, error) {
	if p, err := netip.ParsePrefix(text); err == nil {
		return p.Masked(), nil
	}
	a, err := netip.ParseAddr(strings.Replace(text, ".000", ".0", 1))
	if err != nil {
		return netip.Prefix{}, usagef("%q is no address and no network", text)
	}
	a = a.Unmap()
	return netip.PrefixFrom(a, a.BitLen()), nil
}

// wants reports whether all conditions hold.
func (f *grepFlags) wants(r *logfmt.Record) bool {
	return (f.account == "" || r.Account == f.account) && (f.site == "" || r.Site == f.site) &&
		strings.HasPrefix(string(r.Path), f.path) && (f.trace == "" || string(r.Request.Trace) == f.trace) &&
		f.wantsStatus(r.Status) && (!f.network.IsValid() || f.network.Contains(r.Client.Unmap())) &&
		(f.from.IsZero() || r.Time >= f.from.UnixNano()) && (f.to.IsZero() || r.Time < f.to.UnixNano())
}

func (f *grepFlags) wantsStatus(status int) bool {
	if class, ok := strings.CutSuffix(f.status, "xx"); ok {
		return strconv.Itoa(status/100) == class
	}
	return f.status == "" || strconv.Itoa(status) == f.status
}

func (f *grepFlags) run(s streams, args []string) error {
	if err := f.check(); err != nil {
		return err
	}
	p := printer{out: bufio.NewWriterSize(s.out, 1<<16), format: f.format, quiet: f.count}
	damaged, err := eachLine(args, func(l *logfmt.Line) {
		if f.wants(l.Record) {
			p.print(l)
		}
	})
	p.end()
	if f.count {
		fmt.Fprintln(p.out, p.n)
	}
	if err = errors.Join(err, p.out.Flush()); err != nil {
		return err
	}
	if damaged > 0 {
		fmt.Fprintf(s.err, "edgectl: %d lines or blocks are no good and were left out\n", damaged)
	}
	if p.n == 0 && !f.all {
		return errDenied
	}
	return nil
}

// printer prints records under the headers that they need.
type printer struct {
	out    *bufio.Writer
	format *logfmt.Format // nil: lines as they are, blocks as W3C
	quiet  bool
	n      int64
	header []byte // the last one

	pen       *logfmt.Encoder // nil before it is needed
	penHeader []byte
	line      []byte
}

func (p *printer) print(l *logfmt.Line) {
	p.n++
	switch {
	case p.quiet:
	case p.format == nil && l.Text != nil:
		p.put(l.Header(), l.Text)
	default:
		p.encode(l)
	}
}

// encode prints a record in a format that it does not have, or may have.
func (p *printer) encode(l *logfmt.Line) {
	if p.pen == nil {
		format := logfmt.W3C
		if p.format != nil {
			format = *p.format
		}
		p.pen = logfmt.NewEncoder(format, logfmt.Full)
		p.penHeader = logfmt.AppendHeader(nil, format, "edgectl", l.Moment())
	}
	p.line = p.pen.Append(p.line[:0], l.Record)
	p.put(p.penHeader, p.line)
}

func (p *printer) put(header, text []byte) {
	if !bytes.Equal(header, p.header) {
		_, _ = p.out.Write(header)
		p.header = append(p.header[:0], header...)
	}
	_, _ = p.out.Write(text) // Flush keeps the error
}

// end prints what an encoder still has.
func (p *printer) end() {
	if p.pen != nil {
		_, _ = p.out.Write(p.pen.End(nil))
	}
}

// eachLine calls f for every record of the files, and counts what is no record.
func eachLine(names []string, f func(*logfmt.Line)) (damaged int64, err error) {
	if len(names) == 0 {
		return 0, usagef("which FILE? A directory is all log files in it, - is standard input")
	}
	for _, name := range names {
		if name == "-" {
			n, err := linesOf(os.Stdin, f)
			if damaged += n; err != nil {
				return damaged, err
			}
			continue
		}
		files, err := logfmt.FilesOf([]string{name})
		if err != nil {
			return damaged, err
		}
		for _, file := range files {
			n, err := linesOfFile(file, f)
			if damaged += n; err != nil {
				return damaged, fmt.Errorf("%s: %w", file, err)
			}
		}
	}
	return damaged, nil
}

func linesOfFile(name string, f func(*logfmt.Line)) (damaged int64, err error) {
	in, err := logfmt.Open(name)
	if err != nil {
		return 0, err
	}
	damaged, err = linesOf(in, f)
	return damaged, errors.Join(err, in.Close())
}

// linesOf takes a last line without its end for one that is being written.
func linesOf(in io.Reader, f func(*logfmt.Line)) (damaged int64, err error) {
	for l, err := range logfmt.Lines(in) {
		switch {
		case err == nil:
			f(l)
		case errors.Is(err, logfmt.ErrSyntax), errors.Is(err, logfmt.ErrVersion):
			damaged++
		case !errors.Is(err, logfmt.ErrTorn):
			return damaged, err
		}
	}
	return damaged, nil
}
