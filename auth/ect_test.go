package auth_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"edged/auth"
)

func TestVerifyKeys(t *testing.T) {
	good := sign("h1", "hm", goodPayload)
	tests := []struct {
		name, token string
		at          int64
		want        auth.Reason
		key         string
	}{
		{"hmac", good, now, auth.Allowed, "hm"},
		{"ed25519", sign("d1", "ed", goodPayload), now, auth.Allowed, "ed"},
		{"next key", sign("h1", "next", goodPayload), now, auth.Allowed, "next"},
		{"retiring key in its last second", sign("h1", "old", goodPayload), now, auth.Allowed, "old"},
		{"retiring key a second later", sign("h1", "old", goodPayload), now + 1, auth.KeyRetired, "old"},
		{"revoked key", sign("h1", "bad", goodPayload), now, auth.KeyRevoked, "bad"},
		{"key of another account", sign("h1", "beta", goodPayload), now, auth.WrongAccount, "beta"},
		{"unknown key", sign("h1", "nobody", goodPayload), now, auth.UnknownKey, ""},
		{"hmac version with an ed25519 key", sign("h1", "ed", goodPayload), now, auth.KeyMismatch, "ed"},
		{"ed25519 version with an hmac key", sign("d1", "hm", goodPayload), now, auth.KeyMismatch, "hm"},
		{"another key's signature", strings.Replace(good, ".hm.", ".next.", 1), now, auth.BadSignature, "next"},
		{"another payload", "h1.hm." + strings.Split(sign("h1", "hm", "exp=1767226201\np=/\n"), ".")[2] + "." + strings.Split(good, ".")[3], now, auth.BadSignature, "hm"},
	}
	scheme := site(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := request()
			r.Now = tt.at
			v := verify(t, scheme, tt.token, r)
			if v.Reason != tt.want || v.Key != tt.key || v.Scheme != "ect" {
				t.Errorf("verdict %+v, want reason %v, key %q, scheme ect", v, tt.want, tt.key)
			}
		})
	}
}

func TestVerifyForm(t *testing.T) {
	good := sign("h1", "hm", goodPayload)
	parts := strings.Split(good, ".")
	last := good[len(good)-1]
	tests := map[string]struct {
		token string
		want  auth.Reason
	}{
		"no dots":               {"abc", auth.Malformed},
		"three parts":           {strings.Join(parts[:3], "."), auth.Malformed},
		"five parts":            {good + ".x", auth.Malformed},
		"trailing dot":          {good + ".", auth.Malformed},
		"empty kid":             {"h1.." + parts[2] + "." + parts[3], auth.Malformed},
		"empty payload":         {"h1.hm.." + parts[3], auth.Malformed},
		"empty signature":       {"h1.hm." + parts[2] + ".", auth.Malformed},
		"unknown version":       {"h2" + good[2:], auth.Malformed},
		"upper-case version":    {"H1" + good[2:], auth.Malformed},
		"padded signature":      {good + "=", auth.Malformed},
		"escaped token":         {strings.Replace(good, ".", "%2E", 1), auth.Malformed},
		"line break inside":     {good[:20] + "\n" + good[20:], auth.Malformed},
		"quoted":                {`"` + good + `"`, auth.Malformed},
		"short signature":       {good[:len(good)-1], auth.Malformed},
		"long signature":        {good + "A", auth.Malformed},
		"stray bits at the end": {good[:len(good)-1] + string(last+1), auth.Malformed},
		"2048 bytes":            {strings.Repeat("x", 2048), auth.Malformed},
		"2049 bytes":            {strings.Repeat("x", 2049), auth.Oversized},
	}
	scheme := site(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if v := verify(t, scheme, tt.token, request()); v.Reason != tt.want {
				t.Errorf("token %q: %v, want %v", tt.token, v.Reason, tt.want)
			}
		})
	}
}

