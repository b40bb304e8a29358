package origin

import (
	"bufio"
	"bytes"
	"slices"
	"strconv"
	"strings"

	"edged/cache/object"
)

// Bounds of a response head.
const (
	maxHead    = 64 << 10 // bytes of status line and fields; also the read buffer
	maxFields  = 512      // field lines
	maxInterim = 16       // 1xx responses before the final one
)

// What is refused in a response head.
const (
	errNotHTTP    protocolError = "response does not begin with an HTTP/1 status line"
	errHeadSize   protocolError = "response header larger than 64 KiB"
	errFieldCount protocolError = "response header has more than 512 lines"
	errInterim    protocolError = "more than 16 interim responses"
	errSwitched   protocolError = "101 without a request to upgrade"
	errField      protocolError = "malformed response field line"
	errLengths    protocolError = "Content-Length is repeated or not a number"
	errCoding     protocolError = "Transfer-Encoding is not exactly chunked"
	errBothFrames protocolError = "Content-Length together with Transfer-Encoding"
	errOldChunked protocolError = "Transfer-Encoding in an HTTP/1.0 response"
)

// head is a parsed final response head.
type head struct {
	status int
	header object.Header // end-to-end fields
	frame  frame         // how the body is delimited
	size   int64         // Content-Length, -1 when absent
	keep   bool          // the connection may serve another request
}

// readHead reads heads from br until the final one. method is that of the
// request: HEAD has no body. Interim ones go to interim, unless that is nil.
func readHead(br *bufio.Reader, method string, interim func(int, object.Header)) (head, error) {
	for range maxInterim + 1 {
		block, err := peekHead(br)
		if err != nil {
			return head{}, err
		}
		status, minor, fields, err := parseStatusLine(block)
		switch {
		case err != nil:
			return head{}, err
		case status == 101:
			return head{}, errSwitched
		case status >= 200:
			// One string backs every name and value of the header.
			h, err := parseHead(status, minor, string(fields), method)
			_, _ = br.Discard(len(block))
			return h, err
		case interim != nil && status > 101:
			// Without a body there is no framing to go wrong: as for a HEAD.
			if h, err := parseHead(status, minor, string(fields), "HEAD"); err == nil {
				interim(status, h.header)
			}
		}
		_, _ = br.Discard(len(block))
	}
	return head{}, errInterim
}

// peekHead waits for a whole head and returns it up to and including the empty
// line. It is borrowed from br until the next read; the caller discards it.
func peekHead(br *bufio.Reader) ([]byte, error) {
	for scanned := 0; ; {
		buf, _ := br.Peek(br.Buffered())
		if end := headEnd(buf, scanned); end > 0 {
			return buf[:end], nil
		}
		const magic = "HTTP/1."
		if n := min(len(buf), len(magic)); string(buf[:n]) != magic[:n] {
			return nil, errNotHTTP // at once, without waiting for more of it
		}
		if len(buf) == br.Size() {
			return nil, errHeadSize
		}
		scanned = max(0, len(buf)-2)
		if _, err := br.Peek(len(buf) + 1); err != nil {
			return nil, cut(err)
		}
	}
}

// headEnd returns the length of the head at the start of buf, 0 when its empty
// line has not arrived. Lines end in CRLF or, tolerantly, LF (RFC 9112 §2.2).
func headEnd(buf []byte, from int) int {
	for i := from; ; i++ {
		n := bytes.IndexByte(buf[i:], '\n')
		if n < 0 {
			return 0
		}
		i += n
		switch rest := buf[i+1:]; {
		case len(rest) > 0 && rest[0] == '\n':
			return i + 2
		case len(rest) > 1 && rest[0] == '\r' && rest[1] == '\n':
			return i + 3
		}
	}
}

