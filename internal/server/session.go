package server

import (
	"bytes"
	"crypto/tls"
	"net"
	"os"
	"time"

	"github.com/valyala/fasthttp"

	"edged/internal/edge"
)

// session is one HTTP/1 connection as fasthttp sees it, and everything that is
// reused from request to request on it.
//
// fasthttp reads and parses requests and runs the keep-alive loop. It does not
// write: its responses go nowhere (see Write), and each response is written in
// the handler, straight to the wire. That gives us header and body in one system
// call without a copy, exact header bytes, close-delimited bodies for HTTP/1.0
// and a Delivery that is known when the handler returns. It also makes response
// bytes independent of fasthttp's version.
type session struct {
	transport net.Conn // *conn, or *tls.Conn over it
	conn      *conn
	srv       *Server
	version   uint16 // of TLS, as crypto/tls numbers it; 0 without

	x       *edge.Exchange
	fields  fields
	content content
	out     delivery
	asked   bool // bytes of the present request have come
	line    bool // its first line has come whole
	ends    bool // no further request on this connection
	refused bool // the client may still be sending: linger before closing
}

// newSession wraps a connection whose handshake, if any, is done.
func newSession(c *conn, transport net.Conn, w wire, version uint16) *session {
	s := &session{transport: transport, conn: c, srv: c.srv, version: version}
	s.out.wire, s.out.conn = w, c
	return s
}

// Read implements net.Conn. The first bytes after an idle time begin a header;
// if the sweeper has just given the connection up, they are not accepted.
func (s *session) Read(p []byte) (int, error) {
	n, err := s.transport.Read(p)
	if n > 0 {
		if !s.begin() {
			return 0, os.ErrDeadlineExceeded
		}
		s.asked = true
		s.line = s.line || bytes.IndexByte(p[:n], '\n') >= 0
	}
	return n, err
}

func (s *session) begin() bool {
	switch phaseOf(s.conn.state.Load()) {
	case phaseIdle:
		return s.conn.move(phaseIdle, phaseHeader)
	case phaseNew:
		return s.conn.move(phaseNew, phaseHeader)
	case phaseClosing:
		return false
	}
	return true
}

// Write implements net.Conn by dropping what fasthttp writes: see session.
func (s *session) Write(p []byte) (int, error) { return len(p), nil }

// Close implements net.Conn.
func (s *session) Close() error {
	if s.conn.reset.Load() {
		return s.conn.Close() // no TLS close_notify either: that is a clean end
	}
	if !s.refused {
		return s.transport.Close()
	}
	if tc, ok := s.transport.(*tls.Conn); ok {
		_ = tc.CloseWrite() // close_notify
	}
	s.conn.linger()
	return s.conn.Close()
}

// The rest of net.Conn. Deadlines are the sweeper's.
func (s *session) LocalAddr() net.Addr              { return s.conn.LocalAddr() }
func (s *session) RemoteAddr() net.Addr             { return s.conn.RemoteAddr() }
func (s *session) SetDeadline(time.Time) error      { return nil }
func (s *session) SetReadDeadline(time.Time) error  { return nil }
func (s *session) SetWriteDeadline(time.Time) error { return nil }

// exchange answers one request: fill, decide, write, finish.
func (s *session) exchange(ctx *fasthttp.RequestCtx) {
	if !s.claim() {
		s.ends = true
		return
	}
	start := time.Now()
	s.prepare()
	s.x.Req.Arrived = start.UnixNano()
	sound := s.srv.guard("http1 serve", func() {
		if why := s.fill(ctx); why != Accepted {
			s.refuse(why)
		} else {
			s.srv.handler.Serve(s.x)
		}
	})
	s.conclude(sound, start)
}

// reject answers a request that could not even be parsed.
func (s *session) reject(why Refusal) {
	start := time.Now()
	s.prepare()
	sound := s.srv.guard("http1 refuse", func() {
		s.fields.reset()
		s.x.Req = edge.Request{Header: &s.fields, Client: s.conn.client, Proto: edge.HTTP11, TLS: s.version}
		s.refuse(why)
	})
	s.conclude(sound, start)
}

// prepare begins an exchange.
func (s *session) prepare() {
	s.out.account = edge.Delivery{}
	if s.x == nil {
		s.x = s.srv.handler.NewExchange()
	}
}

// refuse has the edge fill the response to a request of bad form.
func (s *session) refuse(why Refusal) {
	s.srv.count.Refused[why].Add(1)
	s.ends, s.refused = true, true
	s.srv.handler.Refuse(s.x, why.status())
}

// claim takes the connection for a request unless the sweeper has given it up. A
// pipelined request arrives here in phaseIdle, without a Read.
func (s *session) claim() bool {
	p := phaseOf(s.conn.state.Load())
	return p != phaseClosing && s.conn.move(p, phaseServe)
}

// fill describes the request to the edge and returns why it must be refused.
func (s *session) fill(ctx *fasthttp.RequestCtx) Refusal {
	r, h := &s.x.Req, &ctx.Request.Header
	r.Method, r.Target, r.Host = h.Method(), h.RequestURI(), h.Host()
	r.Proto, r.TLS, r.Client = protoOf(h.Protocol()), s.version, s.conn.client
	r.Header, r.Interim = &s.fields, nil
	if r.Proto == edge.HTTP11 {
		r.Interim = s
	}
	why := s.fields.parse(h.RawHeaders())
	r.Framed = s.fields.contentLength || s.fields.transferEncoding
	r.Body = s.content.open(s.conn, ctx, r.Framed)
	// Content may stay unread, so nothing that follows it is taken for a request.
	// fasthttp ends a connection with an Expect by itself.
	s.refused = r.Framed || s.fields.expect
	s.ends = h.ConnectionClose() || s.refused
	if line := checkLine(r.Method, r.Target, h.Protocol()); line != Accepted {
		return line
	}
	if why == Accepted {
		why = s.fields.expectation(r.Proto)
	}
	return why
}

// conclude writes and finishes what was decided. After a panic (not sound) the
// client gets a 500, or a cut when something was sent already, and the Exchange
// is not used again.
func (s *session) conclude(sound bool, start time.Time) {
	answered := sound || s.srv.guard("http1 answer", func() { s.srv.handler.Panicked(s.x) })
	s.ends = s.ends || !sound
	if !answered || !s.srv.guard("http1 deliver", func() { s.deliver(start) }) {
		s.cut()
		sound = false
	}
	if !s.srv.guard("http1 finish", func() { s.finish() }) || !sound {
		s.x, s.ends = nil, true
	}
	s.asked, s.line = false, false
	s.refused = s.refused && !s.content.whole
	s.conn.enter(phaseIdle)
}

// deliver writes the response.
func (s *session) deliver(start time.Time) {
	r := &s.x.Resp
	head := string(s.x.Req.Method) == "HEAD"
	f := framingOf(r, s.x.Req.Proto, head)
	s.ends = s.ends || r.Close || f == closeDelimited || s.srv.draining.Load()
	o := headOptions{
		proto: s.x.Req.Proto, framing: f, head: head, close: s.ends,
		date: s.srv.date.at(start),
	}
	if err := s.out.write(r, &o, start); err != nil {
		s.cut()
	}
}

// finish hands the account to the edge.
func (s *session) finish() {
	if b := s.x.Resp.Body; b != nil {
		b.Close()
	}
	s.srv.handler.Finish(s.x, s.out.account)
}

// cut ends the connection so that nobody takes what was sent for the whole.
func (s *session) cut() {
	s.ends, s.out.account.Aborted = true, true
	s.out.wire.drop()
	s.conn.abort()
}
