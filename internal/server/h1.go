package server

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"

	"github.com/valyala/fasthttp"
)

// newHTTP1 returns the fasthttp server that parses requests. It never sees a
// listener: each connection is given to ServeConn by the goroutine that owns it,
// so fasthttp's accept loop, limits per address and time-outs are not used.
func newHTTP1(s *Server) *fasthttp.Server {
	return &fasthttp.Server{
		Handler:      func(ctx *fasthttp.RequestCtx) { serveHTTP1(ctx) },
		ErrorHandler: func(ctx *fasthttp.RequestCtx, err error) { refuseHTTP1(ctx, err) },
		// The handler decides about Expect. Without this, fasthttp would first invite
		// the client to send its content.
		ExpectHandler: func(ctx *fasthttp.RequestCtx) int { return expectHTTP1(ctx) },

		ReadBufferSize:  s.opt.MaxHeaderBytes,
		WriteBufferSize: 512, // what fasthttp writes is dropped
		// Our limit comes first; this one would answer from the accepting goroutine.
		Concurrency: s.opt.MaxConns + 1,

		// Content is read by the edge or not at all: the handler runs at once, and
		// the connection ends.
		HeaderReceived:               forgetContent,
		StreamRequestBody:            true,
		MaxRequestBodySize:           1,
		DisablePreParseMultipartForm: true,

		DisableHeaderNamesNormalizing: true,
		NoDefaultServerHeader:         true,
		NoDefaultContentType:          true,
		NoDefaultDate:                 true,
		LazyRequestTime:               true,
		SecureErrorLogMessage:         true,
		Logger:                        silent{},
	}
}

// forgetContent keeps fasthttp from waiting for content that is never read. The
// raw header, from which the edge learns that there is some, stays as it is.
func forgetContent(h *fasthttp.RequestHeader) fasthttp.RequestConfig {
	if h.ContentLength() > 0 && !mayHaveContent(h.Method()) {
		h.SetContentLength(0)
		h.SetConnectionClose()
	}
	return fasthttp.RequestConfig{}
}

// silent drops fasthttp's log lines: they quote what clients sent.
type silent struct{}

func (silent) Printf(string, ...any) {}

func serveHTTP1(ctx *fasthttp.RequestCtx) {
	s := ctx.Conn().(*session)
	s.exchange(ctx)
	if s.ends {
		ctx.SetConnectionClose()
	}
}

func expectHTTP1(ctx *fasthttp.RequestCtx) int {
	serveHTTP1(ctx)
	return http.StatusBadRequest
}

// refuseHTTP1 answers what fasthttp could not parse. fasthttp closes afterwards.
func refuseHTTP1(ctx *fasthttp.RequestCtx, err error) {
	s := ctx.Conn().(*session)
	s.ends = true
	why := classify(err)
	if isGone(err) || why == HeaderTimeout && !s.asked {
		return // nobody is there to read an answer, or nothing was asked
	}
	if why == HeaderTooLarge && !s.line {
		why = TargetTooLong // RFC 9112 §3
	}
	s.reject(why)
}

// isGone reports errors that mean the client left in the middle of a header.
func isGone(err error) bool {
	for _, e := range []error{io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// classify names an error of fasthttp's parser.
func classify(err error) Refusal {
	var small *fasthttp.ErrSmallBuffer
	switch {
	case errors.As(err, &small):
		return HeaderTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return HeaderTimeout
	}
	return BadSyntax
}
