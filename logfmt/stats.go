package logfmt

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Stats is a snapshot of a Writer's counters, all since it was made.
// Offered = Written + Dropped + Queued.
type Stats struct {
	Offered   int64 // records given to Write
	Written   int64 // records in files
	Dropped   int64 // records lost: full queue, closed writer, disk that failed until Close
	Oversized int64 // those dropped records whose texts were too long for any line
	Queued    int64 // records in memory

	QueuedBytes int64 // bytes in the queues, at most Options.QueueBytes

	Bytes     int64 // bytes written to files, before compression
	Closed    int64 // files closed
	Deleted   int64 // files deleted by age or total size
	TornLines int64 // torn lines cut off what a crash left
	MaybeLost int64 // records that killed runs had in memory only, an estimate; see Trailer
	Errors    int64 // failed operations on files

	Anonymity Anonymity // what k-anonymity did to closed files; K is 0 when it is off

	Files     int64     // closed files in the directory when it was last looked through
	FileBytes int64     // their size
	Oldest    time.Time // beginning of the oldest of them; zero when there is none
	Failing   string    // what keeps the flusher from writing now; "" when nothing does
}

// Stats returns a snapshot of the counters.
func (w *Writer) Stats() Stats {
	// Written before Offered, so that a record in between counts as queued.
	c := &w.counters
	st := Stats{
		Written:   c.written.Load(),
		Dropped:   c.abandoned.Load(),
		Bytes:     c.bytes.Load(),
		Closed:    c.closed.Load(),
		Deleted:   c.deleted.Load(),
		TornLines: c.torn.Load(),
		MaybeLost: c.maybeLost.Load(),
		Errors:    c.errors.Load(),
		Files:     c.files.Load(),
		FileBytes: c.fileBytes.Load(),
		Failing:   w.health.failing(),
	}
	if w.crowd != nil {
		st.Anonymity = Anonymity{w.crowd.k, c.kept.Load(), c.widened.Load(), c.removed.Load()}
	}
	if oldest := c.oldest.Load(); oldest != 0 {
		st.Oldest = time.Unix(oldest, 0).UTC()
	}
	for i := range w.shards {
		w.shards[i].addTo(&st)
	}
	st.Queued = st.Offered - st.Written - st.Dropped
	return st
}

// counters are those that do not belong to a shard.
type counters struct {
	written, bytes           atomic.Int64
	abandoned                atomic.Int64 // accepted, then dropped by Close
	closed, deleted, torn    atomic.Int64
	errors, maybeLost        atomic.Int64
	files, fileBytes, oldest atomic.Int64 // oldest in Unix seconds
	kept, widened, removed   atomic.Int64 // records by what k-anonymity did to them
}

func (c *counters) addAnonymity(a *Anonymity) {
	c.kept.Add(a.Kept)
	c.widened.Add(a.Widened)
	c.removed.Add(a.Removed)
}

// health remembers whether the flusher can write, and tells the operator when
// that changes: once, not with every attempt.
type health struct {
	log *slog.Logger
	mu  sync.Mutex
	err error // of the last attempt
}

func (h *health) set(err error) {
	h.mu.Lock()
	before := h.err
	h.err = err
	h.mu.Unlock()
	switch {
	case err != nil && before == nil:
		h.log.Error("access log cannot be written, requests go on, records will drop when the queue is full", "error", err)
	case err == nil && before != nil:
		h.log.Info("access log is written again")
	}
}

func (h *health) failing() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err == nil {
		return ""
	}
	return h.err.Error()
}
