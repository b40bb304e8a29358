package server

import (
	"io"

	"github.com/valyala/fasthttp"
)

// mayHaveContent reports whether a method is one whose content the edge may want.
// The content of all others is never read.
func mayHaveContent(method []byte) bool {
	switch string(method) {
	case "GET", "HEAD", "OPTIONS", "CONNECT", "TRACE":
		return false
	}
	return true
}

// content is the body of an HTTP/1 request, read only if the edge asks for it.
// While it is being read, the limit of a header applies to the connection: a
// client that drips is cut.
type content struct {
	conn   *conn
	stream io.Reader
	left   int // bytes still to come of a stated length, -1 when chunked
	began  bool
	whole  bool // the end was reached
}

// open returns the body of a request, nil when it has none or must not have one.
func (c *content) open(conn *conn, ctx *fasthttp.RequestCtx, framed bool) io.Reader {
	*c = content{}
	stream := ctx.RequestBodyStream()
	if !framed || stream == nil || !mayHaveContent(ctx.Request.Header.Method()) {
		return nil
	}
	c.conn, c.stream, c.left = conn, stream, ctx.Request.Header.ContentLength()
	return c
}

// Read implements io.Reader.
func (c *content) Read(p []byte) (int, error) {
	if !c.began {
		c.began = true
		c.conn.move(phaseServe, phaseHeader)
	}
	n, err := c.stream.Read(p)
	if c.left >= 0 {
		c.left -= n
		if err == io.EOF && c.left > 0 { //nolint:errorlint // io.Reader
			err = io.ErrUnexpectedEOF // fasthttp does not tell a short body from a whole one
		}
	}
	if err != nil {
		c.whole = err == io.EOF //nolint:errorlint // io.Reader
		c.conn.move(phaseHeader, phaseServe)
	}
	return n, err
}
