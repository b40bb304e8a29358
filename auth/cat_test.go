package auth_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"edged/auth"
)

type m = map[any]any

func enc(t testing.TB, v any) []byte {
	t.Helper()
	mode, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		t.Fatal(err)
	}
	b, err := mode.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// catMessage frames a payload as COSE does, with headers as they are.
func catMessage(t testing.TB, tag uint64, protected, unprotected m, payload []byte, sign func([]byte) []byte) []byte {
	t.Helper()
	context := map[uint64]string{17: "MAC0", 18: "Signature1"}[tag]
	header := enc(t, protected)
	sig := sign(enc(t, []any{context, header, []byte{}, payload}))
	return enc(t, cbor.Tag{Number: tag, Content: []any{header, unprotected, payload, sig}})
}

func macCAT(t testing.TB, payload []byte) string {
	b := catMessage(t, 17, m{1: 5}, m{4: []byte("hm")}, payload, hs256(secret(1)))
	return b64.EncodeToString(append([]byte{0xD8, 61}, b...))
}

func ps256(b []byte) []byte {
	sum := sha256.Sum256(b)
	sig, err := rsa.SignPSS(rand.Reader, testKeys().rsa, crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: 32})
	if err != nil {
		panic(err)
	}
	return sig
}

// with returns the claims of a good token and others.
func with(extra m) m {
	claims := m{4: 1767226200, 312: m{3: m{1: "/live/"}}}
	for k, v := range extra {
		if claims[k] = v; v == nil {
			delete(claims, k)
		}
	}
	return claims
}

func catAsk(path, token string) ask {
	a := https(path, "cat="+token)
	a.request.ALPN, a.request.Country, a.request.ASN = "h2", "NL", 64500
	return a
}

