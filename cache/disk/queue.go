package disk

import (
	"sync"

	"edged/cache/object"
)

// Body is a block that is handed over to be written.
type Body interface {
	// Bytes returns the block. It must not change until Release.
	Bytes() []byte
	// Release gives back the reference that Put took over.
	Release()
}

// job is something for the writer to do: a record to write, or, with done set, a
// mark in the queue.
type job struct {
	ticket uint64
	id     object.ID
	key    object.Key
	meta   *object.Meta
	stripe uint32
	blocks []Body // nil entries are absent
	size   int64  // bytes it counts for in the queue
	done   chan<- error
}

// release lets go of the blocks.
func (j *job) release() {
	for _, b := range j.blocks {
		if b != nil {
			b.Release()
		}
	}
	j.blocks = nil
}

// forget is a removal on its way into the log.
type forget struct {
	hash uint64
	done chan<- struct{} // closed when the removal is durable; nil: nobody waits
}

// queue feeds the writer. It is bounded in bytes; removals and marks, which are
// small, always fit.
type queue struct {
	mu      sync.Mutex
	filled  sync.Cond
	jobs    []job // guarded by mu, as everything below
	forgets []forget
	bytes   int64
	limit   int64
	next    uint64 // ticket of the next job
	wakes   bool   // the writer is asked to look after the disk
	closed  bool
}

func newQueue(limit int64) *queue {
	q := &queue{limit: limit, next: 1}
	q.filled.L = &q.mu
	return q
}

// push queues a job. It reports false when the queue is full or closed.
func (q *queue) push(j job) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || j.size > 0 && q.bytes+j.size > q.limit && q.bytes > 0 {
		return false
	}
	j.ticket = q.next
	q.next++
	q.bytes += j.size
	q.jobs = append(q.jobs, j)
	q.filled.Signal()
	return true
}

// fence returns the ticket below which jobs were queued before now.
func (q *queue) fence() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.next
}

// forget queues a removal.
func (q *queue) forget(f forget) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	q.forgets = append(q.forgets, f)
	q.filled.Signal()
	return true
}

// wake makes the writer look after the disk.
func (q *queue) wake() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.wakes = true
	q.filled.Signal()
}

// pop waits for work: all removals, or else the next job. ok is false when the
// queue is closed and empty. oldest is the lowest ticket that is still to come.
func (q *queue) pop() (forgets []forget, j job, oldest uint64, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.jobs) == 0 && len(q.forgets) == 0 && !q.wakes && !q.closed {
		q.filled.Wait()
	}
	if len(q.forgets) > 0 || q.wakes {
		forgets, q.forgets, q.wakes = q.forgets, nil, false
		return forgets, job{}, q.oldest(), true
	}
	if len(q.jobs) == 0 {
		return nil, job{}, q.next, false
	}
	oldest = q.oldest()
	j, q.jobs[0] = q.jobs[0], job{}
	q.jobs = q.jobs[1:]
	return nil, j, oldest, true
}

// more returns the next job without waiting, if it is a record of at most limit bytes
// and nothing else is to be done first.
func (q *queue) more(limit int64) (j job, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.jobs) == 0 || len(q.forgets) > 0 || q.wakes || q.jobs[0].done != nil || q.jobs[0].size > limit {
		return job{}, false
	}
	j, q.jobs[0] = q.jobs[0], job{}
	q.jobs = q.jobs[1:]
	return j, true
}

func (q *queue) oldest() uint64 {
	if len(q.jobs) > 0 {
		return q.jobs[0].ticket
	}
	return q.next
}

// finished frees the room of a job.
func (q *queue) finished(j *job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.bytes -= j.size
}

// close lets pop drain the queue and then end.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.filled.Broadcast()
}

// depth returns jobs that wait, and bytes that wait or are being written.
func (q *queue) depth() (jobs int, bytes int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.jobs), q.bytes
}