// parseStatusLine parses the first line of a head and returns what follows it.
func parseStatusLine(block []byte) (status, minor int, fields []byte, err error) {
	line, fields, _ := bytes.Cut(block, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	// HTTP/1.x SP 3DIGIT [SP reason]
	if len(line) < 12 || string(line[:7]) != "HTTP/1." || line[8] != ' ' || len(line) > 12 && line[12] != ' ' {
		return 0, 0, nil, errNotHTTP
	}
	minor = int(line[7]) - '0'
	for _, c := range line[9:12] {
		if c < '0' || c > '9' {
			return 0, 0, nil, errNotHTTP
		}
		status = status*10 + int(c-'0')
	}
	if minor < 0 || minor > 9 || status < 100 || status > 599 || bytes.IndexByte(line, '\r') >= 0 {
		return 0, 0, nil, errNotHTTP
	}
	return status, minor, fields, nil
}

// wire collects the fields that are about this connection.
type wire struct {
	length, coding   string // values of Content-Length, Transfer-Encoding
	lengths, codings int    // how many lines
	options          string // Connection
}

// parseHead parses field lines and decides the framing.
func parseHead(status, minor int, text, method string) (head, error) {
	lines := strings.Count(text, "\n")
	if lines > maxFields {
		return head{}, errFieldCount
	}
	h := head{status: status, header: make(object.Header, 0, lines)}
	var w wire
	for text != "" {
		var line string
		line, text, _ = strings.Cut(text, "\n")
		if line = strings.TrimSuffix(line, "\r"); line == "" {
			break
		}
		f, ok := parseField(line)
		switch {
		case !ok:
			return head{}, errField
		case isHop(f.Name):
			w.note(f)
		default:
			h.header = append(h.header, f)
		}
	}
	h.header = dropListed(h.header, w.options)
	return h, h.delimit(&w, minor, method)
}

// parseField parses one line. Folded lines are refused, space before the colon
// is dropped (RFC 9112 §5.1, §5.2).
func parseField(line string) (object.Field, bool) {
	name, value, ok := strings.Cut(line, ":")
	f := object.Field{Name: strings.TrimRight(name, " \t"), Value: trimSpace(value)}
	return f, ok && isToken(f.Name) && isFieldValue(f.Value)
}

// note remembers a connection field when it matters here.
func (w *wire) note(f object.Field) {
	switch {
	case strings.EqualFold(f.Name, "Content-Length"):
		w.length = f.Value
		w.lengths++
	case strings.EqualFold(f.Name, "Transfer-Encoding"):
		w.coding = f.Value
		w.codings++
	case strings.EqualFold(f.Name, "Connection") && w.options == "":
		w.options = f.Value
	case strings.EqualFold(f.Name, "Connection"):
		w.options += "," + f.Value
	}
}

// hasOption reports whether the list options has name.
func hasOption(options, name string) bool {
	for options != "" {
		var option string
		option, options, _ = strings.Cut(options, ",")
		if strings.EqualFold(trimSpace(option), name) {
			return true
		}
	}
	return false
}

// dropListed removes the fields that Connection lists. Cache-Control stays
// whatever Connection says: RFC 9110 §7.6.1 forbids listing it, and losing a
// no-store would be worse.
func dropListed(h object.Header, options string) object.Header {
	if options == "" || strings.EqualFold(options, "keep-alive") || strings.EqualFold(options, "close") {
		return h
	}
	return slices.DeleteFunc(h, func(f object.Field) bool {
		return hasOption(options, f.Name) && !strings.EqualFold(f.Name, "Cache-Control")
	})
}

// delimit decides how the body ends (RFC 9112 §6.3) and refuses every header
// that two parsers could read in two ways.
func (h *head) delimit(w *wire, minor int, method string) error {
	h.size = -1
	if w.lengths > 0 {
		n, ok := parseLength(w.length)
		if !ok || w.lengths > 1 {
			return errLengths
		}
		h.size = n
	}
	switch {
	case w.codings > 0 && minor == 0:
		return errOldChunked
	case w.codings > 0 && w.lengths > 0:
		return errBothFrames
	case w.codings > 1 || w.codings == 1 && !strings.EqualFold(w.coding, "chunked"):
		return errCoding
	}
	h.keep = !hasOption(w.options, "close") && (minor > 0 || hasOption(w.options, "keep-alive"))
	switch {
	case method == "HEAD" || h.status == 304:
		h.frame = frameNone
	case h.status == 204:
		h.frame, h.size = frameNone, 0
	case h.status == 205: // has no content either, but a body to skip (RFC 9110 §15.3.6)
		h.keep = h.keep && h.size == 0
		h.frame, h.size = frameNone, 0
	case w.codings == 1:
		h.frame = frameChunked
	case h.size >= 0:
		h.frame = frameLength
	default:
		h.frame, h.keep = frameClose, false
	}
	return nil
}

// parseLength parses 1*DIGIT up to 18 digits, so that it cannot overflow.
func parseLength(s string) (int64, bool) {
	if s == "" || len(s) > 18 {
		return 0, false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}
