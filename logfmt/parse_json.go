package logfmt

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// parseJSON reads one object into r, which is empty. Keys may come in any order
// and with any spacing, as other tools write them; unknown keys and nulls are
// skipped. A key that comes twice and a value of the wrong type are errors.
func parseJSON(line []byte, r *Record, words *interner) error {
	s := scanner{rest: line}
	if !s.take('{') {
		return syntaxError("{")
	}
	seen, version := uint64(0), int64(0)
	for first := true; !s.take('}'); first = false {
		if !first && !s.take(',') {
			return syntaxError(",")
		}
		key, ok := s.str()
		if !ok || !s.take(':') {
			return syntaxError("key")
		}
		value, ok := s.value()
		if !ok {
			return syntaxError("value")
		}
		if string(key) == "v" {
			version, _ = strconv.ParseInt(string(value), 10, 64)
			if version > Version {
				return fmt.Errorf("%w %d", ErrVersion, version)
			}
			continue
		}
		f := fieldByJSON(key)
		if f == nil {
			continue
		}
		if seen&(1<<f.id) != 0 || !parseJSONValue(value, r, f, words) {
			return syntaxError(f.JSON)
		}
		seen |= 1 << f.id
	}
	if !s.end() {
		return syntaxError("}")
	}
	if version < 1 {
		return syntaxError("v")
	}
	return nil
}

func fieldByJSON(key []byte) *Field {
	for i := range fields {
		if fields[i].JSON == string(key) {
			return &fields[i]
		}
	}
	return nil
}

// parseJSONValue reads a raw JSON value into its field.
func parseJSONValue(value []byte, r *Record, f *Field, words *interner) bool {
	if string(value) == "null" {
		return true
	}
	switch f.Kind {
	case KindFlag:
		*r.flagOf(f.id) = value[0] == 't'
		return value[0] == 't' || value[0] == 'f'
	case KindCount, KindStatus, KindMicros, KindSeconds:
		return setValue(value, r, f)
	}
	text, ok := unquote(value)
	switch {
	case !ok:
		return false
	case f.Kind == KindText:
		return setText(text, r, f, false, words)
	case f.Kind == KindTime:
		return setTime(time.RFC3339, text, r)
	}
	return setValue(text, r, f)
}

// unquote returns the inside of a JSON string, borrowed from value when nothing
// is escaped in it.
func unquote(value []byte) ([]byte, bool) {
	if len(value) < 2 || value[0] != '"' {
		return nil, false
	}
	if bytes.IndexByte(value, '\\') < 0 {
		return value[1 : len(value)-1], true
	}
	var s string
	err := json.Unmarshal(value, &s)
	return []byte(s), err == nil
}

// scanner walks one flat JSON object. It checks the outline only: what a value
// means, and whether it is one, is for its field to say.
type scanner struct{ rest []byte }

func (s *scanner) skipSpace() { s.rest = bytes.TrimLeft(s.rest, " \t\r\n") }

// take consumes c if it is what comes next.
func (s *scanner) take(c byte) bool {
	s.skipSpace()
	if len(s.rest) == 0 || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

func (s *scanner) end() bool {
	s.skipSpace()
	return len(s.rest) == 0
}

// str consumes a string and returns its inside, still escaped.
func (s *scanner) str() ([]byte, bool) {
	s.skipSpace()
	n := stringLen(s.rest)
	if n == 0 {
		return nil, false
	}
	inside := s.rest[1 : n-1]
	s.rest = s.rest[n:]
	return inside, true
}

// value consumes a string, a number or a literal and returns it as it is.
// Objects and arrays are no part of a record.
func (s *scanner) value() ([]byte, bool) {
	s.skipSpace()
	n := stringLen(s.rest)
	if n == 0 {
		n = bytes.IndexAny(s.rest, ",} \t\r\n")
	}
	if n <= 0 {
		return nil, false
	}
	value := s.rest[:n]
	s.rest = s.rest[n:]
	return value, value[0] == '"' || json.Valid(value)
}

// stringLen returns the length of the JSON string that b begins with, quotes
// included, 0 when it does not begin with one.
func stringLen(b []byte) int {
	if len(b) == 0 || b[0] != '"' {
		return 0
	}
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return 0
}
