package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"edged/auth"
)

// standardFamilies are the schemes of the big networks.
func standardFamilies() []family {
	return []family{
		{"akamai-edgeauth2", "edgeauth", readEdgeAuth},
		{"cloudfront", "cloudfront", readCloudFront},
		{"cdni-uri-signing", "cdni", readCDNI},
		{"cat", "cat", readCAT},
	}
}

func readEdgeAuth(v *vector, o *auth.Options) error {
	var c struct {
		vectorLimits
		Name   string    `json:"token_name"`
		Places oneOrMore `json:"location"`
		Hash   string    `json:"algorithm"`
		Skew   int64     `json:"skew_s"`
		Salt   string    `json:"salt"`
		Escape bool      `json:"escape_token_input"`
		// Flavour is which of the vendor's libraries escaped: python where it is not said.
		Flavour     string `json:"escape_flavour"`
		IgnoreQuery *bool  `json:"ignore_query"`
	}
	if err := strictly(v.Config, "config", &c); err != nil {
		return err
	}
	c.set(o)
	o.EdgeAuth = auth.EdgeAuthOptions{Name: c.Name, Places: c.Places, Hash: c.Hash, Skew: c.Skew, Salt: c.Salt, Escape: c.Flavour}
	if c.Escape && c.Flavour == "" {
		o.EdgeAuth.Escape = "python"
	}
	o.EdgeAuth.SignQuery = c.IgnoreQuery != nil && !*c.IgnoreQuery
	return standardKeys(v, o)
}

func readCloudFront(v *vector, o *auth.Options) error {
	var c vectorLimits
	if err := strictly(v.Config, "config", &c); err != nil {
		return err
	}
	c.set(o)
	return standardKeys(v, o)
}

func readCDNI(v *vector, o *auth.Options) error {
	var c struct {
		vectorLimits
		Name     string      `json:"package_attribute"`
		Audience string      `json:"audience"`
		Header   textOrValue `json:"jwt_header"`
	}
	if err := strictly(v.Config, "config", &c); err != nil {
		return err
	}
	c.set(o)
	o.CDNI = auth.CDNIOptions{Name: c.Name, Audience: c.Audience, Header: string(c.Header)}
	return standardKeys(v, o)
}

func readCAT(v *vector, o *auth.Options) error {
	var c struct {
		vectorLimits
		Header        string `json:"header"`
		Cookie        string `json:"cookie"`
		Query         string `json:"query"`
		Issuer        string `json:"issuer"`
		Audience      string `json:"audience"`
		RequireIssuer bool   `json:"require_iss"`
		RequireURI    bool   `json:"require_catu"`
	}
	if err := strictly(v.Config, "config", &c); err != nil {
		return err
	}
	c.set(o)
	o.CAT = auth.CATOptions{
		Header: c.Header, Cookie: c.Cookie, Query: c.Query, Issuer: c.Issuer, Audience: c.Audience,
		RequireIssuer: c.RequireIssuer, AllowUnscoped: !c.RequireURI, // the standard does not ask for a catu
	}
	return standardKeys(v, o)
}

// standardKey is what the keys of these families may say.
type standardKey struct {
	Kid       string `json:"kid"`
	KeyPairID string `json:"key_pair_id"`
	Issuer    string `json:"issuer"`
	Type      string `json:"type"`     // of cloudfront
	JWA       string `json:"alg"`      // of cdni
	COSE      int    `json:"cose_alg"` // of cat
	State     string `json:"state"`
	Account   string `json:"account"`
	SecretHex string `json:"secret_hex"`
	JWK       string `json:"k_b64url"`
	PEM       string `json:"public_key_pem"`
	X         string `json:"x"`
	Y         string `json:"y"`
	N         string `json:"n"`
	E         string `json:"e"`
}

func standardKeys(v *vector, o *auth.Options) error {
	for i, raw := range v.Keys {
		var k standardKey
		if err := strictly(raw, "key", &k); err != nil {
			return err
		}
		key := auth.Key{ID: fmt.Sprintf("k%d", i), Name: k.Kid + k.KeyPairID, Account: vectorAccount, Issuer: k.Issuer}
		if k.Account != "" {
			key.Account = k.Account
		}
		var ok bool
		if key.State, ok = auth.ParseKeyState(k.State); !ok && k.State != "" {
			return fmt.Errorf("key %d: state %q is not known", i, k.State)
		}
		if err := k.material(&key); err != nil {
			return fmt.Errorf("key %d: %w", i, err)
		}
		o.Keys = append(o.Keys, key)
	}
	return nil
}

// material sets type and material. Secrets of vectors may be shorter than ours.
func (k *standardKey) material(key *auth.Key) (err error) {
	switch {
	case k.X != "":
		key.Type = auth.ECDSAP256
		key.ECDSA, err = k.point()
	case k.N != "":
		key.Type = auth.RSA
		key.RSA, err = k.modulus()
	case k.PEM != "":
		return k.pem(key)
	case k.JWK != "":
		key.Type = auth.Secret
		key.Secret, err = base64.RawURLEncoding.DecodeString(k.JWK)
	default:
		key.Type = auth.Secret
		key.Secret, err = hex.DecodeString(k.SecretHex)
	}
	return err
}

func (k *standardKey) pem(key *auth.Key) error {
	block, _ := pem.Decode([]byte(k.PEM))
	if block == nil {
		return errors.New("public_key_pem is not PEM")
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return err
	}
	switch p := parsed.(type) {
	case *rsa.PublicKey:
		key.Type, key.RSA = auth.RSA, p
	case *ecdsa.PublicKey:
		key.Type, key.ECDSA = auth.ECDSAP256, p
	default:
		return fmt.Errorf("a key of type %T", parsed)
	}
	return nil
}

func (k *standardKey) point() (*ecdsa.PublicKey, error) {
	x, errX := base64.RawURLEncoding.DecodeString(k.X)
	y, errY := base64.RawURLEncoding.DecodeString(k.Y)
	if err := errors.Join(errX, errY); err != nil {
		return nil, err
	}
	return ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, x, y))
}

func (k *standardKey) modulus() (*rsa.PublicKey, error) {
	n, errN := base64.RawURLEncoding.DecodeString(k.N)
	e, errE := base64.RawURLEncoding.DecodeString(k.E)
	if err := errors.Join(errN, errE); err != nil {
		return nil, err
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}, nil
}
