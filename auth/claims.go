package auth

import (
	"bytes"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds of claims.
const (
	maxScopes    = 4
	maxAddresses = 4
	// maxTimeDigits holds every second until the year 2286. Longer times are
	// milliseconds by mistake, and would be tokens without an end.
	maxTimeDigits = 10
	maxRateDigits = 9
)

// claims are the contents of a payload whose signature was verified. Byte slices
// borrow the payload.
type claims struct {
	expires, notBefore, issued int64 // Unix seconds, 0 when absent
	scopes                     [maxScopes][]byte
	addresses                  [maxAddresses]netip.Prefix
	numScopes, numAddresses    int
	session                    []byte
	methods, countries         []byte // comma-separated
	rateKBps                   int
	exchanged                  bool // x-stage: made by Sessions
	made                       provenance
	seen                       claimSet
}

// claimSet holds which of the claims that may occur once have occurred.
type claimSet uint8

const (
	hasExpires claimSet = 1 << iota
	hasNotBefore
	hasIssued
	hasSession
	hasMethods
	hasCountries
	hasRate
)

// parse reads lines of key=value, each ended by a newline. What it does not
// fully understand it refuses.
func (c *claims) parse(payload []byte) Reason {
	if !utf8.Valid(payload) {
		return BadClaim
	}
	for len(payload) > 0 {
		end := bytes.IndexByte(payload, '\n')
		if end < 0 {
			return BadClaim
		}
		if why := c.line(payload[:end]); why != Allowed {
			return why
		}
		payload = payload[end+1:]
	}
	if c.seen&hasExpires == 0 || c.numScopes == 0 {
		return BadClaim
	}
	return Allowed
}

func (c *claims) line(line []byte) Reason {
	equals := bytes.IndexByte(line, '=')
	if equals < 0 || hasControl(line) {
		return BadClaim
	}
	name, value := line[:equals], line[equals+1:]
	switch string(name) {
	case "exp":
		return c.time(hasExpires, &c.expires, value)
	case "nbf":
		return c.time(hasNotBefore, &c.notBefore, value)
	case "iat":
		return c.time(hasIssued, &c.issued, value)
	case "p":
		return c.scope(value)
	case "ip":
		return c.address(value)
	case "sid":
		return c.text(hasSession, &c.session, value)
	case "m":
		return c.text(hasMethods, &c.methods, value)
	case "geo":
		return c.text(hasCountries, &c.countries, value)
	case "lim":
		return c.rate(value)
	}
	if bytes.HasPrefix(name, []byte("x-")) {
		c.extension(name, value)
		return Allowed
	}
	return UnknownClaim
}

// extension reads what Sessions writes; of other x- claims nothing is known here.
func (c *claims) extension(name, value []byte) {
	switch string(name) {
	case stageClaim:
		c.exchanged = true
	case originClaim:
		c.made.origin = value
	case signerClaim:
		c.made.signer = value
	case siteClaim:
		c.made.site = value
	}
}

// once notes that a claim occurred, and reports whether it is the first time.
func (c *claims) once(which claimSet) bool {
	first := c.seen&which == 0
	c.seen |= which
	return first
}

func (c *claims) time(which claimSet, dst *int64, value []byte) Reason {
	n, why := decimal(value, maxTimeDigits)
	if why != Allowed {
		return why
	}
	if !c.once(which) {
		return BadClaim
	}
	*dst = n
	return Allowed
}

func (c *claims) text(which claimSet, dst *[]byte, value []byte) Reason {
	if len(value) == 0 || !c.once(which) {
		return BadClaim
	}
	*dst = value
	return Allowed
}

func (c *claims) rate(value []byte) Reason {
	n, why := decimal(value, maxRateDigits)
	if why != Allowed || n == 0 || !c.once(hasRate) {
		return BadClaim
	}
	c.rateKBps = int(n)
	return Allowed
}

func (c *claims) scope(value []byte) Reason {
	if c.numScopes == maxScopes || len(value) == 0 || value[0] != '/' {
		return BadClaim
	}
	c.scopes[c.numScopes] = value
	c.numScopes++
	return Allowed
}

func (c *claims) address(value []byte) Reason {
	if c.numAddresses == maxAddresses {
		return BadClaim
	}
	p, err := netip.ParsePrefix(string(value))
	if err != nil {
		return BadClaim
	}
	c.addresses[c.numAddresses] = p
	c.numAddresses++
	return Allowed
}

// allow holds the claims against a request: time, scope, then client.
// maxLifetime and leeway are in seconds.
func (c *claims) allow(r *Request, maxLifetime, leeway int64) Reason {
	switch {
	case r.Now >= c.expires:
		return Expired
	case c.notBefore > r.Now+leeway:
		return NotYet
	case c.expires > r.Now+maxLifetime:
		return TooLong
	case !c.covers(r.Path), !c.at(r):
		return OutOfScope
	case !c.allowsMethod(r.Method):
		return Method
	case !c.allowsClient(r.Client):
		return Address
	case !c.allowsCountry(r):
		return Country
	}
	return Allowed
}

// at reports whether the request is for the scheme and host that the claims are bound to.
// It is a claim of what Sessions made; of others x- claims are not looked at.
func (c *claims) at(r *Request) bool {
	if !c.exchanged || c.made.origin == nil {
		return true
	}
	scheme, host, ok := bytes.Cut(c.made.origin, []byte("://"))
	return ok && string(scheme) == r.scheme() && bytes.Equal(host, r.Host)
}

// grant returns what a session token takes over. It borrows c.
func (c *claims) grant() Grant {
	g := Grant{
		Scopes: c.scopes[:c.numScopes], Methods: c.methods, Countries: c.countries,
		Addresses: c.addresses[:c.numAddresses], Session: c.exchanged,
	}
	if c.exchanged {
		g.Origin = c.made.origin
	}
	return g
}

func (c *claims) covers(path []byte) bool {
	for _, scope := range c.scopes[:c.numScopes] {
		if covers(scope, path) {
			return true
		}
	}
	return false
}

var comma = []byte{','}

// covers reports whether scope opens path: all below a directory, or one file.
// Prefixes end at a segment boundary, so /a/ never opens /ab.
func covers(scope, path []byte) bool {
	if scope[len(scope)-1] == '/' {
		return bytes.HasPrefix(path, scope)
	}
	return bytes.Equal(path, scope)
}

func (c *claims) allowsMethod(method []byte) bool {
	if c.methods == nil {
		return string(method) == "GET" || string(method) == "HEAD"
	}
	for item := range bytes.SplitSeq(c.methods, comma) {
		if len(item) > 0 && bytes.Equal(item, method) {
			return true
		}
	}
	return false
}

func (c *claims) allowsClient(client netip.Addr) bool {
	if c.numAddresses == 0 {
		return true
	}
	client = client.Unmap().WithZone("")
	for _, p := range c.addresses[:c.numAddresses] {
		if p.Contains(client) {
			return true
		}
	}
	return false
}

// allowsCountry is false for a client whose country is not known.
func (c *claims) allowsCountry(r *Request) bool {
	if c.countries == nil {
		return true
	}
	country := r.country()
	for item := range bytes.SplitSeq(c.countries, comma) {
		if len(item) > 0 && strings.EqualFold(string(item), country) {
			return true
		}
	}
	return false
}

// decimal reads an unsigned number of at most max digits, max <= 18.
func decimal(b []byte, max int) (int64, Reason) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, BadClaim
		}
	}
	if len(b) > max {
		return 0, LongTime
	}
	n, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil {
		return 0, BadClaim
	}
	return n, Allowed
}

// hasControl reports an ASCII control byte. Values end up in logs.
func hasControl(b []byte) bool {
	for _, c := range b {
		if control(c) {
			return true
		}
	}
	return false
}

func control(c byte) bool { return c < 0x20 || c == 0x7F }
