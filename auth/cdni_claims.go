package auth

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"slices"
	"strings"
)

// cdniClaims are the claims of RFC 9246 §2.1 in a payload whose signature was right.
type cdniClaims struct {
	expires, notBefore, issued int64 // Unix seconds, 0 when absent
	issuer                     string
	audience                   []string
	hasAudience                bool
	container                  uriContainer

	transport  int // cdnistt: 0 none, 1 cookie, 2 query of a redirect
	period     int // cdniets: seconds that a renewed token lives
	segments   int // cdnistd: how many path segments the cookie's Path has
	all        map[string]any
	hasExpires bool
}

// uriContainer is a cdniuc claim. One of the two is set.
type uriContainer struct {
	hash    []byte // SHA-256 of the URI
	pattern string // POSIX extended regular expression that matches all of the URI
}

// parse reads the payload. What is unknown, or of another type than it should be,
// refuses the token.
func (c *cdniClaims) parse(payload []byte) Reason {
	object, ok := parseObject(payload)
	if !ok {
		return BadClaim
	}
	c.all = object
	for name, value := range object {
		if why := c.claim(name, value); why != Allowed {
			return why
		}
	}
	switch {
	case !c.hasExpires, c.container.hash == nil && c.container.pattern == "":
		return BadClaim
	case c.transport != 0 && c.period == 0:
		return BadClaim
	}
	return Allowed
}

func (c *cdniClaims) claim(name string, value any) (why Reason) {
	ok := true
	switch name {
	case "exp":
		c.hasExpires = true
		c.expires, why = jsonTime(value)
	case "nbf":
		c.notBefore, why = jsonTime(value)
	case "iat":
		c.issued, why = jsonTime(value)
	case "iss":
		c.issuer, ok = value.(string)
		ok = ok && c.issuer != ""
	case "aud":
		c.hasAudience = true
		c.audience, ok = stringOrList(value)
	case "cdniuc":
		ok = c.container.parse(value)
	case "cdniv":
		version, isNumber := wholeNumber(value)
		ok = isNumber && version == 1
	case "cdnicrit":
		return critical(value)
	case "cdnistt":
		c.transport, ok = wholeNumber(value)
		ok = ok && c.transport <= 2
	case "cdniets":
		c.period, ok = wholeNumber(value)
		ok = ok && c.period > 0
	case "cdnistd":
		c.segments, ok = wholeNumber(value)
	default: // cdniip and sub are encrypted for others, jti needs a store of all seen
		return UnknownClaim
	}
	if !ok {
		return BadClaim
	}
	return why
}

// critical reads cdnicrit: names of claims, joined by commas, that a verifier must
// understand.
func critical(value any) Reason {
	text, ok := value.(string)
	if !ok || text == "" {
		return BadClaim
	}
	for name := range strings.SplitSeq(text, ",") {
		if !slices.Contains([]string{
			"exp", "nbf", "iat", "iss", "aud", "cdniuc", "cdniv", "cdnicrit", "cdnistt", "cdniets", "cdnistd",
		}, name) {
			return UnknownClaim
		}
	}
	return Allowed
}

// stringOrList reads a claim that is a string or a list of strings, and never empty.
func stringOrList(value any) (list []string, ok bool) {
	if one, is := value.(string); is {
		return []string{one}, one != ""
	}
	items, ok := value.([]any)
	for _, item := range items {
		text, is := item.(string)
		if !is {
			return nil, false
		}
		list = append(list, text)
	}
	return list, ok && len(list) > 0
}

// meant reports whether the token is for this audience.
func (c *cdniClaims) meant(audience string) bool {
	return audience != "" && slices.Contains(c.audience, audience)
}

func (u *uriContainer) parse(value any) bool {
	text, ok := value.(string)
	if !ok {
		return false
	}
	if pattern, is := strings.CutPrefix(text, "regex:"); is {
		u.pattern = pattern
		return pattern != ""
	}
	encoded, is := strings.CutPrefix(text, "hash:sha-256;")
	if !is {
		return false
	}
	u.hash, ok = decode64(nil, []byte(encoded))
	return ok && len(u.hash) == sha256.Size && !strings.ContainsAny(encoded, "\r\n")
}

// covers holds the container against a URI. A pattern must match all of it.
func (u *uriContainer) covers(uri []byte, p *patterns) bool {
	if u.hash != nil {
		sum := sha256.Sum256(uri)
		return subtle.ConstantTimeCompare(sum[:], u.hash) == 1
	}
	return p.match(u.pattern, posix, uri)
}

// appendURI appends the URI of a request without its token, in the normal form of
// RFC 3986 §6.2.2 and §6.2.3: what the signer's URI is compared with.
func appendURI(dst []byte, f *Found, r *Request) []byte {
	dst = appendNormal(appendOrigin(dst, r), f.Path)
	if len(f.Query) > 0 {
		dst = appendNormal(append(dst, '?'), f.Query)
	}
	return dst
}

// appendNormal appends a part of a URI with unreserved characters decoded and the
// other escapes in upper case. Dot segments were refused before.
func appendNormal(dst, raw []byte) []byte {
	for {
		i := bytes.IndexByte(raw, '%')
		if i < 0 {
			return append(dst, raw...)
		}
		dst = append(dst, raw[:i]...)
		c, width := unescape(raw[i:])
		if width == 1 || unreserved(c) {
			dst = append(dst, c)
		} else {
			dst = appendEscaped(dst, c)
		}
		raw = raw[i+width:]
	}
}
