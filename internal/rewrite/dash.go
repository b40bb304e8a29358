package rewrite

import "bytes"

// dashState is where in a document the Rewriter is.
type dashState struct {
	until   string  // what ends the comment, instruction or section it is in, "" when in none
	content role    // of the element whose content comes next, 0 when that is no URI
	levels  []level // the open elements, outermost first
	isMPD   bool
	dynamic bool
	prefix  [maxPrefix]byte // namespace prefix of the root with its colon
	nprefix int
	added   bool // what belongs in front of the Periods is there
	period  bool // a Period has begun
	declare bool // the declaration of Define is out
	hasBase bool // the MPD has a BaseURL of its own
}

// Bounds of documents. What goes beyond passes unchanged.
const (
	maxDepth  = 64
	maxPrefix = 16
)

// level says what relative references inside of an element lead to.
type level struct {
	foreign bool // to another host
	fixed   bool // a base URL of this very level did that
}

// markup takes what is complete of b.
func (r *Rewriter) markup(dst, b []byte) (out []byte, n int) {
	d := &r.dash
	for n < len(b) && r.format == dash {
		var used int
		switch rest := b[n:]; {
		case d.until != "":
			dst, used = d.skip(dst, rest)
		case d.content != 0:
			dst, used = r.element(dst, rest)
		case rest[0] != '<':
			used = bytes.IndexByte(rest, '<')
			if used < 0 {
				used = len(rest)
			}
			dst = append(dst, rest[:used]...)
		default:
			dst, used = r.construct(dst, rest)
		}
		if used < 0 {
			return dst, n
		}
		n += used
	}
	if r.format == raw {
		return append(dst, b[n:]...), len(b)
	}
	return dst, n
}

// skip passes over a comment or the like. It returns -1 when b ends inside of what ends it.
func (d *dashState) skip(dst, b []byte) ([]byte, int) {
	i := bytes.Index(b, []byte(d.until))
	if i >= 0 {
		n := i + len(d.until)
		d.until = ""
		return append(dst, b[:n]...), n
	}
	n := len(b) - len(d.until) + 1
	if n <= 0 {
		return dst, -1
	}
	return append(dst, b[:n]...), n
}

// constructs are what may follow a '<' but names, with what ends them.
var constructs = [...]struct{ start, end string }{
	{"<!--", "-->"}, {"<![CDATA[", "]]>"}, {"<?", "?>"}, {"<!", ""},
}

// opened tells which construct b begins with: its index, -1 for a tag, -2 when b is
// too short to say.
func opened(b []byte) int {
	for i, c := range constructs {
		if len(b) < len(c.start) && c.start[:len(b)] == string(b) {
			return -2
		}
		if len(b) >= len(c.start) && string(b[:len(c.start)]) == c.start {
			return i
		}
	}
	return -1
}

// construct takes whatever begins with '<'. It returns -1 when more is needed.
func (r *Rewriter) construct(dst, b []byte) ([]byte, int) {
	switch i := opened(b); {
	case i == -2:
		return dst, -1
	case i >= 0 && constructs[i].end == "":
		r.format = raw // a document type may give everything another meaning
		return dst, 0
	case i >= 0:
		r.dash.until = constructs[i].end
		n := len(constructs[i].start)
		return append(dst, b[:n]...), n
	}
	n := tagEnd(b)
	if n > MaxUnit || n < 0 && len(b) > MaxUnit {
		r.format = raw
		return dst, 0
	}
	if n < 0 {
		return dst, -1
	}
	if b[1] == '/' {
		return r.endTag(dst, b[:n]), n
	}
	return r.startTag(dst, b[:n]), n
}

func (r *Rewriter) endTag(dst, tag []byte) []byte {
	d := &r.dash
	if len(d.levels) > 0 {
		d.levels = d.levels[:len(d.levels)-1]
	}
	if len(d.levels) == 0 {
		dst = r.declareQuery(dst)
	}
	return append(dst, tag...)
}

func (r *Rewriter) startTag(dst, tag []byte) []byte {
	d := &r.dash
	name, at := elementName(tag)
	depth := len(d.levels)
	if depth == 0 {
		r.root(name, tag, at)
	}
	name = local(name)
	if depth == 1 && d.isMPD {
		dst = r.child(dst, name, tag)
	}
	if depth == maxDepth {
		r.format = raw
	}
	if r.format == raw {
		return append(dst, tag...)
	}
	inherited := level{}
	if depth > 0 {
		inherited.foreign = d.levels[depth-1].foreign
	}
	dst = r.attributes(dst, tag, name, at, inherited.foreign)
	if !bytes.HasSuffix(tag, []byte("/>")) {
		d.levels = append(d.levels, inherited)
		d.content = contentRole(name, depth)
	}
	return dst
}