func TestCATClaims(t *testing.T) {
	scheme := newScheme(t, "cat", func(o *auth.Options) { o.CAT.Issuer, o.CAT.Audience = "cms", "edge" })
	for _, c := range []struct {
		name   string
		claims any
		want   auth.Reason
	}{
		{"least", with(m{}), auth.Allowed},
		{"all that is known", with(m{1: "cms", 2: "viewer", 3: "edge", 5: 1, 6: 1, 7: []byte("s"), 308: 0, 310: 1}), auth.Allowed},
		{"no exp", with(m{4: nil}), auth.BadClaim},
		{"exp now", with(m{4: now}), auth.Expired},
		{"exp as float", with(m{4: now + 0.5}), auth.Allowed},
		{"exp as text", with(m{4: "1767226200"}), auth.BadClaim},
		{"exp null", with(m{4: cbor.RawMessage{0xF6}}), auth.BadClaim},
		{"exp not a number", with(m{4: cbor.RawMessage{0xF9, 0x7E, 0}}), auth.BadClaim},
		{"exp infinite", with(m{4: cbor.RawMessage{0xF9, 0x7C, 0}}), auth.LongTime},
		{"exp tagged", with(m{4: cbor.Tag{Number: 1, Content: 1767226200}}), auth.BadClaim},
		{"milliseconds", with(m{4: 1767226200000}), auth.LongTime},
		{"too long", with(m{4: now + 86401}), auth.TooLong},
		{"nbf", with(m{5: now + 1}), auth.NotYet},
		{"iat", with(m{6: now + 1}), auth.NotYet},
		{"other issuer", with(m{1: "x"}), auth.KeyMismatch},
		{"issuer as bytes", with(m{1: []byte("cms")}), auth.BadClaim},
		{"audiences", with(m{3: []string{"x", "edge"}}), auth.Allowed},
		{"other audience", with(m{3: []string{"x"}}), auth.Audience},
		{"no audience", with(m{3: []string{}}), auth.BadClaim},
		{"audience as bytes", with(m{3: [][]byte{[]byte("edge")}}), auth.BadClaim},
		{"replay forbidden", with(m{308: 1}), auth.BadClaim},
		{"replay detected", with(m{308: 2}), auth.BadClaim},
		{"por", with(m{309: 1}), auth.UnknownClaim},
		{"version 2", with(m{310: 2}), auth.BadClaim},
		{"coordinates", with(m{317: []any{}}), auth.UnknownClaim},
		{"dpop", with(m{321: m{}}), auth.UnknownClaim},
		{"private", with(m{-70000: 1}), auth.UnknownClaim},
		{"text label", with(m{"x": 1}), auth.BadClaim},
		{"methods", with(m{313: []string{"HEAD", "GET"}}), auth.Allowed},
		{"other method", with(m{313: []string{"POST"}}), auth.Method},
		{"method as text", with(m{313: "GET"}), auth.BadClaim},
		{"no method", with(m{313: []string{}}), auth.BadClaim},
		{"alpn", with(m{314: []any{"h3", []byte("h2")}}), auth.Allowed},
		{"other alpn", with(m{314: []any{"h3"}}), auth.Protocol},
		{"country", with(m{316: []string{"nl"}}), auth.Allowed},
		{"other country", with(m{316: []string{"DE", "NL-NH"}}), auth.Country},
		{"field", with(m{315: m{"Player": m{0: "hls"}}}), auth.Allowed},
		{"field in another case", with(m{315: m{"player": m{1: "h", 2: "s"}}}), auth.Allowed},
		{"other field", with(m{315: m{"Player": m{0: "dash"}}}), auth.Field},
		{"missing field", with(m{315: m{"X": m{1: ""}}}), auth.Field},
		{"field twice", with(m{315: m{"Twice": m{1: ""}}}), auth.Field},
		{"no condition", with(m{315: m{"Player": m{}}}), auth.BadClaim},
		{"unscoped", with(m{312: nil}), auth.BadClaim},
		{"empty catu", with(m{312: m{}}), auth.BadClaim},
		{"catu as list", with(m{312: []any{}}), auth.BadClaim},
		{"no map", []any{1}, auth.BadClaim},
		{"exp twice", cbor.RawMessage{0xA2, 4, 0x1A, 0x69, 0x55, 0xBB, 0x58, 4, 1}, auth.BadClaim},
		{"indefinite map", cbor.RawMessage{0xBF, 4, 1, 0xFF}, auth.BadClaim},
	} {
		var payload []byte
		if raw, ok := c.claims.(cbor.RawMessage); ok {
			payload = raw
		} else {
			payload = enc(t, c.claims)
		}
		a := catAsk("/live/a", macCAT(t, payload))
		a.fields = fields{{"Player", "hls"}, {"Twice", "1"}, {"Twice", "2"}}
		if got := a.answer(t, scheme); got.Reason != c.want {
			t.Errorf("%s: %v, want %v", c.name, got.Reason, c.want)
		}
	}
}

