package edge

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"unsafe"

	"edged/auth"
	"edged/cache"
	"edged/cache/object"
	"edged/cache/rfc9111"
	"edged/internal/byterange"
	"edged/logfmt"
)

// state is what the steps of one request share. Finish clears it but keeps the
// buffers, so that a connection's requests allocate nothing.
type state struct {
	edge    *Edge
	shard   int       // which counters this exchange writes to
	rng     *rand.PCG // trace ids: unpredictability is not needed, speed is
	site    *Site     // nil until the host is known
	out     Outcome   // what became of the request
	arrived int64     // Unix nanoseconds
	now     int64     // the time that ages are reckoned at: arrival, or when the answer came
	trace   [16]byte  // hexadecimal
	leading bool      // the fetch is this request's own
	body    body
	form    struct { // the coded form that is served instead of the object
		key, resolved []byte
		meta          object.Meta
	}
	note    text     // body of a generated response
	fault   fault    // what broke the fetch, for Proxy-Status
	slow    paced    // the body, when the token has a speed limit
	rate    int64    // bytes a second that the token allows, 0 for no limit
	session uint64   // place in Edge.sessions, 0 for none
	carried *carried // nil but for a manifest whose token is carried on
	cond    rfc9111.Conditions
	record  logfmt.Record
	viewer  viewer

	sid       []byte // of the token, for the log to hash
	host      []byte // canonical host
	path      []byte // canonical, decoded path
	query     []byte // raw query without the token
	encoded   []byte // encoded path and the query that counts: what the origin is asked for
	key       []byte // primary cache key
	resolved  []byte // cache key of the variant
	scratch   []byte // values of response fields
	hostBuf   []byte
	pathBuf   []byte
	lines     [][]byte
	header    []object.Field
	ranges    []byterange.Range
	rangeAsk  byterange.Range // what the client asked for, for the log
	tokens    auth.Scratch
	input     auth.Input // these three are here because interfaces take their addresses
	found     auth.Found
	asked     auth.Request
	verdict   auth.Verdict // of an allowed token
	directive rfc9111.RequestDirectives
}

// NewExchange returns an exchange for a connection or stream of an adapter.
func (e *Edge) NewExchange() *Exchange {
	x := &Exchange{}
	x.edge = e
	x.shard = int(e.shards.Add(1)) % counterShards
	x.rng = rand.NewPCG(rand.Uint64(), rand.Uint64())
	x.body.x = x
	return x
}

// begin prepares the state for a new request.
func (e *Edge) begin(x *Exchange) {
	now := x.Req.Arrived
	if now == 0 {
		now = e.now().UnixNano()
	}
	x.arrived, x.now = now, now
	var id [8]byte
	binary.BigEndian.PutUint64(id[:], x.rng.Uint64())
	hex.Encode(x.trace[:], id[:])
}

// clear forgets the request but keeps the buffers.
func (x *Exchange) clear() {
	x.Req, x.Resp = Request{}, Response{}
	s := &x.state
	s.site, s.out, s.leading, s.fault = nil, Outcome{}, false, fault{}
	if s.rate != 0 {
		s.slow, s.rate = paced{}, 0
	}
	s.host, s.path, s.query, s.sid = nil, nil, nil, nil
	s.input, s.found, s.asked, s.verdict = auth.Input{}, auth.Found{}, auth.Request{}, auth.Verdict{}
	x.dropCarried()
	s.rangeAsk = byterange.Range{}
	s.encoded, s.key, s.resolved, s.scratch = s.encoded[:0], s.key[:0], s.resolved[:0], s.scratch[:0]
	clear(s.header)
	s.header, s.ranges, s.lines = s.header[:0], s.ranges[:0], s.lines[:0]
}

// AppendSelecting implements cache.Selecting: a response may vary on what the
// origin gets to see, which is what the site forwards and nothing else.
func (x *Exchange) AppendSelecting(dst []byte, name string) []byte {
	if !x.site.forwards(name) {
		return dst
	}
	return rfc9111.NormalizeSelecting(name, x.handedOn(name), dst)
}

// handedOn returns what joined does, but nil when Connection lists the field: then it
// concerns this connection and goes no further (RFC 9110 §7.6.1).
func (x *Exchange) handedOn(name string) []byte {
	options := x.joined("Connection")
	for len(options) > 0 {
		var option []byte
		option, options, _ = bytes.Cut(options, []byte{','})
		if strings.EqualFold(borrowed(bytes.Trim(option, " \t")), name) {
			return nil
		}
	}
	return x.joined(name)
}

// joined returns all lines of a request field joined by ", ", nil when absent. It
// copies only when there is more than one.
func (x *Exchange) joined(name string) []byte { return x.joinedBy(name, ", ") }

func (x *Exchange) joinedBy(name, separator string) []byte {
	x.lines = x.Req.Header.Append(x.lines[:0], name)
	switch len(x.lines) {
	case 0:
		return nil
	case 1:
		return x.lines[0]
	}
	start := len(x.scratch)
	for i, line := range x.lines {
		if i > 0 {
			x.scratch = append(x.scratch, separator...)
		}
		x.scratch = append(x.scratch, line...)
	}
	return x.scratch[start:len(x.scratch):len(x.scratch)]
}

// borrowed returns b as a string without copying. The string is valid, and b must
// not change, until Edge.Finish.
func borrowed(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// value returns what add appends as a string that lives until Finish. Growing the
// scratch buffer leaves earlier values in the old one, which they keep alive.
func (x *Exchange) value(add func([]byte) []byte) string {
	start := len(x.scratch)
	x.scratch = add(x.scratch)
	return borrowed(x.scratch[start:])
}

// object returns what is being served, nil when that is not from the cache.
func (x *Exchange) object() *cache.Object { return x.body.reader.Object() }
