package auth_test

import (
	"crypto"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"edged/auth"
)

// order returns an order for https://cdn.example.com/live/a/1.ts with a key of
// standardKeys.
func order(kid string, edit ...func(*auth.Order)) *auth.Order {
	o := &auth.Order{
		Claims: auth.Claims{Expires: now + 600, Scopes: []string{"/live/a/"}},
		Link:   auth.Link{Scheme: "https", Host: "cdn.example.com", Path: "/live/a/1.ts"},
	}
	for _, k := range standardKeys() {
		if k.ID == kid {
			o.Key = k
		}
	}
	o.Private = map[string]crypto.Signer{"ec": testKeys().ec, "rsa": testKeys().rsa}[kid]
	for _, e := range edit {
		e(o)
	}
	return o
}

func asQuery(params []auth.Param) string {
	var pairs []string
	for _, p := range params {
		pairs = append(pairs, p.Name+"="+p.Value)
	}
	return strings.Join(pairs, "&")
}

// TestMintStandard: what is minted opens its scope for its clients in its time, and
// nothing else.
func TestMintStandard(t *testing.T) {
	client := func(o *auth.Order) {
		o.Claims.Addresses = []netip.Prefix{netip.MustParsePrefix("198.51.100.7/32")}
	}
	start := func(o *auth.Order) { o.Claims.NotBefore = now }
	two := func(o *auth.Order) { o.Claims.Scopes = []string{"/live/a/", "/b (1).ts"} }
	for _, c := range []struct {
		name, scheme, kid string
		edit              []func(*auth.Order)
	}{
		{"edgeauth", "edgeauth", "hm", nil},
		{"edgeauth, all", "edgeauth", "hm", []func(*auth.Order){client, start, two, func(o *auth.Order) {
			o.Options.EdgeAuth = auth.EdgeAuthOptions{Name: "hdntl", Hash: "sha1", Salt: "s", Escape: "node"}
			o.Claims.Session = "s/1"
		}}},
		{"cloudfront, rsa", "cloudfront", "rsa", nil},
		{"cloudfront, ecdsa, all", "cloudfront", "ec", []func(*auth.Order){client, start}},
		{"cdni, hmac", "cdni", "hm", []func(*auth.Order){start, two}},
		{"cdni, ecdsa", "cdni", "ec", []func(*auth.Order){func(o *auth.Order) { o.Options.CDNI = auth.CDNIOptions{Name: "sig", Audience: "edge"} }}},
		{"cat, hmac", "cat", "hm", []func(*auth.Order){client, start, two}},
		{"cat, ecdsa", "cat", "ec", nil},
		{"cat, rsa, all", "cat", "rsa", []func(*auth.Order){client, start, func(o *auth.Order) {
			o.Options.CAT = auth.CATOptions{Query: "CAT", Issuer: "cms", Audience: "edge"}
			o.Claims.Methods, o.Claims.Countries, o.Claims.Session = []string{"GET"}, []string{"NL"}, "s-1"
			o.Claims.IssuedAt = now
		}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := order(c.kid, c.edit...)
			params, err := auth.Mint(c.scheme, o)
			if err != nil {
				t.Fatal(err)
			}
			scheme := newScheme(t, c.scheme, func(s *auth.Options) { s.EdgeAuth, s.CDNI, s.CAT = o.Options.EdgeAuth, o.Options.CDNI, o.Options.CAT })
			try := func(path string, at int64, client string) auth.Reason {
				a := https(path, asQuery(params))
				a.request.Country = "NL"
				a.request.Now, a.request.Client = at, netip.MustParseAddr(client)
				return a.answer(t, scheme).Reason
			}
			const home = "198.51.100.7"
			if why := try("/live/a/1.ts", now, home); why != auth.Allowed {
				t.Errorf("its own URL: %v", why)
			}
			if why := try("/live/a/b/2.ts", now+599, home); why != auth.Allowed {
				t.Errorf("below its scope, at its last second: %v", why)
			}
			if why := try("/live/ab/1.ts", now, home); why != auth.OutOfScope {
				t.Errorf("beside its scope: %v", why)
			}
			if why := try("/live/a/1.ts", now+600, home); why != auth.Expired {
				t.Errorf("at its end: %v", why)
			}
			if why := try("/live/a/1.ts", now-1, home); o.Claims.NotBefore != 0 && why != auth.NotYet {
				t.Errorf("before its time: %v", why)
			}
			if why := try("/live/a/1.ts", now, "198.51.100.8"); len(o.Claims.Addresses) > 0 && why != auth.Address {
				t.Errorf("from elsewhere: %v", why)
			}
			if why := try("/b%20(1).ts", now, home); len(o.Claims.Scopes) > 1 && why != auth.Allowed {
				t.Errorf("its second scope: %v", why)
			}
		})
	}
}

