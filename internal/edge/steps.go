package edge

import (
	"net/netip"
	"strings"

	"edged/auth"
	"edged/cache/object"
	"edged/cache/rfc9111"
	"edged/internal/media"
	"edged/internal/target"
)

// locate canonicalises the host and finds the site: everything after this step,
// errors included, carries the site's CORS fields.
func (e *Edge) locate(x *Exchange) bool {
	authority, path, query, why := target.Split(x.rawTarget())
	host, buf, bad := target.Host(x.Req.Host, x.hostBuf)
	if authority != nil && bad == target.OK { // it counts, but Host must be sound, too (RFC 9112 §3.2)
		host, buf, bad = target.Host(authority, buf)
	}
	x.hostBuf = buf
	if bad != target.OK {
		return e.badTarget(x, bad)
	}
	x.host, x.path, x.query = host, path, query
	if x.site = e.sites.Load().find(host); x.site == nil {
		x.out.Detail = DetailUnknownHost
		return e.refuse(x, 421)
	}
	if why != target.OK {
		return e.badTarget(x, why)
	}
	return true
}

// rawTarget returns the request target. The asterisk of an OPTIONS that asks about the
// server as such stands for the root (RFC 9112 §3.2.4).
func (x *Exchange) rawTarget() []byte {
	if borrowed(x.Req.Target) == "*" && borrowed(x.Req.Method) == "OPTIONS" {
		return []byte{'/'}
	}
	return x.Req.Target
}

// admit lets GET and HEAD without a body pass, and answers what needs neither
// token nor cache.
func (e *Edge) admit(x *Exchange) bool {
	method := borrowed(x.Req.Method)
	switch {
	case x.Req.Framed && !x.site.passes(method):
		x.out.Detail = DetailFramed
		x.Resp.Close = true
		return e.refuse(x, 400)
	case method == "OPTIONS":
		e.preflight(x)
		return false
	case method != "GET" && method != "HEAD" && !x.site.passes(method):
		x.out.Detail = DetailMethod
		return e.refuse(x, 405)
	case x.site.RedirectHTTPS && x.Req.TLS == 0:
		return e.redirectHTTPS(x)
	}
	return true
}

// authorise cuts the token out of the target, makes the rest canonical, and
// checks the token against exactly that.
func (e *Edge) authorise(x *Exchange) bool {
	why := x.findToken()
	canonical, buf, bad := target.Canonical(x.found.Path, x.pathBuf)
	x.pathBuf = buf
	if bad != target.OK {
		return e.badTarget(x, bad)
	}
	x.path, x.query = canonical, x.found.Query
	if why != auth.Allowed {
		return e.deny(x, auth.Verdict{Reason: why})
	}
	if x.site.Token == nil || !x.site.TokenRequired {
		return true
	}
	x.asked = auth.Request{
		Method: x.Req.Method, Host: x.host, Path: x.path, Query: x.query,
		Client: x.Req.Client.Addr(), Now: x.now / 1e9, Atlas: x.site.Atlas, TLS: x.Req.TLS != 0, Fields: x.Req.Header, ALPN: x.alpn(),
	}
	v := x.site.Token.Verify(&x.found, &x.asked)
	x.out.Checked, x.out.Scheme, x.out.Key, x.sid = true, v.Scheme, v.Key, v.Session
	if v.Reason != auth.Allowed {
		return e.deny(x, v)
	}
	x.verdict = v
	x.rate = int64(v.RateKBps) * 1000
	return e.claimSession(x, v.Session)
}

// alpn is the protocol that a client negotiated (RFC 7301), "" without TLS.
func (x *Exchange) alpn() string {
	if x.Req.TLS == 0 {
		return ""
	}
	return [...]string{"http/1.0", "http/1.1", "h2", "h3"}[x.Req.Proto]
}

// findToken leaves in x.found what there is of a token, and the target without it.
func (x *Exchange) findToken() (why auth.Reason) {
	if x.site.Token == nil {
		x.found = auth.Found{Path: x.path, Query: x.query}
		return auth.Allowed
	}
	x.input = auth.Input{Path: x.path, Query: x.query, Cookies: x.cookies(), Fields: x.Req.Header}
	x.found, why = x.site.Token.Find(&x.input, &x.tokens)
	return why
}

// cookies returns all Cookie lines as one (RFC 9113 §8.2.3), nil when there are none.
func (x *Exchange) cookies() []byte { return x.joinedBy("Cookie", "; ") }

// identify classifies the path and builds the cache key and the origin's target
// from the same bytes: what is not in the key does not reach the origin.
func (e *Edge) identify(x *Exchange) {
	x.directive = rfc9111.NoWishes()
	if x.site.ClientDirectives {
		x.directive = rfc9111.ParseRequest(x.joined("Cache-Control"), x.joined("Pragma"))
	}
	x.out.Class = media.Classify(x.path)
	x.encoded = target.AppendEncoded(x.encoded[:0], x.path)
	path := len(x.encoded)
	x.encoded = append(x.encoded, '?')
	x.encoded = x.site.Query.Append(x.encoded, x.query)
	query := x.encoded[path+1:]
	if len(query) == 0 {
		x.encoded = x.encoded[:path]
	}
	site := x.site.Name
	if x.site.wildcard { // the origin is told the viewer's host, so the key holds it
		site = x.value(func(b []byte) []byte { return append(append(b, '*'), x.host...) })
	}
	x.key = object.AppendKey(x.key[:0], x.site.Account, site, x.encoded[:path], query)
}

// forwards reports whether the site hands request field name to the origin.
func (s *Site) forwards(name string) bool {
	for _, f := range s.Forward {
		if strings.EqualFold(f, name) {
			return true
		}
	}
	return false
}

// publicHost is what X-Forwarded-Host tells the origin: the viewer's host on a
// wildcard site, where it is in the key, else the site's first.
func (x *Exchange) publicHost() string {
	if x.site.wildcard {
		return string(x.host)
	}
	return x.site.Hosts[0]
}

// client returns the viewer's address, IPv4 in IPv6 unmapped.
func (x *Exchange) client() netip.Addr { return x.Req.Client.Addr().Unmap() }
