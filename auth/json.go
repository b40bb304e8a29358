package auth

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"strconv"
	"unicode/utf8"
)

// maxDepth bounds the nesting of what is decoded from a token.
const maxDepth = 8

// parseObject reads one JSON object and nothing else. Two readers of the same text
// must not come to different results, so what RFC 8259 leaves open is refused:
// member names that occur twice, and bytes that are not UTF-8. Numbers come as
// json.Number, names are compared exactly.
func parseObject(text []byte) (map[string]any, bool) {
	if !utf8.Valid(text) || !json.Valid(text) {
		return nil, false
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	v, ok := parseValue(d, maxDepth)
	if !ok {
		return nil, false
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, false
	}
	object, ok := v.(map[string]any)
	return object, ok
}

func parseValue(d *json.Decoder, depth int) (any, bool) {
	t, err := d.Token()
	if err != nil || depth == 0 {
		return nil, false
	}
	switch t {
	case json.Delim('{'):
		return parseMembers(d, depth-1)
	case json.Delim('['):
		return parseElements(d, depth-1)
	}
	return t, true
}

func parseMembers(d *json.Decoder, depth int) (any, bool) {
	object := map[string]any{}
	for d.More() {
		t, err := d.Token()
		name, ok := t.(string)
		if _, twice := object[name]; err != nil || !ok || twice {
			return nil, false
		}
		if object[name], ok = parseValue(d, depth); !ok {
			return nil, false
		}
	}
	_, err := d.Token() // the closing brace
	return object, err == nil
}

func parseElements(d *json.Decoder, depth int) (any, bool) {
	list := []any{}
	for d.More() {
		v, ok := parseValue(d, depth)
		if !ok {
			return nil, false
		}
		list = append(list, v)
	}
	_, err := d.Token() // the closing bracket
	return list, err == nil
}

// jsonTime reads a NumericDate (RFC 7519 §2): seconds, which may have a fraction. It
// is rounded up to whole ones, so that "now < exp" and "now >= nbf" mean the same as
// without. No number is a time of more than ten digits.
func jsonTime(v any) (int64, Reason) {
	number, ok := v.(json.Number)
	if !ok {
		return 0, BadClaim
	}
	f, err := strconv.ParseFloat(string(number), 64) // exact for ten digits
	if err != nil {
		return 0, BadClaim
	}
	return numericDate(f)
}

// numericDate rounds a time up to whole seconds. NaN is none.
func numericDate(f float64) (int64, Reason) {
	switch {
	case f > maxTime:
		return 0, LongTime
	case f >= 0:
		return int64(math.Ceil(f)), Allowed
	}
	return 0, BadClaim
}

// wholeNumber reads a small number that is not negative.
func wholeNumber(v any) (int, bool) {
	number, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(string(number), 10, 31)
	return int(n), err == nil
}
