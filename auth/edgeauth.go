package auth

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"slices"
)

// EdgeAuthOptions configure the edgeauth scheme of one site. The settings must be
// those of the signer; nothing is guessed.
type EdgeAuthOptions struct {
	// Name of the parameter, cookie, header field and path segment. "" means
	// DefaultEdgeAuthName.
	Name string
	// Places where the token may travel: query, cookie, header, path. Empty means
	// query and cookie. A path token is a segment NAME=…, in front or anywhere before
	// the file name.
	Places []string
	// Hash is the hash of the HMAC: sha256, sha1 or md5. "" means sha256.
	Hash string
	// Salt is appended to what is signed and to nothing else. "" for none.
	Salt string
	// Escape is how the signer escapes ip, id, data and url: none, python (as
	// quote_plus does) or node (as encodeURIComponent does), both in lower case.
	// "" means none.
	Escape string
	// SignQuery makes the query, without the token, part of the url that a URL token
	// signs.
	SignQuery bool
	// Skew forgives clocks, in seconds, at both ends of the token's time.
	Skew int64
}

// DefaultEdgeAuthName is the vendor's default for the name of a token.
const DefaultEdgeAuthName = "__token__"

// EdgeAuth is Akamai's Edge Authorization Token 2.0.
//
// A token is fields name=value joined by '~', of which hmac is the last, over the
// text before it exactly as it was received:
//
//	exp   required; the last valid second
//	acl   '!'-separated globs over the percent-encoded path, where * and ? match
//	      any byte, '/' included; without it, the token is for the one path that the
//	      request has, which is then appended to what is signed
//	st    first valid second; ip the one client address
//	id    session; data is not looked at
//
// Any other field, and a field that occurs twice, refuses the token. Tokens name no
// key: each key of the account is tried, which is what rotation needs here.
type EdgeAuth struct {
	guard
	options EdgeAuthOptions
	finder  placeFinder
	macs    map[string]*macPool // by kid
}

const (
	edgeAuthName = "edgeauth"
	saltField    = "~salt="
)

// NewEdgeAuth returns the edgeauth scheme for one site. Keys are shared secrets of
// any type, for the hash is a setting.
func NewEdgeAuth(o Options) (*EdgeAuth, error) {
	e := o.EdgeAuth
	g, err := newGuard(edgeAuthName, o, HMACSHA256, HMACSHA1, Secret)
	if err != nil {
		return nil, err
	}
	if e.Name == "" {
		e.Name = DefaultEdgeAuthName
	}
	if len(e.Places) == 0 {
		e.Places = []string{"query", "cookie"}
	}
	newHash, ok := hashByName(e.Hash)
	switch {
	case !ok:
		return nil, settingf("edgeauth.hash", "%q: use sha256, sha1 or md5", e.Hash)
	case !slices.Contains([]string{"", "none", escapePython, escapeNode}, e.Escape):
		return nil, settingf("edgeauth.escape", "%q: use none, python or node", e.Escape)
	case e.Skew < 0:
		return nil, settingf("edgeauth.skew", "%d s is negative", e.Skew)
	case len(g.own) > maxTrials:
		return nil, fmt.Errorf("%w: account %s has %d keys: at most %d, for each is tried on every token", ErrKey, o.Account, len(g.own), maxTrials)
	}
	s := &EdgeAuth{guard: g, options: e, macs: map[string]*macPool{}}
	if s.finder, err = newPlaceFinder("edgeauth", e.Name, e.Places); err != nil {
		return nil, err
	}
	s.finder.single = true // which of two the signer meant nobody can tell
	for _, k := range g.own {
		s.macs[k.ID] = newMACPool(newHash, k.Secret)
	}
	return s, nil
}

// Find implements Scheme.
func (s *EdgeAuth) Find(in *Input, scratch *Scratch) (Found, Reason) {
	return s.lenient(s.finder.find(in, scratch))
}

// Verify implements Scheme.
func (s *EdgeAuth) Verify(f *Found, r *Request) Verdict {
	return s.best(f, r, s.verify)
}

