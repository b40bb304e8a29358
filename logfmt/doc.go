// Package logfmt turns what the edge knows of a request into one access log
// record, writes records to files that a pipeline can bill from, and reads them
// back.
//
// The nouns:
//
//   - [Record]: one request, built from fields that are already redacted or
//     that this package redacts while it encodes (the client address).
//   - [Field]: one row of the table behind everything here. The encoders
//     of all formats, their readers and FORMAT.md follow [Fields].
//   - [AddressMode]: what becomes of a client address. Strike is the default.
//   - [Writer]: sharded memory, one flusher, files that are renamed when they
//     are whole, rotation, retention, counted losses.
//   - [Format]: W3C extended and JSON have a line a record; a binary file has blocks
//     of records, in which what repeats is written once.
//   - [Reader], [Encoder]: records of a file, whichever format it has, and back.
//   - [Rewrite]: a file without some records, or without addresses.
//
// A node opens one writer and gives it one record a request:
//
//	w, err := logfmt.NewWriter(logfmt.Options{Dir: "/var/log/edged", Node: "edge-ams-01"})
//	...
//	w.Write(&record) // never waits for the disk, allocates nothing
//	...
//	err = w.Close()  // flushes, closes and renames the last file
//
// # Completeness
//
// Records are numbered while they go to disk. In one run of a node the numbers
// of a file grow by 1 + dropped from record to record: one that was removed
// later shows as a gap, a record that was lost to a full queue is counted in
// the next one. Offered = written + dropped + still queued, always
// ([Writer.Stats]).
//
// # Concurrency
//
// Every method of [Writer] may be called from any goroutine. Write takes a lock
// that belongs to the calling processor in practice and is never held during
// I/O. The pure functions share nothing. A [Reader] belongs to one goroutine.
//
// # What it does not do
//
// It does not decide what a request was (package edge does), parse targets, cut
// tokens or queries out of a path, ship files to anywhere, or keep the usage
// ledger.
package logfmt
