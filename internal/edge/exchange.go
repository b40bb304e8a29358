package edge

import (
	"io"
	"net/netip"
	"time"

	"edged/cache/object"
)

// Proto is the HTTP version a request arrived with.
type Proto uint8

// The protocols the adapters speak.
const (
	HTTP10 Proto = iota
	HTTP11
	HTTP2
	HTTP3
)

// String returns the version as access logs write it.
func (p Proto) String() string {
	return [...]string{"HTTP/1.0", "HTTP/1.1", "HTTP/2", "HTTP/3"}[p]
}

// Fields gives the core read access to request header fields without knowing
// whose parser made them. Returned bytes are borrowed until Edge.Finish.
type Fields interface {
	// Get returns the first line called name, nil when absent.
	Get(name string) []byte
	// Append appends every line called name to dst, in order.
	Append(dst [][]byte, name string) [][]byte
}

// InterimWriter sends interim responses (RFC 9110 §15.2) ahead of the final one. A
// failure shows when the final response is written.
type InterimWriter interface {
	WriteInterim(status int, header []object.Field)
}

// Request is what an adapter knows of a request. The adapter fills it; all
// bytes are borrowed until Edge.Finish.
type Request struct {
	Method []byte         // as sent
	Target []byte         // raw request target: origin-form or absolute-form
	Host   []byte         // raw Host field or :authority
	Header Fields         // header fields
	Client netip.AddrPort // peer of the connection
	Proto  Proto          // HTTP version
	TLS    uint16         // crypto/tls version constant, 0 on plain HTTP
	// Arrived is when the adapter began with it, Unix nanoseconds; 0 has the edge read
	// its clock, which costs twice 30 ns where the adapter has read one already.
	Arrived int64
	// Interim is nil where the client's protocol has no interim responses.
	Interim InterimWriter
	// Body is the content of a request whose method may have some, nil when there
	// is none. What is not read of it is dropped with the connection.
	Body io.Reader
	// Framed reports a Content-Length or Transfer-Encoding field, whatever its
	// value: GET and HEAD with a body are refused (DESIGN section 5).
	Framed bool
}

// Response is what the adapter writes. Edge.Serve fills it.
type Response struct {
	Status int
	// Header is the complete field list but for framing (Content-Length,
	// Transfer-Encoding, Connection), which belongs to the adapter. It has a Date
	// when the response was stored; the adapter adds one only where it is missing.
	// Values are borrowed until Edge.Finish.
	Header []object.Field
	// Size is the length of the body in bytes, -1 when unknown (chunked). For
	// HEAD and 304 it is the length the body would have; -1 leaves it out.
	Size int64
	// Body is nil when nothing follows the header (HEAD, 204, 304, empty).
	Body Body
	// Close asks the adapter to close the connection after this response.
	Close bool
}

// Body hands out the bytes of a response in pinned spans.
//
// It is used by one goroutine. After the last span Next returns io.EOF; any
// other error means that the body is cut: the adapter must then break the
// connection (HTTP/1: close without a clean end, HTTP/2: RST_STREAM), so that a
// short body never looks whole.
type Body interface {
	// Next returns the next span, at most 1 MiB and never empty. It waits while a
	// fill is making progress, up to the edge's stall limit. The span stays
	// valid until the next call of Next or Close; it must not be written to.
	Next() ([]byte, error)
	// Ready reports, without waiting, whether Next would return at once. An
	// adapter that would have to wait flushes first what it holds.
	Ready() bool
	// Close releases what is pinned. It may be called more than once.
	Close()

	Pausable
}

// FileBody is a Body that may have bytes in a file, too. An adapter that can send
// from a file asks NextFile before Next, and Next when NextFile says no.
type FileBody interface {
	Body
	// NextFile returns the next bytes as a range of a file. What the adapter does
	// not take of them it gives back by Unread.
	NextFile() (FileSpan, bool)
}

// FileSpan is a range of an open file. The descriptor is valid, and the bytes are
// what they are, until the next call of NextFile, Next or Close of its body,
// whatever becomes of the file's name. Whether they are in memory nobody knows.
type FileSpan struct {
	FD     int
	Offset int64
	Length int // bytes, never 0
}

// Pausable lets a client that takes no bytes hold no memory. An adapter that has to
// wait for its client parks the body meanwhile.
type Pausable interface {
	// Park says that the present span is not looked at until Resume. It costs
	// little; without a Resume, Next and Close end it too.
	Park()
	// Resume reports whether the span is still what it was. If not, the adapter
	// gives back what it had not sent of it and calls Next.
	Resume() bool
	// Unread gives back the last n bytes of the span that Next returned last: the
	// next span begins with them, but may have another length.
	Unread(n int)
}

// Exchange is one request and its response on their way through the edge. An
// adapter owns an Exchange, reuses it for the next request of its connection
// after Edge.Finish, and never shares it between goroutines.
//
//	x := e.NewExchange()            // once a connection (or stream)
//	x.Req = edge.Request{…}
//	e.Serve(x)                      // decides; x.Resp is complete
//	…write x.Resp, taking spans from x.Resp.Body…
//	e.Finish(x, edge.Delivery{…})   // once: releases, counts, logs
type Exchange struct {
	Req  Request
	Resp Response

	state
}

// Delivery is what the adapter knows after it wrote a response.
type Delivery struct {
	Body      int64         // body bytes handed to the connection
	Header    int64         // header and framing bytes, 0 when unknown
	FirstByte time.Duration // from arrival until the header was handed over; 0 when unknown
	// Took is the time from arrival until the last byte was handed over; 0 has Finish
	// read the clock.
	Took    time.Duration
	Aborted bool // the client left or was cut before the end
}
