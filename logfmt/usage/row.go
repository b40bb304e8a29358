package usage

import (
	"cmp"
	"slices"
	"time"
)

// Key says what a row counts. Account and Site are empty for requests that belong to
// no site.
type Key struct {
	Hour     int64 // hours since 1970, UTC, in which the requests arrived
	Account  string
	Site     string
	Protocol string // as in the access log, "HTTP/1.1"; empty for fills
	Class    uint8  // of status, see ClassOf; 0 for fills
}

// Counts are what a row counts.
type Counts struct {
	Requests uint64 `json:"requests"`     // ended, whatever became of them
	Hits     uint64 `json:"hits"`         // of these, answered without going forward
	Body     uint64 `json:"body_bytes"`   // sent
	Wire     uint64 `json:"wire_bytes"`   // sent: body, header and framing, before TLS
	HitBody  uint64 `json:"hit_bytes"`    // body bytes sent by hits
	Origin   uint64 `json:"origin_bytes"` // body bytes that these requests read from the origin
	// Fetched are body bytes received from origins, whoever caused it. They have a row
	// of their own, without protocol and class.
	Fetched uint64 `json:"fetched_bytes"`
}

// Row is one line of the ledger.
type Row struct {
	Key
	Counts
}

// ClassOf returns the first digit of a status as the ledger has it: 2 to 5. What is no
// final status is the server's fault.
func ClassOf(status int) uint8 {
	if status < 200 || status > 499 {
		return 5
	}
	return uint8(status / 100)
}

// HourOf returns the hour of a Unix time in nanoseconds.
func HourOf(ns int64) int64 {
	const hour = int64(time.Hour)
	if ns < 0 {
		return 0
	}
	return ns / hour
}

// TimeOf returns the beginning of an hour.
func TimeOf(hour int64) time.Time { return time.Unix(hour*3600, 0).UTC() }

// numCounts is how many counts there are.
const numCounts = 7

// all returns the counts in the order of the file format.
func (c *Counts) all() [numCounts]*uint64 {
	return [numCounts]*uint64{&c.Requests, &c.Hits, &c.Body, &c.Wire, &c.HitBody, &c.Origin, &c.Fetched}
}

// Add adds d to c.
func (c *Counts) Add(d Counts) {
	theirs := d.all()
	for i, n := range c.all() {
		*n += *theirs[i]
	}
}

// Since returns what c has more than an earlier d.
func (c Counts) Since(d Counts) Counts {
	theirs := d.all()
	for i, n := range c.all() {
		*n -= *theirs[i]
	}
	return c
}

// Table is sums of rows by key.
type Table map[Key]Counts

// Add adds rows to the table. Rows without counts leave no trace.
func (t Table) Add(rows ...Row) {
	for _, r := range rows {
		if r.Counts == (Counts{}) {
			continue
		}
		sum := t[r.Key]
		sum.Add(r.Counts)
		t[r.Key] = sum
	}
}

// Rows returns the table sorted by hour, account, site, protocol and class.
func (t Table) Rows() []Row {
	rows := make([]Row, 0, len(t))
	for k, c := range t {
		rows = append(rows, Row{k, c})
	}
	slices.SortFunc(rows, func(a, b Row) int { return Compare(&a.Key, &b.Key) })
	return rows
}

// Compare orders keys by hour, account, site, protocol and class.
func Compare(a, b *Key) int {
	return cmp.Or(cmp.Compare(a.Hour, b.Hour), cmp.Compare(a.Account, b.Account), cmp.Compare(a.Site, b.Site),
		cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.Class, b.Class))
}

// Field is one column of the ledger, as reports name it.
type Field struct{ Name, Meaning string }

// Fields returns the columns for people who keep a record of what is stored. A test
// holds them against Key and Counts.
func Fields() []Field {
	return []Field{
		{"hour", "UTC hour in which the requests arrived"},
		{"account", "customer account to bill"},
		{"site", "site of the account"},
		{"protocol", "HTTP version"},
		{"class", "first digit of the status"},
		{"requests", "requests that ended"},
		{"hits", "of these, answered without going forward"},
		{"body_bytes", "body bytes sent"},
		{"wire_bytes", "body, header and framing bytes sent, before TLS"},
		{"hit_bytes", "body bytes sent by hits"},
		{"origin_bytes", "body bytes that these requests read from the origin"},
		{"fetched_bytes", "body bytes received from origins"},
	}
}
