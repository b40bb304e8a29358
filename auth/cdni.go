package auth

import (
	"cmp"
	"crypto/sha256"
	"fmt"
)

// CDNIOptions configure the cdni scheme of one site.
type CDNIOptions struct {
	// Name of the parameter and the cookie. "" means DefaultCDNIName.
	Name string
	// Audience is what a token's aud, if it has one, must name. "" refuses tokens
	// with an aud.
	Audience string
	// Header is the JWT header of tokens that come without one, with or without the dot
	// after it: as JSON, or encoded as CDNs pass it on (RFC 9246 §2.2). "" refuses such
	// tokens.
	Header string
	// RenewKey is the kid of the HMAC key that signs renewed tokens. "" means the key
	// of the token, if it is one; tokens of public keys are not renewed then.
	RenewKey string
}

// DefaultCDNIName is the attribute name of RFC 9246 §2.
const DefaultCDNIName = "URISigningPackage"

// CDNI is URI Signing for CDN Interconnection (RFC 9246).
//
// A token is a JWT signed with ES256 or HS256, in a form parameter, in a parameter of
// a path (;NAME=JWT, or the segment /NAME=JWT/), or in a cookie. Claims: cdniuc, required, says which
// URIs it opens, by hash or by regular expression; exp, required, nbf and iat without
// leeway; iss must be the issuer that the key belongs to, aud the audience; cdniv,
// cdnicrit; cdniets, cdnistt and cdnistd ask for renewal. Encrypted claims (cdniip,
// sub), jti, and whatever else is unknown refuse the token.
type CDNI struct {
	guard
	options  CDNIOptions
	header   []byte // as JSON, empty for none
	name     string
	finder   placeFinder
	patterns *patterns
	renewKey *verifyKey // nil for the token's own
	seen     *authentics[cdniClaims]
}

const cdniName = "cdni"

// NewCDNI returns the cdni scheme for one site. Keys are of type ECDSAP256,
// HMACSHA256 or Secret; the name of a key is the kid in the token.
func NewCDNI(o Options) (*CDNI, error) {
	g, err := newGuard(cdniName, o, ECDSAP256, HMACSHA256, Secret)
	if err != nil {
		return nil, err
	}
	name := cmp.Or(o.CDNI.Name, DefaultCDNIName)
	s := &CDNI{guard: g, options: o.CDNI, name: name, patterns: newPatterns(), seen: newAuthentics[cdniClaims]()}
	if s.finder, err = newPlaceFinder("cdni", name, []string{"query", "cookie"}); err != nil {
		return nil, err
	}
	s.finder.parameter = name + "="
	if s.header, err = jwtHeader(o.CDNI.Header); err != nil {
		return nil, err
	}
	if s.renewKey, err = g.renewKey("cdni.renew_key", o.CDNI.RenewKey); err != nil {
		return nil, err
	}
	if len(g.own) > maxTrials {
		return nil, fmt.Errorf("%w: account %s has %d keys, at most %d: tokens without kid try each", ErrKey, o.Account, len(g.own), maxTrials)
	}
	return s, nil
}

// jwtHeader returns the JSON text of a configured header.
func jwtHeader(setting string) ([]byte, error) {
	header := []byte(setting)
	if len(header) == 0 {
		return nil, nil
	}
	ok := true
	if header[0] != '{' {
		ok = validPart(header)
		if ok {
			header, ok = decode64(nil, header)
		}
	}
	if !ok || !new(jws).header(header) {
		return nil, settingf("cdni.header", "is not a JWT header: use JSON with alg and kid, or its base64url")
	}
	return header, nil
}

// Find implements Scheme.
func (s *CDNI) Find(in *Input, scratch *Scratch) (Found, Reason) {
	return s.lenient(s.finder.find(in, scratch))
}

// Verify implements Scheme. A token that asks for it is renewed in Verdict.Renewal.
func (s *CDNI) Verify(f *Found, r *Request) Verdict {
	return s.best(f, r, s.verify)
}

// verify judges one token: form, key, signature, and only then what it says.
func (s *CDNI) verify(raw []byte, f *Found, r *Request) Verdict {
	v := Verdict{Scheme: cdniName}
	if t := s.seen.get(raw); t != nil && r.Trace == nil {
		v.Key = t.key.ID
		if v.Reason = t.key.usable(r.Now); v.Reason == Allowed {
			s.judge(&v, t, f, r)
		}
		return v
	}
	j, why := parseJWS(raw, s.header)
	if why != Allowed {
		v.Reason = why
		return v
	}
	r.Trace.sign(cdniName, j.signed)
	k, why := s.signer(&j, r.Now)
	if k != nil {
		v.Key = k.ID
	}
	if why != Allowed {
		v.Reason = why
		return v
	}
	payload, ok := decode64(nil, j.payload)
	if !ok {
		v.Reason = Malformed
		return v
	}
	t := &authentic[cdniClaims]{key: k, sum: sha256.Sum256(j.signed)}
	if v.Reason = t.claims.parse(payload); v.Reason == Allowed {
		s.seen.put(raw, t)
		s.judge(&v, t, f, r)
	}
	return v
}

// signer returns the key that signed the token and is in use. A token without kid,
// which the RFC allows, is tried with each key of the account that fits its
// algorithm.
func (s *CDNI) signer(j *jws, now int64) (*verifyKey, Reason) {
	if j.kid == "" {
		for _, k := range s.own {
			if s.signedJWS(k, j) {
				return k, k.usable(now)
			}
		}
		return nil, BadSignature
	}
	k, why := s.key(j.kid, now)
	if why != Allowed {
		return k, why
	}
	if method, ok := jwsAlgorithm(k.Type); !ok || method.Alg() != j.algorithm {
		return k, KeyMismatch
	}
	if !s.signedJWS(k, j) {
		return k, BadSignature
	}
	return k, Allowed
}

// judge holds the claims of an authentic token against the request.
func (s *CDNI) judge(v *Verdict, t *authentic[cdniClaims], f *Found, r *Request) {
	c, k := &t.claims, t.key
	v.Expires = c.expires
	if v.Reason = s.allow(c, k, f, r); v.Reason != Allowed {
		return
	}
	if s.withdrawn(k.ID, nil, &t.sum, c.issued) {
		v.Reason = Revoked
		return
	}
	v.Renewal = s.renew(c, k, f, r)
}

func (s *CDNI) allow(c *cdniClaims, k *verifyKey, f *Found, r *Request) Reason {
	switch {
	case c.issuer != "" && c.issuer != k.Issuer:
		return KeyMismatch
	case c.hasAudience && !c.meant(s.options.Audience):
		return Audience
	case r.Now >= c.expires:
		return Expired
	case c.notBefore > r.Now || c.issued > r.Now:
		return NotYet
	case s.tooLong(c.expires, r.Now):
		return TooLong
	case !c.container.covers(uriOf(f, r), s.patterns):
		return OutOfScope
	}
	return Allowed
}

// uriOf lays out the URI of a request in the scratch.
func uriOf(f *Found, r *Request) []byte {
	if f.scratch == nil {
		f.scratch = new(Scratch)
	}
	f.scratch.text = appendURI(f.scratch.text[:0], f, r)
	return f.scratch.text
}
