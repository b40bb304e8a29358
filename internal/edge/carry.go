package edge

import (
	"crypto/rand"
	"encoding/hex"
	"strconv"
	"strings"

	"edged/auth"
	"edged/cache"
	"edged/cache/object"
	"edged/cache/rfc9111"
	"edged/internal/coding"
	"edged/internal/media"
	"edged/internal/rewrite"
	"edged/internal/target"
)

// Carry is how a token gets from a manifest to what the manifest names.
type Carry uint8

// The ways. CarryNone leaves it to the player: references that are relative inherit a
// leading path segment.
const (
	CarryNone   Carry = iota
	CarryPath         // as leading path segment, in every URI that does not inherit it
	CarryQuery        // as query parameter of every URI
	CarryCookie       // as cookie
	CarryDefine       // by reference to the query of the manifest
)

// carryName is the name of what is carried: an ect token, the customer's or our own.
const carryName = "ect"

// SessionMinter exchanges access tokens; *auth.Sessions is such.
type SessionMinter interface {
	Exchanges(v *auth.Verdict) bool
	Mint(v *auth.Verdict, now int64, fresh string) (token string, expires int64, err error)
}

// carried is what becomes of the token of a request for a manifest.
type carried struct {
	token    string // "" when this response hands out none
	expires  int64
	minted   bool // here and now: the request had another one
	rewrites bool // the manifest's URIs get it
	cookie   bool // a cookie gets it
	body     rewriteBody
	meta     object.Meta // the manifest without its validators
}

func (e *Edge) newCarried() *carried {
	if c, ok := e.carries.Get().(*carried); ok {
		return c
	}
	return new(carried)
}

// dropCarried forgets the token and hands the buffers back.
func (x *Exchange) dropCarried() {
	if c := x.carried; c != nil {
		c.body.reset()
		*c = carried{body: c.body}
		x.edge.carries.Put(c)
		x.carried = nil
	}
}

// carry decides how the token goes on from a manifest. It returns true when that is by a
// redirect, which is the answer then.
func (e *Edge) carry(x *Exchange) (answered bool) {
	s := x.site
	if s.Carry == CarryNone || x.out.Class != media.Manifest || !x.out.Checked || s.passes(borrowed(x.Req.Method)) {
		return false
	}
	c, v := e.newCarried(), &x.verdict
	x.carried = c
	switch {
	case s.Sessions != nil && s.Sessions.Exchanges(v):
		if !e.mint(x) {
			return false
		}
		if s.SessionRedirect {
			c.cookie = s.Carry == CarryCookie
			e.redirectSession(x)
			return true
		}
	case v.Scheme == carryName && len(v.Token) > 0:
		c.token, c.expires = borrowed(v.Token), v.Expires
	default:
		return false
	}
	c.cookie = s.Carry == CarryCookie && (c.minted || x.found.Carrier != auth.Cookie)
	c.rewrites = s.Carry == CarryPath || s.Carry == CarryQuery || s.Carry == CarryDefine && x.found.Carrier == auth.Query
	return false
}

// mint exchanges the token of the request. A grant that does not fit in a session token
// is served with what it came with.
func (e *Edge) mint(x *Exchange) bool {
	var id [12]byte
	rand.Read(id[:])
	c := x.carried
	token, expires, err := x.site.Sessions.Mint(&x.verdict, x.now/1e9, hex.EncodeToString(id[:]))
	if err != nil {
		e.errors.Warn("a token was not exchanged for that of a session", "account", x.site.Account, "site", x.site.Name, "err", err)
		return false
	}
	c.token, c.expires, c.minted = token, expires, true
	return true
}

// redirectSession sends the viewer to the same manifest under the session token: what
// the player asks for from there on, reloads included, has it.
func (e *Edge) redirectSession(x *Exchange) {
	x.out.Detail = DetailExchange
	x.reset(302)
	x.field("Cache-Control", "no-store")
	x.field("Location", x.value(x.appendSessionTarget))
	x.setCookies()
	x.finishHeader()
}

// appendSessionTarget appends path and query of the request with the session token.
func (x *Exchange) appendSessionTarget(b []byte) []byte {
	way, token := x.site.Carry, x.carried.token
	if way == CarryPath {
		b = append(append(append(b, "/"+carryName+"="...), token...), target.AppendEncoded(nil, x.path)...)
	} else {
		b = target.AppendEncoded(b, x.path)
	}
	separator := byte('?')
	if len(x.query) > 0 {
		b = append(append(b, separator), x.query...)
		separator = '&'
	}
	if way == CarryQuery || way == CarryDefine {
		b = append(append(append(b, separator), carryName+"="...), token...)
	}
	return b
}

// hands reports whether the response hands out a token.
func (x *Exchange) hands() bool { return x.handsCookies() || x.verdict.Renewal != nil }

func (x *Exchange) handsCookies() bool { return x.carried != nil && x.carried.cookie }

// cookieAttributes are those that let a player on another site's page send a cookie back
// (RFC 6265bis, CHIPS).
const cookieAttributes = "; Secure; HttpOnly; SameSite=None; Partitioned"

