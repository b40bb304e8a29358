package usage

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"edged/internal/durable"
)

// compactAbove is the length from which on the file of a month is rewritten when it
// has doubled since the last time, in bytes.
const compactAbove = 32 << 20

// tidyLocked folds when an hour is over or the journal is long, and once a day drops
// what is too old.
func (l *Ledger) tidyLocked() error {
	hour := HourOf(l.opts.Now().UnixNano())
	if l.end >= foldSize || hour != l.folded && len(l.open) > 0 {
		if err := l.foldLocked(); err != nil {
			return err
		}
		l.folded = hour
	}
	if day := hour / 24; day != l.swept {
		if err := l.sweepLocked(); err != nil {
			return err
		}
		l.swept = day
	}
	return nil
}

// foldLocked sums the rows of the journal into the files of their months and empties
// it. It may end anywhere: a month that has them already says so by its number.
func (l *Ledger) foldLocked() error {
	byMonth := map[string]Table{}
	for k, c := range l.open {
		m := monthOf(k.Hour)
		if byMonth[m] == nil {
			byMonth[m] = Table{}
		}
		byMonth[m][k] = c
	}
	for month, rows := range byMonth {
		if err := l.appendMonth(month, rows); err != nil {
			return err
		}
		for k := range rows {
			delete(l.open, k)
		}
	}
	return l.emptyJournal()
}

// appendMonth appends rows to the file of a month as one frame. What an attempt that
// failed may have left there is overwritten.
func (l *Ledger) appendMonth(month string, rows Table) error {
	t, err := l.tail(month)
	if err != nil {
		return err
	}
	path := monthPath(l.opts.Dir, month)
	text := []byte(nil)
	if t.end == 0 {
		text = []byte(fileMagic)
	}
	f := frame{seq: l.seq, time: l.opts.Now().Unix(), rows: rows.Rows()}
	text = f.append(text)
	if err := l.writeTail(path, t.end, text); err != nil {
		return err
	}
	t.seq, t.end = l.seq, t.end+int64(len(text))
	l.tails[month] = t
	if t.end > compactAbove && t.end > 2*t.compact {
		_, err = l.rewriteMonth(month, func(*Key) bool { return true })
	}
	return err
}

// writeTail makes text what a file ends with from at on.
func (l *Ledger) writeTail(path string, at int64, text []byte) error {
	out, err := l.opts.open(path)
	if err != nil {
		return fmt.Errorf("usage: %w", err)
	}
	if err = out.Truncate(at); err == nil {
		_, err = out.WriteAt(text, at)
	}
	if err = errors.Join(err, out.Sync(), out.Close()); err != nil {
		return fmt.Errorf("usage: %w", err)
	}
	if at == 0 {
		if err := durable.SyncDir(filepath.Dir(path)); err != nil {
			return fmt.Errorf("usage: %w", err)
		}
	}
	return nil
}

// emptyJournal leaves a journal with one frame without rows, which keeps the number.
// All of its rows must be in the files of their months.
func (l *Ledger) emptyJournal() error {
	l.end, l.ragged = 0, true
	if err := l.mendLocked(); err != nil {
		return err
	}
	defer l.measure()
	return l.appendLocked(&frame{seq: l.seq + 1, time: l.opts.Now().Unix()})
}

// tail returns what is known of the file of a month, and reads it when nothing is.
func (l *Ledger) tail(month string) (tail, error) {
	if t, ok := l.tails[month]; ok {
		return t, nil
	}
	c, err := readFile(monthPath(l.opts.Dir, month), func(frame) {})
	if err != nil {
		return tail{}, err
	}
	if c.damaged > 0 {
		l.stats.Damaged += c.damaged
		l.opts.Log.Error("a usage file is damaged: usage is lost", "month", month, "bytes", c.damaged)
	}
	l.stats.Skipped += c.skipped
	t := tail{seq: c.seq, end: c.end}
	l.tails[month] = t
	return t, nil
}

func (l *Ledger) rewriteMonth(month string, keep func(*Key) bool) (gone int, err error) {
	t, err := l.tail(month)
	if err != nil {
		return 0, err
	}
	gone, size, err := rewrite(monthPath(l.opts.Dir, month), l.opts.open, l.opts.Now(), keep)
	if err != nil {
		delete(l.tails, month) // it may have been replaced
		return 0, err
	}
	l.tails[month] = tail{seq: t.seq, end: size, compact: size}
	l.measure()
	return gone, nil
}

// sweepLocked drops rows that are older than the retention, and sums up the month
// before this one.
func (l *Ledger) sweepLocked() error {
	now := l.opts.Now()
	oldest := HourOf(now.Add(-l.opts.Retention).UnixNano())
	list, err := months(l.opts.Dir)
	if err != nil {
		return err
	}
	for _, m := range list {
		from, to, _ := hoursOf(m)
		switch {
		case to <= oldest:
			err = l.removeMonth(m)
		case from < oldest || m == lastMonth(now):
			_, err = l.rewriteMonth(m, func(k *Key) bool { return k.Hour >= oldest })
		}
		if err != nil {
			return err
		}
	}
	l.measure()
	return nil
}

func lastMonth(now time.Time) string {
	y, m, _ := now.UTC().Date()
	return time.Date(y, m-1, 1, 0, 0, 0, 0, time.UTC).Format(monthForm)
}

func (l *Ledger) removeMonth(month string) error {
	delete(l.tails, month)
	if err := os.Remove(monthPath(l.opts.Dir, month)); err != nil {
		return fmt.Errorf("usage: %w", err)
	}
	l.opts.Log.Info("usage is older than its retention: removed", "month", month)
	return nil
}

// Erase removes every row of an account and returns how many rows that were. What its
// sites are asked for later is counted again.
func (l *Ledger) Erase(account string) (rows int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return 0, os.ErrClosed
	}
	if err := l.flushLocked(); err != nil {
		return 0, err
	}
	if err := l.foldLocked(); err != nil {
		return 0, err
	}
	list, err := months(l.opts.Dir)
	for _, m := range list {
		gone, failed := l.eraseMonth(m, account)
		rows, err = rows+gone, errors.Join(err, failed)
	}
	return rows, err
}

// eraseMonth rewrites a month that has rows of an account.
func (l *Ledger) eraseMonth(month, account string) (gone int, err error) {
	found := false
	if _, err := readFile(monthPath(l.opts.Dir, month), func(f frame) {
		found = found || slices.ContainsFunc(f.rows, func(r Row) bool { return r.Account == account })
	}); err != nil || !found {
		return 0, err
	}
	return l.rewriteMonth(month, func(k *Key) bool { return k.Account != account })
}

// measure notes how much there is.
func (l *Ledger) measure() {
	l.stats.Bytes, l.stats.Oldest = l.end, ""
	list, err := months(l.opts.Dir)
	if err != nil {
		return // the next flush says so
	}
	for _, m := range list {
		if info, err := os.Stat(monthPath(l.opts.Dir, m)); err == nil {
			l.stats.Bytes += info.Size()
		}
	}
	if len(list) > 0 {
		l.stats.Oldest = list[0]
	}
}
