package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"edged/internal/durable"
)

// Retention is how long entries are kept: 400 days.
const Retention = 400 * 24 * time.Hour

// MaxSize bounds the file, in bytes.
const MaxSize = 64 << 20

// fileMode is of the file: the group may read it.
const fileMode = 0o640

// Log is the record of orders. Create it with [New].
type Log struct {
	path string
	now  func() time.Time
	open durable.Opener
	max  int64

	mu sync.Mutex // held while this process appends
}

// New returns the log at path, whose directory must be there by the first Append.
func New(path string) *Log {
	return &Log{path: path, now: time.Now, open: durable.Mode(fileMode), max: MaxSize}
}

// Append numbers an entry and writes it; it is on the disk when the error is nil. The
// number is 0 when a refused order is left out for want of room.
func (l *Log) Append(e *Entry) (number uint64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	dir, err := os.Open(filepath.Dir(l.path))
	if err != nil {
		return 0, fmt.Errorf("audit: %w", err)
	}
	defer dir.Close() //nolint:errcheck // opened for reading; the lock goes with it
	if err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX); err != nil {
		return 0, fmt.Errorf("audit: lock: %w", err)
	}
	at, err := l.look()
	if err == nil && (at.end > l.max || l.now().Sub(at.oldest) > Retention+24*time.Hour && at.end > 0) {
		if err = l.compact(); err == nil {
			at, err = l.look()
		}
	}
	if err != nil {
		return 0, err
	}
	if e.Outcome == Refused && at.end > l.max/2 {
		return 0, nil
	}
	one := *e
	one.Number, one.At = at.last+1, l.now().UTC()
	text, err := one.line()
	if err != nil {
		return 0, err
	}
	return one.Number, l.write(text, at.end)
}

// write makes text what the file ends with from at on.
func (l *Log) write(text []byte, at int64) error {
	f, err := l.open(l.path)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	if err = f.Truncate(at); err == nil { // what a crash tore off
		_, err = f.WriteAt(text, at)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	if at > 0 {
		return nil
	}
	l.giveAway()
	return durable.SyncDir(filepath.Dir(l.path))
}

// giveAway makes the owner of the directory that of the file: root may have begun it,
// by a command, before the daemon did.
func (l *Log) giveAway() {
	info, err := os.Stat(filepath.Dir(l.path))
	if err != nil {
		return
	}
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		_ = os.Chown(l.path, int(s.Uid), int(s.Gid)) // only root may, and need
	}
}

// position is where a file is.
type position struct {
	last   uint64 // number of the last entry
	end    int64  // of whole lines
	oldest time.Time
}

// look reads the beginning and the end of the file. Where these make no sense it reads
// the whole.
func (l *Log) look() (at position, err error) {
	f, err := os.Open(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return at, nil
	}
	if err != nil {
		return at, fmt.Errorf("audit: %w", err)
	}
	defer f.Close() //nolint:errcheck // opened for reading
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return at, fmt.Errorf("audit: %w", err)
	}
	from := max(0, size-2*maxLine)
	tail, err := readAt(f, from, size-from)
	if err != nil {
		return at, err
	}
	head, err := readAt(f, 0, min(size, maxLine))
	if err != nil {
		return at, err
	}
	at.end = from + int64(len(whole(tail)))
	if i := bytes.IndexByte(head, '\n'); i >= 0 {
		first, _ := parse(head[:i+1])
		last, _ := parse(lastLine(whole(tail)))
		if len(first) == 1 && len(last) == 1 {
			at.oldest, at.last = first[0].At, last[0].Number
			return at, nil
		}
	}
	return l.lookAll()
}

// lookAll is look for a file with damage.
func (l *Log) lookAll() (at position, err error) {
	text, err := os.ReadFile(l.path)
	if err != nil {
		return at, fmt.Errorf("audit: %w", err)
	}
	at.end, at.oldest = int64(len(whole(text))), l.now()
	entries, _ := parse(whole(text))
	for i := range entries {
		at.last = max(at.last, entries[i].Number)
		if entries[i].At.Before(at.oldest) {
			at.oldest = entries[i].At
		}
	}
	return at, nil
}

func readAt(f io.ReaderAt, from, n int64) ([]byte, error) {
	b := make([]byte, n)
	if _, err := f.ReadAt(b, from); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("audit: %w", err)
	}
	return b, nil
}

// lastLine returns the last of whole lines.
func lastLine(text []byte) []byte {
	if len(text) == 0 {
		return nil
	}
	return text[bytes.LastIndexByte(text[:len(text)-1], '\n')+1:]
}

// compact leaves out what is over, and of a file that is too long the older half. The
// last entry stays, so that the numbers go on.
func (l *Log) compact() error {
	entries, _, err := Read(l.path)
	if err != nil {
		return err
	}
	since, room := l.now().Add(-Retention), l.max/2
	var kept [][]byte
	for i := len(entries) - 1; i >= 0; i-- {
		text, err := entries[i].line()
		if err != nil {
			return err
		}
		if room -= int64(len(text)); len(kept) > 0 && (room < 0 || entries[i].At.Before(since)) {
			break
		}
		kept = append(kept, text)
	}
	var text []byte
	for i := len(kept) - 1; i >= 0; i-- {
		text = append(text, kept[i]...)
	}
	if err := l.open.Replace(l.path, text); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	l.giveAway()
	return nil
}
