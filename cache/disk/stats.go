package disk

import (
	"sync/atomic"
	"time"
)

// counters are the running numbers of a tier; Stats documents them.
type counters struct {
	lookups, hits        atomic.Int64
	reads, readBytes     atomic.Int64
	readErrors, corrupt  atomic.Int64
	writes, writeBytes   atomic.Int64
	writeErrors          atomic.Int64
	refused, dropped     atomic.Int64
	indexFull, evictions atomic.Int64
	snapshots            atomic.Int64
	rescued              atomic.Int64
	rescuedBytes         atomic.Int64
	pendingRemovals      atomic.Int64
}

// Stats is a snapshot of a disk.
type Stats struct {
	Path       string
	UUID       UUID
	Health     Health
	Encryption Encryption
	Space      SpaceStats
	Reads      ReadStats
	Writes     WriteStats
	Wear       WearStats
	Scrub      ScrubStats
	Recovery   Recovery
	// LastSeq is the highest object.Meta.Seq ever stored, as far as known. A
	// store that numbers on from here stays monotonic across restarts.
	LastSeq uint64
}

// SpaceStats tell what is stored.
type SpaceStats struct {
	Size      int64 // bytes the disk may take
	Used      int64 // bytes its extents take, with evicted ones that are still read
	Extents   int   // extent files
	Objects   int64 // keys stored
	Entries   int64 // index entries in use
	Capacity  int64 // index entries there is room for
	Evictions int64 // extents evicted since start
	IndexFull int64 // records not stored because the index was full
}

// ReadStats count since start.
type ReadStats struct {
	Lookups int64 // calls of Lookup
	Hits    int64 // those that found the key
	Blocks  int64 // blocks read
	Bytes   int64 // bytes of those
	Errors  int64 // reads that the device failed or did not answer in time
	Corrupt int64 // records forgotten because of a bad checksum
}

// WriteStats count since start, but for the gauges.
type WriteStats struct {
	Records         int64 // records written
	Bytes           int64 // bytes of those, padding included
	Errors          int64 // writes that failed
	Refused         int64 // puts refused: queue full, disk sick, not storable
	Dropped         int64 // puts dropped after they were queued: removed meanwhile, disk sick
	Rescued         int64 // records written again because they were asked for often
	RescuedBytes    int64 // bytes of those, counted in Bytes, too
	Snapshots       int64 // snapshots of the index saved
	QueueJobs       int   // gauge: puts waiting
	QueueBytes      int64 // gauge: bytes of those
	PendingRemovals int64 // gauge: removals that the disk refused so far
}

// WearStats tell how the write budget stands.
type WearStats struct {
	PerDay    int64     // bytes that may be written a day; 0: no limit
	Left      int64     // bytes that may be written now
	Admission Admission // what the disk takes now
}

// ScrubStats count what the scrubber did since start, but for the times.
type ScrubStats struct {
	Bytes     int64     // bytes read and checked
	Errors    int64     // records that were damaged, and forgotten, or not readable
	LastRound time.Time // end of the last full round, zero before the first; survives restarts
}

// Stats returns a snapshot of the numbers.
func (t *Tier) Stats() Stats {
	s := Stats{
		Path: t.dir, UUID: t.super.uuid, Health: t.breaker.health(), Encryption: t.encryption,
		Recovery: t.recovery, LastSeq: t.lastSeq.Load(),
	}
	s.Space = t.spaceStats()
	c := &t.counters
	s.Reads = ReadStats{
		Lookups: c.lookups.Load(), Hits: c.hits.Load(), Blocks: c.reads.Load(), Bytes: c.readBytes.Load(),
		Errors: c.readErrors.Load(), Corrupt: c.corrupt.Load(),
	}
	s.Writes = WriteStats{
		Records: c.writes.Load(), Bytes: c.writeBytes.Load(), Errors: c.writeErrors.Load(),
		Refused: c.refused.Load(), Dropped: c.dropped.Load(), Snapshots: c.snapshots.Load(),
		Rescued: c.rescued.Load(), RescuedBytes: c.rescuedBytes.Load(),
		PendingRemovals: c.pendingRemovals.Load(),
	}
	s.Wear = WearStats{PerDay: t.wear.perDay, Left: t.wear.remaining(), Admission: t.wear.admission()}
	s.Scrub = ScrubStats{Bytes: t.scrubber.bytes.Load(), Errors: t.scrubber.errors.Load()}
	if n := t.scrubber.finished.Load(); n != 0 {
		s.Scrub.LastRound = time.Unix(0, n)
	}
	s.Writes.QueueJobs, s.Writes.QueueBytes = t.queue.depth()
	return s
}

func (t *Tier) spaceStats() SpaceStats {
	s := SpaceStats{
		Size: t.size, Objects: t.index.objects.Load(), Entries: t.index.entries.Load(),
		Capacity: int64(t.index.capacity()), Evictions: t.counters.evictions.Load(),
		IndexFull: t.counters.indexFull.Load(),
	}
	s.Extents, s.Used = t.extents.usage()
	s.Used += t.extents.lingering.Load()
	return s
}
