package auth_test

import (
	"crypto/sha256"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"edged/auth"
)

// sessions returns what exchanges tokens, and a site that takes what comes out, too.
func sessions(t *testing.T) (*auth.Sessions, *auth.ECT) {
	t.Helper()
	key := auth.Key{ID: "edge", Account: "acme", Type: auth.HMACSHA256, Secret: secret(9)}
	s, err := auth.NewSessions("vod", key, 6*time.Hour)
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
	newer, err := auth.NewSessions("vod", auth.Key{ID: "edge2", Account: "acme", Type: auth.HMACSHA256, Secret: secret(8)}, time.Hour)
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
		if _, err := auth.NewSessions("vod", k, time.Hour); !errors.Is(err, auth.ErrKey) {
			t.Errorf("%v: %v", k.Type, err)
		}
	}
	if _, err := auth.NewSessions("vod", good, time.Millisecond); !errors.Is(err, auth.ErrKey) {
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

// revokedKey withdraws what one key signed.
type revokedKey string

func (k revokedKey) Revoked(kid string, _ []byte, _ *[sha256.Size]byte, _ int64) bool {
	return kid == string(k)
}

// A stolen key ends with all that was exchanged for its tokens; one that retires, or is taken
// out afterwards, does not stop who is watching.
func TestSessionEndsWithTheStolenKey(t *testing.T) {
	s, scheme := sessions(t)
	v := verify(t, scheme, sign("h1", "hm", goodPayload), request())
	token, _, err := s.Mint(&v, now, "s")
	if err != nil {
		t.Fatal(err)
	}
	state := func(k auth.KeyState, until int64) func(*auth.Options) {
		return func(o *auth.Options) {
			for i := range o.Keys {
				if o.Keys[i].ID == "hm" {
					o.Keys[i].State, o.Keys[i].AcceptUntil = k, until
				}
			}
		}
	}
	for _, c := range []struct {
		name string
		edit func(*auth.Options)
		want auth.Reason
	}{
		{"active", func(*auth.Options) {}, auth.Allowed},
		{"retired", state(auth.StateRetiring, now-1), auth.Allowed},
		{"taken out", func(o *auth.Options) {
			o.Keys = slices.DeleteFunc(o.Keys, func(k auth.Key) bool { return k.ID == "hm" })
		}, auth.Allowed},
		{"revoked in the configuration", state(auth.StateRevoked, 0), auth.KeyRevoked},
		{"revoked by order", func(o *auth.Options) { o.Revocations = revokedKey("hm") }, auth.Revoked},
		{"taken out and revoked", func(o *auth.Options) {
			o.Keys = slices.DeleteFunc(o.Keys, func(k auth.Key) bool { return k.ID == "hm" })
			o.Revocations = revokedKey("hm")
		}, auth.Revoked},
		{"another is revoked", func(o *auth.Options) { o.Revocations = revokedKey("ed") }, auth.Allowed},
		{"revoked for another scheme", func(o *auth.Options) {
			state(auth.StateRevoked, 0)(o)
			for i := range o.Keys {
				if o.Keys[i].ID == "hm" {
					o.Keys[i].Scheme = "edgeauth"
				}
			}
		}, auth.KeyRevoked},
	} {
		other := newScheme(t, "ect", func(o *auth.Options) {
			o.Keys = append(keys(), auth.Key{ID: "edge", Account: "acme", Type: auth.HMACSHA256, Secret: secret(9)})
			o.Site = "vod"
			c.edit(o)
		})
		if v := verify(t, other, token, request()); v.Reason != c.want {
			t.Errorf("%s: %v, want %v", c.name, v.Reason, c.want)
		}
	}
}

// Sites of an account may share the key of sessions; what was exchanged at one opens another
// only if the access token could have.
func TestSessionIsForItsSite(t *testing.T) {
	s, scheme := sessions(t)
	v := verify(t, scheme, sign("h1", "hm", goodPayload), request())
	token, _, err := s.Mint(&v, now, "s")
	if err != nil {
		t.Fatal(err)
	}
	edge := auth.Key{ID: "edge", Account: "acme", Type: auth.HMACSHA256, Secret: secret(9)}
	own := auth.Key{ID: "other", Account: "acme", Type: auth.HMACSHA256, Secret: secret(7)}
	for _, c := range []struct {
		site string
		keys []auth.Key
		want auth.Reason
	}{
		{"vod", []auth.Key{edge, own}, auth.Allowed},
		{"live", []auth.Key{edge, own}, auth.OutOfScope},
		{"live", append(keys(), edge), auth.Allowed},
	} {
		other := site(t, func(o *auth.Options) { o.Site, o.Keys = c.site, c.keys })
		if v := verify(t, other, token, request()); v.Reason != c.want {
			t.Errorf("%s with %d keys: %v, want %v", c.site, len(c.keys), v.Reason, c.want)
		}
	}
}
