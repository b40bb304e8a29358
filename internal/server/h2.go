package server

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"edged/internal/edge"
)

// newHTTP2 returns the net/http server of HTTP/2 connections. Handshakes are
// done; it gets *tls.Conn through the handoff.
func newHTTP2(s *Server) *http.Server {
	h := &http2Handler{srv: s}
	protocols := new(http.Protocols)
	protocols.SetHTTP2(true)
	return &http.Server{
		Handler:           h,
		Protocols:         protocols,
		ReadHeaderTimeout: s.opt.HeaderTimeout,
		IdleTimeout:       s.opt.IdleTimeout,
		MaxHeaderBytes:    s.opt.MaxHeaderBytes,
		ErrorLog:          log.New(io.Discard, "", 0), // quotes what clients sent
		// OPTIONS * is the edge's to answer.
		DisableGeneralOptionsHandler: true,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: s.opt.MaxStreams,
			// Requests have no content: a small window is all they can fill.
			MaxReceiveBufferPerConnection: 64 << 10,
			MaxReceiveBufferPerStream:     16 << 10,
			WriteByteTimeout:              s.opt.RateWindow,
			SendPingTimeout:               s.opt.UserTimeout,
		},
		ConnContext: func(ctx context.Context, nc net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, newPeer(nc))
		},
	}
}

// connKey is the context key of the connection's *http2Peer.
type connKey struct{}

// http2Peer is what every stream of one HTTP/2 connection has in common.
type http2Peer struct {
	conn    *conn
	version uint16
}

func newPeer(nc net.Conn) *http2Peer {
	tc := nc.(*tls.Conn)
	c, _ := tc.NetConn().(*gatherer).Conn.(*conn)
	return &http2Peer{conn: c, version: tc.ConnectionState().Version}
}

// http2Handler answers streams.
type http2Handler struct {
	srv     *Server
	streams sync.Pool // *stream
}

// stream is one request and its response. It is reused.
type stream struct {
	x      *edge.Exchange
	fields mapFields
	target []byte
	method []byte
	host   []byte
	buf    []byte // nil after an error: net/http may still read the old one
}

// ServeHTTP implements http.Handler.
func (h *http2Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.srv.streams.add(1)
	defer h.srv.streams.add(-1)
	st, ok := h.streams.Get().(*stream)
	if !ok {
		st = &stream{x: h.srv.handler.NewExchange()}
	}
	if !h.answer(st, w, r) {
		panic(http.ErrAbortHandler) // RST_STREAM; net/http logs nothing
	}
	st.fields.reset(nil)
	h.streams.Put(st)
}

// answer decides and writes. It reports whether the response is whole.
func (h *http2Handler) answer(st *stream, w http.ResponseWriter, r *http.Request) (whole bool) {
	s, start := h.srv, time.Now()
	out := http2Writer{w: w, rc: http.NewResponseController(w), window: s.opt.RateWindow, step: h.step(), buf: &st.buf}
	st.x.Req.Arrived = start.UnixNano()
	sound := s.guard("http2 serve", func() { h.decide(st, w, r, &out) })
	answered := sound || s.guard("http2 answer", func() { s.handler.Panicked(st.x) })
	var err error
	written := answered && s.guard("http2 deliver", func() {
		err = out.write(&st.x.Resp, s.date.at(start), r.Method == http.MethodHead, start)
	})
	whole = written && err == nil
	out.account.Aborted = !whole
	finished := s.guard("http2 finish", func() {
		if b := st.x.Resp.Body; b != nil {
			b.Close()
		}
		s.handler.Finish(st.x, out.account)
	})
	if !sound || !written || !finished {
		st.x = s.handler.NewExchange() // the old one may be in any state
	}
	return whole
}

// decide has the edge fill the response.
func (h *http2Handler) decide(st *stream, w http.ResponseWriter, r *http.Request, interim edge.InterimWriter) {
	peer := r.Context().Value(connKey{}).(*http2Peer)
	why := st.fill(r, peer)
	st.x.Req.Interim = interim
	if why == Accepted {
		if st.x.Req.Body != nil {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(h.srv.opt.HeaderTimeout))
		}
		h.srv.handler.Serve(st.x)
		return
	}
	h.srv.count.Refused[why].Add(1)
	h.srv.handler.Refuse(st.x, why.status())
	st.x.Resp.Close = true
}

// step is how much a client must take within the rate window.
func (h *http2Handler) step() int {
	return int(max(16<<10, min(h.srv.limits.minBytes, 256<<10)))
}

// fill describes r to the edge and returns why it must be refused. net/http has
// checked the pseudo-fields and refused connection-specific fields (RFC 9113 §8).
func (st *stream) fill(r *http.Request, peer *http2Peer) Refusal {
	st.method = append(st.method[:0], r.Method...)
	st.target = append(st.target[:0], r.RequestURI...)
	st.host = append(st.host[:0], r.Host...)
	st.fields.reset(r.Header)
	q := &st.x.Req
	q.Method, q.Target, q.Host, q.Header = st.method, st.target, st.host, &st.fields
	q.Client, q.Proto, q.TLS = peer.conn.client, edge.HTTP2, peer.version
	_, length := r.Header["Content-Length"]
	q.Framed = length || r.ContentLength != 0
	q.Body = nil
	if q.Framed && mayHaveContent(q.Method) {
		q.Body = r.Body
	}
	if why := expectationOf(st.fields.Append(nil, "Expect"), q.Proto, q.Framed); why != Accepted {
		return why
	}
	return checkLine(q.Method, q.Target, []byte("HTTP/1.1"))
}

