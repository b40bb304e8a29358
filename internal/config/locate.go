package config

import (
	"strconv"
	"strings"
)

// line returns the number of the line that sets a dotted key, or failing that the
// header of the innermost table on the way to it; 0 when neither is found. "[n]"
// after a part means the n-th table of an array, counted from 0; without it the
// first one counts.
//
// The parser tells no positions of keys that it has decoded, hence this look at
// the text. It knows table headers and bare keys at the start of a line, which is
// how configurations are written.
func (f *source) line(key string) int {
	want := splitKey(key)
	counts, table := map[string]int{}, ""
	best, bestLen := 0, 0
	number := 0
	for text := range strings.Lines(f.text) {
		number++
		text = strings.TrimSpace(text)
		if header, array, ok := tableHeader(text); ok {
			table = resolve(header, array, counts)
			if n := matched(splitKey(table), want); n == len(splitKey(table)) && n > bestLen {
				best, bestLen = number, n
			}
			continue
		}
		name, _, ok := strings.Cut(text, "=")
		if !ok || strings.HasPrefix(text, "#") {
			continue
		}
		full := strings.Trim(strings.TrimSpace(name), `"'`)
		if table != "" {
			full = table + "." + full
		}
		if n := matched(splitKey(full), want); n == len(splitKey(full)) && n > bestLen {
			best, bestLen = number, n
		}
	}
	return best
}

// tableHeader takes "[a.b]" and "[[a.b]]" apart.
func tableHeader(text string) (name string, array, ok bool) {
	if i := strings.Index(text, "#"); i >= 0 {
		text = strings.TrimSpace(text[:i])
	}
	if inner, ok := strings.CutPrefix(text, "[["); ok {
		inner, ok = strings.CutSuffix(inner, "]]")
		return strings.TrimSpace(inner), true, ok
	}
	if inner, ok := strings.CutPrefix(text, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		return strings.TrimSpace(inner), false, ok && !strings.ContainsAny(inner, `",'`)
	}
	return "", false, false
}

// resolve turns a table header into a name with the index of each array on its
// way, counting the arrays.
func resolve(header string, array bool, counts map[string]int) string {
	full := ""
	parts := strings.Split(header, ".")
	for i, part := range parts {
		if full != "" {
			full += "."
		}
		full += strings.TrimSpace(part)
		if i == len(parts)-1 && array {
			counts[full]++
		}
		if n := counts[full]; n > 0 {
			full += "[" + strconv.Itoa(n-1) + "]"
		}
	}
	return full
}

// splitKey cuts "site[1].token.key[0].kid" at its dots.
func splitKey(key string) []string {
	if key == "" {
		return nil
	}
	return strings.Split(key, ".")
}

// matched counts how many leading parts agree; a part of want without an index
// agrees with any.
func matched(have, want []string) int {
	n := 0
	for n < len(have) && n < len(want) {
		name, _, _ := strings.Cut(have[n], "[")
		if have[n] != want[n] && name != want[n] && have[n] != want[n]+"[0]" {
			break
		}
		n++
	}
	return n
}