// setCookies appends a cookie for each scope of the token.
func (x *Exchange) setCookies() {
	if !x.handsCookies() || x.verdict.Grant == nil {
		return
	}
	for _, scope := range x.verdict.Grant.Scopes {
		x.field("Set-Cookie", x.value(func(b []byte) []byte {
			b = append(append(append(b, carryName+"="...), x.carried.token...), "; Path="...)
			b = target.AppendEncoded(b, cookiePath(scope))
			b = append(b, "; Max-Age="...)
			b = strconv.AppendInt(b, max(0, x.carried.expires-x.now/1e9), 10)
			return append(b, cookieAttributes...)
		}))
	}
}

// cookiePath is the part of a scope that the attribute can say: a ';' would end it.
func cookiePath(scope []byte) []byte {
	if i := strings.IndexByte(borrowed(scope), ';'); i >= 0 {
		return scope[:strings.LastIndexByte(borrowed(scope[:i]), '/')+1]
	}
	return scope
}

// personal makes a response with a token one that nobody else may store, and that the
// viewer's own cache asks about again: the token has an end.
func (x *Exchange) personal() {
	if !x.hands() {
		return
	}
	kept := x.header[:0]
	for _, f := range x.header {
		if !strings.EqualFold(f.Name, "Cache-Control") && !strings.EqualFold(f.Name, "Expires") {
			kept = append(kept, f)
		}
	}
	x.header = kept
	x.field("Cache-Control", "private, no-cache")
	x.setCookies()
	x.renew()
}

// rewrites reports whether the manifest m, which may be any response under its name, is
// rewritten for this request.
func (x *Exchange) rewrites(m *object.Meta) bool {
	return x.carried != nil && x.carried.rewrites && m.Status == 200 && !m.Header.Has("Content-Encoding")
}

// rewritten completes the response from a manifest that every viewer gets with a token of his
// own. There is one stored copy, the clean one; what is sent is nobody else's, has no
// validator, and no ranges.
func (e *Edge) rewritten(x *Exchange, o *cache.Object, m *object.Meta) {
	c := x.carried
	x.out.TTL, x.out.HasTTL = m.Freshness.TTL(x.now), x.out.FwdStatus == 0 || x.out.Stored
	c.meta = *m
	c.meta.Header = appendClean(nil, m.Header)
	switch x.conditions().Evaluate(&c.meta) {
	case rfc9111.NotModified:
		e.notModified(x, o, &c.meta)
		return
	case rfc9111.Failed:
		x.out.Detail = DetailPrecondition
		e.release(x, o)
		e.refuse(x, 412)
		return
	}
	x.reset(200)
	e.open(x, o, 0, -1)
	x.header = append(x.header, c.meta.Header...)
	if c.body.coded = mayTransform(m) && coding.PaysToStream(x.joined("Accept-Encoding"), m.Size); c.body.coded {
		x.field("Content-Encoding", coding.Gzip.String())
	}
	x.varies()
	x.age(m)
	x.finishHeader()
	x.Resp.Size = -1
	if borrowed(x.Req.Method) == "HEAD" {
		x.body.Close()
		return
	}
	c.body.source = &x.body
	if err := c.body.rewriter.Reset(x.rewriting()); err != nil { // verified tokens need no escape
		x.body.Close()
		x.out.Detail = DetailInternal
		e.refuse(x, 500)
		return
	}
	x.Resp.Body = &c.body
}

// appendClean appends the fields that still hold for a rewritten manifest.
func appendClean(dst, h object.Header) object.Header {
	for _, f := range h {
		switch strings.ToLower(f.Name) {
		case "etag", "last-modified", "cache-control", "expires", "pragma", "accept-ranges",
			"content-digest", "repr-digest", "digest", "content-md5":
		default:
			dst = append(dst, f)
		}
	}
	return append(dst, object.Field{Name: "Cache-Control", Value: "private, no-store"})
}

// rewriting says how the manifest of this request is rewritten.
func (x *Exchange) rewriting() rewrite.Options {
	c := x.carried
	path := string(target.AppendEncoded(nil, x.path))
	o := rewrite.Options{
		Mode: rewrite.Segment, Name: carryName, Value: c.token, Base: path[:strings.LastIndexByte(path, '/')+1],
		Inherits: x.found.Carrier == auth.Path && !c.minted, Hosts: x.site.Hosts, Port: x.port(),
	}
	switch x.site.Carry {
	case CarryQuery:
		o.Mode = rewrite.Query
	case CarryDefine:
		o.Mode = rewrite.Define
	}
	if x.site.wildcard {
		o.Hosts = []string{string(x.host)}
	}
	if c.minted {
		o.Self = path
		if len(x.query) > 0 {
			o.Self += "?" + string(x.query)
		}
	}
	return o
}

// mayTransform reports whether the origin lets a representation be coded.
func mayTransform(m *object.Meta) bool {
	return !strings.Contains(strings.ToLower(m.Header.Joined("Cache-Control")), "no-transform")
}

// port is that of the request's host, "" when it names none.
func (x *Exchange) port() string {
	host := borrowed(x.Req.Host)
	i := strings.LastIndexByte(host, ':')
	if i < 0 || i < strings.LastIndexByte(host, ']') {
		return ""
	}
	return host[i+1:]
}
