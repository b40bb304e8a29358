package auth

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"

	"edged/internal/target"
)

// bindAddress binds a grant to what a scheme that signs addresses has signed.
func (g *Grant) bindAddress(bound bool, client netip.Addr) {
	if bound {
		g.Addresses = alone(client)
	}
}

// Grant implements Granter. A token is for one file: what the expression leaves open only
// the operator can know.
func (s *SecureLink) Grant(_ *Found, r *Request, _ *Verdict) (g Grant, ok bool) {
	g.bindAddress(s.md5.has(varClient), r.Client)
	if s.md5.has(varHost) {
		g.Origin = originOf(r)
	}
	return g, true
}

// Grant implements Granter. A token is for one file.
func (l *LinkSecret) Grant(*Found, *Request, *Verdict) (Grant, bool) { return Grant{}, true }

// Grant implements Granter. A token is for one file.
func (y *Fastly) Grant(*Found, *Request, *Verdict) (Grant, bool) { return Grant{}, true }

// Grant implements Granter. Without a content path a token opens the files of one
// directory and none below, which a scope cannot say.
func (w *Wowza) Grant(f *Found, r *Request, _ *Verdict) (g Grant, ok bool) {
	g.bindAddress(w.address, r.Client)
	if w.content == "" {
		return g, true
	}
	g.Scopes = atOrBelow([]byte("/" + w.content))
	var parts []Param
	for pair := range pairs(f.query) {
		if name, value, _ := strings.Cut(string(pair), "="); strings.HasPrefix(name, w.prefix) {
			parts = append(parts, Param{name, value})
		}
	}
	g.Places.Query = joinParams(parts)
	return g, true
}

// Grant implements Granter. With a token_path that is the scope. A token for some countries
// is for the viewer's then.
func (b *Bunny) Grant(f *Found, r *Request, _ *Verdict) (g Grant, ok bool) {
	s := f.scratch
	bound, why := b.digest(f)
	if why != Allowed {
		return g, false
	}
	g.bindAddress(bound, r.Client)
	if a := r.Client.Unmap(); bound && a.Is6() && b.signsNetwork(f) {
		g.Addresses = []netip.Prefix{netip.PrefixFrom(a.WithZone(""), 64).Masked()}
	}
	if s.params[bunnyCountries].n+s.params[bunnyBlocked].n > 0 {
		g.Countries = []byte(r.country())
	}
	m, why := b.message(f, r)
	if why != Allowed || !m.scoped {
		return g, why == Allowed
	}
	value, _ := s.claim(bunnyIgnore)
	ignores := string(value) == "true"
	if f.Carrier == Query && len(f.Query) > 0 && !ignores {
		return g, true // the other parameters are signed, too
	}
	g.Scopes = atOrBelow(m.path)
	token := b.own(f.Tokens[1], !ignores)
	g.Places.Segment = token
	g.Places.Segment.Name = strings.TrimSuffix(bunnySegment, "=")
	if ignores {
		g.Places.Query = token
	}
	return g, true
}

// signsNetwork reports whether the token holds the first half of an IPv6 address only.
func (b *Bunny) signsNetwork(f *Found) bool {
	return b.mode == BunnyHS256 && len(f.Tokens[0]) != len("HS256-")+canonical64.EncodedLen(32)
}

// own returns the token and what belongs to it, or all where all is signed, out of the text
// around it, in its order but for the token itself, which comes first.
func (b *Bunny) own(text []byte, all bool) Param {
	parts := []Param{{}}
	for pair := range pairs(text) {
		name, value, _ := strings.Cut(string(pair), "=")
		switch {
		case name == "token":
			parts[0] = Param{name, value}
		case all || slices.Contains(b.params.names, name):
			parts = append(parts, Param{name, value})
		}
	}
	return joinParams(parts)
}

// Grant implements Granter. A token opens all that shares the signed parts of the path: here
// what is below the last of them, if nothing behind it is signed.
func (u *URLSig) Grant(f *Found, r *Request, _ *Verdict) (g Grant, ok bool) {
	s := f.scratch
	if client, given := s.claim(urlSigC); given {
		address, err := netip.ParseAddr(string(client))
		if err != nil {
			return g, false
		}
		g.Addresses = alone(address)
	}
	chosen, _ := s.claim(urlSigP)
	if chosen[0] == '1' {
		g.Origin = originOf(r)
	}
	if f.Carrier == Path { // all below the directory in front of the token
		depth := bytes.Count(f.Path[:f.before], slash)
		g.Scopes = widest(r.Path, r.Path, func(dir []byte) bool { return bytes.Count(dir, slash) == depth+1 })
		return g, true
	}
	if len(f.Query) > 0 {
		return g, true // what stands before the token is signed, too
	}
	last := bytes.LastIndexByte(chosen, '1') // of the host and the directories
	if last == len(chosen)-1 {
		return g, true // and so is every part that follows
	}
	g.Scopes = widest(r.Path, r.Path, func(dir []byte) bool { return bytes.Count(dir, slash) == last+1 })
	return g, true
}

