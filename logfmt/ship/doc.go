// Package ship pushes closed log files to where logs are gathered.
//
// The nouns:
//
//   - [Target]: takes a file; [HTTP] does by PUT, [S3] by signed PUT. A message bus
//     would be another one.
//   - [Shipper]: looks for files whose manifest is there, pushes each until it is
//     acknowledged, then its manifest, and remembers that.
//
// A node runs one:
//
//	s := ship.New(ship.Options{Dir: "/var/log/edged", State: "/var/lib/edged/shipped.json", Target: target})
//	...
//	s.Close()
//
// # Once
//
// What was acknowledged is remembered by name and hash, across restarts. A file that
// was acknowledged just before a crash is pushed again, under the same name with the
// same bytes: a target that stores by name has it once. The manifest comes last: who
// sees it has the file.
//
// # Concurrency
//
// One goroutine pushes, one file at a time, the oldest first. Stats and Close may be
// called from any.
//
// # What it does not do
//
// It does not close, compress or describe files (package logfmt does), and never
// deletes one that was not acknowledged.
package ship
