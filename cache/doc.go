// Package cache stores responses as objects made of blocks and collapses
// concurrent fetches of one object into one fill. It owns the index of what is in
// memory, tiering (cache/ram, cache/disk) and the life of a fill. It does not
// know origins, HTTP parsing or policy: its caller pumps bytes into a [Fill] and
// decides, with cache/rfc9111, what may be served.
//
//	o, tier, ok := c.Lookup(key, selecting)   // what is stored, fresh or not
//	f, leader, o := c.Join(key, seen)         // collapse on a fetch
//	f.Start(meta, storable)                   // leader: the header is known
//	b, err := f.Buffer(ctx); f.Advance(n)     // leader: bytes, straight into the arena
//	f.Commit(nil) | f.Abort(err)              // exactly one of them
//	r.Open(o, off, end); r.Next()             // anybody: pinned spans, while it fills
//
// Invariants:
//
//   - A fill ends in exactly one of commit and abort. A reader of an aborted
//     object gets [ErrCut], never a clean end.
//   - No reader slows a fill that others read: only a fill that is a whole window
//     ahead of its fastest reader pauses, and only when its object is too large to
//     race through memory.
//   - A leaving reader cancels nothing that somebody else reads or that will be
//     stored.
//   - A reader whose client is not ready is parked: what such readers pin, what fills
//     hold for their readers and what may not be stored have a bound each, so that
//     no number of stalled clients takes the memory from the others.
//   - Followers are woken by bytes, not by timers.
//   - What began to be fetched before a purge is not served after it: every fill
//     carries the number at which it began, every lookup judges by it (cache/purge).
//   - Stored blocks never change, and blocks of two versions never mix: a version
//     has its own [Object].
//
// Every exported method may be called from many goroutines, but a [Reader] and the
// writing side of a [Fill] belong to one goroutine each.
package cache
