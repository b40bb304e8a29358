package auth

import (
	"cmp"
	"crypto/sha256"

	"github.com/fxamacker/cbor/v2"
)

// CATOptions configure the cat scheme of one site.
type CATOptions struct {
	// Header, Cookie and Query name where the token travels. "" means
	// DefaultCATName, and DefaultCATQuery for the query.
	Header, Cookie, Query string
	// Issuer is what a token's iss, if it has one, must be. "" takes any.
	Issuer string
	// RequireIssuer refuses tokens without iss.
	RequireIssuer bool
	// Audience is what a token's aud, if it has one, must name. "" refuses tokens
	// with an aud.
	Audience string
	// AllowUnscoped takes tokens without catu, which open everything of the account.
	AllowUnscoped bool
	// RenewKey is the kid of the HMAC key that signs renewed tokens. "" means the key
	// of the token, if it is one; tokens of public keys are not renewed then.
	RenewKey string
}

// Defaults of CATOptions.
const (
	DefaultCATName  = "CTA-Common-Access-Token"
	DefaultCATQuery = "cat"
)

// CAT is the Common Access Token of CTA-5007.
//
// A token is base64url of a CWT: COSE_Mac0 with HMAC 256/256, or COSE_Sign1 with
// ES256 or PS256. It travels in a header field, a cookie or the query. These claims
// are enforced: iss, aud, exp (required), nbf, iat, catv, catnip, catu, catm,
// catalpn, cath and catgeoiso3166; sub and cti name session and viewer; catr asks for
// renewal. All other claims, and values that are unknown, refuse the token.
type CAT struct {
	guard
	options  CATOptions
	finder   placeFinder
	codec    *codec
	patterns *patterns
	renewKey *verifyKey // nil for the token's own
	seen     *authentics[catClaims]
}

const catName = "cat"

// NewCAT returns the cat scheme for one site. Keys are of type HMACSHA256, Secret,
// ECDSAP256 or RSA; the name of a key is the kid in the token.
func NewCAT(o Options) (*CAT, error) {
	g, err := newGuard(catName, o, HMACSHA256, Secret, ECDSAP256, RSA)
	if err != nil {
		return nil, err
	}
	s := &CAT{guard: g, options: o.CAT, patterns: newPatterns(), seen: newAuthentics[catClaims]()}
	if s.codec, err = newCodec(); err != nil {
		return nil, err
	}
	n := &s.options
	n.Header, n.Cookie, n.Query = cmp.Or(n.Header, DefaultCATName), cmp.Or(n.Cookie, DefaultCATName), cmp.Or(n.Query, DefaultCATQuery)
	for setting, name := range map[string]string{"header": n.Header, "cookie": n.Cookie, "query": n.Query} {
		if !isParamName(name) {
			return nil, settingf("cat."+setting, "%q: use letters, digits, '_', '-' and '.'", name)
		}
	}
	query, cookie := newFinder(n.Query, ""), newFinder(n.Cookie, "")
	s.finder = placeFinder{query: &query, cookie: &cookie, header: n.Header}
	s.renewKey, err = g.renewKey("cat.renew_key", n.RenewKey)
	return s, err
}

// Find implements Scheme.
func (s *CAT) Find(in *Input, scratch *Scratch) (Found, Reason) {
	return s.lenient(s.finder.find(in, scratch))
}

// Verify implements Scheme. A token that asks for it is renewed in Verdict.Renewal.
func (s *CAT) Verify(f *Found, r *Request) Verdict {
	return s.best(f, r, s.verify)
}

// verify judges one token: form, key, MAC or signature, and only then what it says.
func (s *CAT) verify(raw []byte, f *Found, r *Request) Verdict {
	v := Verdict{Scheme: catName}
	if len(raw) > maxJWTSize {
		v.Reason = Oversized
		return v
	}
	if t := s.seen.get(raw); t != nil && r.Trace == nil {
		v.Key = t.key.ID
		if v.Reason = t.key.usable(r.Now); v.Reason == Allowed {
			s.judge(&v, t, f, r)
		}
		return v
	}
	b, ok := decode64(nil, raw)
	if !ok || !validPart(raw) {
		v.Reason = Malformed
		return v
	}
	message, ok := s.codec.open(b)
	if !ok {
		v.Reason = Malformed
		return v
	}
	signed := s.codec.signed(&message)
	r.Trace.sign(catName, signed)
	k, why := s.signer(&message, signed, r.Now)
	if k != nil {
		v.Key = k.ID
	}
	if why != Allowed {
		v.Reason = why
		return v
	}
	t := &authentic[catClaims]{key: k, sum: sha256.Sum256(signed)}
	if v.Reason = t.claims.parse(s.codec, message.Payload); v.Reason == Allowed {
		s.seen.put(raw, t)
		s.judge(&v, t, f, r)
	}
	return v
}

// signer returns the key that signed the message, if it is in use.
func (s *CAT) signer(m *sealed, signed []byte, now int64) (*verifyKey, Reason) {
	k, why := s.key(string(m.kid), now)
	switch {
	case why != Allowed:
		return k, why
	case coseAlgorithm(k.Type) != m.algorithm, (m.tag == tagMac0) != k.Type.Shared():
		return k, KeyMismatch
	case !s.signedCOSE(k, m, signed):
		return k, BadSignature
	}
	return k, Allowed
}