func TestCATURI(t *testing.T) {
	one, two := sha256.Sum256([]byte("/a/b.tar.gz")), sha512.Sum512_256([]byte("/a/b.tar.gz"))
	scheme := newScheme(t, "cat")
	for _, c := range []struct {
		catu m
		want auth.Reason
	}{
		{m{0: m{0: "https"}}, auth.Allowed},
		{m{0: m{0: "http"}}, auth.OutOfScope},
		{m{1: m{2: ".example.com"}}, auth.Allowed},
		{m{1: m{0: "example.com"}}, auth.OutOfScope},
		{m{2: m{0: "443"}}, auth.Allowed},
		{m{2: m{0: ""}}, auth.Allowed},
		{m{2: m{0: "80"}}, auth.OutOfScope},
		{m{2: m{0: "8443"}}, auth.OutOfScope},
		{m{2: m{0: 443}}, auth.BadClaim},
		{m{3: m{0: "/a/b.tar.gz"}}, auth.Allowed},
		{m{3: m{1: "/a/", 2: ".gz", 3: "tar"}}, auth.Allowed},
		{m{3: m{1: "/a/", 2: ".zip"}}, auth.OutOfScope},
		{m{3: m{4: []string{"/[a-z]/.*"}}}, auth.Allowed},
		{m{3: m{4: []string{"/[A-Z]/.*", "i"}}}, auth.Allowed},
		{m{3: m{4: []string{"/[A-Z]/.*", ""}}}, auth.OutOfScope},
		{m{3: m{4: []string{"/a/"}}}, auth.OutOfScope},
		{m{3: m{4: []string{"/x)|(.*"}}}, auth.OutOfScope},
		{m{3: m{4: []string{".*", "g"}}}, auth.BadClaim},
		{m{3: m{4: ".*"}}, auth.BadClaim},
		{m{3: m{-1: one[:]}}, auth.Allowed},
		{m{3: m{-1: hex.EncodeToString(one[:])}}, auth.Allowed},
		{m{3: m{-1: strings.ToUpper(hex.EncodeToString(one[:]))}}, auth.BadClaim},
		{m{3: m{-1: one[:31]}}, auth.BadClaim},
		{m{3: m{-2: two[:]}}, auth.Allowed},
		{m{3: m{-2: one[:]}}, auth.OutOfScope},
		{m{3: m{5: "/"}}, auth.BadClaim},
		{m{4: m{0: "x=1"}}, auth.Allowed},
		{m{4: m{0: ""}}, auth.OutOfScope},
		{m{5: m{0: "/a"}}, auth.Allowed},
		{m{6: m{0: "b.tar.gz"}}, auth.Allowed},
		{m{7: m{0: "b.tar"}}, auth.Allowed},
		{m{8: m{0: ".gz"}}, auth.Allowed},
		{m{8: m{0: "gz"}}, auth.OutOfScope},
		{m{9: m{0: ""}}, auth.BadClaim},
		{m{3: m{}}, auth.BadClaim},
		{m{3: "/a"}, auth.BadClaim},
		{m{3: m{1: "/a"}, 1: m{0: "x"}}, auth.OutOfScope},
	} {
		a := catAsk("/%61/b.tar.gz", macCAT(t, enc(t, with(m{312: c.catu}))))
		a.query += "&x=1"
		if got := a.answer(t, scheme); got.Reason != c.want {
			t.Errorf("%v: %v, want %v", c.catu, got.Reason, c.want)
		}
	}
	open := newScheme(t, "cat", func(o *auth.Options) { o.CAT.AllowUnscoped = true })
	if got := catAsk("/x", macCAT(t, enc(t, with(m{312: nil})))).answer(t, open); got.Reason != auth.Allowed {
		t.Errorf("unscoped where that is allowed: %v", got.Reason)
	}
}

