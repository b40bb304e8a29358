package origin

import (
	"sync/atomic"
	"time"
)

// Stats is a snapshot of one origin. Counters begin at New and only grow.
type Stats struct {
	Origin    string           // URL as configured
	Up        bool             // requests are let through
	Requests  uint64           // attempts, those that found no connection included
	Connects  uint64           // connections established, TLS included
	Reused    uint64           // requests sent on a kept connection
	Retries   uint64           // requests sent again because a kept connection turned out closed
	Skipped   uint64           // attempts not made because the origin is down
	Errors    [NumKinds]uint64 // failures by Kind, of header and body
	Bytes     uint64           // body bytes received
	Active    int              // fetches that hold a connection or are about to get one
	Idle      int              // kept connections
	LastError time.Time        // zero when there was none
	FirstByte time.Duration    // from request to header, moving average over about 8; 0 before the first
}

// counters are the live values behind Stats.
type counters struct {
	requests, connects, reused, retries, skipped, bytes atomic.Uint64

	errors    [NumKinds]atomic.Uint64
	lastError atomic.Int64 // Unix nanoseconds
	firstByte atomic.Int64 // moving average in nanoseconds
}

// failed counts a failure.
func (c *counters) failed(k Kind) {
	c.errors[k].Add(1)
	c.lastError.Store(time.Now().UnixNano())
}

// answered books the time to first byte. A lost race loses one sample.
func (c *counters) answered(took time.Duration) {
	old := c.firstByte.Load()
	if old == 0 {
		c.firstByte.Store(int64(took))
		return
	}
	c.firstByte.CompareAndSwap(old, old+(int64(took)-old)/8)
}

// snapshot fills what counters know.
func (c *counters) snapshot() Stats {
	s := Stats{
		Requests: c.requests.Load(), Connects: c.connects.Load(), Reused: c.reused.Load(),
		Retries: c.retries.Load(), Skipped: c.skipped.Load(), Bytes: c.bytes.Load(),
		FirstByte: time.Duration(c.firstByte.Load()),
	}
	for k := range s.Errors {
		s.Errors[k] = c.errors[k].Load()
	}
	if at := c.lastError.Load(); at != 0 {
		s.LastError = time.Unix(0, at)
	}
	return s
}
