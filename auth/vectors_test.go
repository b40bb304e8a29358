package auth_test

import (
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"edged/auth"
	"edged/internal/target"
)

// vector is one case of testdata/native-ec1.json, made by an independent signer.
type vector struct {
	ID   string `json:"id"`
	Keys []struct {
		Kid         string `json:"kid"`
		Account     string `json:"account"`
		Type        string `json:"type"`
		SecretHex   string `json:"secret_hex"`
		PublicHex   string `json:"public_hex"`
		State       string `json:"state"`
		AcceptUntil int64  `json:"accept_until"`
	} `json:"keys"`
	Config struct {
		Account     string `json:"account"`
		MaxLifetime int    `json:"max_lifetime_s"`
		NBFLeeway   int    `json:"nbf_leeway_s"`
	} `json:"config"`
	Request struct {
		Method  string      `json:"method"`
		Host    string      `json:"host"`
		Path    string      `json:"path"`
		Query   string      `json:"query"`
		Cookies [][2]string `json:"cookies"`
		Client  string      `json:"client_ip"`
		Now     int64       `json:"time_unix"`
	} `json:"request"`
	Expect string `json:"expect"`
	Reason string `json:"reason"`
}

func vectors(t testing.TB) []vector {
	t.Helper()
	b, err := os.ReadFile("testdata/native-ec1.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	if len(all) != 21 {
		t.Fatalf("%d vectors, want 21", len(all))
	}
	return all
}

func (v *vector) scheme(t testing.TB) *auth.ECT {
	t.Helper()
	o := auth.Options{
		Account: v.Config.Account, Required: true, VerifiedCache: 16,
		MaxLifetime: time.Duration(v.Config.MaxLifetime) * time.Second,
		NBFLeeway:   time.Duration(v.Config.NBFLeeway) * time.Second,
	}
	for _, k := range v.Keys {
		key := auth.Key{ID: k.Kid, Account: k.Account, AcceptUntil: k.AcceptUntil, Secret: unhex(t, k.SecretHex), Public: ed25519.PublicKey(unhex(t, k.PublicHex))}
		key.Type, _ = auth.ParseKeyType(k.Type)
		if k.State != "" {
			key.State, _ = auth.ParseKeyState(k.State)
		}
		o.Keys = append(o.Keys, key)
	}
	scheme, err := auth.NewECT(o)
	if err != nil {
		t.Fatalf("%s: %v", v.ID, err)
	}
	return scheme
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestVectors walks the way of a request: the raw target is split, the token
// found and cut out, the rest made canonical, and the token verified against it.
// The words of a vector's reason are for readers; another check may refuse first.
func TestVectors(t *testing.T) {
	for _, v := range vectors(t) {
		t.Run(v.ID, func(t *testing.T) {
			scheme := v.scheme(t)
			for _, pass := range []string{"first", "again"} {
				got := "deny"
				why := v.walk(scheme)
				if why == "allowed" {
					got = "allow"
				}
				if got != v.Expect {
					t.Errorf("%s (%s): %s with reason %s, want %s", v.Reason, pass, got, why, v.Expect)
				}
			}
		})
	}
}

// walk returns the reason of the first step that refuses, or "allowed".
func (v *vector) walk(scheme auth.Scheme) string {
	raw := v.Request.Path
	if v.Request.Query != "" {
		raw += "?" + v.Request.Query
	}
	_, path, query, bad := target.Split([]byte(raw))
	if bad != target.OK {
		return bad.String()
	}
	var scratch auth.Scratch
	f, why := scheme.Find(&auth.Input{Path: path, Query: query, Cookies: v.cookies()}, &scratch)
	if why != auth.Allowed {
		return why.String()
	}
	canonical, _, bad := target.Canonical(f.Path, nil)
	if bad != target.OK {
		return bad.String()
	}
	r := auth.Request{
		Method: []byte(v.Request.Method), Host: []byte(v.Request.Host), Path: canonical, Query: f.Query, Now: v.Request.Now,
	}
	r.Client, _ = netip.ParseAddr(v.Request.Client)
	return scheme.Verify(&f, &r).Reason.String()
}

func (v *vector) cookies() []byte {
	var all []string
	for _, c := range v.Request.Cookies {
		all = append(all, c[0]+"="+c[1])
	}
	return []byte(strings.Join(all, "; "))
}