// A payload whose base64 has stray bits can only come from the key's owner, but
// would give a revoked token a second spelling.
func TestVerifyPayloadSpelling(t *testing.T) {
	good := sign("h1", "hm", goodPayload) // 28 bytes leave four stray bits
	if v := verify(t, site(t), good, request()); v.Reason != auth.Allowed {
		t.Fatalf("%q: %v", good, v.Reason)
	}
	encoded := strings.Split(good, ".")[2]
	bent := encoded[:len(encoded)-1] + string(encoded[len(encoded)-1]+1)
	token := seal("h1.hm." + bent)
	if v := verify(t, site(t), token, request()); v.Reason != auth.Malformed {
		t.Errorf("payload spelled %q: %v, want malformed", bent, v.Reason)
	}
}

func TestVerifyOpenSite(t *testing.T) {
	open := site(t, func(o *auth.Options) { o.Required, o.Keys = false, nil })
	for _, token := range []string{sign("h1", "hm", goodPayload), "rubbish", ""} {
		v := verify(t, open, token, request())
		if v.Reason != auth.Allowed || v.Key != "" || v.Session != nil {
			t.Errorf("token %q on an open site: %+v, want allowed and nothing read", token, v)
		}
	}
}

func TestVerifyWithoutToken(t *testing.T) {
	r := request()
	if v := site(t).Verify(&auth.Found{}, &r); v.Reason != auth.Missing {
		t.Errorf("no token: %v, want missing", v.Reason)
	}
}

func TestVerifyCookies(t *testing.T) {
	good := sign("h1", "hm", goodPayload+"sid=s-1\nlim=800\n")
	expired := sign("h1", "hm", "exp=1767225600\np=/acme/vod/\nsid=old\n")
	unknown := sign("h1", "nobody", goodPayload)
	tests := []struct {
		name    string
		cookies []string
		want    auth.Reason
		key     string
	}{
		{"first is good", []string{good, expired}, auth.Allowed, "hm"},
		{"last is good", []string{"rubbish", unknown, expired, good}, auth.Allowed, "hm"},
		{"none is good: the furthest counts", []string{"rubbish", expired, unknown}, auth.Expired, "hm"},
		{"rubbish", []string{"rubbish", ""}, auth.Malformed, ""},
	}
	scheme := site(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var scratch auth.Scratch
			in := auth.Input{Path: []byte("/x"), Cookies: []byte("ect=" + strings.Join(tt.cookies, "; ect="))}
			f, why := scheme.Find(&in, &scratch)
			if why != auth.Allowed {
				t.Fatalf("Find: %v", why)
			}
			r := request()
			v := scheme.Verify(&f, &r)
			if v.Reason != tt.want || v.Key != tt.key {
				t.Fatalf("verdict %+v, want %v by key %q", v, tt.want, tt.key)
			}
			if v.Reason == auth.Allowed && (string(v.Session) != "s-1" || v.RateKBps != 800 || v.Expires != now+600) {
				t.Errorf("verdict %+v with session %q, want the good token's claims", v, v.Session)
			}
		})
	}
}

func TestVerifyLimits(t *testing.T) {
	long := func(o *auth.Options) { o.MaxLifetime = 48 * time.Hour }
	strict := func(o *auth.Options) { o.NBFLeeway = -1 }
	tests := []struct {
		name, payload string
		edit          func(*auth.Options)
		want          auth.Reason
	}{
		{"a day is the default", "exp=1767312000\np=/\n", nil, auth.Allowed},
		{"a day and a second", "exp=1767312001\np=/\n", nil, auth.TooLong},
		{"two days where configured", "exp=1767398400\np=/\n", long, auth.Allowed},
		{"two days and a second", "exp=1767398401\np=/\n", long, auth.TooLong},
		{"30 s leeway is the default", "exp=1767226200\nnbf=1767225630\np=/\n", nil, auth.Allowed},
		{"31 s ahead", "exp=1767226200\nnbf=1767225631\np=/\n", nil, auth.NotYet},
		{"no leeway, now", "exp=1767226200\nnbf=1767225600\np=/\n", strict, auth.Allowed},
		{"no leeway, next second", "exp=1767226200\nnbf=1767225601\np=/\n", strict, auth.NotYet},
		{"last valid second", "exp=1767225601\np=/\n", nil, auth.Allowed},
		{"first invalid second", "exp=1767225600\np=/\n", nil, auth.Expired},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			edits := []func(*auth.Options){}
			if tt.edit != nil {
				edits = append(edits, tt.edit)
			}
			if v := verify(t, site(t, edits...), sign("h1", "hm", tt.payload), request()); v.Reason != tt.want {
				t.Errorf("payload %q: %v, want %v", tt.payload, v.Reason, tt.want)
			}
		})
	}
}