// root looks at the outermost element.
func (r *Rewriter) root(name, tag []byte, at int) {
	d := &r.dash
	d.nprefix = len(name) - len(local(name))
	if string(local(name)) == "SmoothStreamingMedia" || d.nprefix > maxPrefix {
		r.format = raw
		return
	}
	copy(d.prefix[:], name[:d.nprefix])
	d.isMPD = string(local(name)) == "MPD"
	for {
		a, _, next := nextAttribute(tag, at)
		if next < 0 {
			return
		}
		if string(a.name) == "type" && string(bytes.TrimSpace(a.value)) == "dynamic" {
			d.dynamic = true
		}
		at = next
	}
}

// child looks at an element right below the MPD. The order of these is fixed by the
// schema (ISO/IEC 23009-1 §5.3.1.3), which says where to add some.
func (r *Rewriter) child(dst, name, tag []byte) []byte {
	d := &r.dash
	switch string(name) {
	case "ProgramInformation":
		return dst
	case "BaseURL":
		d.hasBase = true
		return dst
	case "EssentialProperty":
		d.declare = d.declare || bytes.Contains(tag, []byte("urn:mpeg:dash:urlparam:"))
	case "UTCTiming":
		if d.period {
			dst = r.declareQuery(dst)
		}
	case "Period":
		d.period = true
	}
	if !d.added {
		d.added = true
		dst = r.addBase(dst)
		if string(name) != "Location" {
			dst = r.addLocation(dst)
		}
	}
	return dst
}

// addBase appends the BaseURL that makes relative references carry the token.
func (r *Rewriter) addBase(dst []byte) []byte {
	if r.o.Mode != Segment || r.o.Inherits || r.dash.hasBase {
		return dst
	}
	r.placed = append(append(append(r.placed[:0], r.segment...), r.value...), r.o.Base...)
	return r.addElement(dst, "BaseURL", r.placed)
}

// addLocation appends where a dynamic MPD is to be asked for from now on.
func (r *Rewriter) addLocation(dst []byte) []byte {
	if r.o.Mode == Define || r.o.Self == "" || !r.dash.dynamic {
		return dst
	}
	placed, changed := r.place(r.placed[:0], []byte(r.o.Self), toManifest)
	r.placed = placed
	if !changed {
		return dst
	}
	return r.addElement(dst, "Location", r.placed)
}

func (r *Rewriter) addElement(dst []byte, name string, text []byte) []byte {
	d := &r.dash
	dst = append(append(append(dst, '<'), d.prefix[:d.nprefix]...), name...)
	dst = escape(append(dst, '>'), text)
	dst = append(append(append(dst, "</"...), d.prefix[:d.nprefix]...), name...)
	return append(dst, '>')
}

// declareQuery appends what has a player repeat the query of the MPD in requests for
// segments (ISO/IEC 23009-1 Annex I.3), to the host of the MPD only.
func (r *Rewriter) declareQuery(dst []byte) []byte {
	d := &r.dash
	if r.o.Mode != Define || d.declare || !d.isMPD {
		return dst
	}
	d.declare = true
	prefix := d.prefix[:d.nprefix]
	dst = append(append(dst, '<'), prefix...)
	dst = append(dst, `EssentialProperty schemeIdUri="urn:mpeg:dash:urlparam:2016">`+
		`<up:ExtUrlQueryInfo xmlns:up="urn:mpeg:dash:schema:urlparam:2016" queryTemplate="$querypart$" `+
		`useMPDUrlQuery="true" includeInRequests="segment xlink" sameOriginOnly="true"/></`...)
	return append(append(dst, prefix...), "EssentialProperty>"...)
}

// contentRole says what the content of an element is, 0 when that is no URI.
func contentRole(name []byte, depth int) role {
	switch string(name) {
	case "BaseURL":
		if depth == 1 {
			return prefix | toManifest
		}
		return prefix
	case "Location", "PatchLocation", "ContentSteering":
		return toManifest
	}
	return 0
}

// attributeRole says what an attribute of an element is, 0 when that is no URI.
func attributeRole(element, name []byte) role {
	switch string(element) {
	case "SegmentTemplate":
		switch string(name) {
		case "media", "initialization", "index", "bitstreamSwitching":
			return template
		}
	case "InitializationSet":
		if string(name) == "initialization" {
			return template
		}
	case "SegmentURL":
		if string(name) == "media" || string(name) == "index" {
			return inBase
		}
	case "Initialization", "RepresentationIndex", "BitstreamSwitching":
		if string(name) == "sourceURL" {
			return inBase
		}
	case "UTCTiming":
		if string(name) == "value" {
			return absolute
		}
	}
	if string(name) == "xlink:href" {
		return inBase
	}
	return 0
}

