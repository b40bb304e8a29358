package auth

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // what other systems sign with
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
)

// maxTried bounds the keys that are tried one after another, where a token does not
// say which key made it: one that is leaving, one that is used, one to come.
const maxTried = 4

// compat is what the schemes of other systems share: who may sign, for how long,
// and what can be withdrawn.
type compat struct {
	name        string
	account     string
	required    bool
	eternal     bool // tokens without an expiry are accepted
	maxLifetime int64
	revocations Revocations
	keys        []*verifyKey // of the account and of types the scheme can use
}

func newCompat(name string, o *Options, types ...KeyType) (compat, error) {
	if o.Account == "" {
		return compat{}, errors.New("auth: no account")
	}
	ring, err := newKeyring(o.Keys)
	if err != nil {
		return compat{}, err
	}
	if o.Required && !ring.has(o.Account, types...) {
		return compat{}, fmt.Errorf("%w: account %s requires tokens but has no key of type %v for scheme %s that is not revoked",
			ErrKey, o.Account, types, name)
	}
	return compat{
		name: name, account: o.Account, required: o.Required, eternal: o.WithoutExpiry,
		maxLifetime: lifetime(o.MaxLifetime), revocations: o.Revocations,
		keys: ring.fitting(o.Account, types...),
	}, nil
}

// few refuses more keys than may be tried for one token.
func (c *compat) few() error {
	if len(c.keys) > maxTried {
		return fmt.Errorf("%w: scheme %s has %d keys and must try them all: at most %d", ErrKey, c.name, len(c.keys), maxTried)
	}
	return nil
}

// Name implements Scheme.
func (c *compat) Name() string { return c.name }

// found turns what Find saw into its answer: a site that requires no token never
// refuses.
func (c *compat) found(f Found, why Reason) (Found, Reason) {
	if !c.required {
		why = Allowed
	}
	return f, why
}

// takeText makes the parameters that stand in the scratch's text, which was cut out of
// the path, the token; the text itself is kept behind it.
func (f *Found) takeText(p *paramSet) Reason {
	s := f.scratch
	for pair := range pairs(s.text) {
		p.see(pair, s)
	}
	why := f.take1(p)
	f.Carrier, f.Tokens[1] = Path, s.text
	return why
}

// take1 makes the parameter of a set's first name the token.
func (f *Found) take1(p *paramSet) Reason {
	main := &f.scratch.params[0]
	if main.n == 0 {
		return Missing
	}
	f.Carrier = Query
	if why := p.check(f.scratch); why != Allowed {
		return why
	}
	if len(main.value) == 0 {
		return Malformed
	}
	if len(main.value) > MaxTokenSize {
		return Oversized
	}
	f.Tokens[0], f.N = main.value, 1
	return Allowed
}

// start begins a verdict. done reports that it is final already.
func (c *compat) start(f *Found) (v Verdict, done bool) {
	v.Scheme = c.name
	switch {
	case !c.required:
		return v, true
	case f.N == 0 || f.scratch == nil:
		v.Reason = Missing
		return v, true
	}
	return v, false
}

// until judges an expiry: last is the last second at which the token is good.
func (c *compat) until(v *Verdict, last, now int64) Reason { return c.between(v, 0, last, now) }

// between judges a time with a beginning, too: the first second at which the token is
// good, 0 for none.
func (c *compat) between(v *Verdict, first, last, now int64) Reason {
	v.Expires = last + 1
	switch {
	case now > last:
		return Expired
	case now < first:
		return NotYet
	case last-now > c.maxLifetime:
		return TooLong
	}
	return Allowed
}

// endless judges a token that has no expiry.
func (c *compat) endless() Reason {
	if c.eternal {
		return Allowed
	}
	return TooLong
}

// accept names the key that signed and judges what can change after signing: its
// state, and revocation of the token. What stands for it is the SHA-256 of the decoded
// signature in scratch.sig, for its text can be spelled in several ways.
func (c *compat) accept(v *Verdict, k *verifyKey, f *Found, session []byte, now int64) Reason {
	v.Key = k.ID
	if why := k.usable(now); why != Allowed {
		return why
	}
	if c.revocations != nil {
		s := f.scratch
		s.sum = sha256.Sum256(s.sig)
		if c.revocations.Revoked(k.ID, session, &s.sum, 0) {
			return Revoked
		}
	}
	v.Session = session
	return Allowed
}

// base64Padded decodes base64url of exactly size bytes, with its padding or without,
// and no stray bits.
func base64Padded(dst, src []byte, size int) ([]byte, bool) {
	if pad := (3 - size%3) % 3; pad > 0 && len(src) == base64.URLEncoding.EncodedLen(size) {
		if !bytes.HasSuffix(src, []byte("==")[:pad]) {
			return dst, false
		}
		src = src[:len(src)-pad]
	}
	if len(src) != canonical64.EncodedLen(size) || !validPart(src) {
		return dst, false
	}
	return decode64(dst, src)
}

// lowerHex decodes lower-case hexadecimal of exactly size bytes.
func lowerHex(dst, src []byte, size int) ([]byte, bool) {
	if len(src) != 2*size {
		return dst, false
	}
	for _, c := range src {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return dst, false
		}
	}
	dst, err := hex.AppendDecode(dst[:0], src)
	return dst, err == nil
}

// appendAddr appends an address as text, IPv4 as such. Without one it appends
// nothing, which no signer has signed for a client.
func appendAddr(dst []byte, a netip.Addr) []byte {
	if !a.IsValid() {
		return dst
	}
	return a.Unmap().WithZone("").AppendTo(dst)
}

// equalMD5 compares a digest in constant time.
func equalMD5(message, digest []byte) bool {
	sum := md5.Sum(message) //nolint:gosec // what other systems sign with
	return hmac.Equal(sum[:], digest)
}

// equalSHA256 compares a digest in constant time.
func equalSHA256(message, digest []byte) bool {
	sum := sha256.Sum256(message)
	return hmac.Equal(sum[:], digest)
}
