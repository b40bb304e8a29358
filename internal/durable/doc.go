// Package durable gives files a new content that outlives a crash: the old one or the
// new one, whole, and never without its name.
//
//	err := durable.Mode(0o640).Replace("/var/lib/edged/shipped.json", text)
//
// The content goes to NAME.new and to the disk, then that gets the name, then the
// directory goes to the disk, too: without the last step a power cut may bring the old
// content back after Replace has returned.
//
// Callers that make disks fail in their tests have an [Opener] of their own. Two calls
// for one path must not run at the same time.
//
// The package does not append, lock, or keep owner and mode of what it replaces.
package durable
