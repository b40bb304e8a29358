package logfmt

import "time"

// flusher moves records from the queues to the file. It is the only one that
// numbers them, so numbers follow the order of lines. It belongs to one
// goroutine.
//
// A record is in one place at any time: a queue, in, or chunk. A failed write
// leaves it there for the next attempt.
type flusher struct {
	w     *Writer
	out   output
	limit int // of a chunk, in bytes

	next      int    // shard to look at next
	in        []byte // rest of a taken queue: lines without their last fields, or blocks
	storage   []byte // the whole of in's array, to be exchanged for the next queue
	inDropped int64  // records dropped after the last one of in

	chunk   []byte // whole lines or blocks for the file
	records int64  // in chunk
	first   int64  // number of the first record in chunk
	lost    int64  // sum of what the records in chunk report as dropped

	number  int64 // the last one given
	pending int64 // records dropped since it was given
	runID   int64 // Sequence.Run
}

func newFlusher(w *Writer, names naming, queue int, files chan<- closedFile) *flusher {
	header := AppendHeader(nil, w.opts.Format, w.opts.Software, w.opts.Now())
	limit := min(chunkSize, max(w.opts.MaxSize-int64(len(header))-trailerRoom, 1))
	return &flusher{
		w:       w,
		out:     output{w: w, names: names, files: files},
		limit:   int(limit),
		storage: make([]byte, 0, queue),
		chunk:   make([]byte, 0, chunkSize+maxLine),
		runID:   w.opts.Now().UnixMilli(),
	}
}

// run flushes on time, when a queue fills up and when asked.
func (f *flusher) run() {
	defer close(f.w.flushed)
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			f.tick()
		case <-f.w.wake:
			if f.w.health.failing() == "" { // else the next tick is soon enough
				_ = f.flush() // kept in health
			}
		case c := <-f.w.commands:
			c.done <- c.run(f)
			if c.last {
				return
			}
		}
	}
}

func (f *flusher) tick() {
	now := f.w.opts.Now()
	f.w.pseudonyms.at(now.UnixNano()) // forgets the last key without traffic too
	_ = f.flush()                     // kept in health
	if f.out.file != nil && now.Sub(f.out.begun) >= f.w.opts.MaxAge {
		f.out.close()
	}
}

// flush writes everything that was queued when it began.
func (f *flusher) flush() error {
	err := f.drain()
	f.w.health.set(err)
	return err
}

func (f *flusher) drain() error {
	if err := f.encode(); err != nil { // what an earlier failure left
		return err
	}
	for range f.w.shards {
		f.take()
		if err := f.encode(); err != nil {
			return err
		}
	}
	return f.write()
}

func (f *flusher) rotate() error {
	if err := f.flush(); err != nil {
		return err
	}
	f.out.close()
	return nil
}

// finish is the last flush: what it cannot write is lost and counted.
func (f *flusher) finish() error {
	err := f.flush()
	f.out.close()
	lost := f.records + f.w.opts.Format.count(f.in)
	for range f.w.shards {
		f.take()
		lost += f.w.opts.Format.count(f.in)
	}
	f.in, f.chunk = nil, nil
	f.w.counters.abandoned.Add(lost)
	if lost > 0 {
		f.w.opts.Log.Error("access log closed with records that the disk did not take", "lost", lost)
	}
	return err
}

// take exchanges the queue of the next shard for the storage of in, which is
// used up.
func (f *flusher) take() {
	s := &f.w.shards[f.next]
	f.next = (f.next + 1) % len(f.w.shards)
	f.in, f.inDropped = s.take(f.storage)
	f.storage = f.in
}

// encode moves the lines or blocks of in to the chunk, numbered and complete, and
// writes whenever the chunk is full.
func (f *flusher) encode() error {
	for len(f.in) > 0 {
		piece, rest := f.w.opts.Format.cut(f.in)
		if len(f.chunk) > 0 && len(f.chunk)+len(piece)+tailRoom > f.limit {
			if err := f.write(); err != nil {
				return err
			}
		}
		f.add(piece)
		f.in = rest
	}
	f.pending += f.inDropped
	f.inDropped = 0
	return nil
}

// add appends a line and its last fields, or a block, to the chunk.
func (f *flusher) add(piece []byte) {
	place := Sequence{Run: f.runID, Dropped: f.pending, Number: f.number + 1 + f.pending}
	if f.records == 0 {
		f.first = place.Number
	}
	records, start := int64(1), len(f.chunk)
	f.chunk = append(f.chunk, piece...)
	if f.w.opts.Format == Binary {
		records = recordsIn(piece)
		stampBlock(f.chunk[start:], &place)
	} else {
		f.chunk = appendTail(f.chunk, f.w.opts.Format, &place)
	}
	f.number = place.Number + records - 1
	f.records += records
	f.lost += f.pending
	f.pending = 0
}

// write writes the chunk.
func (f *flusher) write() error {
	if len(f.chunk) == 0 {
		return nil
	}
	b := batch{run: f.runID, first: f.first, last: f.number, records: f.records, dropped: f.lost}
	if err := f.out.write(f.chunk, b); err != nil {
		return err
	}
	f.w.counters.written.Add(f.records)
	f.chunk, f.records, f.lost = f.chunk[:0], 0, 0
	return nil
}
