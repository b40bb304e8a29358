// Package disk is the disk tier of the cache: one directory per disk that holds a
// log of append-only extent files, an index of it in memory, and what is needed
// to find everything again after a crash. FORMAT.md draws every byte.
//
//	t, err := disk.Open(disk.Options{Path: "/var/cache/edged/nvme0", Size: 800 << 30})
//	t.Put(key, meta, stripe, blocks)      // asynchronous, never blocks
//	e, ok := t.Lookup(key)                // newest version, full key compared
//	err = t.ReadBlock(e, 3, buf)          // checksummed bytes of block 3
//	err = t.Close()
//
// The nouns:
//
//   - A record is one stripe (up to object.StripeBlocks blocks) of one object
//     version, or only its metadata. Every record carries key and metadata.
//   - An extent is a preallocated file that records are appended to. A sealed
//     extent ends in a footer, the table of its records. Extents are evicted
//     whole, oldest first, by unlink: a range of a file is never written twice
//     once it can be read, so whoever still holds the file reads the old bytes.
//   - A position is (extent number, page in the extent). Positions only grow, so
//     they order all records of a disk.
//   - A removal is a durable note that everything stored under a key before a
//     position is dead.
//   - A snapshot is the index in a file, to start quickly.
//
// Concurrency: every method of [Tier] and [Set] may be called from any goroutine.
// One goroutine per disk writes, from a queue bounded in bytes; another syncs,
// takes snapshots and probes a sick disk. Reads that the page cache can answer
// are done by their caller, cold ones by at most Options.Workers goroutines, and a
// caller never waits for a hung disk longer than Options.ReadTimeout.
//
// A sick disk costs misses: no method panics or returns wrong bytes because of
// what is, or is not, on the disk.
//
// The package does not decide what is worth storing, is fresh, or may be served;
// it does not fetch, encrypt or compress.
package disk
