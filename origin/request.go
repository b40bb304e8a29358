package origin

import (
	"bufio"
	"strconv"
	"strings"

	"edged/cache/object"
)

// Request is what to ask the origins for. It is borrowed until Fetch returns and
// not changed.
type Request struct {
	// Method is any but CONNECT and TRACE. What is not GET or HEAD may have done its
	// work although the answer was lost: it is sent once, and another origin is
	// tried only where no connection could be made.
	Method string
	Target string // encoded path and optional query, beginning with '/'; sent exactly so
	// Header holds the fields to send, already allow-listed by the caller. Via and
	// CDN-Loop lines of the client are extended. Host and fields of one connection
	// are never taken from here. Without Accept-Encoding, identity is asked for.
	Header object.Header
	// Body is the content of an unsafe request, nil for none. Borrowed like the rest.
	Body []byte
	// Interim gets the interim responses (1xx but 100 and 101) in order, on the
	// goroutine of Fetch; nil drops them. The header is the callee's.
	Interim func(status int, header object.Header)
	// Hold marks a request that the origin is expected to hold back (an LL-HLS
	// blocking reload): HoldTimeout takes the place of FirstByteTimeout.
	Hold bool
	// From is the index of the first origin to try; the order goes on from there
	// and wraps.
	From int
}

// check refuses what must not be sent.
func (r *Request) check(node string) *Error {
	kind, err := KindProtocol, protocolError("")
	switch {
	case !isToken(r.Method) || r.Method == "CONNECT" || r.Method == "TRACE":
		err = "request method is none that may be sent"
	case r.Body != nil && r.repeatable():
		err = "request of this method has no body"
	case r.Target == "" || r.Target[0] != '/' || !isGraphic(r.Target) || strings.IndexByte(r.Target, '#') >= 0:
		err = "request target is not an encoded path"
	case !validFields(r.Header):
		err = "request field is malformed"
	case loops(r.Header, node):
		kind, err = KindLoop, "CDN-Loop names this node"
	default:
		return nil
	}
	return &Error{Kind: kind, Phase: PhaseRequest, Err: err}
}

// validFields guards against header injection, whatever the caller let through.
func validFields(h object.Header) bool {
	for i := range h {
		if !isToken(h[i].Name) || !isFieldValue(h[i].Value) {
			return false
		}
	}
	return true
}

// loops reports whether a CDN-Loop line has node as the id of an element
// (RFC 8586 §2: id [";" parameter]…, ids compare without case).
func loops(h object.Header, node string) bool {
	for i := range h {
		if !strings.EqualFold(h[i].Name, "CDN-Loop") {
			continue
		}
		for rest := h[i].Value; rest != ""; {
			var element string
			element, rest = nextElement(rest)
			id, _, _ := strings.Cut(element, ";")
			if strings.EqualFold(trimSpace(id), node) {
				return true
			}
		}
	}
	return false
}

// nextElement cuts the first element of a comma-separated list; commas in
// quoted strings do not separate.
func nextElement(list string) (element, rest string) {
	quoted := false
	for i := 0; i < len(list); i++ {
		switch c := list[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && quoted:
			i++
		case c == ',' && !quoted:
			return list[:i], list[i+1:]
		}
	}
	return list, ""
}

// write puts r for endpoint e into w. Errors stick to w and surface
// in Flush.
func (r *Request) write(w *bufio.Writer, e *endpoint, node string) {
	put(w, r.Method, " ", e.prefix, r.Target, " HTTP/1.1\r\nHost: ", e.host, "\r\n")
	coding := false
	for i := range r.Header {
		f := &r.Header[i]
		if isHop(f.Name) || isOurs(f.Name) {
			continue
		}
		coding = coding || strings.EqualFold(f.Name, "Accept-Encoding")
		put(w, f.Name, ": ", f.Value, "\r\n")
	}
	if !coding {
		put(w, "Accept-Encoding: identity\r\n")
	}
	extend(w, r.Header, "Via", "1.1 ", node)
	extend(w, r.Header, "CDN-Loop", "", node)
	if !r.repeatable() {
		put(w, "Content-Length: ", strconv.Itoa(len(r.Body)), "\r\n")
	}
	put(w, "\r\n")
	_, _ = w.Write(r.Body)
}

// repeatable reports whether the request may be sent again when its answer was
// lost (RFC 9110 §9.2.2, as far as we care to rely on it).
func (r *Request) repeatable() bool { return r.Method == "GET" || r.Method == "HEAD" }

// extend writes field name with all values of h and then ours, as one line: not
// every origin joins lines.
func extend(w *bufio.Writer, h object.Header, name, prefix, node string) {
	put(w, name, ": ")
	for i := range h {
		if strings.EqualFold(h[i].Name, name) && h[i].Value != "" {
			put(w, h[i].Value, ", ")
		}
	}
	put(w, prefix, node, "\r\n")
}

// put writes strings to w, whose first error sticks until Flush.
func put(w *bufio.Writer, parts ...string) {
	for _, s := range parts {
		_, _ = w.WriteString(s)
	}
}

// isOurs reports whether Request.write itself writes the field called name.
func isOurs(name string) bool {
	switch len(name) {
	case 3:
		return strings.EqualFold(name, "Via")
	case 4:
		return strings.EqualFold(name, "Host")
	case 8:
		return strings.EqualFold(name, "CDN-Loop")
	}
	return false
}
