package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// journalName is the file of the journal: what its user keeps there are purges.
const journalName = "purges"

// journalWait bounds how long an operation on a journal may take before the disk
// counts as one that does not answer.
const journalWait = 5 * time.Second

// Journal is a small file in the directory of a disk that belongs to the user of
// the tier, who knows its format. Its methods may be called from any goroutine;
// while one waits for a hung disk the others fail at once.
type Journal struct {
	t    *Tier
	turn chan struct{} // holds a token while nobody is at the file

	mu     sync.Mutex
	closed bool // guarded by mu
	file   File // nil until it is needed; of who holds the turn
	size   int64
}

func newJournal(t *Tier) *Journal {
	j := &Journal{t: t, turn: make(chan struct{}, 1)}
	j.turn <- struct{}{}
	return j
}

// Journal returns the journal of the disk.
func (t *Tier) Journal() *Journal { return t.journal }

// Load returns what the journal holds; nothing on a new disk.
func (j *Journal) Load() (b []byte, err error) {
	if !j.t.breaker.readable() {
		return nil, ErrOffline
	}
	var found []byte // not b: a read that hangs may end after Load
	err = j.do(func() (err error) {
		found, err = readFile(j.t.fs, j.path())
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		j.size = int64(len(found))
		return err
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// Append writes b behind what the journal holds. When it returns nil b is durable;
// after an error it may be there in part, and the journal should be replaced. b
// must not change any more.
func (j *Journal) Append(b []byte) error {
	return j.write(func() error {
		if j.file == nil {
			f, size, err := openForAppend(j.t.fs, j.path())
			if err != nil {
				return err
			}
			j.file, j.size = f, size
		}
		if _, err := j.file.WriteVec([][]byte{b}, j.size); err != nil {
			return err
		}
		if err := j.file.Sync(); err != nil {
			return err
		}
		j.size += int64(len(b))
		return nil
	})
}

// Replace makes b all that the journal holds, durably: a crash leaves what was
// there or b. b must not change any more.
func (j *Journal) Replace(b []byte) error {
	return j.write(func() error {
		f, err := replaceFile(j.t.fs, j.t.dir, journalName, b)
		if err != nil {
			return err
		}
		j.closeFile()
		j.file, j.size = f, int64(len(b))
		return nil
	})
}

func (j *Journal) path() string { return filepath.Join(j.t.dir, journalName) }

// openForAppend opens a file that may be missing, and tells its length.
func openForAppend(fsys FS, name string) (File, int64, error) {
	b, err := readFile(fsys, name)
	if err != nil {
		return nil, 0, err // a missing one is made by Replace, which makes its name durable
	}
	f, err := fsys.OpenFile(name, os.O_RDWR)
	return f, int64(len(b)), err
}

// write does what changes the file, on a disk that takes writes.
func (j *Journal) write(op func() error) error {
	if !j.t.breaker.writable() {
		return fmt.Errorf("%w: journal of %s", ErrOffline, j.t.dir)
	}
	err := j.do(op)
	if err != nil && !errors.Is(err, ErrClosed) && !errors.Is(err, ErrTimeout) && !errors.Is(err, fs.ErrNotExist) {
		j.t.breaker.trip(ReadOnly, err)
	}
	return err
}

// do runs op on a goroutine that the tier waits for at its end, and gives up on it
// after a while.
func (j *Journal) do(op func() error) error {
	limit := time.NewTimer(journalWait)
	defer limit.Stop()
	select {
	case <-j.turn:
	case <-limit.C:
		return fmt.Errorf("%w: journal of %s", ErrTimeout, j.t.dir)
	}
	done := make(chan error, 1)
	if !j.start(func() {
		defer func() { j.turn <- struct{}{} }()
		done <- op()
	}) {
		j.turn <- struct{}{}
		return ErrClosed
	}
	select {
	case err := <-done:
		if err != nil {
			err = fmt.Errorf("disk: journal: %w", err)
		}
		return err
	case <-limit.C:
		return fmt.Errorf("%w: journal of %s", ErrTimeout, j.t.dir)
	}
}

// start runs f unless the journal is closed.
func (j *Journal) start(f func()) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return false
	}
	j.t.running.Go(f)
	return true
}

// close lets nobody begin any more.
func (j *Journal) close() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.closed = true
}

// closeFile closes the file. Its data is safe by Sync; closing cannot lose it.
func (j *Journal) closeFile() {
	if j.file != nil {
		_ = j.file.Close()
		j.file = nil
	}
}