// attributes appends a start tag.
func (r *Rewriter) attributes(dst, tag, element []byte, at int, foreign bool) []byte {
	from := 0
	if string(element) == "S" || r.o.Mode == Define { // most of a timeline
		return append(dst, tag...)
	}
	for {
		a, value, next := nextAttribute(tag, at)
		if next < 0 {
			return append(dst, tag[from:]...)
		}
		if as := attributeRole(element, a.name); as != 0 {
			if foreign {
				as |= elsewhere
			}
			dst = append(dst, tag[from:value]...)
			dst = r.xmlURI(dst, a.value, as)
			from = value + len(a.value)
		}
		at = next
	}
}

// element takes the content of an element that is a URI.
func (r *Rewriter) element(dst, b []byte) ([]byte, int) {
	d := &r.dash
	end := contentEnd(b)
	if end == incomplete && len(b) < MaxUnit+16 { // 16: whatever is open now began behind MaxUnit
		return dst, -1
	}
	as := d.content
	d.content = 0
	if end < 0 || end > MaxUnit || r.o.Mode == Define {
		return dst, 0
	}
	parent := &d.levels[max(0, len(d.levels)-2)]
	if parent.foreign && as&toManifest == 0 {
		as |= elsewhere
	}
	text, ok := r.textOf(b[:end])
	if !ok {
		return append(dst, b[:end]...), end
	}
	if as&prefix != 0 {
		r.rebase(parent, text)
	}
	placed, changed := r.place(r.placed[:0], text, as)
	r.placed = placed
	if !changed {
		return append(dst, b[:end]...), end
	}
	dst = escape(appendOutside(dst, b[:end]), placed)
	return append(dst, b[len(bytes.TrimRight(b[:end], blank)):end]...), end
}

// rebase notes where a base URL leads what is relative to it.
func (r *Rewriter) rebase(parent *level, text []byte) {
	switch k, _ := r.classify(text); {
	case len(text) == 0:
	case k == foreign:
		parent.foreign, parent.fixed = true, true
	case k == own:
		parent.foreign = parent.fixed
	}
}

// What contentEnd may find instead of an end.
const (
	incomplete = -1
	nested     = -2
)

// contentEnd returns where the content at the start of b ends, which may hold comments and
// CDATA sections; incomplete when b ends before, nested when there is an element in it.
func contentEnd(b []byte) int {
	for at := 0; ; {
		i := bytes.IndexByte(b[at:], '<')
		if i < 0 || at+i+1 == len(b) {
			return incomplete
		}
		at += i
		if b[at+1] == '/' {
			return at
		}
		switch i := opened(b[at:]); {
		case i == -2:
			return incomplete
		case i < 0 || constructs[i].end == "":
			return nested
		default:
			end := bytes.Index(b[at:], []byte(constructs[i].end))
			if end < 0 {
				return incomplete
			}
			at += end + len(constructs[i].end)
		}
	}
}

// textOf returns the characters of an element's content without space around them.
func (r *Rewriter) textOf(content []byte) (text []byte, ok bool) {
	if !bytes.ContainsAny(content, "<&") {
		return bytes.Trim(content, blank), true
	}
	r.plain = r.plain[:0]
	ok = true
	eachPiece(content, func(piece []byte, open int) {
		switch open {
		case cdata:
			r.plain = append(r.plain, piece[len("<![CDATA["):len(piece)-len("]]>")]...)
		case characters:
			var fine bool
			r.plain, fine = unescape(r.plain, piece)
			ok = ok && fine
		}
	})
	return bytes.Trim(r.plain, blank), ok
}

// Kinds of pieces; the others are comments and instructions.
const (
	characters = -1
	cdata      = 1 // its place in constructs
)

// eachPiece cuts content, whose end contentEnd has found, in pieces.
func eachPiece(content []byte, do func(piece []byte, open int)) {
	for len(content) > 0 {
		n, open := bytes.IndexByte(content, '<'), characters
		switch {
		case n < 0:
			n = len(content)
		case n == 0:
			open = opened(content)
			end := constructs[open].end
			n = bytes.Index(content, []byte(end)) + len(end)
		}
		do(content[:n], open)
		content = content[n:]
	}
}

// appendOutside appends what of content is in front of its text: space, and comments
// wherever they were.
func appendOutside(dst, content []byte) []byte {
	dst = append(dst, content[:len(content)-len(bytes.TrimLeft(content, blank))]...)
	if bytes.IndexByte(content, '<') < 0 {
		return dst
	}
	eachPiece(content, func(piece []byte, open int) {
		if open != characters && open != cdata {
			dst = append(dst, piece...)
		}
	})
	return dst
}

// xmlURI appends the value of an attribute that is a URI.
func (r *Rewriter) xmlURI(dst, value []byte, as role) []byte {
	text := value
	if bytes.IndexByte(value, '&') >= 0 {
		var ok bool
		if r.plain, ok = unescape(r.plain[:0], value); !ok {
			return append(dst, value...)
		}
		text = r.plain
	}
	placed, changed := r.place(r.placed[:0], text, as)
	r.placed = placed
	if !changed {
		return append(dst, value...)
	}
	return escape(dst, placed)
}