// revokeList is a Revocations that remembers what it was asked.
type revokeList struct {
	kid, session string
	hash         [32]byte
	issued       int64
	asked        int
	answer       bool
}

func (l *revokeList) Revoked(kid string, session []byte, hash *[32]byte, issued int64) bool {
	l.kid, l.session, l.hash, l.issued = kid, string(session), *hash, issued
	l.asked++
	return l.answer
}

func TestVerifyRevocations(t *testing.T) {
	const payload = goodPayload + "sid=s-9\niat=1767225000\n"
	for _, token := range []string{sign("h1", "hm", payload), sign("d1", "ed", payload)} {
		list := &revokeList{}
		scheme := site(t, func(o *auth.Options) { o.Revocations, o.VerifiedCache = list, 16 })
		if v := verify(t, scheme, token, request()); v.Reason != auth.Allowed {
			t.Fatalf("%q: %v", token, v.Reason)
		}
		if list.hash != hashOf(token) || list.session != "s-9" || list.issued != 1767225000 {
			t.Errorf("asked about %+v for token %q", list, token)
		}
		list.answer = true
		for range 2 { // the second time the signature is remembered
			if v := verify(t, scheme, token, request()); v.Reason != auth.Revoked || v.Session != nil {
				t.Errorf("revoked token: %+v", v)
			}
		}
	}
}

func TestVerifyAsksNoListAboutRefused(t *testing.T) {
	list := &revokeList{answer: true}
	scheme := site(t, func(o *auth.Options) { o.Revocations = list })
	if v := verify(t, scheme, sign("h1", "hm", "exp=1\np=/\n"), request()); v.Reason != auth.Expired || list.asked != 0 {
		t.Errorf("expired token: %v, list asked %d times", v.Reason, list.asked)
	}
}

func TestNewECTErrors(t *testing.T) {
	one := keys()[0]
	with := func(edit func(*auth.Key)) auth.Options {
		k := one
		edit(&k)
		return auth.Options{Account: "acme", Keys: []auth.Key{k}}
	}
	tests := []struct {
		name string
		o    auth.Options
		text string
	}{
		{"no account", auth.Options{}, "no account"},
		{"no key where one is needed", auth.Options{Account: "acme", Required: true}, "account acme requires tokens"},
		{"only a revoked one", auth.Options{Account: "acme", Required: true, Keys: keys()[4:5]}, "account acme requires tokens"},
		{"only another account's", auth.Options{Account: "acme", Required: true, Keys: keys()[5:]}, "account acme requires tokens"},
		{"kid twice", auth.Options{Account: "acme", Keys: []auth.Key{one, one}}, "used twice"},
		{"kid with a dot", with(func(k *auth.Key) { k.ID = "a.b" }), `kid "a.b"`},
		{"empty kid", with(func(k *auth.Key) { k.ID = "" }), `kid ""`},
		{"long kid", with(func(k *auth.Key) { k.ID = strings.Repeat("k", 65) }), "1 to 64"},
		{"key without account", with(func(k *auth.Key) { k.Account = "" }), "no account"},
		{"short secret", with(func(k *auth.Key) { k.Secret = k.Secret[:15] }), "15 bytes"},
		{"no type", with(func(k *auth.Key) { k.Type = 0 }), "unknown type"},
		{"no state", with(func(k *auth.Key) { k.State = 9 }), "unknown state"},
		{"short public key", with(func(k *auth.Key) { k.Type, k.Public = auth.Ed25519, public()[:31] }), "31 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := auth.NewECT(tt.o)
			if err == nil || !strings.Contains(err.Error(), tt.text) {
				t.Fatalf("error %v, want one with %q", err, tt.text)
			}
			if tt.name != "no account" && !errors.Is(err, auth.ErrKey) {
				t.Errorf("%v does not wrap ErrKey", err)
			}
		})
	}
}

