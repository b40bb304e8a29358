package auth_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/netip"
	"strings"
	"testing"

	"edged/auth"
)

// The moment and the keys all tests share.
const now = 1767225600

func secret(fill byte) []byte { return bytes.Repeat([]byte{fill}, 32) }

func private() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(secret(9)) }

func public() ed25519.PublicKey {
	p, _ := private().Public().(ed25519.PublicKey)
	return p
}

func keys() []auth.Key {
	return []auth.Key{
		{ID: "hm", Account: "acme", Type: auth.HMACSHA256, Secret: secret(1)},
		{ID: "ed", Account: "acme", Type: auth.Ed25519, Public: public()},
		{ID: "next", Account: "acme", Type: auth.HMACSHA256, Secret: secret(2), State: auth.StateNext},
		{ID: "old", Account: "acme", Type: auth.HMACSHA256, Secret: secret(3), State: auth.StateRetiring, AcceptUntil: now},
		{ID: "bad", Account: "acme", Type: auth.HMACSHA256, Secret: secret(4), State: auth.StateRevoked},
		{ID: "beta", Account: "beta", Type: auth.HMACSHA256, Secret: secret(5)},
	}
}

// site returns a scheme for account acme, after edit changed its options.
func site(t testing.TB, edit ...func(*auth.Options)) *auth.ECT {
	t.Helper()
	o := auth.Options{Account: "acme", Required: true, Keys: keys()}
	for _, e := range edit {
		e(&o)
	}
	scheme, err := auth.NewECT(o)
	if err != nil {
		t.Fatalf("NewECT: %v", err)
	}
	return scheme
}

// sign makes a token from a payload as it is, right or wrong. It is written
// apart from the package's own minting.
func sign(version, kid, payload string) string {
	return seal(version + "." + kid + "." + base64.RawURLEncoding.EncodeToString([]byte(payload)))
}

// seal signs the text before a token's last dot, whatever it is.
func seal(signed string) string {
	version, rest, _ := strings.Cut(signed, ".")
	kid, _, _ := strings.Cut(rest, ".")
	var sig []byte
	if version == "d1" {
		sig = ed25519.Sign(private(), []byte(signed))
	} else {
		fill := map[string]byte{"hm": 1, "next": 2, "old": 3, "bad": 4, "beta": 5}[kid]
		h := hmac.New(sha256.New, secret(fill))
		h.Write([]byte(signed))
		sig = h.Sum(nil)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(sig)
}

// Payload that allows request() as it is.
const goodPayload = "exp=1767226200\np=/acme/vod/\n"

func request() auth.Request {
	return auth.Request{
		Method: []byte("GET"),
		Host:   []byte("cdn.example.com"),
		Path:   []byte("/acme/vod/seg1.m4s"),
		Client: netip.MustParseAddr("198.51.100.7"),
		Now:    now,
	}
}

// verify carries a token in the query and judges it against r.
func verify(t testing.TB, scheme auth.Scheme, token string, r auth.Request) auth.Verdict {
	t.Helper()
	var scratch auth.Scratch
	f, why := scheme.Find(&auth.Input{Path: r.Path, Query: []byte("ect=" + token)}, &scratch)
	if why != auth.Allowed {
		return auth.Verdict{Reason: why}
	}
	return scheme.Verify(&f, &r)
}
