package auth_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"edged/auth"
)

func hashOf(token string) [32]byte { return sha256.Sum256([]byte(token)) }

func TestMintKnownToken(t *testing.T) {
	c := auth.Claims{Expires: 1767226200, Scopes: []string{"/acme/vod/"}}
	got, err := auth.MintHMAC("hm", secret(1), c)
	if want := sign("h1", "hm", goodPayload); err != nil || got != want {
		t.Errorf("MintHMAC = %q, %v, want %q", got, err, want)
	}
	got, err = auth.MintEd25519("ed", private(), c)
	if want := sign("d1", "ed", goodPayload); err != nil || got != want {
		t.Errorf("MintEd25519 = %q, %v, want %q", got, err, want)
	}
}

func TestMintAllClaims(t *testing.T) {
	c := auth.Claims{
		Expires: now + 60, NotBefore: now, IssuedAt: now, Session: "s-1",
		Scopes:    []string{"/x", "/acme/vod/"},
		Addresses: []netip.Prefix{netip.MustParsePrefix("198.51.100.7/24"), netip.MustParsePrefix("2001:db8::1/56")},
		Methods:   []string{"GET", "HEAD"}, Countries: []string{"NL", "DE"}, RateKBps: 800,
	}
	token, err := auth.MintHMAC("hm", secret(1), c)
	if err != nil {
		t.Fatal(err)
	}
	want := "exp=1767225660\nnbf=1767225600\niat=1767225600\np=/x\np=/acme/vod/\nip=198.51.100.0/24\nip=2001:db8::/56\n" +
		"sid=s-1\nm=GET,HEAD\ngeo=NL,DE\nlim=800\n"
	if token != sign("h1", "hm", want) {
		t.Errorf("token %q is not of payload %q", token, want)
	}
	r := request()
	r.Country = "DE"
	if v := verify(t, site(t), token, r); v.Reason != auth.Allowed || string(v.Session) != "s-1" || v.RateKBps != 800 {
		t.Errorf("verdict %+v", v)
	}
}

func TestMintErrors(t *testing.T) {
	good := auth.Claims{Expires: now + 60, Scopes: []string{"/a/"}}
	with := func(edit func(*auth.Claims)) auth.Claims {
		c := good
		edit(&c)
		return c
	}
	tests := []struct {
		name, kid string
		secret    []byte
		c         auth.Claims
		is        error
		text      string
	}{
		{"kid", "a b", secret(1), good, auth.ErrKey, `kid "a b"`},
		{"secret", "k", secret(1)[:8], good, auth.ErrKey, "8 bytes"},
		{"no expiry", "k", secret(1), with(func(c *auth.Claims) { c.Expires = 0 }), auth.ErrClaims, "exp is required"},
		{"milliseconds", "k", secret(1), with(func(c *auth.Claims) { c.Expires *= 1000 }), auth.ErrClaims, "milliseconds"},
		{"no scope", "k", secret(1), with(func(c *auth.Claims) { c.Scopes = nil }), auth.ErrClaims, "0 scopes"},
		{"five scopes", "k", secret(1), with(func(c *auth.Claims) { c.Scopes = []string{"/", "/", "/", "/", "/"} }), auth.ErrClaims, "5 scopes"},
		{"relative scope", "k", secret(1), with(func(c *auth.Claims) { c.Scopes = []string{"a/"} }), auth.ErrClaims, `scope "a/"`},
		{"claim smuggled in", "k", secret(1), with(func(c *auth.Claims) { c.Session = "a\np=/" }), auth.ErrClaims, "control byte"},
		{"not UTF-8", "k", secret(1), with(func(c *auth.Claims) { c.Session = "\xff" }), auth.ErrClaims, "cannot be read"},
		{"five networks", "k", secret(1), with(func(c *auth.Claims) { c.Addresses = make([]netip.Prefix, 5) }), auth.ErrClaims, "5 networks"},
		{"invalid network", "k", secret(1), with(func(c *auth.Claims) { c.Addresses = make([]netip.Prefix, 1) }), auth.ErrClaims, "cannot be read"},
		{"negative rate", "k", secret(1), with(func(c *auth.Claims) { c.RateKBps = -1 }), auth.ErrClaims, "negative rate"},
		{"too large", "k", secret(1), with(func(c *auth.Claims) { c.Session = strings.Repeat("s", 2000) }), auth.ErrClaims, "2048 are allowed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			token, err := auth.MintHMAC(tt.kid, tt.secret, tt.c)
			if !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.text) || token != "" {
				t.Errorf("MintHMAC = %q, %v, want an error with %q", token, err, tt.text)
			}
		})
	}
	if _, err := auth.MintEd25519("k", ed25519.PrivateKey("short"), good); !errors.Is(err, auth.ErrKey) {
		t.Errorf("short private key: %v, want ErrKey", err)
	}
}

// What is minted verifies at any time within its life, and no bit of it may
// change.
func TestMintVerifyProperty(t *testing.T) {
	scheme := site(t)
	rapid.Check(t, func(rt *rapid.T) {
		segment := rapid.StringMatching(`[a-zA-Z0-9 ~=é.-]{1,12}`)
		path := "/" + strings.Join(rapid.SliceOfN(segment, 1, 5).Draw(rt, "path"), "/")
		life := rapid.Int64Range(1, 86400).Draw(rt, "life")
		c := auth.Claims{
			Expires: now + life,
			Scopes:  []string{path[:strings.LastIndexByte(path, '/')+1]},
			Session: rapid.StringMatching(`[a-z0-9=.]{0,40}`).Draw(rt, "sid"),
		}
		token, err := auth.MintHMAC("hm", secret(1), c)
		if rapid.Bool().Draw(rt, "ed25519") {
			token, err = auth.MintEd25519("ed", private(), c)
		}
		if err != nil {
			rt.Fatalf("minting %+v: %v", c, err)
		}
		r := request()
		r.Path = []byte(path)
		r.Now = now + rapid.Int64Range(0, life-1).Draw(rt, "age")
		if v := verify(t, scheme, token, r); v.Reason != auth.Allowed || string(v.Session) != c.Session {
			rt.Fatalf("%q for %q: %+v", token, path, v)
		}
		bent := []byte(token)
		i := rapid.IntRange(0, len(bent)-1).Draw(rt, "position")
		bent[i] ^= 1 << rapid.IntRange(0, 7).Draw(rt, "bit")
		if v := verify(t, scheme, string(bent), r); v.Reason == auth.Allowed {
			rt.Fatalf("%q is allowed as well as %q", bent, token)
		}
	})
}
