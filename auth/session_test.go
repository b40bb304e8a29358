package auth_test

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"edged/auth"
)

// sessions returns what exchanges tokens, and a site that takes what comes out, too.
func sessions(t *testing.T) (*auth.Sessions, *auth.ECT) {
	t.Helper()
	key := auth.Key{ID: "edge", Account: "acme", Type: auth.HMACSHA256, Secret: secret(9)}
	s, err := auth.NewSessions(key, 6*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return s, site(t, func(o *auth.Options) { o.Keys = append(o.Keys, key) })
}

func TestSessionTakesOver(t *testing.T) {
	s, scheme := sessions(t)
	r := request()
	r.Country, r.Method = "DE", []byte("HEAD")
	access, err := auth.MintHMAC("hm", secret(1), auth.Claims{
		Expires: now + 60, Scopes: []string{"/x", "/acme/vod/"}, Session: "s-1", Methods: []string{"HEAD"},
		Countries: []string{"DE", "NL"}, Addresses: []netip.Prefix{netip.PrefixFrom(r.Client, 24)}, RateKBps: 800,
	})
	if err != nil {
		t.Fatal(err)
	}
	v := verify(t, scheme, access, r)
	if v.Reason != auth.Allowed || string(v.Token) != access || !s.Exchanges(&v) {
		t.Fatalf("access token: %+v", v)
	}
	token, expires, err := s.Mint(&v, now, "fresh")
	if err != nil || expires != now+6*3600 {
		t.Fatalf("Mint: %d, %v", expires, err)
	}
	r.Now = now + 6*3600 - 1
	v = verify(t, scheme, token, r)
	if v.Reason != auth.Allowed || v.Key != "edge" || string(v.Session) != "s-1" || v.RateKBps != 800 || v.Expires != expires {
		t.Errorf("session token: %+v", v)
	}
	if s.Exchanges(&v) {
		t.Error("a session token is exchanged again")
	}
	for name, change := range map[string]func(*auth.Request){
		"later":          func(r *auth.Request) { r.Now++ },
		"another path":   func(r *auth.Request) { r.Path = []byte("/acme/vodka") },
		"another client": func(r *auth.Request) { r.Client = netip.MustParseAddr("192.0.2.200") },
		"another land":   func(r *auth.Request) { r.Country = "US" },
		"another method": func(r *auth.Request) { r.Method = []byte("GET") },
	} {
		other := r
		change(&other)
		if v := verify(t, scheme, token, other); v.Reason == auth.Allowed || s.Exchanges(&v) {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

func TestSessionFresh(t *testing.T) {
	s, scheme := sessions(t)
	v := verify(t, scheme, sign("h1", "hm", goodPayload), request())
	token, _, err := s.Mint(&v, now, "fresh")
	if err != nil {
		t.Fatal(err)
	}
	if v := verify(t, scheme, token, request()); v.Reason != auth.Allowed || string(v.Session) != "fresh" {
		t.Errorf("%+v", v)
	}
}

// TestSessionOutlivesKey holds that a session token of a key that is no longer the one
// to mint with is still none to exchange.
func TestSessionOutlivesKey(t *testing.T) {
	_, scheme := sessions(t)
	newer, err := auth.NewSessions(auth.Key{ID: "edge2", Account: "acme", Type: auth.HMACSHA256, Secret: secret(8)}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	old, _ := sessions(t)
	v := verify(t, scheme, sign("h1", "hm", goodPayload), request())
	token, _, err := old.Mint(&v, now, "s")
	if err != nil {
		t.Fatal(err)
	}
	if v := verify(t, scheme, token, request()); v.Reason != auth.Allowed || newer.Exchanges(&v) {
		t.Errorf("%+v", v)
	}
}

func TestSessionErrors(t *testing.T) {
	good := auth.Key{ID: "edge", Account: "acme", Type: auth.HMACSHA256, Secret: secret(9)}
	public := good
	public.Type, public.Public, public.Secret = auth.Ed25519, make([]byte, 32), nil
	short := good
	short.Secret = short.Secret[:3]
	for _, k := range []auth.Key{public, short} {
		if _, err := auth.NewSessions(k, time.Hour); !errors.Is(err, auth.ErrKey) {
			t.Errorf("%v: %v", k.Type, err)
		}
	}
	if _, err := auth.NewSessions(good, time.Millisecond); !errors.Is(err, auth.ErrKey) {
		t.Errorf("no lifetime: %v", err)
	}
	s, _ := sessions(t)
	for _, v := range []auth.Verdict{{}, {Grant: &auth.Grant{}}, {Reason: auth.Expired, Grant: &auth.Grant{Scopes: [][]byte{[]byte("/")}}}} {
		if s.Exchanges(&v) {
			t.Errorf("%+v is exchanged", v)
		}
	}
	v := auth.Verdict{Grant: &auth.Grant{Scopes: [][]byte{[]byte("relative")}}}
	if _, _, err := s.Mint(&v, now, "s"); !errors.Is(err, auth.ErrClaims) {
		t.Errorf("bad scope: %v", err)
	}
}