func TestVerifyClient(t *testing.T) {
	tests := []struct {
		name, claims, client, country, method string
		want                                  auth.Reason
	}{
		{"in network", "ip=198.51.100.0/24\n", "198.51.100.7", "", "GET", auth.Allowed},
		{"network with host bits", "ip=198.51.100.9/24\n", "198.51.100.7", "", "GET", auth.Allowed},
		{"mapped client", "ip=198.51.100.0/24\n", "::ffff:198.51.100.7", "", "GET", auth.Allowed},
		{"zoned client", "ip=fe80::/64\n", "fe80::1%eth0", "", "GET", auth.Allowed},
		{"beside network", "ip=198.51.100.0/25\n", "198.51.100.128", "", "GET", auth.Address},
		{"other family", "ip=198.51.100.0/24\n", "2001:db8::1", "", "GET", auth.Address},
		{"either family", "ip=198.51.100.0/24\nip=2001:db8::/56\n", "2001:db8::1", "", "GET", auth.Allowed},
		{"unknown client", "ip=0.0.0.0/0\nip=::/0\n", "", "", "GET", auth.Address},
		{"country", "geo=NL,DE\n", "", "DE", "GET", auth.Allowed},
		{"country in lower case", "geo=nl\n", "", "NL", "GET", auth.Allowed},
		{"other country", "geo=NL,DE\n", "", "FR", "GET", auth.Country},
		{"part of a country", "geo=NL,DE\n", "", "N", "GET", auth.Country},
		{"unknown country", "geo=NL,,DE\n", "", "", "GET", auth.Country},
		{"head by default", "", "", "", "HEAD", auth.Allowed},
		{"post by default", "", "", "", "POST", auth.Method},
		{"listed method", "m=GET,PUT\n", "", "", "PUT", auth.Allowed},
		{"method that is not listed", "m=GET\n", "", "", "HEAD", auth.Method},
		{"no method", "m=,\n", "", "", "", auth.Method},
	}
	scheme := site(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := request()
			r.Client, _ = netip.ParseAddr(tt.client)
			r.Country, r.Method = tt.country, []byte(tt.method)
			if v := verify(t, scheme, sign("h1", "hm", goodPayload+tt.claims), r); v.Reason != tt.want {
				t.Errorf("claims %q, client %q in %q, %s: %v, want %v", tt.claims, tt.client, tt.country, tt.method, v.Reason, tt.want)
			}
		})
	}
}

func TestVerifyScope(t *testing.T) {
	tests := []struct {
		scopes, path string
		want         auth.Reason
	}{
		{"p=/a/b/\n", "/a/b/c", auth.Allowed},
		{"p=/a/b/\n", "/a/b/", auth.Allowed},
		{"p=/a/b/\n", "/a/b", auth.OutOfScope},
		{"p=/a/b/\n", "/a/bc", auth.OutOfScope},
		{"p=/a/b/\n", "/A/b/c", auth.OutOfScope},
		{"p=/a/b\n", "/a/b", auth.Allowed},
		{"p=/a/b\n", "/a/b/", auth.OutOfScope},
		{"p=/a/b\n", "/a/b/c", auth.OutOfScope},
		{"p=/a/b\n", "/a/bc", auth.OutOfScope},
		{"p=/a/*\n", "/a/b", auth.OutOfScope},
		{"p=/\n", "/anything/at all", auth.Allowed},
		{"p=/x\np=/y/\np=/z\n", "/y/1", auth.Allowed},
		{"p=/x\np=/y/\np=/z\n", "/w", auth.OutOfScope},
		{"p=/vidéo/\n", "/vidéo/1", auth.Allowed},
		{"p=/a=b/\n", "/a=b/1", auth.Allowed},
	}
	scheme := site(t)
	for _, tt := range tests {
		r := request()
		r.Path = []byte(tt.path)
		if v := verify(t, scheme, sign("h1", "hm", "exp=1767226200\n"+tt.scopes), r); v.Reason != tt.want {
			t.Errorf("scopes %q, path %q: %v, want %v", tt.scopes, tt.path, v.Reason, tt.want)
		}
	}
}
