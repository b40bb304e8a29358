package main

import (
	"bytes"
	"fmt"
	"strconv"
)

var (
	headEnd       = []byte("\r\n\r\n")
	contentLength = []byte("\r\ncontent-length:")
)

// head is what the load generator looks at in the header of a response.
type head struct {
	size   int // bytes up to and with the empty line
	status int
	length int // Content-Length in bytes
}

// parseHead reads a header at the start of b. It returns ok == false when the
// empty line has not come yet. Responses without Content-Length are errors: no
// peer has a reason to send one.
func parseHead(b []byte) (h head, ok bool, err error) {
	end := bytes.Index(b, headEnd)
	if end < 0 {
		return head{}, false, nil
	}
	h.size = end + len(headEnd)
	b = b[:end+2]
	if len(b) < len("HTTP/1.1 200") || !bytes.HasPrefix(b, []byte("HTTP/1.1 ")) {
		return head{}, false, fmt.Errorf("not an HTTP/1.1 response: %.80q", b)
	}
	if h.status, err = strconv.Atoi(string(b[9:12])); err != nil {
		return head{}, false, fmt.Errorf("status of a response: %w", err)
	}
	value, ok := lengthIn(b)
	if !ok {
		return head{}, false, fmt.Errorf("a response of status %d without Content-Length", h.status)
	}
	if h.length, err = strconv.Atoi(string(value)); err != nil || h.length < 0 {
		return head{}, false, fmt.Errorf("Content-Length %q", value)
	}
	return h, true, nil
}

// lengthIn returns the value of Content-Length. The spelling every peer uses is
// tried first, because the generator should be cheap.
func lengthIn(b []byte) ([]byte, bool) {
	at := bytes.Index(b, []byte("\r\nContent-Length:"))
	if at < 0 {
		at = bytes.Index(bytes.ToLower(b), contentLength)
	}
	if at < 0 {
		return nil, false
	}
	value := b[at+len(contentLength):]
	value = value[:bytes.IndexByte(value, '\r')]
	return bytes.TrimSpace(value), true
}
