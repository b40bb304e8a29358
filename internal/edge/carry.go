package edge

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"edged/auth"
	"edged/cache/object"
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

// carryName is the name of a session token, and of the customer's own of scheme ect.
const carryName = "ect"

// SessionMinter exchanges access tokens; *auth.Sessions is such.
type SessionMinter interface {
	Exchanges(v *auth.Verdict) bool
	Mint(v *auth.Verdict, now int64, fresh string) (token string, expires int64, err error)
}

// carried is what becomes of the token of a request for a manifest.
type carried struct {
	name     string // of segment and parameter
	token    string // "" when this response hands out none
	cookies  []auth.Param
	expires  int64
	minted   bool // here and now: the request had another one
	rewrites bool // the manifest's URIs get it
	mode     rewrite.Mode
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
	v.Complete(s.Token, &x.found, &x.asked)
	if s.SessionFolder {
		x.openFolder()
	}
	switch {
	case s.Sessions != nil && s.Sessions.Exchanges(v):
		if !e.mint(x) {
			return false
		}
		c.cookie = s.Carry == CarryCookie
		// A cookie that can be exchanged would come with that of the session, again and again.
		if s.SessionRedirect && (!c.cookie || x.found.Carrier != auth.Cookie) {
			e.redirectSession(x)
			return true
		}
	case v.Grant == nil || len(v.Grant.Scopes) == 0 || !c.spell(x):
		return false
	}
	c.cookie = s.Carry == CarryCookie && (c.minted || x.found.Carrier != auth.Cookie)
	c.rewrites = c.mode != 0
	return false
}

// modes are how manifests are rewritten for each way.
var modes = [...]rewrite.Mode{CarryPath: rewrite.Segment, CarryQuery: rewrite.Query, CarryDefine: rewrite.Define}

// mode returns how the manifest is rewritten for this request, 0 for not at all. What came
// as a path segment goes on as one, for relative references have it already.
func (x *Exchange) mode() rewrite.Mode {
	way := x.site.Carry
	switch {
	case way == CarryCookie, way == CarryDefine && x.found.Carrier != auth.Query:
		return 0
	case x.found.Carrier == auth.Path:
		return rewrite.Segment
	}
	return modes[way]
}

// spell writes the token of the request as the manifest's URIs get it. It returns false when
// the scheme has no such place, or the token would have to be escaped there.
func (c *carried) spell(x *Exchange) bool {
	v := &x.verdict
	c.expires, c.mode = v.Expires, x.mode()
	if v.Scheme == carryName {
		c.name, c.token = carryName, borrowed(v.Token)
		c.cookies = []auth.Param{{Name: carryName, Value: c.token}}
		return true
	}
	places := &v.Grant.Places
	token := places.Query
	switch c.mode {
	case 0:
		c.cookies = places.Cookies
		return len(c.cookies) > 0 && !slices.ContainsFunc(c.cookies, func(p auth.Param) bool {
			return !rewrite.Legal(p.Value) || strings.ContainsAny(p.Value, ";,")
		})
	case rewrite.Segment:
		token = places.Segment
	case rewrite.Query, rewrite.Define:
	}
	c.name, c.token = token.Name, token.Value
	if c.mode == rewrite.Define && strings.ContainsAny(c.token, "&%+") {
		return false // a declaration is of one parameter, and players decode it
	}
	return rewrite.Legal(c.name) && rewrite.Legal(c.token)
}

// openFolder lets a token that is for the manifest alone, or whose scope no directories can
// say, be exchanged for one that opens its folder: the operator's word, not the token's. The
// root is no folder.
func (x *Exchange) openFolder() {
	g := x.verdict.Grant
	if g == nil || g.Session {
		return
	}
	for _, scope := range g.Scopes {
		if !bytes.Equal(bytes.TrimSuffix(scope, []byte("/")), x.path) {
			return
		}
	}
	if end := bytes.LastIndexByte(x.path, '/'); end > 0 {
		g.Scopes = [][]byte{x.path[:end+1]}
	}
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
	c.name, c.token, c.expires, c.minted, c.mode = carryName, token, expires, true, x.mode()
	c.cookies = []auth.Param{{Name: carryName, Value: token}}
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
		for _, cookie := range x.carried.cookies {
			x.setCookie(cookie, scope)
		}
	}
}

func (x *Exchange) setCookie(cookie auth.Param, scope []byte) {
	x.field("Set-Cookie", x.value(func(b []byte) []byte {
		b = append(append(append(append(b, cookie.Name...), '='), cookie.Value...), "; Path="...)
		b = target.AppendEncoded(b, cookiePath(scope))
		b = append(b, "; Max-Age="...)
		b = strconv.AppendInt(b, max(0, x.carried.expires-x.now/1e9), 10)
		return append(b, cookieAttributes...)
	}))
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
