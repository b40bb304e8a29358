package auth

import (
	"crypto/sha256"
	"net/netip"
)

// Scheme finds and verifies the tokens of one format. Each format is one small
// file of this package. A site that accepts several during a migration asks them
// in turn until one finds a token of its own.
type Scheme interface {
	// Name is the word for the scheme in configuration and logs.
	Name() string
	// Find looks for tokens in the raw target and cuts them out of it. A reason
	// other than Allowed refuses the request; Found is then still cut clean, so
	// that no token can reach a log. Found borrows in and scratch, which must not
	// be nil.
	Find(in *Input, scratch *Scratch) (Found, Reason)
	// Verify judges what Find found. r.Path is the canonical form of f.Path: the
	// very bytes the cache key and the origin URL are made of.
	Verify(f *Found, r *Request) Verdict
}

// Carrier says where in a request a token was.
type Carrier uint8

// The places a token may travel in.
const (
	None Carrier = iota
	Path
	Query
	Cookie
	Header
	numCarriers
)

// String returns the carrier's word for logs and the command line.
func (c Carrier) String() string {
	if c >= numCarriers {
		return "unknown"
	}
	return [...]string{"none", "path", "query", "cookie", "header"}[c]
}

// Input is the raw request as far as tokens can be in it. All bytes are
// borrowed.
type Input struct {
	Path    []byte // raw path, begins with '/'
	Query   []byte // raw query without '?'
	Cookies []byte // all Cookie field values joined by "; ", nil when absent
	Fields  Fields // header fields, nil when there are none
}

// Fields gives read access to request header fields. What it returns is borrowed
// like the rest of the request.
type Fields interface {
	// Append appends every line of the field called name to dst, in order. Names
	// are compared without regard to case.
	Append(dst [][]byte, name string) [][]byte
}

// MaxTokens is how many tokens of one name a request may carry. Only cookies may
// be several: browsers send every cookie whose path matches.
const MaxTokens = 4

// Found is what Find took out of a request.
type Found struct {
	Tokens  [MaxTokens][]byte // raw tokens, the first N are set
	N       int
	Carrier Carrier
	// Path and Query are what is left without the token: raw, still to be made
	// canonical. They borrow the Input where nothing had to be joined, else the
	// Scratch.
	Path, Query []byte

	scratch *Scratch
	query   []byte // the raw query as it came, token included
	policy  bool   // cloudfront: Tokens hold a policy, not a time
	form    mediaForm
	before  int    // segments before a token that was cut out of the middle of the path
	whole   []byte // secure-link: the raw path that its location matched
	groups  []int  // and its groups, in pairs of places
}

// Request is what claims are held against.
type Request struct {
	Method  []byte
	TLS     bool   // the client speaks https to us
	Host    []byte // canonical host name
	Path    []byte // canonical, decoded path without the token
	Query   []byte // raw query without the token
	Fields  Fields // header fields, nil when there are none
	Client  netip.Addr
	Country string // ISO 3166-1 alpha-2 of Client, "" to ask Atlas
	ASN     uint32 // autonomous system of Client, 0 to ask Atlas
	Atlas   Atlas  // nil when nothing is known about addresses
	ALPN    string // protocol in the words of RFC 7301, such as h2; "" when unknown
	Now     int64  // Unix seconds
	Trace   *Trace // nil but in tools
}

// scheme returns "https" or "http".
func (r *Request) scheme() string {
	if r.TLS {
		return "https"
	}
	return "http"
}

// Atlas knows where addresses are. It is asked for tokens that say where they may be
// used and for no others, and answers from memory.
type Atlas interface {
	Country(netip.Addr) string // ISO 3166-1 alpha-2, "" when unknown
	ASN(netip.Addr) uint32     // autonomous system, 0 when unknown
}

// country returns where the client is, "" when unknown.
func (r *Request) country() string {
	if r.Country == "" && r.Atlas != nil {
		r.Country = r.Atlas.Country(r.Client)
	}
	return r.Country
}

// asn returns the client's autonomous system, 0 when unknown.
func (r *Request) asn() uint32 {
	if r.ASN == 0 && r.Atlas != nil {
		r.ASN = r.Atlas.ASN(r.Client)
	}
	return r.ASN
}

// Verdict is the answer about one request.
type Verdict struct {
	Reason  Reason
	Scheme  string // name of the scheme that answered
	Key     string // id of the signing key, "" when none was recognised
	Session []byte // sid claim of an allowed token, borrowed from the Scratch
	Expires int64  // first second at which the token is invalid, Unix seconds; 0 when not known
	// RateKBps is the speed limit in kilobytes (1000 bytes) a second, 0 for none.
	RateKBps int
	// Renewal is the token that the response shall hand to the client, nil for none.
	Renewal *Renewal
	// Token is the token that allowed, as it came. Borrowed from the Input.
	Token []byte
	// Grant is what an allowed token opens beyond this request. Verify sets it for ect;
	// Complete does for the others that can say it. Borrowed from the Scratch.
	Grant *Grant
}

// Revocations tells tokens that were withdrawn before they expired. It is asked
// last, for tokens that would be allowed, on every request and from many
// goroutines at once; it must answer from memory.
type Revocations interface {
	// Revoked reports whether the token is withdrawn: by its key, its session
	// (nil when it has none), its SHA-256, or the second it was issued. A token
	// that does not say when it was issued has issued 0 and so counts as issued
	// before any date. The arguments are borrowed for the call.
	Revoked(kid string, session []byte, hash *[sha256.Size]byte, issued int64) bool
}

// Scratch is working memory of one request at a time, reused to keep the hot
// path free of allocations. The zero value is ready.
type Scratch struct {
	query   []byte // what is left of a query with a token in its middle
	payload []byte // decoded payload; Verdict.Session points into it
	sig     []byte // decoded signature
	mac     []byte // computed MAC
	sum     [sha256.Size]byte
	claims  claims // of an ect token; Verdict.Grant points into them
	grant   Grant

	params [maxParams]sighting // what paramSet.cut saw of each of its names
	text   []byte              // decoded values, each scheme's own
	msg    []byte              // bytes to sign; hold a secret in some schemes
	lines  [][]byte            // lines of header fields
	path   []byte              // what is left of a path with a token in its middle
	list   []bunnyParam        // decoded parameters
	groups []int               // parts of a path, in pairs of places
	links  []link              // of a Chain
}
