package rfc9111

import (
	"strings"
	"time"

	"edged/cache/object"
)

// Reason says why a response may not be stored. The set is closed; String gives
// the words for logs and metrics.
type Reason uint8

// The reasons, in the order in which they are looked for.
const (
	// OK: it may be stored.
	OK Reason = iota
	// Method: only an answer to GET makes an object.
	Method
	// Status: it stands for one request, not for the resource; or must-understand
	// was said of a status that is not understood; or a 206 has no one place.
	Status
	// RequestNoStore: the request said no-store.
	RequestNoStore
	// NoStore: the response said no-store.
	NoStore
	// Private: the response said private of the whole of itself.
	Private
	// Authorization: the request had credentials and the response does not allow
	// sharing (RFC 9111 §3.5).
	Authorization
	// SetCookie: the site's policy on Set-Cookie.
	SetCookie
	// VaryStar: Vary is "*" or unreadable: no request would ever match.
	VaryStar
	// NoLifetime: it could be stored but would never be used: no lifetime, no stale
	// window, and no validator to make it fresh again.
	NoLifetime
	// Partial: all else allows it, but it is a 206: no object by itself, its bytes
	// may only fill a place in one (RFC 9111 §3.3, §3.4).
	Partial
	// NumReasons is the number of reasons.
	NumReasons
)

// String returns the reason's stable word.
func (r Reason) String() string {
	switch r {
	case OK:
		return "ok"
	case Method:
		return "method"
	case Status:
		return "status"
	case RequestNoStore:
		return "request_no_store"
	case NoStore:
		return "no_store"
	case Private:
		return "private"
	case Authorization:
		return "authorization"
	case SetCookie:
		return "set_cookie"
	case VaryStar:
		return "vary_star"
	case NoLifetime:
		return "no_lifetime"
	case Partial:
		return "partial"
	}
	return "unknown"
}

// Request holds the parts of a request that decide about storing its answer.
type Request struct {
	Method        string // as sent, case-sensitive
	Authorization bool   // an Authorization field went to the origin
	CacheControl  string // all lines joined by ", "
	Pragma        string // all lines joined by ", "; no rule about storing reads it
}

// CookiePolicy is what a site does with a response that sets a cookie. RFC 9111
// §7.3 leaves that to the cache.
type CookiePolicy uint8

const (
	// CookieStrip stores the response without its Set-Cookie fields, provided that
	// the origin says public, max-age or s-maxage; otherwise it looks like an answer
	// meant for one client.
	CookieStrip CookiePolicy = iota
	// CookieRefuse never stores such a response.
	CookieRefuse
	// CookieKeep stores it as it is, so every client gets the same cookie: the
	// plain reading of RFC 9111 §3.1, for origins whose cookies identify nobody.
	CookieKeep
)

// Policy is what a site decides where the RFCs leave room. The zero value is the
// careful choice: no default lifetimes, no heuristic, cookies stripped.
type Policy struct {
	Defaults Defaults
	Cookies  CookiePolicy
}

// Storable is [Policy.Storable] of the zero Policy: without default lifetimes, so
// a response whose origin states none and that has no validator is not stored.
func Storable(req *Request, status int, h object.Header) Reason {
	return (&Policy{}).Storable(req, status, h)
}

// Storable decides whether a complete response may be stored by a shared cache
// (RFC 9111 §3) and whether that would be of any use. It returns Partial for a
// 206 that may be stored as part of an object.
func (p *Policy) Storable(req *Request, status int, h object.Header) Reason {
	dir := ParseResponse(h)
	if r := permitted(req, status, h, &dir); r != OK {
		return r
	}
	if r := p.cookies(h, &dir); r != OK {
		return r
	}
	if _, star := Vary(h); star {
		return VaryStar
	}
	if !p.useful(status, h, &dir) {
		return NoLifetime
	}
	if status == 206 {
		return Partial
	}
	return OK
}

// permitted holds the conditions of RFC 9111 §3 that no site can change.
func permitted(req *Request, status int, h object.Header, dir *Directives) Reason {
	switch {
	case req.Method != "GET":
		return Method
	case !storableStatus(status),
		dir.MustUnderstand && !understood(status),
		status == 206 && !singlePart(h):
		return Status
	case hasDirective([]byte(req.CacheControl), "no-store"):
		return RequestNoStore
	case dir.noStore(status):
		return NoStore
	case dir.Private:
		return Private
	case req.Authorization && !dir.sharesAuthorized():
		return Authorization
	}
	return OK
}

// sharesAuthorized reports a directive that lets a shared cache store the answer
// to a request with credentials (RFC 9111 §3.5).
func (d *Directives) sharesAuthorized() bool {
	return d.Public || d.MustRevalidate || d.SMaxAge != absent
}

// singlePart reports a 206 that says, in Content-Range, which one part it is.
func singlePart(h object.Header) bool {
	const multipart = "multipart/byteranges"
	kind := strings.Trim(h.Get("Content-Type"), " \t")
	return h.Has("Content-Range") &&
		(len(kind) < len(multipart) || !strings.EqualFold(kind[:len(multipart)], multipart))
}

func (p *Policy) cookies(h object.Header, dir *Directives) Reason {
	if p.Cookies == CookieKeep || !h.Has("Set-Cookie") {
		return OK
	}
	if p.Cookies == CookieStrip && (dir.Public || dir.MaxAge != absent || dir.SMaxAge != absent) {
		return OK
	}
	return SetCookie
}

// useful reports whether a stored response could ever be served: fresh, stale
// within a window, or after validation. Only a success is worth keeping for
// validation alone: an error would displace what it failed to replace.
//
// It also holds the last condition of RFC 9111 §3: a lifetime, public, or a
// heuristically cacheable status.
func (p *Policy) useful(status int, h object.Header, dir *Directives) bool {
	f := p.withoutClock(status, h)
	guessed := f.Flags&object.Heuristic != 0
	switch {
	case guessed && f.Lifetime == 0 && !dir.Public && !heuristic(status):
		return false
	case successful(status) && hasValidator(h):
		return true
	case f.Flags&object.NoCache != 0:
		return false
	}
	return f.Lifetime > 0 || f.StaleWhileRevalidate > 0 || f.StaleIfError > 0 && dir.StaleIfError > 0
}

// withoutClock computes the freshness where the time of receipt, which stands in
// for a missing Date, is not known. Early makes Expires look fresh, late makes a
// heuristic on Last-Modified long: a doubt ends in storing, which at worst keeps
// what is stale on arrival.
func (p *Policy) withoutClock(status int, h object.Header) object.Freshness {
	const (
		early = referenceTime * int64(time.Second)
		late  = early + int64(100*365*24*time.Hour)
	)
	f := Compute(status, h, p.Defaults, early, early)
	if f.Lifetime == 0 {
		f = Compute(status, h, p.Defaults, late, late)
	}
	return f
}

// hasValidator reports an ETag or a readable Last-Modified.
func hasValidator(h object.Header) bool {
	if h.Get("ETag") != "" {
		return true
	}
	_, ok := ParseDate(h.Get("Last-Modified"))
	return ok
}
