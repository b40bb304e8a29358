package auth

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"

	"edged/internal/target"
)

// Grant is what an allowed token opens beyond the request it came with, as far as a
// session token can say it: never more than the token, at times less. The zero value of
// each field but Scopes is "no restriction" as an absent claim of ect is.
type Grant struct {
	// Scopes have the meaning of the claim p, one to four. None means that the token opens
	// the one URL, or what no directories can say.
	Scopes    [][]byte
	Methods   []byte // comma-separated; nil is GET and HEAD
	Countries []byte // comma-separated
	Addresses []netip.Prefix
	// Origin is the only scheme and host, as in https://media.example, nil for any of the site.
	Origin []byte
	// Session says that the token came out of an exchange and is not to be exchanged again.
	Session bool
	// Stays says that the token demands what a session token cannot: it is not exchanged.
	Stays bool
	// Places are where else the same token can stand.
	Places Places
}

// Places are the spellings of a token for other URLs than the one it came with. Each is
// empty where the scheme, or the site, has no such place.
type Places struct {
	Segment Param // NAME=VALUE in front of the path
	// Query is NAME=VALUE; further parameters may follow the value, after '&'.
	Query   Param
	Cookies []Param
}

// Granter is a Scheme that knows what its tokens open, other than ect, whose Verify says so.
type Granter interface {
	// Grant says what the token opens that Verify has just allowed, with the same f and r:
	// false where that cannot be said any more. It is for manifests: it may allocate. What
	// it returns borrows what v does.
	Grant(f *Found, r *Request, v *Verdict) (Grant, bool)
}

// Complete sets v.Grant if it can be said. v is what s.Verify has just returned for f and r.
func (v *Verdict) Complete(s Scheme, f *Found, r *Request) {
	if g, ok := s.(Granter); ok && v.Grant == nil && v.Reason == Allowed && f.scratch != nil {
		if f.scratch.grant, ok = g.Grant(f, r, v); ok {
			v.Grant = &f.scratch.grant
		}
	}
}

// Grant implements Granter for the member that allowed.
func (c *Chain) Grant(f *Found, _ *Request, v *Verdict) (Grant, bool) {
	all := f.scratch.chain(len(c.members))
	for i, m := range c.members {
		l := &all[i]
		if m.Name() != v.Scheme || l.why != Allowed || l.found.scratch == nil {
			continue
		}
		if g, ok := m.(Granter); ok {
			return g.Grant(&l.found, &l.request, v)
		}
	}
	return Grant{}, false
}

// originOf returns scheme and host of a request.
func originOf(r *Request) []byte { return appendOrigin(nil, r) }

// alone is the network of one address.
func alone(a netip.Addr) []netip.Prefix {
	a = plainAddr(a)
	return []netip.Prefix{netip.PrefixFrom(a, a.BitLen())}
}

// within returns the first of some networks that the client is in, nil for none.
func within(networks []netip.Prefix, client netip.Addr) []netip.Prefix {
	client = plainAddr(client)
	for _, n := range networks {
		if n.Contains(client) {
			return []netip.Prefix{n}
		}
	}
	return nil
}

// maxFolders is how many directories of a path are looked at: the viewer chooses its length,
// and one look may cost a millisecond.
const maxFolders = 16

// widest returns the shortest directory of a canonical path of which covered says that all
// below is open, nil when there is none. covered is asked about the same directory in
// another spelling of the path, which has as many slashes.
func widest(canonical, spelled []byte, covered func(dir []byte) bool) [][]byte {
	at, in := 0, 0
	for range maxFolders {
		next, other := bytes.IndexByte(canonical[at:], '/'), bytes.IndexByte(spelled[in:], '/')
		if next < 0 || other < 0 {
			return nil
		}
		at, in = at+next, in+other
		if covered(spelled[:in+1]) {
			return [][]byte{bytes.Clone(canonical[:at+1])}
		}
		at, in = at+1, in+1
	}
	return nil
}

// globBelow reports whether a glob matches all that begins with dir: its last '*' takes
// whatever follows.
func globBelow(pattern, dir []byte) bool {
	return bytes.HasSuffix(pattern, asterisk) && matchGlob(pattern, dir)
}

// atOrBelow returns the scopes of a path and all below it, of which only one ends in a slash.
func atOrBelow(path []byte) [][]byte {
	if path[len(path)-1] == '/' {
		return [][]byte{bytes.Clone(path)}
	}
	return [][]byte{bytes.Clone(path), append(bytes.Clone(path), '/')}
}

// Grant implements Granter. What a URL token signs is the one path.
func (s *EdgeAuth) Grant(f *Found, r *Request, v *Verdict) (g Grant, ok bool) {
	w := f.scratch
	text, why := splitEdgeAuth(v.Token, w)
	var c edgeAuthFields
	if why != Allowed || c.parse(text, s.escaped()) != Allowed {
		return g, false
	}
	if c.address.IsValid() {
		g.Addresses = alone(c.address)
	}
	if c.acl == nil {
		return g, true
	}
	g.Scopes = widest(r.Path, target.AppendEncoded(nil, r.Path), func(dir []byte) bool {
		return aclAny(c.acl, w, func(glob []byte) bool { return globBelow(glob, dir) })
	})
	token := Param{s.options.Name, string(v.Token)}
	if s.finder.segment != "" {
		g.Places.Segment = token
	}
	if s.finder.query != nil {
		g.Places.Query = token
	}
	if s.finder.cookie != nil {
		g.Places.Cookies = []Param{token}
	}
	return g, true
}

