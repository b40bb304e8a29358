package auth

import (
	"bytes"
	"maps"

	"github.com/golang-jwt/jwt/v5"
)

// Renewal is a token that the response to an allowed request hands to the client.
// It is for this client only and never stored with the object.
type Renewal struct {
	Carrier Carrier // Cookie or Header
	Name    string  // of the cookie or the header field
	Token   string  // needs no escaping in either
	Path    string  // of the cookie, percent-encoded
	Expires int64   // Unix seconds
}

// renew makes the next token of a chain (RFC 9246 §2.1.13 to 2.1.15), nil when the
// token asks for none, the edge cannot sign it, or the path is too short for the
// cookie. Claims stay as they are but for the expiry.
//
// The transport by redirect is for other hosts than this, and left to the origin.
func (s *CDNI) renew(c *cdniClaims, k *verifyKey, f *Found, r *Request) *Renewal {
	if s.renewKey != nil {
		k = s.renewKey
	}
	path, ok := firstSegments(f.Path, c.segments)
	if c.transport != 1 || !k.Type.Shared() || k.usable(r.Now) != Allowed || !ok {
		return nil
	}
	claims := jwt.MapClaims(maps.Clone(c.all))
	expires := r.Now + int64(c.period)
	claims["exp"] = expires
	if k.Issuer != "" {
		claims["iss"] = k.Issuer
	}
	t := jwt.NewWithClaims(jwt.SigningMethodHS256, claims)
	t.Header["kid"] = k.name()
	signed, err := t.SignedString(k.Secret)
	if err != nil || len(signed) > maxJWTSize {
		return nil
	}
	return &Renewal{Carrier: Cookie, Name: s.name, Token: signed, Path: path, Expires: expires}
}

// firstSegments returns the first n segments of a path, "/" for none, unless the path
// has fewer.
func firstSegments(path []byte, n int) (string, bool) {
	end := 0
	for range n {
		if end == len(path) {
			return "", false
		}
		next := bytes.IndexByte(path[end+1:], '/')
		if next < 0 {
			next = len(path) - end - 1
		}
		end += 1 + next
	}
	if end == 0 {
		return "/", true
	}
	return string(path[:end]), true
}
