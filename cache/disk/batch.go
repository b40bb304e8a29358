package disk

import "fmt"

// batch is what the writer appends with one write: records one after the other, as
// many as wait in the queue, up to batchBytes. A write of 1 MiB costs the kernel two
// thirds per byte of what one of 64 KiB costs, in the page cache, to sync, and to
// evict. Nothing waits for a batch to fill up.
type batch struct {
	records []batched
	buf     []byte   // prologues of records; a part of vec even after it has grown
	vec     [][]byte // everything, in order
	length  int      // bytes, a multiple of pageSize
}

// batched is a record that is ready to be written.
type batched struct {
	recordHeader
	ticket uint64
}

const (
	batchBytes = 1 << 20
	// batchVec bounds the buffers of a write: the kernel takes 1024.
	batchVec = 900
)

// room reports how many bytes of jobs the batch may still take.
func (b *batch) room() int64 {
	if len(b.vec) >= batchVec {
		return 0
	}
	return int64(batchBytes - b.length)
}

// add appends a record: its prologue, which is copied, its bodies, and zeroes up to a
// page.
func (b *batch) add(r batched, prologue []byte, bodies [][]byte, zeroes []byte) {
	at := len(b.buf)
	b.buf = append(b.buf, prologue...)
	r.appendTo(b.buf[at:at]) // with its place
	b.vec = append(append(b.vec, b.buf[at:len(b.buf):len(b.buf)]), bodies...)
	b.vec = append(b.vec, zeroes[:r.length()-r.bodyOff()-int(r.bodyLen)])
	b.length += r.length()
	b.records = append(b.records, r)
}

// reset forgets everything, above all memory that is about to be released.
func (b *batch) reset() {
	clear(b.vec)
	b.records, b.buf, b.vec, b.length = b.records[:0], b.buf[:0], b.vec[:0], 0
}

// store writes j, and with it what waits behind it.
func (w *writer) store(j *job) {
	w.jobs = append(w.jobs[:0], *j)
	w.addOrDrop(j)
	for {
		next, ok := w.t.queue.more(w.batch.room())
		if !ok {
			break
		}
		w.jobs = append(w.jobs, next)
		w.addOrDrop(&next)
	}
	w.trouble(w.flush())
	for i := range w.jobs {
		w.jobs[i].release()
		w.t.queue.finished(&w.jobs[i])
	}
	clear(w.jobs)
	for _, size := range w.visible {
		w.rescueSome(size)
	}
	w.visible = w.visible[:0]
}

// addOrDrop adds the record of j to the batch, or counts why not.
func (w *writer) addOrDrop(j *job) {
	if err := w.add(j); err != nil {
		w.t.counters.dropped.Add(1)
		w.trouble(err)
	}
}

// flush writes the batch and counts what of it stays hidden. The error is that of the
// disk.
func (w *writer) flush() error {
	dropped, err := w.commit()
	w.t.counters.dropped.Add(int64(dropped))
	return err
}

// commit writes the batch and makes its records visible, but for those whose keys were
// removed meanwhile. It returns how many nobody will find.
func (w *writer) commit() (dropped int, err error) {
	b := &w.batch
	if len(b.records) == 0 {
		return 0, nil
	}
	defer b.reset()
	if err := w.write(b); err != nil {
		return len(b.records), err
	}
	for i := range b.records {
		r := &b.records[i]
		switch {
		case w.reveal(&r.recordHeader, r.ticket) != applied:
			dropped++
		case r.ticket != 0: // not one that is kept: that earns nothing
			w.visible = append(w.visible, int64(r.bodyLen))
		}
	}
	return dropped, nil
}

// write appends the batch to the active extent. Only when it returned nil is the space
// taken.
func (w *writer) write(b *batch) error {
	f, err := w.active.open()
	if err != nil {
		return err
	}
	n, err := f.WriteVec(b.vec, int64(w.end)*pageSize)
	if err == nil && n != b.length {
		err = fmt.Errorf("disk: %d of %d bytes written", n, b.length)
	}
	if err != nil {
		return err
	}
	w.t.wear.charge(int64(n))
	w.t.counters.writes.Add(int64(len(b.records)))
	w.t.counters.writeBytes.Add(int64(n))
	return nil
}
