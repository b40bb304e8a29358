package logfmt

import (
	"net/netip"
	"time"
)

// Record is one request as the access log tells it.
//
// It is built from redacted values: no token, no query string, no cookie and no
// referrer beyond its host may be put into it. Client is the one exception: the
// encoder redacts it as the [AddressMode] says, so that the address itself never
// reaches a buffer that goes to disk.
//
// Byte slices are borrowed for the call that takes the Record. Strings may be kept for a
// while: they must not be made of bytes that change. The
// zero value of a field means that it is missing; it is written as "-" in W3C
// and left out in JSON, except for counts and flags, which are always written.
type Record struct {
	Time    int64      // arrival of the request, Unix nanoseconds; written in milliseconds
	Node    string     // name of this node; Write sets it
	Account string     // customer account of the site
	Site    string     // name of the site that the host belongs to
	Client  netip.Addr // peer address, as it came; redacted by the encoder
	// Address is what the site of the request allows to be logged of Client. It can
	// only be stricter than what the log does anyway; zero leaves it at that.
	Address AddressMode
	// Pseudonym is the client under the key of the hour or day, 0 when there is none.
	// In Pseudonym mode Write sets it; a reader finds it in a log of that mode.
	Pseudonym uint64

	Request  Request       // details of what was asked
	Method   []byte        // request method as sent
	Host     []byte        // canonical host
	Path     []byte        // canonical, decoded path without token and query
	Status   int           // status code sent; 0 when none was
	Error    string        // why the edge or the origin failed, a stable word
	Duration time.Duration // arrival until the last byte was handed over; written in µs, rounded up

	BytesSent int64         // body bytes handed to the connection
	WireBytes int64         // BytesSent and what is known of header and framing; not TLS, TCP and IP
	FirstByte time.Duration // arrival until the header was handed over; written in µs, rounded up
	Aborted   bool          // the client left, or was cut, before the end

	Cache  Cache  // what the cache did, in the words of RFC 9211
	Source Source // where the body came from
	Token  Token  // what the token check said

	Sequence Sequence // place in the log; Write sets it
}

// Request holds the details of a request that say how it was asked.
type Request struct {
	RangeStart int64  // first byte of the requested range
	RangeEnd   int64  // byte after its last one; not above RangeStart when no range was asked for
	Protocol   string // "HTTP/1.1", "HTTP/2", …
	TLS        string // "TLSv1.3", …; empty on plain HTTP. See [TLSVersion]
	Referrer   []byte // host of the referrer, nothing more. See [ReferrerHost]
	Agent      Agent  // family of the user agent. See [AgentOf]
	UserAgent  []byte // the field as it came, only where the operator asks for it
	Class      string // media class of the path, a stable word
	Query      []byte // parameters that the site lists for its log, raw; nil for none
	CMCD       CMCD   // what the player tells about itself, numbers and one-letter words only
	Trace      []byte // id that the response carries in X-Request-Id
}

// Cache is the Cache-Status of the response (RFC 9211 §2), taken apart.
type Cache struct {
	Hit       bool   // served from the cache without going forward
	Forward   string // reason for going to the origin ("uri-miss", "stale", …); empty on a hit
	Stored    bool   // the response was stored
	Collapsed bool   // the request shared the fetch of another one
	HasTTL    bool   // TTL is known
	TTL       int64  // freshness lifetime less age, seconds; negative when stale
}

// Source says where the bytes of the body came from. The three counts may add
// up to more than BytesSent when a client left early.
type Source struct {
	Tier   string // "ram", "disk", "origin" or "none": the slowest place that was needed
	RAM    int64  // body bytes read from the RAM tier
	Disk   int64  // body bytes read from the disk tier
	Origin int64  // body bytes read from the origin
}

// Token says how the request was authorised.
type Token struct {
	Scheme  string // token scheme of the site; empty when the site has none
	Key     string // id of the key that signed, only when the site knows that key
	Verdict string // reason of the verdict, a stable word ("allowed", "expired", …)
	// SessionID is the token's sid as it came, nil for none. It is never written:
	// Write makes Session of it.
	SessionID []byte
	Session   uint64 // hash of the sid under the key of the pseudonyms, 0 for none
}

// Sequence is the place of a record in the log of its node. Within one run
// Number grows by 1 + Dropped from one written record to the next.
type Sequence struct {
	Run     int64 // start of the writing process, Unix milliseconds
	Dropped int64 // records that were lost since the previous written one
	Number  int64 // counts the records of the run from 1, lost ones included
}

// reset makes r empty but keeps the storage of its byte fields for reuse.
func (r *Record) reset() {
	method, host, path := r.Method[:0], r.Host[:0], r.Path[:0]
	old := &r.Request
	request := Request{Referrer: old.Referrer[:0], Trace: old.Trace[:0], Query: old.Query[:0], UserAgent: old.UserAgent[:0]}
	*r = Record{Method: method, Host: host, Path: path, Request: request}
}
