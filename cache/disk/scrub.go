package disk

import (
	"errors"
	"sync/atomic"
	"time"
)

// scrubber is the goroutine that reads everything stored from time to time, so that
// rot is found before a viewer asks for it, and a disk that is going to fail fails
// while somebody can still do without it.
type scrubber struct {
	t     *Tier
	every time.Duration // how long a round takes, at the least
	stop  chan struct{}

	cursor   atomic.Uint32 // extent under way; those before it are done
	finished atomic.Int64  // end of the last full round, Unix nanoseconds
	bytes    atomic.Int64
	errors   atomic.Int64
}

const (
	// scrubLow and scrubHigh bound the rate in bytes a second: a small disk need not
	// take all week, a large one must not take the device.
	scrubLow  = 2 << 20
	scrubHigh = 64 << 20
	// scrubRest is how long the scrubber lets a busy disk alone, and scrubPatience
	// how often in a row.
	scrubRest     = 100 * time.Millisecond
	scrubPatience = 20
	// scrubDelay is how long after a start it begins: the first minutes belong to
	// viewers.
	scrubDelay = 2 * time.Minute
)

func (s *scrubber) run() {
	if s.every < 0 || !s.pause(scrubDelay) {
		return
	}
	for {
		began := time.Now()
		if !s.round() {
			return
		}
		s.finished.Store(time.Now().UnixNano())
		s.cursor.Store(0)
		if !s.pause(max(time.Minute, s.every-time.Since(began))) {
			return
		}
	}
}

// pause waits, and reports false when the tier is closed meanwhile.
func (s *scrubber) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-s.stop:
		return false
	case <-timer.C:
		return true
	}
}

// round goes on from the cursor to the end of what is sealed. It reports false when
// the tier was closed.
func (s *scrubber) round() bool {
	for {
		number, ok := s.t.extents.after(s.cursor.Load())
		if !ok || number >= position(s.t.writer.position.Load()).extent() {
			return true
		}
		if !s.extent(number) {
			return false
		}
		s.cursor.Store(number)
	}
}

// extent checks the records of one extent that are in use.
func (s *scrubber) extent(number uint32) bool {
	x, ok := s.t.extents.acquire(number)
	if !ok { // evicted just now
		return true
	}
	defer x.release()
	refs, err := x.footer()
	switch {
	case errors.Is(err, ErrCorrupt): // not sealed: the next start scans it
		return s.pause(scrubRest)
	case err != nil:
		return s.unreadable(number, err)
	}
	f, err := x.open()
	if err != nil {
		return s.unreadable(number, err)
	}
	scan := scanner{file: onceFile{f}, extent: x}
	for i := range refs {
		if _, ok := s.t.index.at(refs[i].hash, refs[i].stripe, refs[i].position()); !ok {
			continue
		}
		scan.end = refs[i].page
		s.check(&scan, &refs[i])
		if !s.yield(int64(refs[i].pages) * pageSize) {
			return false
		}
	}
	return true
}

// unreadable notes that the device failed an extent.
func (s *scrubber) unreadable(number uint32, err error) bool {
	s.errors.Add(1)
	s.t.log.Warn("disk: scrubbing cannot read an extent", "extent", number, "error", s.t.reads.judge(err))
	return s.yield(pageSize)
}

// check reads a record and forgets it if it is damaged. Errors of the device are for
// the breaker: whether they are the record's or the disk's, it will find out.
func (s *scrubber) check(scan *scanner, ref *recordRef) {
	rec, err := scan.read()
	if err == nil {
		err = scan.body(rec)
	}
	s.bytes.Add(int64(ref.pages) * pageSize)
	if err == nil {
		return
	}
	s.errors.Add(1)
	if errors.Is(s.t.reads.judge(err), ErrCorrupt) {
		s.t.index.forget(ref.hash, ref.stripe, ref.position())
		s.t.distrust(ref.extent)
	}
	s.t.log.Warn("disk: scrubbing found a bad record", "extent", ref.extent, "page", ref.page, "error", err)
}

// yield keeps to the rate after n bytes, and lets those go first who wait for the
// disk.
func (s *scrubber) yield(n int64) bool {
	_, used := s.t.extents.usage()
	rate := scrubHigh
	if s.every > 0 {
		rate = min(scrubHigh, max(scrubLow, int(float64(used)/s.every.Seconds())))
	}
	if !s.pause(time.Duration(n) * time.Second / time.Duration(rate)) {
		return false
	}
	for n := 0; n < scrubPatience || !s.t.breaker.readable(); n++ {
		if !s.t.busy() {
			return true
		}
		if !s.pause(scrubRest) {
			return false
		}
	}
	return true
}

// busy reports whether somebody waits for the device, or should not: it is sick.
func (t *Tier) busy() bool {
	_, bytes := t.queue.depth()
	return bytes > 0 || len(t.reads.slots) > 0 || !t.breaker.readable()
}

// onceFile reads without leaving copies in the page cache, which has better uses.
type onceFile struct{ File }

func (f onceFile) ReadAt(p []byte, off int64) (int, error) { return f.ReadOnce(p, off) }
