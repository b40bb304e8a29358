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
	c.conn, c.stream = conn, stream
	return c
}

// Read implements io.Reader.
func (c *content) Read(p []byte) (int, error) {
	if !c.began {
		c.began = true
		c.conn.move(phaseServe, phaseHeader)
	}
	n, err := c.stream.Read(p)
	if err != nil {
		c.whole = err == io.EOF //nolint:errorlint // io.Reader
		c.conn.move(phaseHeader, phaseServe)
	}
	return n, err
}
