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
	Text []byte // the line with its end, borrowed until the next one

	columns columns // of a W3C file
	header  []byte  // the directives before it
}

// Header returns the directives that the line needs before it, none for JSON. They are
// borrowed as Text is.
func (l *Line) Header() []byte { return l.header }

// Moment returns when the request came.
func (l *Line) Moment() time.Time { return time.Unix(0, l.Time) }

// AppendStruck appends the line with its client address struck, and everything else
// byte for byte as it is. A pseudonym, and a missing address, stay as they are.
func (l *Line) AppendStruck(dst []byte) []byte {
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

// Append appends the record as a line of format f, its client as it stands in this one.
func (l *Line) Append(dst []byte, f Format) []byte {
	mode := Full
	if from, to := l.client(); from >= 0 && bytes.HasSuffix(l.Text[from:to], []byte(".000")) {
		mode = Strike // Full would write .0
	}
	return Append(dst, f, mode, l.Record)
}

// Lines returns the records of a plain file as they stand there. What is no record comes as an error; after one that is ErrSyntax or ErrVersion
// reading goes on.
func Lines(in io.Reader) iter.Seq2[*Line, error] {
	return func(yield func(*Line, error) bool) {
		r, rec := NewReader(in), new(Record)
		var text, header []byte
		inHeader := false
		r.passing = func(raw []byte) {
			text = append(text[:0], raw...)
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
				if !yield(&Line{rec, text, r.columns, header}, nil) {
					return
				}
			case !yield(nil, err) || !passing(err):
				return
			}
		}
	}
}
