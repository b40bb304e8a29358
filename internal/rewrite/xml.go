package rewrite

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// tagEnd returns the length of the tag at the start of b, -1 if it does not end there.
// A '>' inside of quotes ends nothing.
func tagEnd(b []byte) int {
	var quote byte
	for i, c := range b {
		switch {
		case c == '>' && quote == 0:
			return i + 1
		case c != '"' && c != '\'':
		case quote == 0:
			quote = c
		case quote == c:
			quote = 0
		}
	}
	return -1
}

// elementName returns the name of a start or end tag, and where it ends in the tag.
func elementName(tag []byte) (name []byte, end int) {
	start := 1
	if len(tag) > 1 && tag[1] == '/' {
		start = 2
	}
	end = start
	for end < len(tag) && tag[end] > ' ' && tag[end] != '/' && tag[end] != '>' {
		end++
	}
	return tag[start:end], end
}

// local cuts the namespace prefix from a name.
func local(name []byte) []byte { return name[bytes.IndexByte(name, ':')+1:] }

// attribute is one attribute of a tag: positions of name and value.
type attribute struct{ name, value []byte }

// nextAttribute returns the next attribute from position at on, and the position of its
// value and of what follows. It returns next < 0 at the end and where the tag is malformed.
func nextAttribute(tag []byte, at int) (a attribute, value, next int) {
	for at < len(tag) && tag[at] <= ' ' {
		at++
	}
	name := at
	for at < len(tag) && tag[at] > ' ' && tag[at] != '=' && tag[at] != '>' {
		at++
	}
	a.name = tag[name:at]
	for at < len(tag) && tag[at] <= ' ' {
		at++
	}
	if at >= len(tag) || tag[at] != '=' {
		return a, 0, -1
	}
	for at++; at < len(tag) && tag[at] <= ' '; {
		at++
	}
	if at >= len(tag) || tag[at] != '"' && tag[at] != '\'' {
		return a, 0, -1
	}
	end := bytes.IndexByte(tag[at+1:], tag[at])
	if end < 0 {
		return a, 0, -1
	}
	a.value = tag[at+1 : at+1+end]
	return a, at + 1, at + 2 + end
}

// unescape appends text with its references resolved (XML 1.0 §4.1, §4.6). It returns
// false for references that only a document type could explain.
func unescape(dst, text []byte) ([]byte, bool) {
	for {
		i := bytes.IndexByte(text, '&')
		if i < 0 {
			return append(dst, text...), true
		}
		dst, text = append(dst, text[:i]...), text[i+1:]
		end := bytes.IndexByte(text, ';')
		if end < 0 {
			return dst, false
		}
		c, ok := character(text[:end])
		if !ok {
			return dst, false
		}
		dst, text = utf8.AppendRune(dst, c), text[end+1:]
	}
}

// character resolves the name of a reference.
func character(name []byte) (rune, bool) {
	switch string(name) {
	case "amp":
		return '&', true
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	}
	digits, ok := bytes.CutPrefix(name, []byte("#"))
	if !ok || len(digits) > 8 {
		return 0, false
	}
	base := 10
	if hex, ok := bytes.CutPrefix(digits, []byte("x")); ok {
		digits, base = hex, 16
	}
	n, err := strconv.ParseUint(string(digits), base, 32)
	if err != nil || n == 0 || n > utf8.MaxRune {
		return 0, false
	}
	return rune(n), true
}

// escape appends text as content or as value in either kind of quotes.
func escape(dst, text []byte) []byte {
	for {
		i := bytes.IndexAny(text, `&<>"'`)
		if i < 0 {
			return append(dst, text...)
		}
		dst = append(dst, text[:i]...)
		switch text[i] {
		case '&':
			dst = append(dst, "&amp;"...)
		case '<':
			dst = append(dst, "&lt;"...)
		case '>':
			dst = append(dst, "&gt;"...)
		case '"':
			dst = append(dst, "&quot;"...)
		default:
			dst = append(dst, "&#39;"...)
		}
		text = text[i+1:]
	}
}
