package usage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"edged/internal/durable"
)

// Names in the directory of a ledger.
const (
	journalName = "journal.usage"
	lockName    = "lock"
	monthForm   = "2006-01"
	monthSuffix = ".usage"
)

// fileMode is of what a ledger creates: the group may back it up.
const fileMode = 0o640

// ErrInUse is returned for a ledger that another process has.
var ErrInUse = errors.New("usage: another process has this ledger")

// lockDir takes the lock of a directory: exclusively, or shared with other readers.
func lockDir(dir string, how int) (*os.File, error) {
	flags := os.O_RDONLY
	if how == syscall.LOCK_EX {
		flags |= os.O_CREATE
	}
	f, err := os.OpenFile(filepath.Join(dir, lockName), flags, fileMode)
	if err != nil {
		return nil, fmt.Errorf("usage: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w: %s", ErrInUse, dir)
		}
		return nil, fmt.Errorf("usage: lock %s: %w", dir, err)
	}
	return f, nil
}

// monthOf returns the month of an hour as file names have it.
func monthOf(hour int64) string { return TimeOf(hour).Format(monthForm) }

// hoursOf returns the first hour of a month and that of the next one.
func hoursOf(month string) (from, to int64, ok bool) {
	begin, err := time.Parse(monthForm, month)
	if err != nil || begin.Unix() < 0 {
		return 0, 0, false
	}
	return begin.Unix() / 3600, begin.AddDate(0, 1, 0).Unix() / 3600, true
}

// months lists the months that a directory has files of, the oldest first.
func months(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("usage: %w", err)
	}
	var list []string
	for _, e := range entries {
		month, ok := strings.CutSuffix(e.Name(), monthSuffix)
		if _, _, valid := hoursOf(month); ok && valid {
			list = append(list, month)
		}
	}
	slices.Sort(list)
	return list, nil
}

func monthPath(dir, month string) string { return filepath.Join(dir, month+monthSuffix) }

// readFile hands the frames of a file to add. A file that is not there is empty.
func readFile(path string, add func(frame)) (contents, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return contents{}, nil
	}
	if err != nil {
		return contents{}, fmt.Errorf("usage: %w", err)
	}
	return parse(b, add), nil
}

// rewrite replaces a file of a month by one frame that holds what keep lets pass. It
// returns how many rows it took out, and the new length.
func rewrite(path string, open durable.Opener, now time.Time, keep func(*Key) bool) (gone int, size int64, err error) {
	sums := Table{}
	c, err := readFile(path, func(f frame) { sums.Add(f.rows...) })
	if err != nil {
		return 0, 0, err
	}
	for k := range sums {
		if !keep(&k) {
			delete(sums, k)
			gone++
		}
	}
	f := frame{seq: c.seq, time: now.Unix(), rows: sums.Rows()}
	text := f.append([]byte(fileMagic))
	if err := open.Replace(path, text); err != nil {
		return 0, 0, fmt.Errorf("usage: %w", err)
	}
	return gone, int64(len(text)), nil
}