// judge holds the claims of an authentic token against the request.
func (s *CAT) judge(v *Verdict, t *authentic[catClaims], f *Found, r *Request) {
	c, k := &t.claims, t.key
	v.Expires = c.expires
	if v.Reason = s.allow(c, f, r); v.Reason != Allowed {
		return
	}
	if s.withdrawn(k.ID, c.session, &t.sum, c.issued) {
		v.Reason = Revoked
		return
	}
	v.Session = c.session
	v.Renewal = s.renew(c, k, f.Carrier, r)
}

func (s *CAT) allow(c *catClaims, f *Found, r *Request) Reason {
	switch {
	case c.issuer == nil && s.options.RequireIssuer:
		return BadClaim
	case c.issuer != nil && s.options.Issuer != "" && *c.issuer != s.options.Issuer:
		return KeyMismatch
	case !c.meant(s.options.Audience):
		return Audience
	case r.Now >= c.expires:
		return Expired
	case c.notBefore > r.Now || c.issued > r.Now:
		return NotYet
	case s.tooLong(c.expires, r.Now):
		return TooLong
	case c.uri == nil && !s.options.AllowUnscoped:
		return BadClaim
	case !s.covers(c.uri, f, r):
		return OutOfScope
	}
	return s.client(c, r)
}

// covers holds each part of the URI that catu names against the request.
func (s *CAT) covers(catu map[int64]matches, f *Found, r *Request) bool {
	if len(catu) == 0 {
		return true
	}
	u := splitURI(f, r)
	for part, m := range catu {
		if part < 0 || part >= numURIParts {
			return false
		}
		if part == uriPort && m.allow(nil, s.patterns) {
			continue // signers write the scheme's own port as a number or leave it out
		}
		if !m.allow(u[part], s.patterns) {
			return false
		}
	}
	return true
}

// client holds what the token says of the client against the request.
func (s *CAT) client(c *catClaims, r *Request) Reason {
	switch {
	case !anyText(c.methods, string(r.Method)):
		return Method
	case !anyText(c.protocols, r.ALPN):
		return Protocol
	case !c.networks.allow(r):
		return Address
	case c.countries != nil && !anyText(c.countries, r.country()):
		return Country
	}
	for name, m := range c.headers {
		if !headerAllows(name, m, s.patterns, r) {
			return Field
		}
	}
	return Allowed
}

// headerAllows reports whether the request has the field exactly once and its value
// matches: what several lines mean depends on who reads them.
func headerAllows(name string, m matches, p *patterns, r *Request) bool {
	if r.Fields == nil {
		return false
	}
	lines := r.Fields.Append(nil, name)
	return len(lines) == 1 && m.allow(lines[0], p)
}

// anyText reports whether one of the allowed texts is got. Without a list any is;
// with one, what is not known is not.
func anyText(allowed []string, got string) bool {
	if allowed == nil {
		return true
	}
	for _, a := range allowed {
		if a == got && got != "" {
			return true
		}
	}
	return false
}

// renew makes the next token of a chain, nil when the token asks for none or the edge
// cannot sign it. Renewal by redirect is not done: players do not repeat requests.
func (s *CAT) renew(c *catClaims, k *verifyKey, carrier Carrier, r *Request) *Renewal {
	if s.renewKey != nil {
		k = s.renewKey
	}
	if c.renewal == nil || !k.Type.Shared() || k.usable(r.Now) != Allowed || c.renewal.late(r.Now) {
		return nil
	}
	name, carrier := c.renewal.place(carrier, &s.options)
	if carrier == None {
		return nil
	}
	expires := r.Now + c.renewal.period
	token, err := s.codec.mint(c.with(claimExpires, expires), k)
	if err != nil || len(token) > maxJWTSize {
		return nil
	}
	return &Renewal{Carrier: carrier, Name: name, Token: token, Path: "/", Expires: expires}
}

// mint signs claims with an HMAC key.
func (c *codec) mint(claims map[int64]cbor.RawMessage, k *verifyKey) (string, error) {
	payload, err := c.enc.Marshal(claims)
	if err != nil {
		return "", err
	}
	return c.seal(payload, tagMac0, int64(algorithmHMAC), k.name(), func(signed []byte) ([]byte, error) {
		return k.mac(nil, signed), nil
	})
}

// seal frames a payload, has it signed, and encodes the token.
func (c *codec) seal(payload []byte, tag uint64, algorithm int64, kid string, sign func([]byte) ([]byte, error)) (string, error) {
	id, err := c.enc.Marshal([]byte(kid))
	if err != nil {
		return "", err
	}
	s := sealed{tag: tag}
	s.Unprotected, s.Payload = map[int64]cbor.RawMessage{labelKeyID: id}, payload
	if s.Protected, err = c.enc.Marshal(map[int64]int64{labelAlgorithm: algorithm}); err != nil {
		return "", err
	}
	if s.Sig, err = sign(c.signed(&s)); err != nil {
		return "", err
	}
	b, err := c.enc.Marshal(cbor.Tag{Number: tagCWT, Content: cbor.Tag{Number: tag, Content: s.coseMessage}})
	if err != nil {
		return "", err
	}
	return canonical64.EncodeToString(b), nil
}
