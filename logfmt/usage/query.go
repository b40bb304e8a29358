package usage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Span is how much time a line of a report covers.
type Span uint8

// The spans.
const (
	Total Span = iota // all that was asked for
	Month
	Day
	Hour
)

// Split says what the lines of a report are, beside accounts.
type Split struct {
	Span     Span
	Site     bool
	Protocol bool
	Class    bool
}

// ParseSplit reads a list like "day,site": one of month, day and hour, and any of site,
// protocol and status. "" is nothing of all that.
func ParseSplit(text string) (s Split, err error) {
	spans := map[string]Span{"month": Month, "day": Day, "hour": Hour}
	for word := range strings.SplitSeq(text, ",") {
		switch word = strings.TrimSpace(word); word {
		case "", "account":
		case "site":
			s.Site = true
		case "protocol":
			s.Protocol = true
		case "status":
			s.Class = true
		default:
			span, ok := spans[word]
			if !ok || s.Span != Total {
				return s, fmt.Errorf("usage: %q: use one of month, day and hour, and any of site, protocol and status", text)
			}
			s.Span = span
		}
	}
	return s, nil
}

// of returns the key of the line that a row belongs to.
func (s Split) of(k Key) Key {
	k.Hour = s.Span.begin(k.Hour)
	if !s.Site {
		k.Site = ""
	}
	if !s.Protocol {
		k.Protocol = ""
	}
	if !s.Class {
		k.Class = 0
	}
	return k
}

// begin returns the first hour of the span that an hour is in.
func (s Span) begin(hour int64) int64 {
	switch s {
	case Hour:
		return hour
	case Day:
		return hour - hour%24
	case Month:
		from, _, _ := hoursOf(monthOf(hour))
		return from
	default:
		return 0
	}
}

// end returns the first hour after the span that begins with an hour.
func (s Span) end(hour int64) int64 {
	switch s {
	case Hour:
		return hour + 1
	case Day:
		return hour + 24
	case Month:
		_, to, _ := hoursOf(monthOf(hour))
		return to
	default:
		return 0
	}
}

// Query asks for rows. Hours that are not whole count as a whole.
type Query struct {
	Account string    // "" for all
	Site    string    // "" for all
	From    time.Time // first hour; zero for the beginning
	To      time.Time // up to it, exclusive; zero for the end
	By      Split
}

// hours returns the hours asked for, to exclusive.
func (q *Query) hours() (from, to int64) {
	from, to = 0, 1<<40
	if !q.From.IsZero() {
		from = HourOf(q.From.UnixNano())
	}
	if !q.To.IsZero() {
		to = HourOf(q.To.UnixNano() + int64(time.Hour) - 1)
	}
	return from, to
}

// Wants reports whether the rows of a key are asked for.
func (q *Query) Wants(k *Key) bool {
	from, to := q.hours()
	return k.Hour >= from && k.Hour < to && (q.Account == "" || k.Account == q.Account) && (q.Site == "" || k.Site == q.Site)
}

// Report is the answer to a query.
type Report struct {
	Schema int       `json:"schema"` // of this structure: 1
	Node   string    `json:"node,omitempty"`
	From   time.Time `json:"from"` // first hour asked for
	To     time.Time `json:"to"`   // end, exclusive
	Lines  []Line    `json:"lines"`
	// Damaged is how many bytes of the files could not be read; what they held is
	// missing.
	Damaged int64 `json:"damaged_bytes,omitempty"`
}

// Line is a sum in a report.
type Line struct {
	From     *time.Time `json:"from,omitempty"` // of its span, absent when the report is not split by time
	To       *time.Time `json:"to,omitempty"`
	Account  string     `json:"account"` // empty for requests of no site
	Site     string     `json:"site,omitempty"`
	Protocol string     `json:"protocol,omitempty"`
	Status   string     `json:"status,omitempty"` // "2xx"
	Counts
}

// reportSchema is Report.Schema.
const reportSchema = 1

