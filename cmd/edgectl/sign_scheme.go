package main

import (
	"cmp"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"edged/auth"
)

// mints reports whether auth.Mint makes tokens of the scheme.
func mints(scheme string) bool {
	return slices.Contains([]string{"edgeauth", "cloudfront", "cdni", "cat"}, scheme)
}

// signed is a token in the request that carries it.
type signed struct {
	path, query string // raw, with the token if it is there
	cookies     []auth.Param
}

// signScheme signs for a site of a scheme whose tokens are not our own.
func (f *signFlags) signScheme(s streams, where *site, l *link) error {
	claims, err := f.claims(l)
	if err != nil {
		return err
	}
	o, err := f.order(where, l, claims)
	if err != nil {
		return err
	}
	params, err := auth.Mint(where.scheme, o)
	if err != nil {
		return err
	}
	out, err := f.place(where, l, params)
	if err != nil {
		return err
	}
	if err := proofreadScheme(where, l, out, &claims); err != nil {
		return err
	}
	if out.cookies == nil {
		fmt.Fprintln(s.out, l.base+out.target())
		return nil
	}
	for _, c := range out.cookies {
		fmt.Fprintf(s.out, "Set-Cookie: %s=%s; Path=%s; Max-Age=%d; Secure; HttpOnly; SameSite=None; Partitioned\n",
			c.Name, c.Value, cookiePath(claims.Scopes), int64(f.life/time.Second))
	}
	fmt.Fprintf(s.out, "Cookie: %s\n", joinParams(out.cookies, "; "))
	return nil
}

// order says what to mint, and with which key.
func (f *signFlags) order(where *site, l *link, c auth.Claims) (*auth.Order, error) {
	o := &auth.Order{Options: where.options, Claims: c, Link: auth.Link{
		Scheme: l.base[:strings.Index(l.base, ":")], Host: l.host, Path: string(l.path), Query: string(l.query),
	}}
	if f.private != "" {
		private, err := readAnyPrivateKey(f.private)
		if err != nil {
			return nil, err
		}
		o.Private = private
	}
	for _, k := range where.options.Keys {
		if f.fits(&k, where.scheme, o.Private) {
			o.Key = k
			return o, nil
		}
	}
	if f.private != "" {
		return nil, fmt.Errorf("%s has no key for %s with the public half of %s", where.describe(), where.scheme, f.private)
	}
	return nil, fmt.Errorf("%s has no active key %s with a secret for %s: give -private-key FILE for a public one", where.describe(), f.kid, where.scheme)
}

// fits reports whether a key of the site is the one to sign with.
func (f *signFlags) fits(k *auth.Key, scheme string, private crypto.Signer) bool {
	switch {
	case k.Scheme != "" && k.Scheme != scheme, f.kid != "" && f.kid != k.ID:
		return false
	case private == nil:
		return k.Type.Shared() && (f.kid != "" || k.State == auth.StateActive)
	case k.RSA != nil:
		return k.RSA.Equal(private.Public())
	}
	return k.ECDSA != nil && k.ECDSA.Equal(private.Public())
}

// readAnyPrivateKey reads an RSA or P-256 key in PEM.
func readAnyPrivateKey(file string) (crypto.Signer, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("private key: %w", err)
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, fmt.Errorf("private key %s: not PEM", file)
	}
	var key any
	switch block.Type {
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	if err != nil {
		return nil, fmt.Errorf("private key %s: %w", file, err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("private key %s: a %T cannot sign", file, key)
	}
	return signer, nil
}

// place puts the parts of a token where the flag says: in the query when it says
// nothing.
func (f *signFlags) place(where *site, l *link, params []auth.Param) (signed, error) {
	out := signed{path: string(l.path), query: string(l.query)}
	switch f.carrier {
	case "", auth.Query.String():
		out.query = strings.TrimPrefix(out.query+"&"+joinParams(params, "&"), "&")
	case auth.Path.String():
		switch where.scheme {
		case "edgeauth":
			out.path = "/" + joinParams(params, "") + out.path
		case "cdni":
			out.path += ";" + joinParams(params, "")
		default:
			return out, usagef("-carrier path: tokens of %s do not travel in paths", where.scheme)
		}
	default:
		out.cookies = slices.Clone(params)
		for i := range out.cookies {
			switch name := &out.cookies[i].Name; where.scheme {
			case "cloudfront":
				*name = "CloudFront-" + *name
			case "cat":
				*name = cmp.Or(where.options.CAT.Cookie, auth.DefaultCATName)
			}
		}
	}
	return out, nil
}

func joinParams(params []auth.Param, separator string) string {
	pairs := make([]string, len(params))
	for i, p := range params {
		pairs[i] = p.Name + "=" + p.Value
	}
	return strings.Join(pairs, separator)
}

func (o *signed) target() string {
	if o.query == "" {
		return o.path
	}
	return o.path + "?" + o.query
}

// proofreadScheme asks the verifier of the edge about the request that is about to be
// printed.
func proofreadScheme(where *site, l *link, out signed, c *auth.Claims) error {
	var scratch auth.Scratch
	scheme, err := proofreader(where, l, &scratch)
	if err != nil {
		return err
	}
	in := auth.Input{Path: []byte(out.path), Query: []byte(out.query), Cookies: []byte(joinParams(out.cookies, "; "))}
	found, why := scheme.Find(&in, &scratch)
	if why != auth.Allowed {
		return fmt.Errorf("the edge would refuse this token: %s: %s", why, why.Text())
	}
	whole, err := canonical(found.Path)
	if err != nil {
		return err
	}
	r := auth.Request{
		Method: []byte("GET"), TLS: strings.HasPrefix(l.base, "https:"), Host: []byte(l.host), Path: whole, Query: found.Query, Now: c.IssuedAt,
	}
	if len(c.Addresses) > 0 {
		r.Client = c.Addresses[0].Addr()
	}
	if v := scheme.Verify(&found, &r); v.Reason != auth.Allowed {
		return fmt.Errorf("the edge would refuse this token: %s: %s", v.Reason, v.Reason.Text())
	}
	return nil
}
