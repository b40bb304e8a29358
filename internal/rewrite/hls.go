package rewrite

import (
	"bytes"
	"strconv"
)

// hlsState is where in a playlist the Rewriter is.
type hlsState struct {
	skipping bool // inside of a line longer than MaxUnit
	begun    bool // the line #EXTM3U has passed
	defined  bool // the declaration of Define is out, or stands in the playlist
}

// lines takes all complete lines of b.
func (r *Rewriter) lines(dst, b []byte) (out []byte, n int) {
	for n < len(b) {
		rest := b[n:]
		end := bytes.IndexByte(rest, '\n')
		switch {
		case end < 0 && (r.hls.skipping || len(rest) > MaxUnit):
			r.hls.skipping = true
			return append(dst, rest...), len(b)
		case end < 0:
			return dst, n
		case r.hls.skipping || end > MaxUnit:
			r.hls.skipping = false
			dst = append(dst, rest[:end+1]...)
		default:
			dst = r.line(dst, rest[:end+1])
		}
		n += end + 1
	}
	return dst, n
}

const blank = " \t\r\n"

var (
	tagStart   = []byte("#EXT-X-")
	segmentTag = []byte("#EXTINF")
)

// line appends one line with its end.
func (r *Rewriter) line(dst, line []byte) []byte {
	if !r.hls.begun {
		r.hls.begun = bytes.Contains(line, firstLine)
		return append(dst, line...)
	}
	if r.o.Mode == Define {
		dst = r.define(dst, line)
	}
	if bytes.HasPrefix(line, segmentTag) {
		return append(dst, line...)
	}
	text := bytes.Trim(line, blank)
	if len(text) == 0 {
		return append(dst, line...)
	}
	if text[0] == '#' {
		if bytes.HasPrefix(text, tagStart) {
			return r.tag(dst, line)
		}
		return append(dst, line...)
	}
	lead := bytes.IndexByte(line, text[0])
	dst = append(dst, line[:lead]...)
	dst = r.hlsURI(dst, text)
	return append(dst, line[lead+len(text):]...)
}

// hlsURI appends a URI of a playlist with the token.
func (r *Rewriter) hlsURI(dst, uri []byte) []byte {
	if unknownVariable(uri) {
		return append(dst, uri...)
	}
	placed, changed := r.place(dst, uri, toManifest)
	if !changed {
		return append(dst, uri...)
	}
	return placed
}

// unknownVariable reports a variable (EXT-X-DEFINE) where it may hide scheme, host or the
// start of the path.
func unknownVariable(uri []byte) bool {
	i := bytes.Index(uri, []byte("{$"))
	if i < 0 {
		return false
	}
	head := uri[:i]
	if at := bytes.Index(head, []byte("//")); at >= 0 {
		return !bytes.ContainsAny(head[at+2:], "/?#")
	}
	return !bytes.ContainsAny(head, "/?#")
}

// tag appends a line with a tag.
func (r *Rewriter) tag(dst, line []byte) []byte {
	start := bytes.Index(line, tagStart) + len(tagStart)
	colon := bytes.IndexByte(line[start:], ':')
	if colon < 0 {
		return append(dst, line...)
	}
	list := start + colon + 1
	name := line[start : list-1]
	if string(name) == "VERSION" && r.o.Mode == Define {
		return appendVersion(append(dst, line[:list]...), line[list:])
	}
	if !hasURI(name) {
		return append(dst, line...)
	}
	dst = append(dst, line[:list]...)
	return r.attributeList(dst, line[list:])
}

// hasURI reports whether a tag, given without "#EXT-X-", has attributes that are
// URIs (draft-pantos-hls-rfc8216bis-18 section 4.4; IMAGE-STREAM-INF is Roku's).
func hasURI(tag []byte) bool {
	switch string(tag) {
	case "KEY", "MAP", "PART", "PRELOAD-HINT", "RENDITION-REPORT", "DATERANGE",
		"MEDIA", "I-FRAME-STREAM-INF", "IMAGE-STREAM-INF", "SESSION-DATA", "SESSION-KEY", "CONTENT-STEERING":
		return true
	}
	return false
}

// isURI reports whether an attribute is a URI. Their names mean the same in all tags.
func isURI(attribute []byte) bool {
	switch string(attribute) {
	case "URI", "SERVER-URI", "X-ASSET-URI", "X-ASSET-LIST":
		return true
	}
	return false
}

// attributeList appends a list of attributes (RFC 8216 §4.2). Where it stops being one, the
// rest passes as it is.
func (r *Rewriter) attributeList(dst, list []byte) []byte {
	for len(list) > 0 {
		equals := bytes.IndexByte(list, '=')
		if equals < 0 {
			break
		}
		name := list[:equals]
		if comma := bytes.LastIndexByte(name, ','); comma >= 0 {
			name = name[comma+1:]
		}
		dst, list = append(dst, list[:equals+1]...), list[equals+1:]
		if len(list) == 0 || list[0] != '"' {
			continue // the comma that ends the value is found with the next name
		}
		end := bytes.IndexByte(list[1:], '"')
		if end < 0 {
			break
		}
		dst = append(dst, '"')
		if value := list[1 : end+1]; isURI(bytes.TrimSpace(name)) {
			dst = r.hlsURI(dst, value)
		} else {
			dst = append(dst, value...)
		}
		dst, list = append(dst, '"'), list[end+2:]
	}
	return append(dst, list...)
}

// define appends the declaration of the variable behind the first line, unless next, the
// line that follows it, is that already.
func (r *Rewriter) define(dst, next []byte) []byte {
	if r.o.Mode != Define || r.hls.defined || !r.hls.begun {
		return dst
	}
	r.hls.defined = true
	start := len(dst)
	dst = append(dst, "#EXT-X-DEFINE:QUERYPARAM=\""...)
	dst = append(append(dst, r.o.Name...), '"')
	if bytes.Equal(bytes.TrimSpace(next), dst[start:]) {
		return dst[:start]
	}
	return append(dst, '\n')
}

// defineVersion is the first version of HLS that has QUERYPARAM.
const defineVersion = 11

// appendVersion appends the value of EXT-X-VERSION, at least that which Define needs.
func appendVersion(dst, value []byte) []byte {
	text := bytes.TrimSpace(value)
	n, err := strconv.Atoi(string(text))
	if err != nil || n >= defineVersion {
		return append(dst, value...)
	}
	dst = strconv.AppendInt(dst, defineVersion, 10)
	return append(dst, value[bytes.Index(value, text)+len(text):]...)
}
