package rewrite

import (
	"bytes"
	"errors"
)

// Mode is how a URI takes the token.
type Mode uint8

// The modes. There is no zero one.
const (
	// Segment puts /NAME=VALUE in front of the path.
	Segment Mode = iota + 1
	// Query puts NAME=VALUE into the query.
	Query
	// Define refers to the query of the manifest itself, so that all viewers get the
	// same bytes: by EXT-X-DEFINE:QUERYPARAM in HLS, by urn:mpeg:dash:urlparam:2016 in DASH.
	Define
)

// MaxUnit is the length in bytes above which a line, a tag or the content of an
// element passes unchanged.
const MaxUnit = 64 << 10

// Options say what to put into a manifest.
type Options struct {
	Mode  Mode
	Name  string // of segment and parameter
	Value string // the token, of characters that need no escape in a URI; not used by Define
	// Base is the directory of the manifest without its token, percent-encoded, with a
	// slash at both ends. Segment needs it.
	Base string
	// Inherits says that the manifest was asked for with this very token as leading
	// segment: what is relative to it has the token already.
	Inherits bool
	// Self is the encoded path and query of the manifest without a token, for the
	// Location of a dynamic MPD. "" adds none: the manifest may be asked for again
	// as it was this time.
	Self string
	// Hosts are own: canonical names as a URI writes them, IPv6 in brackets.
	Hosts []string
	// Port is that of the request for the manifest, "" for the default. URIs with
	// another one that is no default either are foreign.
	Port string
	// Covers says whether the token opens a path, given without dot segments; nil means
	// that it opens any. A URI that it does not open is left as it is.
	Covers func(path []byte) bool
}

var errOptions = errors.New("rewrite: name or value has characters that need an escape")

// Rewriter rewrites one manifest after another. The zero value needs a Reset.
type Rewriter struct {
	o       Options
	format  format
	held    []byte // start of a unit whose end has not come yet
	plain   []byte // a URI without XML escapes
	placed  []byte // the same with the token
	whole   []byte // its path from the root
	hls     hlsState
	dash    dashState
	segment string // "/NAME="
	mark    string // "NAME="
	value   string // what stands behind mark in HLS and, $ doubled, in templates
	dollars string
}

// format is what a body turned out to be.
type format uint8

const (
	undecided format = iota
	raw              // passes as it is
	hls
	dash
)

// Reset prepares for the next manifest. It fails when name or value would have to
// be escaped.
func (r *Rewriter) Reset(o Options) error {
	if !Legal(o.Name) || o.Mode != Define && !Legal(o.Value) {
		return errOptions
	}
	keep := *r
	*r = Rewriter{o: o, held: keep.held[:0], plain: keep.plain, placed: keep.placed, whole: keep.whole, segment: keep.segment, mark: keep.mark}
	if r.mark != o.Name+"=" {
		r.mark, r.segment = o.Name+"=", "/"+o.Name+"="
	}
	r.dash.levels = keep.dash.levels[:0]
	r.value, r.dollars = o.Value, o.Value
	if o.Mode == Define {
		r.value = "{$" + o.Name + "}"
	}
	if indexByte(r.dollars, '$') >= 0 {
		r.dollars = doubled(r.dollars)
	}
	return nil
}

// Append takes the next piece of the manifest and appends what is ready to dst.
func (r *Rewriter) Append(dst, piece []byte) []byte {
	b := piece
	if len(r.held) > 0 {
		r.held = append(r.held, piece...)
		if len(r.held) <= MaxUnit && !r.mayEnd(piece) {
			return dst
		}
		b = r.held
	}
	dst, n := r.consume(dst, b)
	r.held = append(r.held[:0], b[n:]...)
	return dst
}

// mayEnd reports whether a unit may end in piece: an origin that sends byte by byte must
// not have us look at each of them again and again.
func (r *Rewriter) mayEnd(piece []byte) bool {
	switch r.format {
	case hls:
		return bytes.IndexByte(piece, '\n') >= 0
	case dash:
		return bytes.IndexByte(piece, '>') >= 0 || bytes.IndexByte(piece, '<') >= 0
	}
	return true
}

// Finish appends what is left when the manifest has ended.
func (r *Rewriter) Finish(dst []byte) []byte {
	if r.format == undecided {
		r.decide(r.held, true)
	}
	switch r.format {
	case hls:
		if len(r.held) > 0 {
			dst = r.line(dst, r.held)
		}
	default:
		var n int
		dst, n = r.consume(dst, r.held)
		dst = append(dst, r.held[n:]...)
	}
	r.held = r.held[:0]
	return dst
}

// consume appends what can be judged of b and returns how much of b that was.
func (r *Rewriter) consume(dst, b []byte) (out []byte, n int) {
	if r.format == undecided && !r.decide(b, false) {
		return dst, 0
	}
	switch r.format {
	case hls:
		return r.lines(dst, b)
	case dash:
		return r.markup(dst, b)
	default:
		return append(dst, b...), len(b)
	}
}

var (
	byteOrderMark = []byte("\xef\xbb\xbf")
	firstLine     = []byte("#EXTM3U")
)

// decide tells the format by how the body begins: b is all that has come so far.
func (r *Rewriter) decide(b []byte, ended bool) bool {
	if len(b) < len(byteOrderMark) && bytes.HasPrefix(byteOrderMark, b) && !ended {
		return false
	}
	b = bytes.TrimPrefix(b, byteOrderMark)
	trimmed := bytes.TrimLeft(b, " \t\r\n")
	switch {
	case len(b)-len(trimmed) > MaxUnit:
		r.format = raw
	case len(trimmed) < len(firstLine) && bytes.HasPrefix(firstLine, trimmed) && !ended:
		return false
	case bytes.HasPrefix(trimmed, firstLine):
		r.format = hls
	case len(trimmed) > 0 && trimmed[0] == '<':
		r.format = dash
	default:
		r.format = raw
	}
	return true
}

// Legal reports whether text stands in a path, a query, an HLS attribute and an HLS line as it
// is. What XML and templates need escaped is escaped where it is needed.
func Legal(text string) bool {
	for i := range len(text) {
		switch c := text[i]; {
		case c <= ' ' || c >= 0x7f:
			return false
		case indexByte("\"#<>?\\^`{|}", c) >= 0:
			return false
		}
	}
	return text != ""
}

func indexByte(s string, c byte) int {
	for i := range len(s) {
		if s[i] == c {
			return i
		}
	}
	return -1
}

// doubled writes each dollar sign twice, which is how a template says one.
func doubled(s string) string {
	b := make([]byte, 0, len(s)+4)
	for i := range len(s) {
		if s[i] == '$' {
			b = append(b, '$')
		}
		b = append(b, s[i])
	}
	return string(b)
}
