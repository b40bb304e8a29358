package auth

import (
	"fmt"
	"strings"
	"time"
)

// stageClaim marks what Sessions made. It outlives a change of keys, after which
// the key alone would no longer tell.
const stageClaim = "x-stage"

// What Sessions made says where it comes from: the scheme and host that the access token
// was for, if it was for one only, the kid that signed it, and the site.
const (
	originClaim = "x-origin"
	signerClaim = "x-by"
	siteClaim   = "x-site"
)

// provenance is the values of these claims, nil where there are none: tokens of before
// they were written have none.
type provenance struct{ origin, signer, site []byte }

// signers are the keys of a site, for any scheme, by kid. It is immutable.
type signers map[string]*Key

func newSigners(o *Options) signers {
	all, keys := signers{}, o.signers
	if keys == nil {
		keys = o.Keys
	}
	for i := range keys {
		if keys[i].Account == o.Account {
			all[keys[i].ID] = &keys[i]
		}
	}
	return all
}

// stands judges what became of the token that a session was exchanged for: a key that was
// stolen must not live on in sessions, and another site of the account, which has the same
// key for sessions, is open to those only that its own keys could have opened it to.
func (e *ECT) stands(c *claims) Reason {
	if !c.exchanged {
		return Allowed
	}
	k := e.signers[string(c.made.signer)]
	switch {
	case k != nil && k.State == StateRevoked:
		return KeyRevoked
	case k == nil && c.made.site != nil && string(c.made.site) != e.site:
		return OutOfScope
	}
	return Allowed
}

// signer returns the kid of the token that a session was exchanged for, "" for none.
func (e *ECT) signer(c *claims) string {
	if !c.exchanged {
		return ""
	}
	if k := e.signers[string(c.made.signer)]; k != nil {
		return k.ID
	}
	return string(c.made.signer)
}

// Sessions exchanges short access tokens, which a customer mints, for session tokens
// of the edge's own key: a link that is passed on dies within minutes, playback goes on.
//
// A session token opens what the access token did, for the same clients and methods and
// at the same speed, until its own end or until the key of the access token is revoked. It is
// never exchanged again, so that nobody prolongs it. It is an ect token; the site must accept
// the key it is signed with.
//
// A Sessions is immutable.
type Sessions struct {
	site     string
	key      Key
	lifetime int64 // seconds
}

// NewSessions returns what mints session tokens of a site, see Options.Site, that live for a
// lifetime, in whole seconds, with a key of type HMACSHA256. Errors wrap ErrKey.
func NewSessions(site string, k Key, lifetime time.Duration) (*Sessions, error) {
	if err := k.Check(); err != nil {
		return nil, err
	}
	if k.Type != HMACSHA256 {
		return nil, fmt.Errorf("%w: %s: session tokens are signed with a key of type %s", ErrKey, k.ID, HMACSHA256)
	}
	if lifetime < time.Second {
		return nil, fmt.Errorf("%w: %s: session tokens of %s", ErrKey, k.ID, lifetime)
	}
	return &Sessions{site: site, key: k, lifetime: int64(lifetime / time.Second)}, nil
}

// Exchanges reports whether v is about a token that Mint exchanges.
func (s *Sessions) Exchanges(v *Verdict) bool {
	return v.Reason == Allowed && v.Grant != nil && !v.Grant.Session && !v.Grant.Stays && len(v.Grant.Scopes) > 0
}

// Mint returns a session token for what Exchanges has taken, and the first second at which it
// is invalid. fresh is the session's id if the access token has none. Errors wrap
// ErrClaims: a grant, with its scopes, must fit in a token.
func (s *Sessions) Mint(v *Verdict, now int64, fresh string) (token string, expires int64, err error) {
	c := Claims{
		Expires: now + s.lifetime, IssuedAt: now, Session: fresh, RateKBps: v.RateKBps, exchanged: true,
		origin: string(v.Grant.Origin), signer: v.Key, site: s.site, Addresses: v.Grant.Addresses, Methods: list(v.Grant.Methods), Countries: list(v.Grant.Countries),
	}
	if len(v.Session) > 0 {
		c.Session = string(v.Session)
	}
	for _, scope := range v.Grant.Scopes {
		c.Scopes = append(c.Scopes, string(scope))
	}
	token, err = MintHMAC(s.key.ID, s.key.Secret, c)
	return token, c.Expires, err
}

// list splits a comma-separated claim.
func list(text []byte) []string {
	if text == nil {
		return nil
	}
	return strings.Split(string(text), ",")
}
