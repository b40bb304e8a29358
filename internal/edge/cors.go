package edge

import "slices"

// CORS says which pages may read a site's responses. The edge owns these fields:
// what the origin sends of them is dropped, so that a response never depends on
// the page that happened to ask first.
type CORS struct {
	// Origins that may read responses; empty or "*" is any.
	Origins []string
	// Credentials allows cookies. The request's origin is then named instead of
	// "*", as the Fetch standard demands.
	Credentials bool
}

// What players send and read (see the Fetch standard, section 3.3).
const (
	safeMethods = "GET, HEAD, OPTIONS" // of every site, beside its own
	corsHeaders = "Accept, Accept-Language, Authorization, Cache-Control, CMCD-Object, CMCD-Request, CMCD-Session, " +
		"CMCD-Status, Content-Type, If-Match, If-Modified-Since, If-None-Match, If-Range, If-Unmodified-Since, Pragma, " +
		"Range, X-Requested-With"
	corsExpose = "Age, Cache-Status, Content-Encoding, Content-Length, Content-Range, Date, ETag, Last-Modified, " +
		"Retry-After, Server-Timing, X-Request-Id"
	corsMaxAge = "86400" // seconds; browsers cap it, Chromium at two hours
)

func (c *CORS) any() bool { return len(c.Origins) == 0 || slices.Contains(c.Origins, "*") }

// allowed returns the value of Access-Control-Allow-Origin for a request from
// the given origin (nil when it names none), and whether that depends on it.
func (c *CORS) allowed(origin []byte) (value string, depends bool) {
	switch {
	case c.any() && !c.Credentials:
		return "*", false
	case len(origin) == 0:
		return "", true
	case c.any() || slices.Contains(c.Origins, borrowed(origin)):
		return borrowed(origin), true
	}
	return "", true
}

// cors adds what lets a page read this response; errors get it too, or a player
// sees a network error without a status.
func (x *Exchange) cors() {
	c := &x.site.CORS
	value, depends := c.allowed(x.Req.Header.Get("Origin"))
	if depends {
		x.field("Vary", "Origin")
	}
	if value == "" {
		return
	}
	x.field("Access-Control-Allow-Origin", value)
	x.field("Access-Control-Expose-Headers", corsExpose)
	x.field("Timing-Allow-Origin", value)
	if c.Credentials && value != "*" {
		x.field("Access-Control-Allow-Credentials", "true")
	}
}

// preflight answers OPTIONS from nothing: no token, no cache, no origin. The list
// of fields is fixed because players ask for a different subset each time.
func (e *Edge) preflight(x *Exchange) {
	x.out.Detail = DetailPreflight
	x.reset(204)
	x.field("Allow", x.site.allow)
	x.field("Access-Control-Allow-Methods", x.site.allow)
	x.field("Access-Control-Allow-Headers", corsHeaders)
	x.field("Access-Control-Max-Age", corsMaxAge)
	x.finishHeader()
}
