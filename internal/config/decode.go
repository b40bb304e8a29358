package config

import (
	"encoding"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
)

// decode stores the values of a table in the struct that v points to, which holds
// the defaults: what the table does not set stays as it is, what it sets to zero
// becomes zero.
//
// The parser can do this too, but stops at the first value of a wrong type, and
// names an unknown key of the second [[site]] like one of the first. An operator
// shall see all errors at once, each where it is.
func (l *loader) decode(f *source, prefix string, table map[string]any, v reflect.Value) {
	fields := fieldsByKey(v)
	for _, name := range slices.Sorted(maps.Keys(table)) {
		key := join(prefix, name)
		field, ok := fields[name]
		if !ok {
			l.failDecode(f, key, "unknown key%s", suggestion(name, fields))
			continue
		}
		l.assign(f, key, table[name], field)
	}
}

// assign stores one value, of whatever kind, in a field.
func (l *loader) assign(f *source, key string, value any, field reflect.Value) {
	if field.Type() == reflect.TypeFor[[]Site]() {
		l.assignSites(f, key, value, field)
		return
	}
	if _, isText := field.Addr().Interface().(encoding.TextUnmarshaler); isText && field.Type() != reflect.TypeFor[time.Time]() {
		l.assignText(f, key, value, field)
		return
	}
	switch field.Kind() {
	case reflect.Slice:
		l.assignSlice(f, key, value, field)
	case reflect.Struct:
		if table, ok := value.(map[string]any); ok {
			l.decode(f, key, table, field)
			return
		}
		l.assignScalar(f, key, value, field)
	default:
		l.assignScalar(f, key, value, field)
	}
}

// assignText stores a [Size] or [Duration]. A whole number is a size in bytes; a
// duration without a unit would be a guess.
func (l *loader) assignText(f *source, key string, value any, field reflect.Value) {
	text, ok := value.(string)
	if n, isInt := value.(int64); isInt && field.Type() == reflect.TypeFor[Size]() {
		text, ok = strconv.FormatInt(n, 10), true
	}
	if !ok {
		text = fmt.Sprint(value)
	}
	if err := field.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text)); err != nil {
		l.failDecode(f, key, "%v", err)
	}
}

// assignSlice stores an array of strings or of tables, in place of the default.
func (l *loader) assignSlice(f *source, key string, value any, field reflect.Value) {
	items, ok := items(value)
	if !ok {
		l.failDecode(f, key, "must be %s, not %s", wanted(field.Type()), got(value))
		return
	}
	list := reflect.MakeSlice(field.Type(), len(items), len(items))
	for i, item := range items {
		at := key
		if list.Type().Elem().Kind() == reflect.Struct {
			at = indexed(key, i)
		}
		l.assign(f, at, item, list.Index(i))
	}
	field.Set(list)
}

// assignSites appends [[site]] tables, each from its own defaults.
func (l *loader) assignSites(f *source, key string, value any, field reflect.Value) {
	items, ok := items(value)
	if !ok {
		l.failDecode(f, key, "must be written [[site]], once for each site")
		return
	}
	for i, item := range items {
		site := defaultSite()
		site.place = place{f, i}
		l.assign(f, indexed(key, i), item, reflect.ValueOf(&site).Elem())
		field.Set(reflect.Append(field, reflect.ValueOf(site)))
	}
}

func (l *loader) assignScalar(f *source, key string, value any, field reflect.Value) {
	v := reflect.ValueOf(value)
	switch {
	case v.Type().AssignableTo(field.Type()):
		field.Set(v)
	case v.Kind() == reflect.Int64 && field.Kind() == reflect.Int:
		field.SetInt(v.Int())
	default:
		l.failDecode(f, key, "must be %s, not %s", wanted(field.Type()), got(value))
	}
}

// failDecode notes an error of a value. Later checks of the same key say nothing
// more: they would judge the default.
func (l *loader) failDecode(f *source, key, format string, args ...any) {
	l.fail(f, key, format, args...)
	if l.undecoded == nil {
		l.undecoded = map[keyOf]bool{}
	}
	l.undecoded[keyOf{f, key}] = true
}

// decoded reports whether every value in a table could be decoded.
func (l *loader) decoded(f *source, table string) bool {
	for k := range l.undecoded {
		if k.file == f && strings.HasPrefix(k.key, table+".") {
			return false
		}
	}
	return true
}

// fieldsByKey lists the settable fields of a struct by their names in TOML.
func fieldsByKey(v reflect.Value) map[string]reflect.Value {
	fields := map[string]reflect.Value{}
	for field, value := range v.Fields() {
		if field.Anonymous {
			maps.Copy(fields, fieldsByKey(value))
		}
		if name := field.Tag.Get("toml"); name != "" && name != "-" {
			fields[name] = value
		}
	}
	return fields
}

// items returns the elements of an array, which the parser gives in two shapes.
func items(value any) ([]any, bool) {
	switch list := value.(type) {
	case []any:
		return list, true
	case []map[string]any:
		all := make([]any, len(list))
		for i, table := range list {
			all[i] = table
		}
		return all, true
	}
	return nil, false
}

// wanted names a type as an operator knows it.
func wanted(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return "a time like 2026-12-31T00:00:00Z, without quotes"
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct:
		return "a list of tables ([[…]])"
	case t.Kind() == reflect.Slice:
		return `a list like ["a", "b"]`
	case t.Kind() == reflect.Struct:
		return "a table"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.String:
		return "a text in quotes"
	}
	return "a whole number"
}

// got names the type of a value, never the value: it may be a secret.
func got(value any) string {
	switch value.(type) {
	case string:
		return "a text"
	case int64:
		return "a number"
	case float64:
		return "a fraction"
	case bool:
		return "true or false"
	case time.Time:
		return "a time"
	case map[string]any:
		return "a table"
	}
	return "a list"
}

// suggestion is a hint at the known key that was probably meant.
func suggestion(name string, fields map[string]reflect.Value) string {
	best, distance := "", len(name)/3+1
	for _, known := range slices.Sorted(maps.Keys(fields)) {
		if d := editDistance(name, known); d < distance {
			best, distance = known, d
		}
	}
	if best == "" {
		return "; config.example.toml explains the keys there are"
	}
	return fmt.Sprintf("; is %s meant?", best)
}

// editDistance counts the letters to add, drop or change to get from a to b.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// parse reads the text of a file as TOML.
func parse(f *source) (map[string]any, *Error) {
	table := map[string]any{}
	_, err := toml.Decode(f.text, &table)
	if err == nil {
		return table, nil
	}
	var p toml.ParseError
	if !errors.As(err, &p) {
		return nil, &Error{File: f.path, Text: strings.TrimPrefix(err.Error(), "toml: ")}
	}
	e := &Error{File: f.path, Line: p.Position.Line, Key: p.LastKey, Text: p.Message}
	if f.nearSecret(p) {
		// The parser quotes what it stumbled over.
		e.Text = "the value is not written as TOML wants it: put it in quotes"
	}
	return nil, e
}

// nearSecret reports whether the text of an error may hold some of a secret.
func (f *source) nearSecret(p toml.ParseError) bool {
	lines := strings.SplitAfter(f.text, "\n")
	from, to := max(0, p.Position.Line-2), min(len(lines), p.Position.Line+1)
	return strings.Contains(p.LastKey, "secret") || from < to && strings.Contains(strings.Join(lines[from:to], ""), "secret")
}
