package auth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/netip"
	"os"
	"strings"
	"testing"

	"edged/auth"
	"edged/internal/target"
)

// standardVector is one case of testdata/vectors.json, made by an independent signer
// or published with the scheme.
type standardVector struct {
	ID     string `json:"id"`
	Scheme string `json:"scheme"`
	Keys   []struct {
		Kid       string `json:"kid"`
		KeyPairID string `json:"key_pair_id"`
		Secret    string `json:"secret_hex"`
		JWK       string `json:"k_b64url"`
		PEM       string `json:"public_key_pem"`
		Issuer    string `json:"issuer"`
		X, Y      string
	} `json:"keys"`
	Config struct {
		Name      string   `json:"token_name"`
		Places    []string `json:"location"`
		Hash      string   `json:"algorithm"`
		Skew      int64    `json:"skew_s"`
		Escape    bool     `json:"escape_token_input"`
		Salt      string   `json:"salt"`
		Attribute string   `json:"package_attribute"`
		Audience  string   `json:"audience"`
		Header    string   `json:"header"`
		Cookie    string   `json:"cookie"`
		Query     string   `json:"query"`
		Issuer    string   `json:"issuer"`
		NeedIss   bool     `json:"require_iss"`
	} `json:"config"`
	Request struct {
		Method  string      `json:"method"`
		Scheme  string      `json:"scheme"`
		Host    string      `json:"host"`
		Path    string      `json:"path"`
		Query   string      `json:"query"`
		Cookies [][2]string `json:"cookies"`
		Headers [][2]string `json:"headers"`
		Client  string      `json:"client_ip"`
		Now     int64       `json:"time_unix"`
	} `json:"request"`
	Expect string `json:"expect"`
	Reason string `json:"reason"`
	Signed string `json:"signed_bytes_utf8"`
}

func (v *standardVector) options(t testing.TB) auth.Options {
	t.Helper()
	o := auth.Options{Account: "acme", Required: true, MaxLifetime: -1}
	c := &v.Config
	escape := ""
	if c.Escape {
		escape = "python"
	}
	o.EdgeAuth = auth.EdgeAuthOptions{Name: c.Name, Places: c.Places, Hash: c.Hash, Skew: c.Skew, Escape: escape, Salt: c.Salt}
	o.CDNI = auth.CDNIOptions{Name: c.Attribute, Audience: c.Audience}
	o.CAT = auth.CATOptions{
		Header: c.Header, Cookie: c.Cookie, Query: c.Query, Issuer: c.Issuer, Audience: c.Audience,
		RequireIssuer: c.NeedIss, AllowUnscoped: true,
	}
	for _, k := range v.Keys {
		key := auth.Key{ID: k.Kid + k.KeyPairID, Account: "acme", Issuer: k.Issuer, Type: auth.Secret}
		switch {
		case k.X != "":
			key.Type, key.ECDSA = auth.ECDSAP256, point(t, k.X, k.Y)
		case k.PEM != "":
			key.Type, key.RSA, key.ECDSA = publicPEM(t, k.PEM)
		case k.JWK != "":
			key.Secret = unbase64(t, k.JWK)
		default:
			key.Secret = unhex(t, k.Secret)
		}
		o.Keys = append(o.Keys, key)
	}
	return o
}

func unbase64(t testing.TB, s string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func point(t testing.TB, x, y string) *ecdsa.PublicKey {
	t.Helper()
	b := append([]byte{4}, append(unbase64(t, x), unbase64(t, y)...)...)
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), b)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func publicPEM(t testing.TB, text string) (auth.KeyType, *rsa.PublicKey, *ecdsa.PublicKey) {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if k, ok := parsed.(*rsa.PublicKey); ok {
		return auth.RSA, k, nil
	}
	k, _ := parsed.(*ecdsa.PublicKey)
	return auth.ECDSAP256, nil, k
}

// fields is a list of header fields.
type fields [][2]string

func (f fields) Append(dst [][]byte, name string) [][]byte {
	for _, field := range f {
		if strings.EqualFold(field[0], name) {
			dst = append(dst, []byte(field[1]))
		}
	}
	return dst
}

// TestStandardVectors walks the way of a request, twice, for a signature that was
// remembered must not change the verdict.
func TestStandardVectors(t *testing.T) {
	signatures, err := auth.NewSignatures(256)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var each []json.RawMessage
	if err := json.Unmarshal(text, &each); err != nil {
		t.Fatal(err)
	}
	names := map[string]string{"akamai-edgeauth2": "edgeauth", "cloudfront": "cloudfront", "cdni-uri-signing": "cdni", "cat": "cat"}
	counts := map[string]int{}
	for _, raw := range each {
		var family struct{ Scheme string }
		if err := json.Unmarshal(raw, &family); err != nil {
			t.Fatal(err)
		}
		name, ours := names[family.Scheme]
		if !ours {
			continue
		}
		counts[name]++
		var v standardVector
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Fatal(err)
		}
		t.Run(v.ID, func(t *testing.T) {
			o := v.options(t)
			o.Signatures = signatures
			scheme, err := auth.New(name, o)
			if err != nil {
				t.Fatal(err)
			}
			for _, pass := range []string{"first", "again"} {
				v.check(t, scheme, pass)
			}
		})
	}
	if want := map[string]int{"edgeauth": 23, "cloudfront": 21, "cdni": 23, "cat": 21}; !maps.Equal(counts, want) {
		t.Errorf("vectors %v, want %v", counts, want)
	}
}

func (v *standardVector) check(t *testing.T, scheme auth.Scheme, pass string) {
	t.Helper()
	var trace auth.Trace
	why := v.walk(scheme, &trace)
	if got := map[bool]string{true: "allow", false: "deny"}[why == "allowed"]; got != v.Expect {
		t.Errorf("%s (%s): %s with reason %s, want %s", v.Reason, pass, got, why, v.Expect)
	}
	if v.Signed == "" || v.Config.Salt != "" {
		return
	}
	for _, s := range trace.Signed {
		if string(s.Bytes) == v.Signed {
			return
		}
	}
	t.Errorf("%s: signed bytes %q, want %q", v.ID, trace.Signed, v.Signed)
}

// walk returns the reason of the first step that refuses, or "allowed".
func (v *standardVector) walk(scheme auth.Scheme, trace *auth.Trace) string {
	q := &v.Request
	raw := q.Path
	if q.Query != "" {
		raw += "?" + q.Query
	}
	_, path, query, bad := target.Split([]byte(raw))
	if bad != target.OK {
		return bad.String()
	}
	var cookies []string
	for _, c := range q.Cookies {
		cookies = append(cookies, c[0]+"="+c[1])
	}
	var scratch auth.Scratch
	in := auth.Input{Path: path, Query: query, Cookies: []byte(strings.Join(cookies, "; ")), Fields: fields(q.Headers)}
	f, why := scheme.Find(&in, &scratch)
	if why != auth.Allowed {
		return why.String()
	}
	canonical, _, bad := target.Canonical(f.Path, nil)
	if bad != target.OK {
		return bad.String()
	}
	r := auth.Request{
		Method: []byte(q.Method), TLS: q.Scheme == "https", Host: []byte(q.Host), Path: canonical, Query: f.Query,
		Fields: fields(q.Headers), Now: q.Now, Trace: trace,
	}
	r.Client, _ = netip.ParseAddr(q.Client)
	return scheme.Verify(&f, &r).Reason.String()
}
