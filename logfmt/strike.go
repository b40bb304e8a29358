package logfmt

import (
	"bytes"
	"io"
	"iter"
	"time"
)

// Line is a record as it stands in a file.
type Line struct {
	*Record
	Text []byte // the line with its end, borrowed until the next one; nil in a block

	columns columns // of a W3C file
	header  []byte  // the directives before it
}

// Header returns the directives that the line needs before it, none but for W3C. They are
// borrowed as Text is.
func (l *Line) Header() []byte { return l.header }

// Moment returns when the request came.
func (l *Line) Moment() time.Time { return time.Unix(0, l.Time) }

// appendStruck appends the line with its client address struck, and everything else
// byte for byte as it is. A pseudonym, and a missing address, stay as they are.
func (l *Line) appendStruck(dst []byte) []byte {
	from, to := l.client()
	if from < 0 || !l.Client.IsValid() {
		return append(dst, l.Text...)
	}
	dst = append(dst, l.Text[:from]...)
	dst = AppendStruck(dst, l.Client)
	return append(dst, l.Text[to:]...)
}

// client returns where the client stands in the text, without quotes; -1 when it does
// not.
func (l *Line) client() (from, to int) {
	if len(l.Text) > 0 && l.Text[0] == '{' {
		return clientInJSON(l.Text)
	}
	at := 0
	for _, f := range l.columns {
		end := columnEnd(l.Text, at)
		if f != nil && f.id == fieldClient {
			return at, end
		}
		if f != nil && f.Kind == KindTime {
			end = columnEnd(l.Text, end+1)
		}
		at = end + 1
		if at >= len(l.Text) {
			break
		}
	}
	return -1, -1
}

func columnEnd(line []byte, at int) int {
	if n := bytes.IndexAny(line[min(at, len(line)):], " \r\n"); n >= 0 {
		return at + n
	}
	return len(line)
}

// clientInJSON is client for an object that was parsed before.
func clientInJSON(line []byte) (from, to int) {
	s := scanner{rest: bytes.TrimRight(line, "\r\n")}
	whole := len(s.rest)
	s.take('{')
	for {
		key, ok := s.str()
		if !ok || !s.take(':') {
			return -1, -1
		}
		value, ok := s.value()
		if !ok {
			return -1, -1
		}
		if string(key) == fields[fieldClient].JSON && value[0] == '"' {
			to = whole - len(s.rest)
			return to - len(value) + 1, to - 1
		}
		if !s.take(',') {
			return -1, -1
		}
	}
}

// strike strikes the address of a record of a block and reports whether that changed it.
func (r *Record) strike() bool {
	if !r.Client.IsValid() || r.Address == Strike {
		return false
	}
	before := r.Client
	r.Client, r.Address = struck(before.Unmap()).Addr(), Strike
	return r.Client.Is4() || r.Client != before
}

// Lines returns the records of a plain file as they stand there. What is no record comes
// as an error; after one that is ErrSyntax or ErrVersion reading goes on. To write them
// in another format give their records to an [Encoder] of mode [Full].
func Lines(in io.Reader) iter.Seq2[*Line, error] {
	return func(yield func(*Line, error) bool) {
		r, rec := NewReader(in), new(Record)
		var text, header []byte
		inHeader := false
		r.passing = func(raw []byte) {
			text = append(text[:0], raw...) // or a block, which nobody wants
			directive := len(raw) > 0 && raw[0] == '#'
			if directive && !inHeader {
				header = header[:0]
			}
			if inHeader = directive; directive {
				header = append(header, raw...)
			}
		}
		for {
			switch err := r.Read(rec); {
			case err == io.EOF: //nolint:errorlint // Read returns it bare
				return
			case err == nil:
				l := Line{Record: rec}
				if r.format != Binary {
					l = Line{rec, text, r.columns, header}
				}
				if !yield(&l, nil) {
					return
				}
			case !yield(nil, err) || !passing(err):
				return
			}
		}
	}
}
