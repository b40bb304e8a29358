package auth

import (
	"cmp"
	"crypto/ecdsa"
	"regexp"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// cdni mints a token whose container is a regular expression of the scopes.
func (o *Order) cdni() ([]Param, error) {
	c := &o.Claims
	if err := c.only(cdniName); err != nil {
		return nil, err
	}
	claims := jwt.MapClaims{"exp": c.Expires, "cdniuc": "regex:" + o.container()}
	for name, at := range map[string]int64{"nbf": c.NotBefore, "iat": c.IssuedAt} {
		if at != 0 {
			claims[name] = at
		}
	}
	for name, text := range map[string]string{"iss": o.Key.Issuer, "aud": o.Options.CDNI.Audience} {
		if text != "" {
			claims[name] = text
		}
	}
	token, err := o.jwt(claims)
	if err != nil {
		return nil, err
	}
	return []Param{{cmp.Or(o.Options.CDNI.Name, DefaultCDNIName), token}}, nil
}

func (o *Order) jwt(claims jwt.MapClaims) (string, error) {
	method, ok := jwsAlgorithm(o.Key.Type)
	var key any = o.Key.Secret
	if !o.Key.Type.Shared() {
		if key, ok = o.Private.(*ecdsa.PrivateKey); !ok {
			return "", o.unfit(cdniName)
		}
	}
	if !ok {
		return "", o.unfit(cdniName)
	}
	t := jwt.NewWithClaims(method, claims)
	t.Header["kid"] = o.Key.name()
	return t.SignedString(key)
}

// container writes the scopes as one POSIX expression over whole URIs, any query
// allowed.
func (o *Order) container() string {
	var b strings.Builder
	b.WriteString(o.Link.Scheme + "://" + regexp.QuoteMeta(o.Link.Host) + "(")
	for i, scope := range o.Claims.Scopes {
		encoded, below := encodedScope(scope)
		if i > 0 {
			b.WriteByte('|')
		}
		b.WriteString(regexp.QuoteMeta(encoded))
		if below {
			b.WriteString("[^?]*")
		}
	}
	b.WriteString(`)(\?.*)?`)
	return b.String()
}