func TestCATNetworks(t *testing.T) {
	v4 := func(v any) cbor.Tag { return cbor.Tag{Number: 52, Content: v} }
	v6 := func(v any) cbor.Tag { return cbor.Tag{Number: 54, Content: v} }
	prefix := []byte{0x20, 1, 0xd, 0xb8}
	scheme := newScheme(t, "cat")
	for _, c := range []struct {
		catnip any
		client string
		want   auth.Reason
	}{
		{[]any{v4([]byte{198, 51, 100, 7})}, "198.51.100.7", auth.Allowed},
		{[]any{v4([]byte{198, 51, 100, 7})}, "::ffff:198.51.100.7", auth.Allowed},
		{[]any{v4([]byte{198, 51, 100, 8})}, "198.51.100.7", auth.Address},
		{[]any{v4([]any{24, []byte{198, 51, 100}})}, "198.51.100.7", auth.Allowed},
		{[]any{v6([]any{32, prefix})}, "2001:db8::7", auth.Allowed},
		{[]any{v6([]any{32, prefix})}, "2001:db9::7", auth.Address},
		{[]any{v6([]any{32, prefix})}, "198.51.100.7", auth.Address},
		{[]any{64500}, "198.51.100.7", auth.Allowed},
		{[]any{64501, v6([]any{32, prefix})}, "198.51.100.7", auth.Address},
		{[]any{v4([]byte{198, 51, 100})}, "198.51.100.7", auth.BadClaim},
		{[]any{v4([]any{33, []byte{198}})}, "198.51.100.7", auth.BadClaim},
		{[]any{v4([]any{8, []byte{198, 51, 100, 7, 1}})}, "198.51.100.7", auth.BadClaim},
		{[]any{v4("198.51.100.7")}, "198.51.100.7", auth.BadClaim},
		{[]any{cbor.Tag{Number: 53, Content: []byte{198, 51, 100, 7}}}, "198.51.100.7", auth.BadClaim},
		{[]any{"64500"}, "198.51.100.7", auth.BadClaim},
		{[]any{0}, "198.51.100.7", auth.BadClaim},
		{[]any{}, "198.51.100.7", auth.BadClaim},
		{64500, "198.51.100.7", auth.BadClaim},
	} {
		a := catAsk("/live/a", macCAT(t, enc(t, with(m{311: c.catnip}))))
		a.request.Client = netip.MustParseAddr(c.client)
		if got := a.answer(t, scheme); got.Reason != c.want {
			t.Errorf("%v from %s: %v, want %v", c.catnip, c.client, got.Reason, c.want)
		}
	}
	unknown := catAsk("/live/a", macCAT(t, enc(t, with(m{311: []any{64500}}))))
	unknown.request.ASN = 0
	if got := unknown.answer(t, scheme); got.Reason != auth.Address {
		t.Errorf("unknown autonomous system: %v", got.Reason)
	}
}

