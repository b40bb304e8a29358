package media

import "bytes"

// hlsScan gathers what the tags of a playlist say (RFC 8216).
type hlsScan struct {
	info   ManifestInfo
	master bool // a tag that only multivariant playlists have
	media  bool // a tag that only media playlists have
	ended  bool // EXT-X-ENDLIST, or the type VOD
}

// scanHLS reads a playlist line by line.
func scanHLS(body []byte) ManifestInfo {
	var s hlsScan
	for len(body) > 0 {
		line := body
		if i := bytes.IndexByte(body, '\n'); i >= 0 {
			line, body = body[:i], body[i+1:]
		} else {
			body = nil
		}
		if len(line) > 4 && string(line[:4]) == "#EXT" {
			s.tag(line[4:])
		}
	}
	return s.result()
}

// result decides between the kinds. In doubt a playlist is a live media
// playlist, which is kept for the shortest time.
func (s *hlsScan) result() ManifestInfo {
	if s.master && !s.media {
		s.info.Kind = HLSMaster
		return s.info
	}
	s.info.Kind = HLSMedia
	s.info.Live = !s.ended
	return s.info
}

// tag takes in one tag, given without its leading "#EXT".
func (s *hlsScan) tag(line []byte) {
	if bytes.HasPrefix(line, []byte("INF:")) {
		s.media = true
		s.info.Segments++
		return
	}
	if !bytes.HasPrefix(line, []byte("-X-")) {
		return
	}
	name, value, _ := bytes.Cut(line[3:], []byte{':'})
	s.extended(bytes.TrimRight(name, " \t\r"), bytes.TrimSpace(value))
}

// extended takes in one EXT-X tag.
func (s *hlsScan) extended(name, value []byte) {
	switch string(name) {
	case "STREAM-INF", "I-FRAME-STREAM-INF", "MEDIA", "SESSION-DATA", "SESSION-KEY", "CONTENT-STEERING":
		s.master = true
	case "TARGETDURATION":
		s.media = true
		s.info.Target, _ = seconds(value)
	case "MEDIA-SEQUENCE":
		s.media = true
		s.info.Sequence = digits(value)
	case "PART-INF":
		s.media = true
		target, _ := attribute(value, "PART-TARGET")
		s.info.PartTarget, _ = seconds(target)
	case "SERVER-CONTROL":
		block, _ := attribute(value, "CAN-BLOCK-RELOAD")
		s.info.Blocking = string(block) == "YES"
	case "PLAYLIST-TYPE":
		s.media = true
		s.ended = s.ended || string(value) == "VOD"
	case "ENDLIST":
		s.media, s.ended = true, true
	}
}

// attribute returns the value of an attribute in a list (RFC 8216 §4.2) without
// its quotes. Commas inside of quotes do not end a value; an entry without '=' is
// passed over.
func attribute(list []byte, name string) (value []byte, ok bool) {
	for len(list) > 0 {
		key, rest, found := bytes.Cut(list, []byte{'='})
		if !found {
			return nil, false
		}
		if i := bytes.LastIndexByte(key, ','); i >= 0 {
			key = key[i+1:]
		}
		value, list = attributeValue(rest)
		if string(bytes.TrimSpace(key)) == name {
			return value, true
		}
	}
	return nil, false
}

// attributeValue cuts the value at the start of b from the entries after it.
func attributeValue(b []byte) (value, rest []byte) {
	if len(b) == 0 || b[0] != '"' {
		value, rest, _ = bytes.Cut(b, []byte{','})
		return bytes.TrimSpace(value), rest
	}
	value, rest, _ = bytes.Cut(b[1:], []byte{'"'})
	_, rest, _ = bytes.Cut(rest, []byte{','})
	return value, rest
}
