package config

import (
	"strconv"
	"strings"
)

// line returns the number of the line that sets a dotted key, or failing that the
// one of the innermost table on the way to it; 0 when neither is in the file. "[n]"
// after a part means the n-th table of an array, counted from 0.
//
// The parser tells no positions of what it has decoded, hence this look at the
// text. The keys inside a value, as of { cert = "…", key = "…" }, have the line of
// their value.
func (f *source) line(key string) int {
	if f.lines == nil {
		f.lines = locate(f.text)
	}
	for key != "" {
		if n := f.lines[key]; n > 0 {
			return n
		}
		if open := strings.LastIndexByte(key, '['); open >= 0 && strings.HasSuffix(key, "]") {
			key = key[:open]
			continue
		}
		key = key[:max(0, strings.LastIndexByte(key, '.'))]
	}
	return 0
}

// locate maps the keys of a TOML text to the lines where they first appear. It
// is tolerant: of what is not TOML it makes nothing or something harmless.
func locate(text string) map[string]int {
	s := scanner{lines: map[string]int{}, tables: map[string]int{}}
	number := 0
	for line := range strings.Lines(text) {
		number++
		s.scan(strings.TrimSpace(line), number)
	}
	return s.lines
}

// scanner goes through a text line by line.
type scanner struct {
	lines  map[string]int
	tables map[string]int // tables seen so far of each array
	table  string         // the current one, resolved
	value  valueState
}

func (s *scanner) scan(line string, number int) {
	if s.value.open() {
		s.value.skip(line)
		return
	}
	if strings.HasPrefix(line, "[") {
		s.header(line, number)
		return
	}
	parts, rest := keyParts(line)
	if rest, ok := strings.CutPrefix(rest, "="); ok {
		s.note(s.table, parts, number)
		s.value.skip(rest)
	}
}

// header enters the table of "[a.b]" or "[[a.b]]".
func (s *scanner) header(line string, number int) {
	inner, array := strings.CutPrefix(line[1:], "[")
	parts, _ := keyParts(inner)
	s.table = ""
	for i, part := range parts {
		s.table = join(s.table, part)
		if array && i == len(parts)-1 {
			s.tables[s.table]++
			s.first(s.table, number)
		}
		if n := s.tables[s.table]; n > 0 {
			s.table = indexed(s.table, n-1)
		}
	}
	s.first(s.table, number)
}

// note records a key and the tables that its dots imply.
func (s *scanner) note(table string, parts []string, number int) {
	for _, part := range parts {
		table = join(table, part)
		s.first(table, number)
	}
}

func (s *scanner) first(key string, number int) {
	if s.lines[key] == 0 {
		s.lines[key] = number
	}
}

// keyParts cuts a dotted key off the beginning of a line. The rest begins with
// what follows the key, blanks aside.
func keyParts(line string) (parts []string, rest string) {
	rest = line
	for {
		rest = strings.TrimLeft(rest, " \t")
		part, after, ok := keyPart(rest)
		if !ok {
			return parts, rest
		}
		parts = append(parts, part)
		rest = strings.TrimLeft(after, " \t")
		if !strings.HasPrefix(rest, ".") {
			return parts, rest
		}
		rest = rest[1:]
	}
}

// keyPart cuts one bare or quoted part off.
func keyPart(text string) (part, rest string, ok bool) {
	if text != "" && (text[0] == '"' || text[0] == '\'') {
		end := strings.IndexByte(text[1:], text[0])
		if end < 0 {
			return "", text, false
		}
		return text[1 : 1+end], text[end+2:], true
	}
	n := 0
	for n < len(text) && isBare(text[n]) {
		n++
	}
	return text[:n], text[n:], n > 0
}

func isBare(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}

// valueState says where in a value of several lines the scanner stands.
type valueState struct {
	quote string // the delimiter of the string that is open: """ or '''
	depth int    // brackets and braces that are open
}

func (v *valueState) open() bool { return v.quote != "" || v.depth > 0 }

// skip goes on to the end of the line, or into a comment.
func (v *valueState) skip(line string) {
	for line != "" {
		if v.quote != "" {
			line = v.skipString(line)
			continue
		}
		switch c := line[0]; c {
		case '#':
			return
		case '[', '{':
			v.depth++
		case ']', '}':
			v.depth = max(0, v.depth-1)
		case '"', '\'':
			v.quote = string(c)
			if triple := strings.Repeat(v.quote, 3); strings.HasPrefix(line, triple) {
				v.quote = triple
			}
			line = line[len(v.quote):]
			continue
		}
		line = line[1:]
	}
	if len(v.quote) == 1 {
		v.quote = "" // a string of one line that does not end: the parser complains
	}
}

// skipString returns what follows the string that is open, or nothing.
func (v *valueState) skipString(line string) string {
	for i := 0; i < len(line); i++ {
		switch {
		case line[i] == '\\' && v.quote[0] == '"':
			i++
		case strings.HasPrefix(line[i:], v.quote):
			rest := line[i+len(v.quote):]
			v.quote = ""
			return rest
		}
	}
	if len(v.quote) == 1 {
		v.quote = ""
	}
	return ""
}

// join makes the dotted name of a key in a table.
func join(table, key string) string {
	if table == "" || key == "" {
		return table + key
	}
	return table + "." + key
}

// indexed names the n-th element of an array.
func indexed(key string, n int) string { return key + "[" + strconv.Itoa(n) + "]" }