// TestCATSeal pins the framing: one algorithm for each key, one spelling for each
// token.
func TestCATSeal(t *testing.T) {
	payload := enc(t, with(m{}))
	key := func(kid string) m { return m{4: []byte(kid)} }
	mac := hs256(secret(1))
	good := catMessage(t, 17, m{1: 5}, key("hm"), payload, mac)
	long := append([]byte{0xD8, 17}, good[1:]...) // the same tag in two bytes
	crossed := catMessage(t, 17, m{1: 5}, key("hm"), payload, func([]byte) []byte {
		return mac(enc(t, []any{"Signature1", enc(t, m{1: 5}), []byte{}, payload}))
	})
	scheme := newScheme(t, "cat")
	for _, c := range []struct {
		name  string
		token []byte
		want  auth.Reason
	}{
		{"mac", good, auth.Allowed},
		{"mac in cwt", append([]byte{0xD8, 61}, good...), auth.Allowed},
		{"cwt in cwt", append([]byte{0xD8, 61, 0xD8, 61}, good...), auth.Malformed},
		{"kid protected", catMessage(t, 17, m{1: 5, 4: []byte("hm")}, m{}, payload, mac), auth.Allowed},
		{"es256", catMessage(t, 18, m{1: -7}, key("ec"), payload, es256), auth.Allowed},
		{"ps256", catMessage(t, 18, m{1: -37}, key("rsa"), payload, ps256), auth.Allowed},
		{"es256 for the secret", catMessage(t, 18, m{1: -7}, key("hm"), payload, es256), auth.KeyMismatch},
		{"mac for a public key", catMessage(t, 17, m{1: 5}, key("ec"), payload, mac), auth.KeyMismatch},
		{"mac in a signature", catMessage(t, 18, m{1: 5}, key("hm"), payload, mac), auth.KeyMismatch},
		{"signature in a mac", catMessage(t, 17, m{1: -7}, key("ec"), payload, es256), auth.KeyMismatch},
		{"ps256 for p-256", catMessage(t, 18, m{1: -37}, key("ec"), payload, ps256), auth.KeyMismatch},
		{"short mac", catMessage(t, 17, m{1: 4}, key("hm"), payload, func(b []byte) []byte { return mac(b)[:8] }), auth.KeyMismatch},
		{"shortened mac", catMessage(t, 17, m{1: 5}, key("hm"), payload, func(b []byte) []byte { return mac(b)[:8] }), auth.BadSignature},
		{"context of signatures", crossed, auth.BadSignature},
		{"crit", catMessage(t, 17, m{1: 5, 2: []any{99}}, key("hm"), payload, mac), auth.Malformed},
		{"other header", catMessage(t, 17, m{1: 5}, m{4: []byte("hm"), 5: []byte("iv")}, payload, mac), auth.Malformed},
		{"alg unprotected", catMessage(t, 17, m{}, m{1: 5, 4: []byte("hm")}, payload, mac), auth.Malformed},
		{"kid in both", catMessage(t, 17, m{1: 5, 4: []byte("hm")}, key("hm"), payload, mac), auth.Malformed},
		{"kid as text", catMessage(t, 17, m{1: 5}, m{4: "hm"}, payload, mac), auth.Malformed},
		{"no kid", catMessage(t, 17, m{1: 5}, m{}, payload, mac), auth.Malformed},
		{"unknown kid", catMessage(t, 17, m{1: 5}, key("x"), payload, mac), auth.UnknownKey},
		{"other account", catMessage(t, 17, m{1: 5}, key("beta"), payload, hs256(secret(5))), auth.WrongAccount},
		{"revoked key", catMessage(t, 17, m{1: 5}, key("bad"), payload, hs256(secret(4))), auth.KeyRevoked},
		{"long form of the tag", long, auth.Malformed},
		{"trailing byte", append(append([]byte(nil), good...), 0), auth.Malformed},
		{"untagged", good[1:], auth.Malformed},
		{"empty", nil, auth.Malformed},
	} {
		if got := catAsk("/live/a", b64.EncodeToString(c.token)).answer(t, scheme); got.Reason != c.want {
			t.Errorf("%s: %v, want %v", c.name, got.Reason, c.want)
		}
	}
	for token, want := range map[string]auth.Reason{
		b64.EncodeToString(good) + "=": auth.Malformed, strings.Repeat("A", 4097): auth.Oversized, "a+b/": auth.Malformed,
	} {
		if got := catAsk("/live/a", token).answer(t, scheme); got.Reason != want {
			t.Errorf("%.20s…: %v, want %v", token, got.Reason, want)
		}
	}
}

func TestCATPlaces(t *testing.T) {
	token := macCAT(t, enc(t, with(m{7: []byte("s-1")})))
	scheme := newScheme(t, "cat")
	header := func(query string) ask {
		a := https("/live/a", query)
		a.fields = fields{{"cta-common-access-token", token}}
		return a
	}
	cookie := https("/live/a", "")
	cookie.cookies = "CTA-Common-Access-Token=x; CTA-Common-Access-Token=" + token
	beside := header("")
	beside.fields[0][1] = "x"
	beside.cookies = cookie.cookies
	runVerdicts(t, scheme, []verdictCase{
		{"header", header(""), auth.Allowed},
		{"header and query", header("cat=" + token), auth.TwoPlaces},
		{"cookies", cookie, auth.Allowed},
		{"bad header beside a good cookie", beside, auth.Malformed},
		{"query in capitals", https("/live/a", "CAT="+token), auth.Malformed},
		{"none", https("/live/a", ""), auth.Missing},
	})
	if got := header("").answer(t, scheme); string(got.Session) != "s-1" || got.Key != "hm" || got.Expires != 1767226200 {
		t.Errorf("verdict %+v", got)
	}
}

