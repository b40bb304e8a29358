package disk

import (
	"iter"
	"math"
	"runtime"
	"sync"
)

// loader fills the index from the chunks of a snapshot on all processors: ten million
// slots take a second and a half on one.
type loader struct {
	r       *recovery
	work    chan []byte
	spare   chan []byte // chunks that were loaded, to read the next ones into
	running sync.WaitGroup

	mu      sync.Mutex
	highest uint32 // extent number seen; guarded by mu
	removed int    // slots that a removal kills; guarded by mu
	full    int    // slots that the index has no room for; guarded by mu
}

// loaders bounds the goroutines, and with them the chunks in memory.
func loaders() int { return min(8, runtime.GOMAXPROCS(0)) }

func newLoader(r *recovery) *loader {
	l := &loader{r: r, work: make(chan []byte), spare: make(chan []byte, loaders()+1)}
	for range loaders() {
		l.running.Go(l.run)
	}
	return l
}

func (l *loader) run() {
	for chunk := range l.work {
		l.load(chunk)
		select {
		case l.spare <- chunk:
		default:
		}
	}
}

// take takes over a chunk of slots and returns memory for another, nil if it has none.
func (l *loader) take(chunk []byte) []byte {
	l.work <- chunk
	select {
	case b := <-l.spare:
		return b
	default:
		return nil
	}
}

// wait waits until all is loaded and adds up what was seen.
func (l *loader) wait() {
	close(l.work)
	l.running.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.r.highest = max(l.r.highest, l.highest)
	l.r.report.Removed += l.removed
	l.r.t.counters.indexFull.Add(int64(l.full))
}

// load takes the slots of a chunk into the index whose extents still exist and which
// no removal came after.
func (l *loader) load(chunk []byte) {
	list := make([]slot, 0, len(chunk)/slotSize)
	highest, removed := uint32(0), 0
	for s := range slotsOf(chunk) {
		highest = max(highest, s.extent)
		if _, ok := l.r.files[s.extent]; !ok {
			continue
		}
		if s.position() < l.r.removals[s.hash()] {
			removed++
			continue
		}
		list = append(list, s)
	}
	full := len(list) - l.r.t.index.load(list)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.highest = max(l.highest, highest)
	l.removed += removed
	l.full += full
}

// slotsOf returns the slots in a chunk that can be trusted to be in an index.
func slotsOf(chunk []byte) iter.Seq[slot] {
	return func(yield func(slot) bool) {
		for ; len(chunk) >= slotSize; chunk = chunk[slotSize:] {
			if s := parseSlot(chunk); s.sane() && !yield(s) {
				return
			}
		}
	}
}

// replayOnAll replays records into the index on all processors. Records of a key are
// in one shard, and a shard is one goroutine's, so that their order is kept.
func (r *recovery) replayOnAll(refs []recordRef) {
	n := uint64(min(loaders(), len(r.t.index.shards)))
	parts := make([]replayed, n)
	var running sync.WaitGroup
	for part := range n {
		running.Go(func() { parts[part] = r.replayPart(refs, part, n) })
	}
	running.Wait()
	for _, p := range parts {
		r.report.Records += p.records
		r.report.Removed += p.removed
		raise(&r.t.lastSeq, p.lastSeq)
		r.t.counters.indexFull.Add(int64(p.full))
	}
}

// replayed says what became of records.
type replayed struct {
	records, removed, full int
	lastSeq                uint64
}

// replayPart replays the records of every nth shard. Numbers of shards and goroutines
// need not divide each other: a goroutine has all records of a shard either way.
func (r *recovery) replayPart(refs []recordRef, part, n uint64) (done replayed) {
	shards := uint64(len(r.t.index.shards))
	for i := range refs {
		ref := &refs[i]
		if ref.hash%shards%n != part {
			continue
		}
		done.lastSeq = max(done.lastSeq, ref.seq)
		p := ref.position()
		switch {
		case p < r.asOf:
		case p < r.removals[ref.hash]:
			done.removed++
		default:
			done.records++
			if r.t.index.apply(ref, math.MaxUint64) == full {
				done.full++
			}
		}
	}
	return done
}
