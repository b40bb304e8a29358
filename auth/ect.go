package auth

import (
	"crypto/sha256"
	"errors"
	"fmt"
)

// ECT is the native scheme.
//
// A token is version "." kid "." base64url(payload) "." base64url(signature),
// where version h1 is HMAC-SHA256 and d1 Ed25519, and must fit the type of the key.
// It travels as the leading path segment /ect=TOKEN/…, as query parameter ect, or
// as cookie ect. The signature covers the text before the last dot. The payload
// is lines of key=value, each ended by a newline:
//
//	exp  once, required; first second at which the token is invalid
//	p    1 to 4, required; scope: canonical decoded path, a directory ends in /
//	nbf  first valid second; iat when it was issued
//	ip   0 to 4 networks in CIDR form
//	sid  session id; m methods, geo countries (both comma-separated); lim kB/s
//	x-…  ignored, but in what Sessions made; any other key refuses the token
type ECT struct {
	finder
	account     string
	site        string
	required    bool
	keys        keyring
	signers     signers
	maxLifetime int64 // seconds
	leeway      int64 // seconds
	revocations Revocations
	signatures  *Signatures
}

// ectName names the scheme, its parameter and its cookie.
const ectName = "ect"

var _ Scheme = (*ECT)(nil)

// NewECT returns the native scheme for one site. Errors name each unusable key
// and wrap ErrKey.
func NewECT(o Options) (*ECT, error) {
	if o.Account == "" {
		return nil, errors.New("auth: no account")
	}
	keys, err := newKeyring(o.Keys)
	if err != nil {
		return nil, err
	}
	if o.Required && !keys.has(o.Account, HMACSHA256, Ed25519) {
		return nil, fmt.Errorf("%w: account %s requires tokens but has no key that is not revoked", ErrKey, o.Account)
	}
	e := &ECT{
		finder:      newFinder(ectName, ectName+"="),
		account:     o.Account,
		site:        o.Site,
		required:    o.Required,
		keys:        keys,
		signers:     newSigners(&o),
		maxLifetime: lifetime(o.MaxLifetime),
		leeway:      seconds(o.NBFLeeway, DefaultNBFLeeway),
		revocations: o.Revocations,
		signatures:  o.Signatures,
	}
	if e.signatures == nil && o.VerifiedCache > 0 {
		e.signatures, err = NewSignatures(o.VerifiedCache)
	}
	return e, err
}

// Name returns "ect".
func (e *ECT) Name() string { return ectName }

// Find implements Scheme. On a site that requires no token it never refuses.
func (e *ECT) Find(in *Input, scratch *Scratch) (Found, Reason) {
	f, why := e.find(in, scratch)
	if !e.required {
		why = Allowed
	}
	return f, why
}

// Verify implements Scheme. Of several cookies any good one allows; if none does,
// the verdict is about the one that came furthest.
func (e *ECT) Verify(f *Found, r *Request) Verdict {
	best := Verdict{Scheme: ectName}
	if !e.required {
		return best
	}
	best.Reason = Missing
	s := f.scratch
	if s == nil {
		s = new(Scratch)
	}
	for i := range f.N {
		v := e.verify(f.Tokens[i], s, r)
		if v.Reason == Allowed {
			return v
		}
		if v.Reason > best.Reason {
			best = v
		}
	}
	return best
}

// verify judges one token: form, key, signature, and only then what it says.
func (e *ECT) verify(raw []byte, s *Scratch, r *Request) Verdict {
	v := Verdict{Scheme: ectName}
	t, why := parseToken(raw)
	if why != Allowed {
		v.Reason = why
		return v
	}
	r.Trace.sign(ectName, t.signed)
	k := e.keys[string(t.kid)]
	if k == nil {
		v.Reason = UnknownKey
		return v
	}
	v.Key = k.ID
	if v.Reason = e.authentic(k, &t, s, r.Now); v.Reason != Allowed {
		return v
	}
	e.judge(&v, &t, s, r)
	return v
}

// authentic checks that the key may speak for this site now, and did.
func (e *ECT) authentic(k *verifyKey, t *token, s *Scratch, now int64) Reason {
	if k.Type != t.keyType {
		return KeyMismatch
	}
	if k.Account != e.account {
		return WrongAccount
	}
	if why := k.usable(now); why != Allowed {
		return why
	}
	if k.Type != HMACSHA256 {
		s.sum = sha256.Sum256(t.original)
		if e.signatures.has(&s.sum, &k.public) {
			return Allowed // the very same text was found right, its signature need not be decoded
		}
	}
	sig, ok := decode64(s.sig, t.sig)
	s.sig = sig
	if !ok {
		return Malformed
	}
	if !e.signedBy(k, t, s) {
		return BadSignature
	}
	return Allowed
}

// signedBy compares the decoded signature in s.sig; for Ed25519 the hash of the token
// is in s.sum. HMACs are compared in constant time; an Ed25519 signature and key are
// no secrets.
func (e *ECT) signedBy(k *verifyKey, t *token, s *Scratch) bool {
	if k.Type == HMACSHA256 {
		return k.signed(t.signed, s.sig, s)
	}
	return k.ed25519(e.signatures, t.signed, s.sig, s)
}

// judge holds the claims of an authentic token against the request.
func (e *ECT) judge(v *Verdict, t *token, s *Scratch, r *Request) {
	payload, ok := decode64(s.payload, t.payload)
	s.payload = payload
	if !ok {
		v.Reason = Malformed
		return
	}
	c := &s.claims
	*c = claims{}
	if v.Reason = c.parse(payload); v.Reason != Allowed {
		return
	}
	v.Expires = c.expires
	if v.Reason = c.allow(r, e.maxLifetime, e.leeway); v.Reason != Allowed {
		return
	}
	if v.Reason = e.stands(c); v.Reason != Allowed {
		return
	}
	if e.revoked(v.Key, t, c, s) {
		v.Reason = Revoked
		return
	}
	v.Session, v.RateKBps, v.Token = c.session, c.rateKBps, t.original
	s.grant = c.grant()
	v.Grant = &s.grant
}

func (e *ECT) revoked(kid string, t *token, c *claims, s *Scratch) bool {
	if e.revocations == nil {
		return false
	}
	if t.keyType == HMACSHA256 { // for Ed25519 it was made for Signatures
		s.sum = sha256.Sum256(t.original)
	}
	if e.revocations.Revoked(kid, c.session, &s.sum, c.issued) {
		return true
	}
	signer := e.signer(c)
	return signer != "" && e.revocations.Revoked(signer, nil, &s.sum, c.issued)
}
