package logfmt

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// flushEvery is how long a record waits in memory at most, and so what a
// crash of the process can lose.
const flushEvery = 500 * time.Millisecond

// chunkSize is how many bytes are written to a file at once.
const chunkSize = 256 << 10

// wakeSize is how many bytes in a queue call the flusher. It is small, so that a busy
// node writes its records to memory that is still in the processor's cache: at ten
// times as much a record cost half as much again.
const wakeSize = 64 << 10

// Writer writes records to files.
//
// Write puts a record into one of several queues in memory; one goroutine, the
// flusher, numbers the records and writes them to disk, another one syncs,
// compresses and deletes closed files. A disk that is slow, full or broken
// makes the queues fill up and then records drop, counted, while the flusher
// tries again; it never makes Write wait.
//
// Records of one queue keep their order. Between queues they are ordered within
// flushEvery only, so lines are not sorted by time: they are sorted by number.
type Writer struct {
	opts       Options
	fs         fileSystem
	shards     []shard
	hints      sync.Pool // of *shard, see pick
	nextHint   atomic.Uint32
	pseudonyms pseudonyms
	crowd      *crowd // nil without k-anonymity
	counters   counters
	health     health

	wake     chan struct{} // a queue fills up
	commands chan command  // to the flusher
	flushed  chan struct{} // closed when the flusher is gone
	closing  func() error  // Close, once
}

// command is something for the flusher to do.
type command struct {
	run  func(*flusher) error
	last bool // the flusher ends after it
	done chan error
}

// NewWriter makes the directory, closes what a crash left open in it, enforces
// the retention and returns a Writer with its goroutines running; Close ends
// them. It fails when the options are wrong or the directory cannot be used.
func NewWriter(o Options) (*Writer, error) {
	o = o.withDefaults()
	if err := o.check(); err != nil {
		return nil, err
	}
	dir, err := newDirFS(o.Dir)
	if err != nil {
		return nil, err
	}
	w, err := newWriter(o, dir)
	if err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	return w, nil
}

// newWriter is NewWriter on any file system, with checked options.
func newWriter(o Options, fsys fileSystem) (*Writer, error) {
	names, err := newNaming(o.Name, o.Node)
	if err != nil {
		return nil, err
	}
	w := &Writer{
		opts:     o,
		fs:       fsys,
		wake:     make(chan struct{}, 1),
		commands: make(chan command),
		flushed:  make(chan struct{}),
	}
	w.pseudonyms.every = int64(o.PseudonymKey)
	if o.Anonymity > 0 {
		w.crowd = newCrowd(o.Anonymity)
	}
	w.health.log = o.Log
	size := w.makeShards()
	w.limitBlocks()
	keeper := newKeeper(w, names)
	if err := keeper.start(); err != nil {
		return nil, err
	}
	f := newFlusher(w, names, size, keeper.files)
	ctx, stop := context.WithCancel(context.Background())
	kept := make(chan struct{})
	go f.run()
	go func() { defer close(kept); keeper.run(ctx) }()
	w.closing = sync.OnceValue(func() error {
		err := w.finish()
		stop()
		<-kept
		return errors.Join(err, fsys.Close())
	})
	return w, nil
}

// minShard is the least capacity of a queue that is worth having one more of.
const minShard = 256 << 10

// makeShards divides QueueBytes among one queue a processor and one that the
// flusher holds. It returns the capacity of each.
func (w *Writer) makeShards() int {
	n := min(runtime.GOMAXPROCS(0), w.opts.QueueBytes/minShard-1)
	n = max(n, 1)
	size := w.opts.QueueBytes / (n + 1)
	w.shards = make([]shard, n)
	for i := range w.shards {
		w.shards[i].buf = make([]byte, 0, size)
	}
	// A sync.Pool keeps what is put into it close to the processor that did, so
	// a pool of pointers to the queues is a hint which queue this processor used
	// last. A queue may be in it twice or not at all: the lock is what counts.
	w.hints.New = func() any { return &w.shards[int(w.nextHint.Add(1))%n] }
	return size
}

// limitBlocks sets how long blocks may be, so that a file can be closed between them.
func (w *Writer) limitBlocks() {
	for i := range w.shards {
		w.shards[i].limit = int(min(blockSize, w.opts.MaxSize-trailerRoom))
	}
}

// Write queues r, or drops and counts it when the queue is full or the Writer
// closed. It does no I/O, never waits for any, and allocates nothing; r and
// what it refers to are free again when it returns.
//
// It sets r.Node, r.Pseudonym in Pseudonym mode, and r.Token.Session. r.Sequence
// does not matter: the flusher numbers records in the order of the file.
func (w *Writer) Write(r *Record) {
	r.Node = w.opts.Node
	if mode := w.opts.Address.stricter(r.Address); mode != None {
		if mode == Pseudonym {
			r.Pseudonym = w.key(r).of(r.Client)
		}
		if len(r.Token.SessionID) > 0 {
			r.Token.Session = w.key(r).ofSession(r.Token.SessionID)
		}
	}
	if w.crowd != nil {
		w.crowd.add(r)
	}
	s := w.hints.Get().(*shard)
	wake := s.add(w.opts.Format, w.opts.Address, r)
	w.hints.Put(s)
	if wake {
		select {
		case w.wake <- struct{}{}:
		default: // the flusher was told already
		}
	}
}

// key returns the key of the pseudonyms at the end of r.
func (w *Writer) key(r *Record) *periodKey { return w.pseudonyms.at(r.Time + int64(r.Duration)) }

// Flush writes what is queued to the file and returns once it is there, or why
// it is not. The records stay queued then. It waits for the disk.
func (w *Writer) Flush() error { return w.do(command{run: (*flusher).flush}) }

// Rotate flushes and closes the current file, if it holds a record. The next
// record begins a new one. It waits for the disk.
func (w *Writer) Rotate() error { return w.do(command{run: (*flusher).rotate}) }

// Close flushes, closes the file and ends the goroutines of the Writer. Records
// that the disk does not take are counted as dropped. Later records are dropped,
// later calls return what the first one did.
func (w *Writer) Close() error { return w.closing() }

// finish closes the queues and lets the flusher write their rest.
func (w *Writer) finish() error {
	for i := range w.shards {
		w.shards[i].close()
	}
	return w.do(command{run: (*flusher).finish, last: true})
}

// do hands a command to the flusher and waits for its end.
func (w *Writer) do(c command) error {
	c.done = make(chan error, 1)
	select {
	case w.commands <- c:
		return <-c.done
	case <-w.flushed:
		return ErrClosed
	}
}
