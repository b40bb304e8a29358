package auth

import (
	"cmp"
	"crypto/rand"
	"net/netip"
	"regexp"
	"strings"

	"github.com/fxamacker/cbor/v2"
	"github.com/veraison/go-cose"
)

// cat mints a token for the host and the scopes.
func (o *Order) cat() ([]Param, error) {
	c, n := &o.Claims, &o.Options.CAT
	d, err := newCodec()
	if err != nil {
		return nil, err
	}
	claims := map[int64]any{
		claimExpires: c.Expires, claimVersion: 1,
		claimURI: map[int64]any{uriHost: map[int64]any{matchExact: o.Link.Host}, uriPath: o.pathMatch()},
	}
	for label, at := range map[int64]int64{claimNotBefore: c.NotBefore, claimIssuedAt: c.IssuedAt} {
		if at != 0 {
			claims[label] = at
		}
	}
	for label, text := range map[int64]string{claimIssuer: n.Issuer, claimAudience: n.Audience} {
		if text != "" {
			claims[label] = text
		}
	}
	for label, list := range map[int64][]string{claimMethods: c.Methods, claimCountries: c.Countries} {
		if len(list) > 0 {
			claims[label] = list
		}
	}
	if c.Session != "" {
		claims[claimTokenID] = []byte(c.Session)
	}
	if len(c.Addresses) > 0 {
		claims[claimNetworks] = taggedNetworks(c.Addresses)
	}
	token, err := o.sealCAT(d, claims)
	if err != nil {
		return nil, err
	}
	return []Param{{cmp.Or(n.Query, DefaultCATQuery), token}}, nil
}

// pathMatch is the condition on the path: one scope is a prefix or the path itself,
// several are a regular expression.
func (o *Order) pathMatch() map[int64]any {
	if len(o.Claims.Scopes) == 1 {
		encoded, below := encodedScope(o.Claims.Scopes[0])
		if below {
			return map[int64]any{matchPrefix: encoded}
		}
		return map[int64]any{matchExact: encoded}
	}
	var patterns []string
	for _, scope := range o.Claims.Scopes {
		encoded, below := encodedScope(scope)
		pattern := regexp.QuoteMeta(encoded)
		if below {
			pattern += ".*"
		}
		patterns = append(patterns, pattern)
	}
	return map[int64]any{matchRegex: []string{strings.Join(patterns, "|")}}
}

func taggedNetworks(prefixes []netip.Prefix) []any {
	var list []any
	for _, p := range prefixes {
		tag := uint64(tagIPv6)
		if p.Addr().Is4() {
			tag = tagIPv4
		}
		list = append(list, cbor.Tag{Number: tag, Content: []any{p.Bits(), p.Masked().Addr().AsSlice()}})
	}
	return list
}

// sealCAT signs claims with the key's one algorithm.
func (o *Order) sealCAT(d *codec, claims map[int64]any) (string, error) {
	payload, err := d.enc.Marshal(claims)
	if err != nil {
		return "", err
	}
	algorithm := coseAlgorithm(o.Key.Type)
	if o.Key.Type.Shared() {
		k := newVerifyKey(&o.Key)
		return d.seal(payload, tagMac0, int64(algorithm), o.Key.name(), func(signed []byte) ([]byte, error) {
			return k.mac(nil, signed), nil
		})
	}
	if o.Private == nil {
		return "", o.unfit(catName)
	}
	signer, err := cose.NewSigner(algorithm, o.Private)
	if err != nil {
		return "", o.unfit(catName)
	}
	return d.seal(payload, tagSign1, int64(algorithm), o.Key.name(), func(signed []byte) ([]byte, error) {
		return signer.Sign(rand.Reader, signed)
	})
}