// http2Writer writes one response.
type http2Writer struct {
	w       http.ResponseWriter
	rc      *http.ResponseController
	window  time.Duration
	step    int     // bytes a client must take within window
	buf     *[]byte // the stream's, for copies of spans
	account edge.Delivery
}

func (o *http2Writer) write(r *edge.Response, date string, head bool, start time.Time) error {
	f := framingOf(r, edge.HTTP2, head)
	o.header(r, f, head, date)
	o.w.WriteHeader(r.Status)
	if f == noBody {
		o.account.FirstByte = time.Since(start)
		return nil
	}
	return o.body(r, f, start)
}

// header copies the fields. Those net/http would add by itself are set or, with
// a nil value, kept out.
func (o *http2Writer) header(r *edge.Response, f framing, head bool, date string) {
	h := o.w.Header()
	for _, fl := range r.Header {
		// net/http encodes the fields after the handler has returned, and its table of
		// repeated fields keeps them for the life of the connection.
		h.Add(fl.Name, strings.Clone(fl.Value))
	}
	if _, ok := h["Date"]; !ok {
		h["Date"] = []string{date}
	}
	if _, ok := h["Content-Type"]; !ok {
		h["Content-Type"] = nil // no sniffing
	}
	// On a 304 the field is optional, and clients take it for a missing body.
	if n := statedLength(r, f, head); n >= 0 && r.Status != http.StatusNotModified {
		h["Content-Length"] = []string{strconv.FormatInt(n, 10)}
	}
	if r.Close {
		h["Connection"] = []string{"close"} // net/http turns it into GOAWAY
	}
}

// body sends the spans, flushing before it would have to wait.
func (o *http2Writer) body(r *edge.Response, f framing, start time.Time) error {
	left := r.Size
	for f == chunked || left > 0 {
		if !r.Body.Ready() {
			if err := o.rc.Flush(); err != nil {
				return err
			}
			o.first(start)
		}
		span, err := r.Body.Next()
		if err == io.EOF && f == chunked {
			return nil
		}
		if err == io.EOF || err == nil && f == sized && int64(len(span)) > left {
			return errBodyLength
		}
		if err != nil {
			return err
		}
		sent, err := o.send(r.Body, span)
		left -= int64(sent)
		if err != nil {
			return err
		}
		o.first(start)
	}
	return nil
}

// copyStep is how much of a span is handed to net/http at a time.
const copyStep = 64 << 10

// send writes span in steps, each under a deadline of its own: a client that
// opens its flow-control window too slowly is cut like one on HTTP/1.
//
// The steps are copies. When a stream is reset, net/http's Write returns while the
// connection may still be writing what it was given; a block of the RAM tier could
// by then hold somebody else's bytes. A copy that met an error is never used again.
// Because they are copies, the body can be parked during each of them; when it gives
// the span away, what is not sent of it comes with the next one.
func (o *http2Writer) send(body edge.Body, span []byte) (sent int, err error) {
	for sent < len(span) {
		if err := o.rc.SetWriteDeadline(time.Now().Add(o.window)); err != nil {
			return sent, err
		}
		step := o.copied(span[sent:min(len(span), sent+min(o.step, copyStep))])
		body.Park()
		n, err := o.w.Write(step)
		kept := body.Resume()
		sent += n
		o.account.Body += int64(n)
		if err != nil {
			*o.buf = nil
			return sent, err
		}
		if !kept {
			body.Unread(len(span) - sent)
			return sent, nil
		}
	}
	return sent, nil
}

// copied returns b in the stream's own buffer.
func (o *http2Writer) copied(b []byte) []byte {
	if cap(*o.buf) < len(b) {
		*o.buf = make([]byte, 0, max(len(b), 16<<10))
	}
	*o.buf = append((*o.buf)[:0], b...)
	return *o.buf
}

func (o *http2Writer) first(start time.Time) {
	if o.account.FirstByte == 0 {
		o.account.FirstByte = time.Since(start)
	}
}

// mapFields reads an http.Header. Values are copied into a buffer that is
// reused, because the edge takes bytes and may keep them until Finish.
type mapFields struct {
	header http.Header
	buf    []byte
}

var _ edge.Fields = (*mapFields)(nil)

func (m *mapFields) reset(h http.Header) { m.header, m.buf = h, m.buf[:0] }

// Get implements [edge.Fields].
func (m *mapFields) Get(name string) []byte {
	v := m.header[http.CanonicalHeaderKey(name)]
	if len(v) == 0 {
		return nil
	}
	return m.copy(v[0])
}

// Append implements [edge.Fields].
func (m *mapFields) Append(dst [][]byte, name string) [][]byte {
	for _, v := range m.header[http.CanonicalHeaderKey(name)] {
		dst = append(dst, m.copy(v))
	}
	return dst
}

// copy returns the bytes of v, never nil: an empty value is not an absent one. When the
// buffer grows, earlier results keep the old one.
func (m *mapFields) copy(v string) []byte {
	if m.buf == nil {
		m.buf = make([]byte, 0, 256)
	}
	from := len(m.buf)
	m.buf = append(m.buf, v...)
	return m.buf[from:len(m.buf):len(m.buf)]
}