// NewReport sums rows up for a query. Rows that it does not want are left out.
func NewReport(q *Query, rows Table) *Report {
	sums := Table{}
	first, last := int64(1<<40), int64(0)
	for k, c := range rows {
		if q.Wants(&k) {
			first, last = min(first, k.Hour), max(last, k.Hour+1)
			sums.Add(Row{q.By.of(k), c})
		}
	}
	r := &Report{Schema: reportSchema, From: q.From, To: q.To, Lines: []Line{}}
	if r.From.IsZero() && last > 0 {
		r.From = TimeOf(first)
	}
	if r.To.IsZero() && last > 0 {
		r.To = TimeOf(last)
	}
	for _, row := range sums.Rows() {
		r.Lines = append(r.Lines, q.By.line(&row))
	}
	return r
}

func (s Split) line(r *Row) Line {
	l := Line{Account: r.Account, Site: r.Site, Protocol: r.Protocol, Counts: r.Counts}
	if s.Span != Total {
		from, to := TimeOf(r.Hour), TimeOf(s.Span.end(r.Hour))
		l.From, l.To = &from, &to
	}
	if r.Class > 0 {
		l.Status = fmt.Sprintf("%dxx", r.Class)
	}
	return l
}

// Report answers a query, what was counted up to now included.
func (l *Ledger) Report(q *Query) (*Report, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.flushLocked() // what is not on disk is in memory, and the stats have the error
	rows, damaged := Table{}, int64(0)
	if l.journal != nil {
		var err error
		if rows, damaged, err = readMonths(l.opts.Dir, q); err != nil {
			return nil, err
		}
	}
	for _, t := range []Table{l.open, l.pending} {
		for k, c := range t {
			rows.Add(Row{k, c})
		}
	}
	r := NewReport(q, rows)
	r.Damaged = damaged
	return r, nil
}

// readMonths sums what the files of months have for a query.
func readMonths(dir string, q *Query) (Table, int64, error) {
	rows, damaged := Table{}, int64(0)
	list, err := months(dir)
	if err != nil {
		return nil, 0, err
	}
	from, to := q.hours()
	for _, m := range list {
		if begin, end, _ := hoursOf(m); end <= from || begin >= to {
			continue
		}
		c, err := readFile(monthPath(dir, m), func(f frame) { addWanted(rows, q, f.rows) })
		if err != nil {
			return nil, 0, err
		}
		damaged += c.damaged
	}
	return rows, damaged, nil
}

func addWanted(t Table, q *Query, rows []Row) {
	for i := range rows {
		if q.Wants(&rows[i].Key) {
			t.Add(rows[i])
		}
	}
}

// ReadDir answers a query from the directory of a ledger that no process has open, or
// from a copy. The error is ErrInUse when one has, and fs.ErrNotExist when there is no
// ledger.
func ReadDir(dir string, q *Query) (*Report, error) {
	rows, damaged, err := ReadTable(dir, q)
	if err != nil {
		return nil, err
	}
	r := NewReport(q, rows)
	r.Damaged = damaged
	return r, nil
}

// ReadTable is ReadDir without summing up.
func ReadTable(dir string, q *Query) (rows Table, damaged int64, err error) {
	if _, err := os.Stat(filepath.Join(dir, journalName)); err != nil {
		return nil, 0, fmt.Errorf("usage: no ledger: %w", err)
	}
	lock, err := lockDir(dir, syscall.LOCK_SH)
	if err == nil {
		defer lock.Close() //nolint:errcheck // opened for reading
	} else if !errors.Is(err, fs.ErrNotExist) { // a copy may be without
		return nil, 0, err
	}
	return readAll(dir, q)
}

func readAll(dir string, q *Query) (Table, int64, error) {
	rows, damaged, err := readMonths(dir, q)
	if err != nil {
		return nil, 0, err
	}
	r := &Ledger{opts: Options{Dir: dir}.withDefaults(), open: Table{}, tails: map[string]tail{}}
	var failed error
	c, err := readFile(r.path(), func(f frame) { failed = errors.Join(failed, r.replay(&f)) })
	if err = errors.Join(err, failed); err != nil {
		return nil, 0, err
	}
	for k, c := range r.open {
		if q.Wants(&k) {
			rows.Add(Row{k, c})
		}
	}
	return rows, damaged + c.damaged, nil
}
