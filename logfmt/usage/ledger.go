package usage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"edged/internal/durable"
)

// DefaultRetention is how long a ledger keeps rows: 14 months.
const DefaultRetention = 425 * 24 * time.Hour

// foldSize is how long the journal may grow before its rows are summed into the files
// of their months, in bytes.
const foldSize = 16 << 20

// Options say how a ledger is kept. Dir and Source are required.
type Options struct {
	Dir string // created when missing
	// Source returns what was counted since it was called last. The rows are the
	// ledger's.
	Source    func() []Row
	Retention time.Duration    // default DefaultRetention
	Every     time.Duration    // time between flushes; default half a second
	Now       func() time.Time // default time.Now
	Log       *slog.Logger     // default none

	open durable.Opener // default: files of the group
}

// Ledger is an open ledger.
type Ledger struct {
	opts Options
	lock *os.File
	stop context.CancelFunc
	done sync.WaitGroup

	mu      sync.Mutex   // guards everything below, and all files
	journal durable.File // nil until the directory can be used
	end     int64        // of whole frames in the journal
	ragged  bool         // there may be bytes behind end
	seq     uint64
	pending Table // in no file yet
	open    Table // in the journal only
	tails   map[string]tail
	folded  int64 // hour of the last fold
	swept   int64 // day of the last sweep
	closed  bool  // no flush may come
	stats   Stats
}

// tail is what is known of the file of a month.
type tail struct {
	seq     uint64
	end     int64
	compact int64 // length after it was last rewritten, 0 when unknown
}

// Stats say how a ledger is doing.
type Stats struct {
	Flushes  uint64    // frames written since New
	Failures uint64    // flushes that failed
	Failing  string    // why the last flush failed, "" when it did not
	Flushed  time.Time // last time that nothing was left to write
	Pending  int       // rows in memory only
	Bytes    int64     // length of all files
	Oldest   string    // month of the oldest file, "2026-01"; "" when there is none
	Damaged  int64     // bytes that were found damaged when it was opened; what they held is lost
	Skipped  int       // frames found then that had been counted already
}

func (o Options) withDefaults() Options {
	if o.Retention <= 0 {
		o.Retention = DefaultRetention
	}
	if o.Every <= 0 {
		o.Every = 500 * time.Millisecond
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.open == nil {
		o.open = durable.Mode(fileMode)
	}
	return o
}

// New returns the ledger of a directory and begins to flush. When the directory cannot
// be used now, or another process has it, what is counted waits in memory until it can.
// The ledger is closed with [Ledger.Close].
func New(o Options) *Ledger {
	l := &Ledger{opts: o.withDefaults(), pending: Table{}, open: Table{}, tails: map[string]tail{}}
	l.stats.Flushed = l.opts.Now()
	l.mu.Lock()
	l.judgeLocked(l.openLocked())
	l.mu.Unlock()
	ctx, stop := context.WithCancel(context.Background())
	l.stop = stop
	l.done.Go(func() { l.run(ctx) })
	return l
}

// openLocked takes the lock and reads what is there, unless that was done.
func (l *Ledger) openLocked() error {
	if l.journal != nil {
		return nil
	}
	if err := os.MkdirAll(l.opts.Dir, 0o750); err != nil {
		return fmt.Errorf("usage: %w", err)
	}
	lock, err := lockDir(l.opts.Dir, syscall.LOCK_EX)
	if err != nil {
		return err
	}
	if err := l.recover(); err != nil {
		clear(l.open)
		clear(l.tails)
		return errors.Join(err, lock.Close())
	}
	l.lock = lock
	return nil
}

// recover reads the journal, cuts what is torn, and takes up the numbering.
func (l *Ledger) recover() error {
	var frames []frame
	c, err := readFile(l.path(), func(f frame) { frames = append(frames, f) })
	if err != nil {
		return err
	}
	for i := range frames {
		if err := l.replay(&frames[i]); err != nil {
			return err
		}
	}
	l.seq, l.end, l.ragged = c.seq, c.end, true
	l.stats.Damaged, l.stats.Skipped = l.stats.Damaged+c.damaged, l.stats.Skipped+c.skipped
	if err := l.survey(); err != nil {
		return err
	}
	if c.damaged > 0 {
		l.opts.Log.Error("the usage journal is damaged: usage is lost", "file", l.path(), "bytes", c.damaged)
	}
	if l.journal, err = l.opts.open(l.path()); err != nil {
		return fmt.Errorf("usage: %w", err)
	}
	l.folded = HourOf(l.opts.Now().UnixNano())
	l.measure()
	return nil
}

// survey reads the files of all months. Their numbers may be above those of a journal
// that was lost, or came back from a backup: new ones must be above all of them.
func (l *Ledger) survey() error {
	list, err := months(l.opts.Dir)
	if err != nil {
		return err
	}
	for _, m := range list {
		t, err := l.tail(m)
		if err != nil {
			return err
		}
		l.seq = max(l.seq, t.seq)
	}
	return nil
}

// replay takes the rows of a frame of the journal that are not in the files of their
// months: a crash may have come between folding and emptying the journal.
func (l *Ledger) replay(f *frame) error {
	for _, r := range f.rows {
		t, err := l.tail(monthOf(r.Hour))
		if err != nil {
			return err
		}
		if f.seq > t.seq {
			l.open.Add(r)
		}
	}
	return nil
}

func (l *Ledger) path() string { return filepath.Join(l.opts.Dir, journalName) }

func (l *Ledger) run(ctx context.Context) {
	tick := time.NewTicker(l.opts.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			_ = l.Flush() // the stats have it
		}
	}
}