// Grant implements Granter. A canned token is for one URL.
func (s *CloudFront) Grant(f *Found, r *Request, _ *Verdict) (g Grant, ok bool) {
	t := s.seen.get(f.identify())
	if t == nil {
		return g, false
	}
	g.Origin = originOf(r)
	if !f.policy {
		return g, true
	}
	p := &t.claims
	if p.network.IsValid() && p.network.Bits() > 0 {
		g.Addresses = []netip.Prefix{p.network}
	}
	g.Scopes = p.resource.widest(r)
	parts := []Param{
		{"Policy", string(f.Tokens[partExpires])}, {"Signature", string(f.Tokens[partSignature])}, {"Key-Pair-Id", string(f.Tokens[partKey])},
	}
	if hash := f.Tokens[partHash]; len(hash) > 0 {
		parts = append(parts, Param{"Hash-Algorithm", string(hash)})
	}
	g.Places.Query = joinParams(parts)
	for _, p := range parts {
		g.Places.Cookies = append(g.Places.Cookies, Param{cloudFrontCookie + p.Name, p.Value})
	}
	return g, true
}

// widest returns the directory of the request of which the Resource opens all, with any
// query.
func (c *cloudFrontResource) widest(r *Request) [][]byte {
	switch {
	case c.hostOnly:
		return [][]byte{slash}
	case c.hasQuery || !c.anyQuery:
		return nil
	}
	return widest(r.Path, target.AppendEncoded(nil, r.Path), func(dir []byte) bool { return globBelow(c.path, dir) })
}

// joinParams makes one parameter of several: the others follow its value.
func joinParams(parts []Param) Param {
	whole := parts[0]
	for _, p := range parts[1:] {
		whole.Value += "&" + p.Name + "=" + p.Value
	}
	return whole
}

// Grant implements Granter. A hash is that of one URI.
func (s *CDNI) Grant(f *Found, r *Request, v *Verdict) (g Grant, ok bool) {
	t := s.seen.get(v.Token)
	if t == nil {
		return g, false
	}
	g.Origin = originOf(r)
	if pattern := t.claims.container.pattern; pattern != "" {
		root := appendOrigin(nil, r)
		g.Scopes = widest(r.Path, appendNormal(nil, f.Path), func(dir []byte) bool {
			return s.patterns.matchBelow(pattern, posix, append(root[:len(root):len(root)], dir...), true)
		})
	}
	token := Param{s.name, string(v.Token)}
	g.Places = Places{Query: token, Cookies: []Param{token}}
	return g, true
}

// Grant implements Granter. What a token demands of protocol and header fields, and of
// autonomous systems, no session token can say.
func (s *CAT) Grant(f *Found, r *Request, v *Verdict) (g Grant, ok bool) {
	t := s.seen.get(v.Token)
	if t == nil {
		return g, false
	}
	c := &t.claims
	g.Stays = c.protocols != nil || c.headers != nil
	if c.networks.given {
		g.Addresses = within(c.networks.prefixes, r.Client)
		g.Stays = g.Stays || g.Addresses == nil
	}
	g.Methods, g.Countries = joined(c.methods), joined(c.countries)
	g.Stays = g.Stays || !separable(c.methods) || !separable(c.countries)
	g.Origin = originOf(r)
	g.Scopes = widest(r.Path, appendNormal(nil, f.Path), func(dir []byte) bool { return s.below(c.uri, dir) })
	token := string(v.Token)
	g.Places = Places{Query: Param{s.options.Query, token}, Cookies: []Param{{s.options.Cookie, token}}}
	return g, true
}

// joined writes a list as a claim of ect; nil, which is any, stays nil.
func joined(list []string) []byte {
	if list == nil {
		return nil
	}
	return []byte(strings.Join(list, ","))
}

// separable reports whether a list that is joined falls into the same items again.
func separable(list []string) bool {
	return !slices.ContainsFunc(list, func(item string) bool { return item == "" || strings.Contains(item, ",") })
}

// below reports whether catu opens all below a directory, whatever the query: scheme,
// host and port stay those of the request, which it has allowed.
func (s *CAT) below(catu map[int64]matches, dir []byte) bool {
	for part, m := range catu {
		text := dir
		switch part {
		case uriScheme, uriHost, uriPort:
			continue
		case uriPath:
		case uriParent:
			text = dir[:len(dir)-1]
		default:
			return false
		}
		for i := range m {
			if !m[i].allowsBelow(text, s.patterns) {
				return false
			}
		}
	}
	return true
}

// allowsBelow reports whether the condition holds for all that begins with text.
func (m *match) allowsBelow(text []byte, p *patterns) bool {
	switch m.kind {
	case matchPrefix:
		return bytes.HasPrefix(text, m.text)
	case matchContains:
		return bytes.Contains(text, m.text)
	case matchRegex:
		return p.matchBelow(string(m.text), m.syntax, text, false)
	}
	return false
}