// verify judges one token: MAC, then fields, then time, scope and client.
func (s *EdgeAuth) verify(raw []byte, f *Found, r *Request) Verdict {
	v := Verdict{Scheme: edgeAuthName}
	w := f.scratch
	if w == nil {
		w = new(Scratch)
	}
	text, why := splitEdgeAuth(raw, w)
	if why != Allowed {
		v.Reason = why
		return v
	}
	s.signed(text, f, w)
	if s.options.Salt != "" {
		r.Trace.sign(edgeAuthName, append(append(bytes.Clone(w.msg), saltField...), concealed...))
		w.msg = append(append(w.msg, saltField...), s.options.Salt...)
	} else {
		r.Trace.sign(edgeAuthName, w.msg)
	}
	k := s.signer(w)
	if k == nil {
		v.Reason = BadSignature
		return v
	}
	v.Key = k.ID
	if v.Reason = k.usable(r.Now); v.Reason != Allowed {
		return v
	}
	var c edgeAuthFields
	if v.Reason = c.parse(text, s.escaped()); v.Reason != Allowed {
		return v
	}
	v.Expires = c.expires + 1 // the field is the last valid second
	if v.Reason = s.allow(&c, r, w); v.Reason != Allowed {
		return v
	}
	if s.revocations != nil {
		w.sum = sha256.Sum256(text)
		if s.withdrawn(k.ID, c.session, &w.sum, 0) {
			v.Reason = Revoked
			return v
		}
	}
	v.Session = c.session
	return v
}

var hmacField = []byte("~hmac=")

// splitEdgeAuth cuts the MAC off the end of a token. It must be lower-case
// hexadecimal, so that a token has one spelling.
func splitEdgeAuth(raw []byte, w *Scratch) (text []byte, why Reason) {
	if len(raw) > MaxTokenSize {
		return nil, Oversized
	}
	at := bytes.LastIndexByte(raw, '~')
	if at <= 0 {
		return nil, Malformed
	}
	digits, ok := bytes.CutPrefix(raw[at:], hmacField)
	if !ok || len(digits) < 2 {
		return nil, Malformed
	}
	if w.sig, ok = lowerHex(w.sig, digits, len(digits)/2); !ok {
		return nil, Malformed
	}
	return raw[:at], Allowed
}

func (s *EdgeAuth) escaped() bool { return s.options.Escape != "" && s.options.Escape != "none" }

// signed returns the bytes that the MAC covers, but for the salt. A token without acl covers the path
// as the client sent it: its spelling is part of what was signed.
func (s *EdgeAuth) signed(text []byte, f *Found, w *Scratch) {
	w.msg = append(w.msg[:0], text...)
	if !hasField(text, "acl") {
		url := f.Path
		if s.options.SignQuery && len(f.Query) > 0 {
			url = append(append(bytes.Clone(url), '?'), f.Query...)
		}
		w.msg = appendEscapedInput(append(w.msg, "~url="...), url, s.options.Escape)
	}
}

// signer returns the key whose MAC this is, nil when none is. All keys are tried,
// also after one fitted, and each comparison takes constant time.
func (s *EdgeAuth) signer(w *Scratch) (found *verifyKey) {
	for _, k := range s.own {
		w.mac = s.macs[k.ID].sum(w.mac[:0], w.msg)
		if hmac.Equal(w.mac, w.sig) {
			found = k
		}
	}
	return found
}

// allow holds the fields against a request.
func (s *EdgeAuth) allow(c *edgeAuthFields, r *Request, w *Scratch) Reason {
	switch {
	case r.Now > c.expires+s.options.Skew:
		return Expired
	case c.start > r.Now+s.options.Skew:
		return NotYet
	case s.tooLong(c.expires, r.Now):
		return TooLong
	case c.acl != nil && !aclCovers(c.acl, r.Path, w):
		return OutOfScope
	case c.address.IsValid() && c.address != plainAddr(r.Client):
		return Address
	}
	return Allowed
}