// Flush takes what the source has and writes it. After an error everything is kept and
// written with the next flush.
func (l *Ledger) Flush() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.flushLocked()
}

func (l *Ledger) flushLocked() error {
	if l.closed {
		return nil
	}
	l.pending.Add(l.opts.Source()...)
	err := l.openLocked()
	if err == nil {
		err = l.writeLocked()
	}
	if err == nil {
		err = l.tidyLocked()
	}
	l.judgeLocked(err)
	return err
}

// judgeLocked keeps the stats, and says once when things turn bad or good.
func (l *Ledger) judgeLocked(err error) {
	l.stats.Pending = len(l.pending)
	if err != nil {
		l.stats.Failures++
		if l.stats.Failing == "" {
			l.opts.Log.Error("usage cannot be written: it is kept in memory", "err", err)
		}
		l.stats.Failing = err.Error()
		return
	}
	if l.stats.Failing != "" {
		l.opts.Log.Info("usage is written again")
	}
	l.stats.Failing, l.stats.Flushed = "", l.opts.Now()
}

// writeLocked appends what is pending to the journal.
func (l *Ledger) writeLocked() error {
	if err := l.mendLocked(); err != nil || len(l.pending) == 0 {
		return err
	}
	f := frame{seq: l.seq + 1, time: l.opts.Now().Unix(), rows: l.pending.Rows()}
	if err := l.appendLocked(&f); err != nil {
		return err
	}
	l.stats.Flushes++
	l.open.Add(f.rows...)
	clear(l.pending)
	return nil
}

// mendLocked cuts what an earlier process, or a write that failed, left behind the
// last whole frame. Nothing is appended before that has worked: else two frames could
// hold the same rows.
func (l *Ledger) mendLocked() error {
	if !l.ragged {
		return nil
	}
	if err := l.journal.Truncate(l.end); err != nil {
		return fmt.Errorf("usage: %w", err)
	}
	if l.end == 0 {
		if _, err := l.journal.WriteAt([]byte(fileMagic), 0); err != nil {
			return fmt.Errorf("usage: %w", err)
		}
		l.end = int64(len(fileMagic))
	}
	l.ragged = false
	return nil
}

// appendLocked makes a frame the last one of the journal.
func (l *Ledger) appendLocked(f *frame) error {
	text := f.append(nil)
	_, err := l.journal.WriteAt(text, l.end)
	if err == nil {
		err = l.journal.Sync()
	}
	if err != nil {
		l.ragged = true
		return fmt.Errorf("usage: %w", err)
	}
	l.seq, l.end = f.seq, l.end+int64(len(text))
	l.stats.Bytes += int64(len(text))
	return nil
}

// Stats returns how the ledger is doing.
func (l *Ledger) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stats
}

// Close flushes a last time, folds, and lets go of the files. What the source hands
// over later is lost.
func (l *Ledger) Close() error {
	l.stop()
	l.done.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	err := l.flushLocked()
	if err == nil {
		err = l.foldLocked()
	}
	l.closed = true
	if l.journal == nil {
		return err
	}
	return errors.Join(err, l.journal.Close(), l.lock.Close())
}
