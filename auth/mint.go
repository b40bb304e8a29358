package auth

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// ErrClaims marks claims that no verifier would accept. The text says which.
var ErrClaims = errors.New("auth: unusable claims")

// Claims are what a token to be minted shall say. Times are Unix seconds, 0 for
// absent. Expires and one to four Scopes are required.
type Claims struct {
	Expires   int64 // first second at which the token is invalid
	NotBefore int64
	IssuedAt  int64
	Scopes    []string // canonical decoded paths; one that ends in '/' opens all below
	Session   string   // opaque, no user data
	Addresses []netip.Prefix
	Methods   []string // empty for GET and HEAD
	Countries []string // ISO 3166-1 alpha-2; empty for any
	RateKBps  int      // 0 for no limit

	exchanged            bool   // made by Sessions
	origin, signer, site string // of what is: see provenance; "" for none
}

// MintHMAC returns an ect token signed with a shared secret. Errors wrap ErrKey or
// ErrClaims.
func MintHMAC(kid string, secret []byte, c Claims) (string, error) {
	if len(secret) < MinSecretSize {
		return "", fmt.Errorf("%w: %s: secret of %d bytes, at least %d are needed", ErrKey, kid, len(secret), MinSecretSize)
	}
	return mint(versionHMAC, kid, c, func(signed []byte) []byte {
		h := hmac.New(sha256.New, secret)
		h.Write(signed)
		return h.Sum(nil)
	})
}

// MintEd25519 returns an ect token signed with a private key. Errors wrap ErrKey or
// ErrClaims.
func MintEd25519(kid string, private ed25519.PrivateKey, c Claims) (string, error) {
	if len(private) != ed25519.PrivateKeySize {
		return "", fmt.Errorf("%w: %s: private key of %d bytes instead of %d", ErrKey, kid, len(private), ed25519.PrivateKeySize)
	}
	return mint(versionEd25519, kid, c, func(signed []byte) []byte {
		return ed25519.Sign(private, signed)
	})
}

func mint(version, kid string, c Claims, sign func([]byte) []byte) (string, error) {
	if !validKeyID(kid) {
		return "", fmt.Errorf("%w: kid %q: use 1 to %d of A-Z a-z 0-9 _ -", ErrKey, kid, MaxKeyIDSize)
	}
	payload, err := c.payload()
	if err != nil {
		return "", err
	}
	b := append([]byte(version), '.')
	b = append(append(b, kid...), '.')
	b = canonical64.AppendEncode(b, payload)
	sig := sign(b)
	b = canonical64.AppendEncode(append(b, '.'), sig)
	if len(b) > MaxTokenSize {
		return "", fmt.Errorf("%w: the token would have %d bytes, %d are allowed: shorten scopes or session", ErrClaims, len(b), MaxTokenSize)
	}
	return string(b), nil
}

// payload encodes the claims, and reads them back with the verifier's own
// parser: a value with a newline in it, say, could otherwise add a claim.
func (c *Claims) payload() ([]byte, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	b := appendLine(nil, "exp", strconv.FormatInt(c.Expires, 10))
	if c.NotBefore != 0 {
		b = appendLine(b, "nbf", strconv.FormatInt(c.NotBefore, 10))
	}
	if c.IssuedAt != 0 {
		b = appendLine(b, "iat", strconv.FormatInt(c.IssuedAt, 10))
	}
	for _, scope := range c.Scopes {
		b = appendLine(b, "p", scope)
	}
	for _, p := range c.Addresses {
		b = appendLine(b, "ip", p.Masked().String())
	}
	b = c.appendOptional(b)
	var parsed claims
	if why := parsed.parse(b); why != Allowed {
		return nil, fmt.Errorf("%w: %s", ErrClaims, why.Text())
	}
	return b, nil
}

func (c *Claims) appendOptional(b []byte) []byte {
	if c.Session != "" {
		b = appendLine(b, "sid", c.Session)
	}
	if len(c.Methods) > 0 {
		b = appendLine(b, "m", strings.Join(c.Methods, ","))
	}
	if len(c.Countries) > 0 {
		b = appendLine(b, "geo", strings.Join(c.Countries, ","))
	}
	if c.RateKBps > 0 {
		b = appendLine(b, "lim", strconv.Itoa(c.RateKBps))
	}
	if c.exchanged {
		b = appendLine(b, stageClaim, "2")
		for _, claim := range [...][2]string{{originClaim, c.origin}, {signerClaim, c.signer}, {siteClaim, c.site}} {
			if claim[1] != "" {
				b = appendLine(b, claim[0], claim[1])
			}
		}
	}
	return b
}

// check gives the usual mistakes a text of their own.
func (c *Claims) check() error {
	switch {
	case c.Expires <= 0 || c.NotBefore < 0 || c.IssuedAt < 0:
		return fmt.Errorf("%w: times are Unix seconds above 0, and exp is required", ErrClaims)
	case len(c.Scopes) == 0 || len(c.Scopes) > maxScopes:
		return fmt.Errorf("%w: %d scopes, 1 to %d are needed", ErrClaims, len(c.Scopes), maxScopes)
	case len(c.Addresses) > maxAddresses:
		return fmt.Errorf("%w: %d networks, at most %d fit", ErrClaims, len(c.Addresses), maxAddresses)
	case c.RateKBps < 0:
		return fmt.Errorf("%w: a negative rate", ErrClaims)
	}
	for _, text := range [][]string{c.Scopes, {c.Session}, c.Methods, c.Countries} {
		for _, s := range text {
			if hasControl([]byte(s)) {
				return fmt.Errorf("%w: control byte in %q", ErrClaims, s)
			}
		}
	}
	for _, s := range c.Scopes {
		if !strings.HasPrefix(s, "/") {
			return fmt.Errorf("%w: scope %q does not begin with /", ErrClaims, s)
		}
	}
	return nil
}

func appendLine(b []byte, name, value string) []byte {
	b = append(append(b, name...), '=')
	return append(append(b, value...), '\n')
}
