package media

import (
	"bytes"
	"time"
)

// scanXML reads the start tag of the root element: an MPD (ISO/IEC 23009-1
// §5.3.1) and a Smooth Streaming manifest say all that matters there.
func scanXML(body []byte) ManifestInfo {
	name, tag := rootElement(body)
	switch string(name) {
	case "MPD":
		return scanMPD(tag)
	case "SmoothStreamingMedia":
		return scanSmooth(tag)
	}
	return ManifestInfo{}
}

// scanMPD reads the attributes of an MPD element. An MPD is static unless it says
// otherwise; one whose tag was cut before it could say counts as dynamic, which
// is kept for less time.
func scanMPD(tag []byte) ManifestInfo {
	var kind []byte
	var update, longest time.Duration
	r := tagReader{rest: tag}
	for name, value, ok := r.next(); ok; name, value, ok = r.next() {
		switch string(name) {
		case "type":
			kind = bytes.TrimSpace(value)
		case "minimumUpdatePeriod":
			update, _ = isoDuration(value)
		case "maxSegmentDuration":
			longest, _ = isoDuration(value)
		}
	}
	if string(kind) == "static" || kind == nil && r.complete {
		return ManifestInfo{Kind: DASH}
	}
	if update == 0 {
		update = longest
	}
	return ManifestInfo{Kind: DASH, Live: true, Target: update}
}

// scanSmooth reads the attributes of a SmoothStreamingMedia element, with the
// same caution.
func scanSmooth(tag []byte) ManifestInfo {
	var live []byte
	r := tagReader{rest: tag}
	for name, value, ok := r.next(); ok; name, value, ok = r.next() {
		if string(name) == "IsLive" {
			live = bytes.TrimSpace(value)
		}
	}
	return ManifestInfo{
		Kind: Smooth,
		Live: equalFold(live, "true") || live == nil && !r.complete,
	}
}

// rootElement returns the local name of the first element and what follows that
// name. Declaration, comments, processing instructions and a document type are
// passed over; name is nil when no element begins in body.
func rootElement(body []byte) (name, tag []byte) {
	for {
		body = bytes.TrimLeft(body, " \t\r\n")
		var ok bool
		switch {
		case bytes.HasPrefix(body, []byte("<?")):
			_, body, ok = bytes.Cut(body, []byte("?>"))
		case bytes.HasPrefix(body, []byte("<!--")):
			_, body, ok = bytes.Cut(body[4:], []byte("-->"))
		case bytes.HasPrefix(body, []byte("<!")):
			body, ok = skipDoctype(body)
		case len(body) > 1 && body[0] == '<':
			return elementName(body[1:])
		}
		if !ok {
			return nil, nil
		}
	}
}

// skipDoctype passes over a document type with or without an internal subset,
// whose declarations are not read, let alone expanded.
func skipDoctype(body []byte) (rest []byte, ok bool) {
	end := bytes.IndexAny(body, "[>")
	if end >= 0 && body[end] == '[' {
		_, body, ok = bytes.Cut(body[end:], []byte{']'})
		if !ok {
			return nil, false
		}
		end = bytes.IndexByte(body, '>')
	}
	if end < 0 {
		return nil, false
	}
	return body[end+1:], true
}

// elementName cuts the local name of an element from the rest of its tag.
func elementName(b []byte) (name, tag []byte) {
	end := bytes.IndexAny(b, " \t\r\n/>")
	if end < 0 {
		return nil, nil
	}
	name = b[:end]
	if colon := bytes.IndexByte(name, ':'); colon >= 0 {
		name = name[colon+1:]
	}
	return name, b[end:]
}

// tagReader reads the attributes of a start tag one by one. References (&…;) are
// not resolved.
type tagReader struct {
	rest     []byte
	complete bool // the end of the tag was seen
}

// next returns the next attribute; ok is false at the end of the tag and where it
// stops being well-formed.
func (r *tagReader) next() (name, value []byte, ok bool) {
	rest := bytes.TrimLeft(r.rest, " \t\r\n")
	r.rest = nil
	equals := bytes.IndexAny(rest, "=>")
	if equals < 0 {
		return nil, nil, false
	}
	if rest[equals] == '>' {
		r.complete = true
		return nil, nil, false
	}
	name = bytes.TrimRight(rest[:equals], " \t\r\n")
	rest = bytes.TrimLeft(rest[equals+1:], " \t\r\n")
	if len(rest) == 0 || rest[0] != '"' && rest[0] != '\'' {
		return nil, nil, false
	}
	value, r.rest, ok = bytes.Cut(rest[1:], rest[:1])
	return name, value, ok
}
