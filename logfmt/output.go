package logfmt

import (
	"fmt"
	"os"
	"time"
)

// giveUpAfter is how many writes in a row may fail before a file is closed and
// another one tried.
const giveUpAfter = 8

// output is the file that is written to, from its .part name until it is
// renamed and handed on. There is none before the first record: an idle node
// makes no files.
//
// Data is written at an offset that only grows when a write was whole, so what
// a failed write left behind is written over by the next attempt.
type output struct {
	w     *Writer
	names naming
	files chan<- closedFile

	file     file // nil when none is open
	stem     string
	begun    time.Time
	size     int64 // bytes of whole lines
	tally    *tally
	failures int  // failed writes in a row
	ragged   bool // there may be bytes after size
}

// closedFile is a file that is not written to any more and wants to be synced,
// described and closed. With k-anonymity it still has its .part name: the keeper gives
// it another one when it has been made coarser.
type closedFile struct {
	stem    string
	begun   time.Time
	file    file
	size    int64
	content Trailer
	plain   FileSum // of the whole file, trailer included where it has one
}

// write appends a chunk.
func (o *output) write(chunk []byte, b batch) error {
	if o.file != nil && o.size+int64(len(chunk))+trailerRoom > o.w.opts.MaxSize {
		o.close()
	}
	if o.file == nil {
		if err := o.open(b.first); err != nil {
			return o.failed("begin", err)
		}
	}
	if _, err := o.file.WriteAt(chunk, o.size); err != nil {
		o.ragged = true
		if o.failures++; o.failures >= giveUpAfter {
			o.close()
		}
		return o.failed("write", err)
	}
	o.failures = 0
	o.size += int64(len(chunk))
	o.tally.add(chunk, b)
	o.w.counters.bytes.Add(int64(len(chunk)))
	return nil
}

// open begins a file. Its header is part of it from the start, so every file
// that exists longer than a moment can be read.
func (o *output) open(first int64) error {
	now := o.w.opts.Now()
	stem, err := o.freeStem(now, first)
	if err != nil {
		return err
	}
	f, err := o.w.fs.Open(stem+suffixPart, os.O_RDWR|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return err
	}
	header := AppendHeader(nil, o.w.opts.Format, o.w.opts.Software, now)
	if _, err := f.WriteAt(header, 0); err != nil {
		_ = f.Close()
		_ = o.w.fs.Remove(stem + suffixPart)
		return err
	}
	o.file, o.stem, o.begun = f, stem, now
	o.size, o.failures, o.ragged = int64(len(header)), 0, false
	o.tally = newTally()
	o.tally.add(header, batch{})
	o.w.counters.bytes.Add(o.size)
	return nil
}

// freeStem returns a name that no file of ours has in any state. Runs that
// begin within one second would otherwise share one; the later gets the next
// second.
func (o *output) freeStem(now time.Time, first int64) (string, error) {
	infos, err := o.w.fs.List()
	if err != nil {
		return "", err
	}
	taken := make(map[string]bool, len(infos))
	for _, info := range infos {
		if stem, _, _, ok := o.names.parse(info.Name()); ok {
			taken[stem] = true
		}
	}
	stem := o.names.stem(now, first)
	for taken[stem] {
		now = now.Add(time.Second)
		stem = o.names.stem(now, first)
	}
	return stem, nil
}

// close ends the file with its trailer, renames it and hands it on. A file that cannot
// be renamed keeps its .part name until the keeper finds it.
func (o *output) close() {
	if o.file == nil {
		return
	}
	closed := closedFile{stem: o.stem, begun: o.begun, file: o.file}
	o.file = nil
	if o.w.crowd == nil {
		closed.plain = o.end(closed.file)
	}
	closed.size, closed.content = o.size, o.tally.sum
	if o.ragged {
		if err := closed.file.Truncate(o.size); err != nil {
			_ = o.failed("cut", err)
		}
	}
	if o.w.crowd == nil {
		if err := o.w.fs.Rename(o.stem+suffixPart, o.stem+suffixClosed); err != nil {
			_ = o.failed("rename", err)
			_ = closed.file.Close()
			return
		}
		o.w.counters.closed.Add(1)
	}
	select {
	case o.files <- closed:
	default: // the keeper hangs on a disk; it finds the file in its time
		_ = closed.file.Close()
	}
}

// end writes the trailer. A disk that has no room for it gets a file without: its
// manifest says the same, once there is room for that.
func (o *output) end(f file) FileSum {
	line, whole := o.tally.end(o.w.opts.Format)
	if _, err := f.WriteAt(line, o.size); err != nil {
		o.ragged = true
		_ = o.failed("end", err)
		return FileSum{Bytes: o.tally.sum.Bytes, SHA256: o.tally.sum.SHA256}
	}
	o.size += int64(len(line))
	o.w.counters.bytes.Add(int64(len(line)))
	return whole
}

// failed counts an error and says what it kept from happening.
func (o *output) failed(what string, err error) error {
	o.w.counters.errors.Add(1)
	return fmt.Errorf("logfmt: %s %s: %w", what, o.names.prefix+"*"+suffixClosed, err)
}
