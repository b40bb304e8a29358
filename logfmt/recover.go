package logfmt

import (
	"bytes"
	"errors"
	"io"
	"os"
)

// recover closes the files that a crash left open: it cuts a torn last line,
// counts it, and gives the file its final name. Files that a living process
// holds are left alone.
func (k *keeper) recover() {
	for _, f := range k.list(suffixPart, suffixTemp) {
		opened, err := k.w.fs.Open(f.name, os.O_RDWR)
		if errors.Is(err, errInUse) || errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			k.note("open", f.name, err)
			continue
		}
		if f.suffix == suffixTemp {
			k.remove(f.name) // the plain file is still there
		} else {
			k.note("recover", f.name, k.adopt(opened, f))
		}
		k.note("close", f.name, opened.Close())
	}
}

// adopt closes one file of the last run.
func (k *keeper) adopt(opened file, f logFile) error {
	whole, err := wholeLines(opened, f.size)
	if err != nil {
		return err
	}
	if whole < f.size {
		if err := opened.Truncate(whole); err != nil {
			return err
		}
		k.w.counters.torn.Add(1)
		k.w.opts.Log.Warn("cut a torn line off the access log of the last run", "file", f.name, "bytes", f.size-whole)
	}
	records, err := hasRecords(opened, whole)
	if err != nil {
		return err
	}
	if !records {
		k.remove(f.name)
		return nil
	}
	if err := opened.Sync(); err != nil {
		return err
	}
	if err := k.w.fs.Rename(f.name, f.stem+suffixClosed); err != nil {
		return err
	}
	k.w.counters.closed.Add(1)
	return nil
}

// wholeLines returns the length of the file's whole lines: up to and with its
// last newline.
func wholeLines(f io.ReaderAt, size int64) (int64, error) {
	var buf [16 << 10]byte
	for end := size; end > 0; {
		start := max(end-int64(len(buf)), 0)
		window := buf[:end-start]
		if _, err := f.ReadAt(window, start); err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		if i := bytes.LastIndexByte(window, '\n'); i >= 0 {
			return start + int64(i) + 1, nil
		}
		end = start
	}
	return 0, nil
}

// hasRecords reports whether there is anything but directives in the first size
// bytes, which are whole lines.
func hasRecords(f io.ReaderAt, size int64) (bool, error) {
	var buf [16 << 10]byte // more than any header
	head := buf[:min(size, int64(len(buf)))]
	if _, err := f.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	for len(head) > 0 {
		if head[0] != '#' {
			return true, nil
		}
		_, head = cutLine(head)
	}
	return false, nil
}
