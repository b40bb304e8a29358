// Package usage keeps the ledger that invoices are written from when the access logs
// are gone: how much each account and site sent, by the hour.
//
// The nouns:
//
//   - [Row]: what was counted under one [Key]: hour, account, site, protocol, class of
//     status.
//   - [Table]: sums of rows by key.
//   - [Ledger]: takes rows from a source, twice a second, and makes them durable.
//   - [Query] and [Report]: a question to a ledger and its answer.
//
// A node opens one ledger and closes it after its last request:
//
//	l, err := usage.Open(usage.Options{Dir: "/var/lib/edged/usage", Source: edge.Usage})
//	...
//	report, err := l.Report(usage.Query{Account: "acme", From: march, To: april, By: usage.Day})
//	...
//	err = l.Close() // the last rows
//
// The hour of a row is that in which its requests arrived, UTC: the hour of the time in
// their lines of the access log, so that sums over log files and the ledger agree.
//
// # Durability
//
// Rows that the source handed over stay in memory until a frame that holds them is on
// disk. Frames are numbered, and a number counts once: a frame that is torn, or that a
// crash left in two files, adds nothing twice. A process that is killed loses what was
// counted since the last flush. FORMAT.md draws the files.
//
// # Concurrency
//
// Every method of [Ledger] may be called from any goroutine; the source is called by
// one at a time. The rest shares nothing.
//
// # What it does not do
//
// It does not count (package edge does), know prices, or hold anything of a viewer.
package usage