// TestMintCanned: a cloudfront token for one file is a canned one for the whole URL.
func TestMintCanned(t *testing.T) {
	o := order("rsa", func(o *auth.Order) {
		o.Claims.Scopes, o.Link.Query = []string{"/live/a/1.ts"}, "a=<1>&b=2"
	})
	params, err := auth.Mint("cloudfront", o)
	if err != nil || params[0].Name != "Expires" {
		t.Fatalf("%+v, %v: want a canned token", params, err)
	}
	scheme := newScheme(t, "cloudfront")
	if got := https("/live/a/1.ts", "a=<1>&b=2&"+asQuery(params)).answer(t, scheme); got.Reason != auth.Allowed {
		t.Errorf("its URL: %v", got.Reason)
	}
	if got := https("/live/a/1.ts", asQuery(params)).answer(t, scheme); got.Reason != auth.BadSignature {
		t.Errorf("without its query: %v", got.Reason)
	}
}

// TestMintStandardErrors: a claim that the scheme has no words for is never left out.
func TestMintStandardErrors(t *testing.T) {
	network := func(text string) func(*auth.Order) {
		return func(o *auth.Order) { o.Claims.Addresses = []netip.Prefix{netip.MustParsePrefix(text)} }
	}
	country := func(o *auth.Order) { o.Claims.Countries = []string{"NL"} }
	session := func(o *auth.Order) { o.Claims.Session = "a~b" }
	star := func(o *auth.Order) { o.Claims.Scopes = []string{"/a*/"} }
	for _, c := range []struct {
		name, scheme, kid string
		edit              func(*auth.Order)
		want              error
	}{
		{"rate", "cat", "hm", func(o *auth.Order) { o.Claims.RateKBps = 1 }, auth.ErrClaims},
		{"no scope", "cat", "hm", func(o *auth.Order) { o.Claims.Scopes = nil }, auth.ErrClaims},
		{"unknown scheme", "jwt", "hm", func(*auth.Order) {}, auth.ErrClaims},
		{"edgeauth, network", "edgeauth", "hm", network("198.51.100.0/24"), auth.ErrClaims},
		{"edgeauth, country", "edgeauth", "hm", country, auth.ErrClaims},
		{"edgeauth, delimiter", "edgeauth", "hm", session, auth.ErrClaims},
		{"edgeauth, wildcard", "edgeauth", "hm", star, auth.ErrClaims},
		{"edgeauth, public key", "edgeauth", "ec", func(*auth.Order) {}, auth.ErrKey},
		{"cloudfront, network of IPv6", "cloudfront", "ec", network("2001:db8::/32"), auth.ErrClaims},
		{"cloudfront, session", "cloudfront", "ec", session, auth.ErrClaims},
		{"cloudfront, wildcard", "cloudfront", "ec", star, auth.ErrClaims},
		{"cloudfront, two scopes", "cloudfront", "ec", func(o *auth.Order) { o.Claims.Scopes = []string{"/a", "/b"} }, auth.ErrClaims},
		{"cloudfront, secret", "cloudfront", "hm", func(*auth.Order) {}, auth.ErrKey},
		{"cdni, network", "cdni", "hm", network("198.51.100.0/24"), auth.ErrClaims},
		{"cdni, session", "cdni", "hm", session, auth.ErrClaims},
		{"cdni, rsa", "cdni", "rsa", func(*auth.Order) {}, auth.ErrKey},
		{"cdni, no private half", "cdni", "ec", func(o *auth.Order) { o.Private = nil }, auth.ErrKey},
		{"cat, no private half", "cat", "ec", func(o *auth.Order) { o.Private = nil }, auth.ErrKey},
		{"cat, another private half", "cat", "rsa", func(o *auth.Order) { o.Private = testKeys().ec }, auth.ErrKey},
	} {
		if _, err := auth.Mint(c.scheme, order(c.kid, c.edit)); !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, want %v", c.name, err, c.want)
		}
	}
}