// Grant implements Granter.
func (m *MediaCDN) Grant(f *Found, r *Request, v *Verdict) (Grant, bool) {
	if f.form == formToken {
		return m.grantToken(f, r, v)
	}
	g := Grant{Origin: originOf(r)}
	switch f.form {
	case formSegment:
		depth := bytes.Count(f.Path[:f.before], slash)
		g.Scopes = widest(r.Path, r.Path, func(dir []byte) bool { return bytes.Count(dir, slash) == depth+1 })
	case formURL:
		s := f.scratch
		prefix, given := s.claim(mediaPrefix)
		if !given {
			return g, true
		}
		var ok bool
		if g.Scopes, ok = prefixScopes(prefix, f, r); !ok {
			return g, false
		}
		parts := []Param{{Name: "URLPrefix"}, {Name: "Expires"}, {Name: "KeyName"}, {Name: "Signature"}}
		for i, place := range [...]int{mediaPrefix, mediaExpires, mediaKeyName, mediaSignature} {
			value, _ := s.claim(place)
			parts[i].Value = string(value)
		}
		g.Places.Query = joinParams(parts)
	case formCookie:
		d, _, why := cutFields(v.Token, ":")
		if why != Allowed {
			return g, false
		}
		var ok bool
		if g.Scopes, ok = prefixScopes(d.prefix, f, r); !ok {
			return g, false
		}
	}
	return g, true
}

// prefixScopes returns the scopes of a URLPrefix that the request is under. Only one whose
// spelling is canonical can be said.
func prefixScopes(encoded []byte, f *Found, r *Request) ([][]byte, bool) {
	prefix, ok := decodePrefix(nil, encoded)
	if !ok || !underPrefix(prefix, f, r) {
		return nil, false
	}
	path := prefix[len(appendBase(nil, r)):]
	switch {
	case len(path) == 0:
		return [][]byte{slash}, true
	case bytes.IndexByte(path, '%') >= 0:
		return widest(r.Path, f.Path, func(dir []byte) bool { return below(path, dir) }), true
	}
	return atOrBelow(path), true
}

// grantToken says what the fields of a token open. Header fields that are signed no session
// token can say.
func (m *MediaCDN) grantToken(f *Found, r *Request, v *Verdict) (g Grant, ok bool) {
	text := f.scratch.payload // as it was signed: with its escapes decoded or not
	last := bytes.LastIndexByte(text, '~')
	var c mediaClaims
	if last < 0 || c.parse(text[:last]) != Allowed {
		return g, false
	}
	g.Stays = c.seen&hasMediaHeaders != 0
	if c.seen&hasMediaRanges != 0 {
		g.Addresses = rangeOf(c.ranges, r.Client)
		g.Stays = g.Stays || g.Addresses == nil
	}
	switch c.scope {
	case scopeGlobs:
		g.Scopes = widest(r.Path, target.AppendEncoded(nil, r.Path), func(dir []byte) bool {
			return c.anyGlob(f.scratch, func(glob []byte) bool { return globBelow(glob, dir) })
		})
	case scopePrefix:
		g.Origin = originOf(r)
		if g.Scopes, ok = prefixScopes(c.value, f, r); !ok {
			return g, false
		}
	case scopePath, noScope:
		return g, true
	}
	token := Param{m.token, string(v.Token)}
	g.Places = Places{Query: token, Cookies: []Param{token}}
	return g, true
}

// rangeOf returns the network of a list that the client is in.
func rangeOf(encoded []byte, client netip.Addr) []netip.Prefix {
	list, ok := decodePrefix(nil, encoded)
	if !ok {
		return nil
	}
	var networks []netip.Prefix
	for item := range bytes.SplitSeq(list, comma) {
		if p, err := netip.ParsePrefix(string(item)); err == nil {
			networks = append(networks, p.Masked())
		}
	}
	return within(networks, client)
}
