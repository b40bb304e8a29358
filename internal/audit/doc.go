// Package audit keeps the record of what operators ordered: who, what, when, and what
// became of it, refused orders too.
//
// The nouns:
//
//   - [Entry]: one order. Entries are numbered; a gap is an entry that somebody removed.
//   - [Log]: the file, a line of JSON an entry. Append returns when it is on the disk.
//
// For example:
//
//	l := audit.New("/var/lib/edged/audit.log")
//	_, err := l.Append(&audit.Entry{Order: "purge", Who: "unix uid 0 pid 812", Outcome: audit.Done, Account: "acme"})
//	entries, damaged, err := audit.Read("/var/lib/edged/audit.log")
//
// # What is in it
//
// Users of the machine and accounts of customers. Nothing of a viewer, no path, no
// token: who appends must not put them in.
//
// # How long
//
// [Retention], and no more than [MaxSize]: beyond it the older half goes, so the first
// number tells what is missing. Refused orders are left out from half of it on, or they
// could push the others out.
//
// # Concurrency
//
// Several goroutines and processes may append to one file: each locks its directory for
// the time it takes, and reads the last number from the file.
package audit
