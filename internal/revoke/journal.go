package revoke

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"edged/internal/durable"
)

// fileMode is of the list: it names keys.
const fileMode = 0o600

// journal is the file of a list: a line of JSON an order, synchronised before an
// order counts. A torn last line is an order that was never acknowledged.
type journal struct {
	path string
	f    *os.File
	size int64 // of what is whole
}

// openJournal opens or creates the file and returns its lines, and how many of them
// make no sense. Those stay in the file.
func openJournal(path string) (j *journal, lines []line, damaged int, err error) {
	j = &journal{path: path}
	if lines, damaged, err = j.read(); err != nil {
		return nil, nil, 0, err
	}
	if err := j.open(); err != nil {
		return nil, nil, 0, err
	}
	return j, lines, damaged, nil
}

// read returns the whole lines of the file, and notes how long they are.
func (j *journal) read() (lines []line, damaged int, err error) {
	content, err := os.ReadFile(j.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, 0, fmt.Errorf("revoke: %w", err)
	}
	whole := content[:bytes.LastIndexByte(content, '\n')+1]
	for text := range bytes.Lines(whole) {
		var l line
		if json.Unmarshal(text, &l) != nil || !l.sane() {
			damaged++
			continue
		}
		lines = append(lines, l)
	}
	j.size = int64(len(whole))
	return lines, damaged, nil
}

// sane reports whether a line can be carried out.
func (l *line) sane() bool {
	switch l.Kind {
	case kindToken, kindSession:
		_, ok := l.digest()
		return ok
	case kindKey:
		return l.Key != ""
	case kindBefore:
		return l.Before > 0 || l.Lift
	}
	return l.Kind == kindNone
}

// kindNone is a line that only keeps the number of orders that are over.
const kindNone kind = "none"

// open opens the file for appending and cuts off a torn line.
func (j *journal) open() error {
	f, err := os.OpenFile(j.path, os.O_RDWR|os.O_CREATE, fileMode)
	if err != nil {
		return fmt.Errorf("revoke: %w", err)
	}
	err = f.Truncate(j.size)
	if err == nil {
		err = durable.SyncDir(filepath.Dir(j.path))
	}
	if err != nil {
		_ = f.Close()
		return fmt.Errorf("revoke: %w", err)
	}
	j.f = f
	return nil
}

// append writes lines and waits until they are on the disk. After an error the file
// is as before.
func (j *journal) append(lines []line) error {
	text, err := encode(lines)
	if err == nil {
		_, err = j.f.WriteAt(text, j.size)
	}
	if err == nil {
		err = j.f.Sync()
	}
	if err != nil {
		return fmt.Errorf("revoke: the order is not written and does not count: %w", errors.Join(err, j.f.Truncate(j.size)))
	}
	j.size += int64(len(text))
	return nil
}

// rewrite replaces the file by one of these lines; number is kept.
func (j *journal) rewrite(lines []line, number uint64) error {
	text, err := encode(append([]line{{Number: number, Kind: kindNone}}, lines...))
	if err != nil {
		return fmt.Errorf("revoke: %w", err)
	}
	failed := durable.Mode(fileMode).Replace(j.path, text)
	if _, _, err := j.read(); err != nil { // after a failure the file is the old one or the new one
		return errors.Join(failed, err)
	}
	old := j.f
	if err := j.open(); err != nil {
		return errors.Join(failed, err)
	}
	return errors.Join(failed, old.Close())
}

func (j *journal) close() error { return j.f.Close() }

func encode(lines []line) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	for i := range lines {
		if err := e.Encode(&lines[i]); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}