func TestCATRenewal(t *testing.T) {
	scheme := newScheme(t, "cat")
	for _, c := range []struct {
		name string
		catr any
		ask  func(token string) ask
		want string // carrier and name, "" for no renewal
	}{
		{"cookie", m{0: 1, 1: 30}, func(s string) ask { return catAsk("/live/a", s) }, "cookie CTA-Common-Access-Token"},
		{"header", m{0: 2, 1: 30}, func(s string) ask { return catAsk("/live/a", s) }, "header CTA-Common-Access-Token"},
		{"automatic, header", m{0: 0, 1: 30}, func(s string) ask {
			a := https("/live/a", "")
			a.fields = fields{{"CTA-Common-Access-Token", s}}
			return a
		}, "header CTA-Common-Access-Token"},
		{"automatic, query", m{0: 0, 1: 30}, func(s string) ask { return catAsk("/live/a", s) }, "cookie CTA-Common-Access-Token"},
		{"before the deadline", m{0: 1, 1: 30, 2: now + 29}, func(s string) ask { return catAsk("/live/a", s) }, "cookie CTA-Common-Access-Token"},
		{"after the deadline", m{0: 1, 1: 30, 2: now - 1}, func(s string) ask { return catAsk("/live/a", s) }, ""},
		{"redirect", m{0: 3, 1: 30}, func(s string) ask { return catAsk("/live/a", s) }, ""},
	} {
		got := c.ask(macCAT(t, enc(t, with(m{323: c.catr})))).answer(t, scheme)
		name := ""
		if n := got.Renewal; n != nil {
			name = n.Carrier.String() + " " + n.Name
			checkChain(t, scheme, "/live/b", n)
		}
		if got.Reason != auth.Allowed || name != c.want {
			t.Errorf("%s: %v, renewal %q, want %q", c.name, got.Reason, name, c.want)
		}
	}
	names := m{0: 1, 1: 30, 3: "c", 4: "h"}
	if got := catAsk("/live/a", macCAT(t, enc(t, with(m{323: names})))).answer(t, scheme); got.Renewal == nil || got.Renewal.Name != "c" {
		t.Errorf("names of the token: %+v", got.Renewal)
	}
	for _, bad := range []any{m{}, m{0: 1}, m{1: 30}, m{0: 4, 1: 30}, m{0: 1, 1: 0}, m{0: 1, 1: 30, 9: 1}, m{0: 1, 1: 30, 3: "a b"}, []any{1}} {
		if got := catAsk("/live/a", macCAT(t, enc(t, with(m{323: bad})))).answer(t, scheme); got.Reason != auth.BadClaim {
			t.Errorf("catr %v: %v", bad, got.Reason)
		}
	}
}

// FuzzCAT reads payloads whose MAC is right, and messages as they are: whatever is
// allowed is a map with an exp and a catu.
func FuzzCAT(f *testing.F) {
	for _, claims := range []m{
		with(m{}), with(m{311: []any{1, cbor.Tag{Number: 52, Content: []any{8, []byte{1}}}}}), with(m{315: m{"a": m{4: []string{"("}}}}),
		with(m{323: m{0: 1, 1: 30}}),
		{},
		{4: 1.5},
	} {
		f.Add(enc(f, claims), "/live/a.b")
	}
	f.Add(catMessage(f, 18, m{1: -7}, m{4: []byte("ec")}, enc(f, with(m{})), es256), "/live/")
	scheme := newScheme(f, "cat")
	f.Fuzz(func(t *testing.T, payload []byte, path string) {
		for _, token := range []string{macCAT(t, payload), b64.EncodeToString(payload)} {
			found := auth.Found{N: 1, Tokens: [auth.MaxTokens][]byte{[]byte(token)}, Path: []byte(path)}
			v := scheme.Verify(&found, &auth.Request{TLS: true, Host: []byte("h"), Path: []byte(path), Method: []byte("GET"), Now: now})
			if v.Reason != auth.Allowed || v.Key != "hm" { // the seed of ec is public by now
				continue
			}
			var c map[any]any
			if cbor.Unmarshal(payload, &c) != nil || c[uint64(4)] == nil || c[uint64(312)] == nil || v.Expires <= now {
				t.Fatalf("%x allows %q: %+v", payload, path, v)
			}
		}
	})
}
