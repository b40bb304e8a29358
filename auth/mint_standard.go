package auth

import (
	"crypto"
	"fmt"
	"slices"
	"strings"

	"edged/internal/target"
)

// Order is a token to be minted by one of the schemes of the big networks.
type Order struct {
	Options Options       // of the site that shall accept it
	Key     Key           // to sign with
	Private crypto.Signer // private half of a public key, nil for a shared secret
	Claims  Claims
	Link    Link
}

// Link is the URL that a token is minted for, as the client will send it.
type Link struct {
	Scheme, Host string // https or http; canonical host
	Path, Query  string // raw, without '?'
}

// Param is a name and a value that carry a token or one part of it, in a query or as
// a cookie.
type Param struct{ Name, Value string }

// Mint returns a token of scheme edgeauth, cloudfront, cdni or cat in the parts that
// its scheme cuts it in; only cloudfront has several. A claim that the scheme has no
// words for is an error, or the token would open more than it was meant to. Errors
// wrap ErrKey or ErrClaims.
func Mint(scheme string, o *Order) ([]Param, error) {
	if err := o.Claims.check(); err != nil {
		return nil, err
	}
	if o.Claims.RateKBps != 0 {
		return nil, claimless(scheme, "a rate")
	}
	switch scheme {
	case edgeAuthName:
		return o.edgeAuth()
	case cloudFrontName:
		return o.cloudFront()
	case cdniName:
		return o.cdni()
	case catName:
		return o.cat()
	}
	return nil, fmt.Errorf("%w: scheme %q mints no tokens here", ErrClaims, scheme)
}

func claimless(scheme, what string) error {
	return fmt.Errorf("%w: tokens of %s cannot say %s", ErrClaims, scheme, what)
}

// unfit says that a key cannot sign for a scheme.
func (o *Order) unfit(scheme string) error {
	return fmt.Errorf("%w: %s: a key of type %s, or its private half is missing: %s cannot sign with it", ErrKey, o.Key.ID, o.Key.Type, scheme)
}

// only refuses claims but for those that a scheme has words for.
func (c *Claims) only(scheme string, has ...string) error {
	for _, claim := range []struct {
		name  string
		given bool
	}{
		{"networks", len(c.Addresses) > 0},
		{"methods", len(c.Methods) > 0},
		{"countries", len(c.Countries) > 0},
		{"a session", c.Session != ""},
	} {
		if claim.given && !slices.Contains(has, claim.name) {
			return claimless(scheme, claim.name)
		}
	}
	return nil
}

// encodedScope returns a scope as it is in URLs, and whether it opens all below.
func encodedScope(scope string) (encoded string, below bool) {
	return string(target.AppendEncoded(nil, []byte(scope))), strings.HasSuffix(scope, "/")
}

// hasGlob reports whether a glob would read text as more than itself.
func hasGlob(text string) bool { return strings.ContainsAny(text, "*?!~\\") }
