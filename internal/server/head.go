package server

import (
	"net/http"
	"strconv"
	"strings"

	"edged/internal/edge"
)

// framing is how the end of an HTTP/1 response is told (RFC 9112 §6).
type framing uint8

const (
	noBody         framing = iota // nothing follows the header
	sized                         // Content-Length
	chunked                       // Transfer-Encoding: chunked
	closeDelimited                // HTTP/1.0 and a length nobody knows
)

// framingOf decides how r is framed for a client that speaks proto. The edge
// leaves Body nil for HEAD, 204, 304 and empty bodies; a slip there must not put
// a body where the client expects the next response.
func framingOf(r *edge.Response, proto edge.Proto, head bool) framing {
	switch {
	case r.Body == nil || r.Size == 0 || head || bodiless(r.Status):
		return noBody
	case r.Size > 0:
		return sized
	case proto == edge.HTTP10:
		return closeDelimited
	default:
		return chunked
	}
}

// bodiless reports the statuses that never have a body (RFC 9110 §6.4.1).
func bodiless(status int) bool {
	return status < 200 || status == http.StatusNoContent || status == http.StatusNotModified
}

// statedLength returns what Content-Length says, -1 for no such field. HEAD and
// 304 may state a length whose body does not follow; 1xx and 204 must not
// (RFC 9110 §8.6).
func statedLength(r *edge.Response, f framing, head bool) int64 {
	switch {
	case r.Status < 200 || r.Status == http.StatusNoContent:
		return -1
	case f == chunked || f == closeDelimited:
		return -1
	case r.Body == nil && !head && r.Status != http.StatusNotModified:
		return 0
	default:
		return r.Size
	}
}

// headOptions is what appendHead needs beside the response.
type headOptions struct {
	proto   edge.Proto
	framing framing
	head    bool   // the request was HEAD
	close   bool   // the connection ends after this response
	date    string // value of Date where the response has none
}

// appendHead appends status line, fields and the empty line. The version is
// always ours (RFC 9110 §2.5). The Date of a stored response is the origin's:
// together with Age it tells a client how old the response is.
func appendHead(dst []byte, r *edge.Response, o *headOptions) []byte {
	dst = appendStatusLine(dst, r.Status)
	dated := false
	for i := range r.Header {
		name := r.Header[i].Name
		dated = dated || len(name) == len("Date") && strings.EqualFold(name, "Date")
		dst = appendField(dst, name, r.Header[i].Value)
	}
	if !dated {
		dst = appendField(dst, "Date", o.date)
	}
	if n := statedLength(r, o.framing, o.head); n >= 0 {
		dst = append(dst, "Content-Length: "...)
		dst = strconv.AppendInt(dst, n, 10)
		dst = append(dst, "\r\n"...)
	}
	if o.framing == chunked {
		dst = append(dst, "Transfer-Encoding: chunked\r\n"...)
	}
	switch {
	case o.close:
		dst = append(dst, "Connection: close\r\n"...)
	case o.proto == edge.HTTP10:
		dst = append(dst, "Connection: keep-alive\r\n"...)
	}
	return append(dst, "\r\n"...)
}

// appendField appends one line. A line break in a value would start a field, or
// a response, of somebody else's making: it becomes a space (RFC 9110 §5.5).
func appendField(dst []byte, name, value string) []byte {
	dst = append(dst, name...)
	dst = append(dst, ": "...)
	from := len(dst)
	dst = append(dst, value...)
	if strings.IndexByte(value, '\r') >= 0 || strings.IndexByte(value, '\n') >= 0 {
		for i, c := range dst[from:] {
			if c == '\r' || c == '\n' {
				dst[from+i] = ' '
			}
		}
	}
	return append(dst, "\r\n"...)
}

// appendStatusLine has the statuses of a busy edge ready.
func appendStatusLine(dst []byte, status int) []byte {
	switch status {
	case http.StatusOK:
		return append(dst, "HTTP/1.1 200 OK\r\n"...)
	case http.StatusPartialContent:
		return append(dst, "HTTP/1.1 206 Partial Content\r\n"...)
	case http.StatusNotModified:
		return append(dst, "HTTP/1.1 304 Not Modified\r\n"...)
	case http.StatusForbidden:
		return append(dst, "HTTP/1.1 403 Forbidden\r\n"...)
	}
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(status), 10)
	dst = append(dst, ' ')
	dst = append(dst, http.StatusText(status)...)
	return append(dst, "\r\n"...)
}

// appendChunkLine appends the line that opens a chunk of n bytes (RFC 9112 §7.1).
func appendChunkLine(dst []byte, n int) []byte {
	dst = strconv.AppendInt(dst, int64(n), 16)
	return append(dst, "\r\n"...)
}
