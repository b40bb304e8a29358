package logfmt

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"time"
)

// Parse reads one line of format f, or a block of one record, as [Append] wrote it, into
// r. The newline may be missing. A W3C line is taken to have the columns of this version; use
// a [Reader] for files, whose #Fields directive says which they have.
//
// r must be zero or come from an earlier Parse: the storage of its byte fields
// belongs to the record and is written over. Nothing of line is kept.
func Parse(f Format, line []byte, r *Record) error {
	r.reset()
	if f == Binary {
		return parseBlock(line, r)
	}
	line = bytes.TrimSuffix(line, []byte("\n"))
	if f == JSON {
		return parseJSON(line, r, nil)
	}
	return parseW3C(line, r, currentColumns(), nil)
}

// columns are the rows behind the columns of a W3C file, in its order. A row
// that this version does not know is nil and its values are skipped.
type columns []*Field

func currentColumns() columns {
	c := make(columns, 0, len(fields))
	for i := range fields {
		c = append(c, &fields[i])
	}
	return c
}

// parseColumns reads the value of a #Fields directive. "date" and "time" only
// count as a pair, as this package writes them.
func parseColumns(names []byte) columns {
	var c columns
	words := bytes.Fields(names)
	for i := 0; i < len(words); i++ {
		name := string(words[i])
		if name == "date" && i+1 < len(words) && string(words[i+1]) == "time" {
			name = fields[fieldTime].W3C
			i++
		}
		c = append(c, fieldByW3C(name))
	}
	return c
}

func fieldByW3C(name string) *Field {
	for i := range fields {
		if fields[i].W3C == name {
			return &fields[i]
		}
	}
	return nil
}

// parseW3C reads a line of the given columns into r, which is empty.
func parseW3C(line []byte, r *Record, c columns, words *interner) error {
	for i, f := range c {
		value, rest, more := bytes.Cut(line, []byte(" "))
		if f != nil && f.Kind == KindTime {
			clock, after, ok := bytes.Cut(rest, []byte(" "))
			if !more {
				return syntaxError(f.W3C)
			}
			value, rest, more = line[:len(value)+1+len(clock)], after, ok
		}
		if last := i == len(c)-1; more == last {
			return fmt.Errorf("%w: not %d columns", ErrSyntax, len(c))
		}
		if f != nil && !parseW3CValue(value, r, f, words) {
			return syntaxError(f.W3C)
		}
		line = rest
	}
	return nil
}

// syntaxError names a field but never quotes its value.
func syntaxError(field string) error { return fmt.Errorf("%w: field %s", ErrSyntax, field) }

func parseW3CValue(value []byte, r *Record, f *Field, words *interner) bool {
	if len(value) == 0 {
		return false
	}
	if string(value) == "-" {
		return f.Kind != KindCount && f.Kind != KindFlag && f.Kind != KindTime
	}
	switch f.Kind {
	case KindText:
		return setText(value, r, f, true, words)
	case KindTime:
		return setTime(time.DateTime, value, r)
	case KindFlag:
		*r.flagOf(f.id) = value[0] == '1'
		return string(value) == "1" || string(value) == "0"
	}
	return setValue(value, r, f)
}

// setText unescapes value into a text field; plus says whether '+' is a space.
func setText[T text](value T, r *Record, f *Field, plus bool, words *interner) bool {
	if b := r.bytesOf(f.id); b != nil {
		var ok bool
		*b, ok = appendUnescaped((*b)[:0], value, plus)
		return ok
	}
	var room [64]byte
	word, ok := appendUnescaped(room[:0], value, plus)
	*r.stringOf(f.id) = words.word(word)
	return ok
}

// setTime reads a moment, to the nanosecond if it has as much. It must be in the
// range of Unix nanoseconds, the years 1678 to 2262.
func setTime(layout string, value []byte, r *Record) bool {
	t, err := time.Parse(layout, string(value))
	if err != nil || !time.Unix(0, t.UnixNano()).Equal(t) {
		return false
	}
	r.Time = t.UnixNano()
	return true
}

// setValue reads the kinds that look alike in both formats.
func setValue(value []byte, r *Record, f *Field) bool {
	switch f.Kind {
	case KindAddress:
		return parseAddress(string(value), r)
	case KindAgent:
		r.Request.Agent = parseAgent(value)
		return true
	case KindRange:
		return setRange(value, r)
	case KindSession:
		var ok bool
		r.Token.Session, ok = parseHash(string(value), 's')
		return ok
	case KindCMCD:
		return r.Request.CMCD.parse(value)
	case KindRendition:
		return true // the path has it
	}
	n, err := strconv.ParseInt(string(value), 10, 64)
	return err == nil && setNumber(n, r, f)
}

func setNumber(n int64, r *Record, f *Field) bool {
	switch f.Kind {
	case KindCount:
		*r.countOf(f.id) = n
	case KindStatus:
		r.Status = int(n)
	case KindSeconds:
		r.Cache.TTL, r.Cache.HasTTL = n, true
	case KindMicros:
		if n < 0 || n > math.MaxInt64/int64(time.Microsecond) {
			return false
		}
		*r.durationOf(f.id) = time.Duration(n) * time.Microsecond
	default:
		return false
	}
	return true
}

func setRange(value []byte, r *Record) bool {
	first, last, ok := bytes.Cut(value, []byte("-"))
	start, err1 := strconv.ParseInt(string(first), 10, 64)
	end, err2 := strconv.ParseInt(string(last), 10, 64)
	if !ok || err1 != nil || err2 != nil || start < 0 || end < start || end == math.MaxInt64 {
		return false
	}
	r.Request.RangeStart, r.Request.RangeEnd = start, end+1
	return true
}

// interner keeps one copy of the few words that text fields repeat line after
// line. A nil interner copies.
type interner struct{ words map[string]string }

// maxWords bounds what a hostile file can make a reader keep.
const maxWords = 1024

func (in *interner) word(b []byte) string {
	if in == nil {
		return string(b)
	}
	if s, ok := in.words[string(b)]; ok {
		return s
	}
	if in.words == nil || len(in.words) >= maxWords {
		in.words = make(map[string]string)
	}
	s := string(b)
	in.words[s] = s
	return s
}
