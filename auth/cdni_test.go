package auth_test

import (
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"edged/auth"
)

var b64 = base64.RawURLEncoding

// jwt makes a token of header and payload as they are, right or wrong.
func jwt(header, payload string, sign func([]byte) []byte) string {
	signed := b64.EncodeToString([]byte(header)) + "." + b64.EncodeToString([]byte(payload))
	return signed + "." + b64.EncodeToString(sign([]byte(signed)))
}

func hs256(key []byte) func([]byte) []byte {
	return func(b []byte) []byte {
		h := hmac.New(sha256.New, key)
		h.Write(b)
		return h.Sum(nil)
	}
}

// es256 signs as JOSE and COSE do: r and s, 32 bytes each.
func es256(b []byte) []byte {
	sum := sha256.Sum256(b)
	r, s, err := ecdsa.Sign(rand.Reader, testKeys().ec, sum[:])
	if err != nil {
		panic(err)
	}
	return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
}

const (
	hsHeader = `{"alg":"HS256","kid":"hm"}`
	cdniExp  = `"exp":1767226200`
	cdniAll  = `"cdniuc":"regex:https://cdn\\.example\\.com/.*"`
)

func hsToken(claims string) string { return jwt(hsHeader, "{"+claims+"}", hs256(secret(1))) }

func TestCDNIClaims(t *testing.T) {
	scheme := newScheme(t, "cdni", func(o *auth.Options) { o.CDNI.Audience = "edge" })
	sum := sha256.Sum256([]byte("https://cdn.example.com/a?x=1"))
	hash := `"cdniuc":"hash:sha-256;` + b64.EncodeToString(sum[:]) + `"`
	for _, c := range []struct {
		claims, path, query string
		want                auth.Reason
	}{
		{cdniExp + "," + cdniAll, "/a", "", auth.Allowed},
		{cdniExp + "," + hash, "/a", "x=1", auth.Allowed},
		{cdniExp + "," + hash, "/%61", "%78=1", auth.Allowed},
		{cdniExp + "," + hash, "/a", "", auth.OutOfScope},
		{cdniExp + "," + hash, "/a", "x=1&y=2", auth.OutOfScope},
		{cdniExp + "," + strings.ReplaceAll(hash, "sha-256", "sha-1"), "/a", "x=1", auth.BadClaim},
		{cdniExp + "," + hash[:len(hash)-2] + `"`, "/a", "x=1", auth.BadClaim},
		{cdniExp + `,"cdniuc":"regex:https://cdn\\.example\\.com/(a|ab)"`, "/ab", "", auth.Allowed},
		{cdniExp + `,"cdniuc":"regex:https://cdn\\.example\\.com/a"`, "/ab", "", auth.OutOfScope},
		{cdniExp + `,"cdniuc":"regex:cdn\\.example\\.com/a"`, "/a", "", auth.OutOfScope},
		{cdniExp + `,"cdniuc":"regex:https://x)|(.*"`, "/a", "", auth.OutOfScope},
		{cdniExp + `,"cdniuc":"regex:https://x|.*"`, "/a", "", auth.Allowed},
		{cdniExp + `,"cdniuc":"regex:https://cdn\\.example\\.com/\\d"`, "/1", "", auth.OutOfScope},
		{cdniExp + `,"cdniuc":"regex:https://cdn\\.example\\.com/[[:digit:]]{3}"`, "/123", "", auth.Allowed},
		{cdniExp + `,"cdniuc":"regex:` + strings.Repeat(".?", 600) + `"`, "/a", "", auth.OutOfScope},
		{cdniExp + `,"cdniuc":"regex:"`, "/a", "", auth.BadClaim},
		{cdniExp + `,"cdniuc":"https://cdn.example.com/a"`, "/a", "", auth.BadClaim},
		{cdniExp + `,"cdniuc":["regex:.*"]`, "/a", "", auth.BadClaim},
		{cdniExp, "/a", "", auth.BadClaim},
		{cdniAll, "/a", "", auth.BadClaim},
		{`"exp":1767225600,` + cdniAll, "/a", "", auth.Expired},
		{`"exp":1767225600.5,` + cdniAll, "/a", "", auth.Allowed},
		{`"exp":-1,` + cdniAll, "/a", "", auth.BadClaim},
		{`"exp":null,` + cdniAll, "/a", "", auth.BadClaim},
		{`"exp":"1767226200",` + cdniAll, "/a", "", auth.BadClaim},
		{`"exp":1767226200000,` + cdniAll, "/a", "", auth.LongTime},
		{`"exp":1e400,` + cdniAll, "/a", "", auth.BadClaim},
		{`"exp":1767312001,` + cdniAll, "/a", "", auth.TooLong},
		{cdniExp + "," + cdniExp + "," + cdniAll, "/a", "", auth.BadClaim},
		{cdniExp + "," + cdniAll + `,"nbf":1767225600`, "/a", "", auth.Allowed},
		{cdniExp + "," + cdniAll + `,"nbf":1767225601`, "/a", "", auth.NotYet},
		{cdniExp + "," + cdniAll + `,"iat":1767225601`, "/a", "", auth.NotYet},
		{cdniExp + "," + cdniAll + `,"iss":"cms"`, "/a", "", auth.Allowed},
		{cdniExp + "," + cdniAll + `,"iss":"other"`, "/a", "", auth.KeyMismatch},
		{cdniExp + "," + cdniAll + `,"iss":""`, "/a", "", auth.BadClaim},
		{cdniExp + "," + cdniAll + `,"aud":"edge"`, "/a", "", auth.Allowed},
		{cdniExp + "," + cdniAll + `,"aud":["x","edge"]`, "/a", "", auth.Allowed},
		{cdniExp + "," + cdniAll + `,"aud":["x"]`, "/a", "", auth.Audience},
		{cdniExp + "," + cdniAll + `,"aud":[]`, "/a", "", auth.BadClaim},
		{cdniExp + "," + cdniAll + `,"aud":["edge",1]`, "/a", "", auth.BadClaim},
		{cdniExp + "," + cdniAll + `,"cdniv":1`, "/a", "", auth.Allowed},
		{cdniExp + "," + cdniAll + `,"cdniv":2`, "/a", "", auth.BadClaim},
		{cdniExp + "," + cdniAll + `,"cdnicrit":"exp,cdniuc"`, "/a", "", auth.Allowed},
		{cdniExp + "," + cdniAll + `,"cdnicrit":"exp,geo"`, "/a", "", auth.UnknownClaim},
		{cdniExp + "," + cdniAll + `,"cdnicrit":""`, "/a", "", auth.BadClaim},
		{cdniExp + "," + cdniAll + `,"jti":"1"`, "/a", "", auth.UnknownClaim},
		{cdniExp + "," + cdniAll + `,"cdniip":"x"`, "/a", "", auth.UnknownClaim},
		{cdniExp + "," + cdniAll + `,"sub":"x"`, "/a", "", auth.UnknownClaim},
		{cdniExp + "," + cdniAll + `,"Exp":1`, "/a", "", auth.UnknownClaim},
		{cdniExp + "," + cdniAll + `,"cdnistt":1`, "/a", "", auth.BadClaim},
		{cdniExp + "," + cdniAll + `,"cdnistt":3,"cdniets":30`, "/a", "", auth.BadClaim},
		{cdniExp + "," + cdniAll + `,"cdniets":0`, "/a", "", auth.BadClaim},
		{cdniExp + "," + cdniAll + `,"cdnistd":-1`, "/a", "", auth.BadClaim},
	} {
		query := strings.TrimPrefix(c.query+"&URISigningPackage="+hsToken(c.claims), "&")
		if got := https(c.path, query).answer(t, scheme); got.Reason != c.want {
			t.Errorf("{%s} for %s ? %s: %v, want %v", c.claims, c.path, c.query, got.Reason, c.want)
		}
	}
}

// TestCDNIInPath: the token is a parameter or a segment, and what separates it goes
// with it.
func TestCDNIInPath(t *testing.T) {
	scheme := newScheme(t, "cdni")
	token := "URISigningPackage=" + hsToken(cdniExp+`,"cdniuc":"regex:https://cdn\\.example\\.com/v/a\\.ts(;x=1)?"`)
	root := "URISigningPackage=" + hsToken(cdniExp+`,"cdniuc":"regex:https://cdn\\.example\\.com/"`)
	for path, want := range map[string]auth.Reason{
		"/v/a.ts;" + token:                                auth.Allowed,
		"/v/a.ts;" + token + ";x=1":                       auth.Allowed,
		"/v/a.ts;x=1;" + token:                            auth.Allowed,
		"/v;" + token + "/a.ts":                           auth.Allowed,
		"/" + token + "/v/a.ts":                           auth.Allowed,
		"/v/" + token + "/a.ts":                           auth.Allowed,
		"/v/a.ts/" + token:                                auth.Allowed,
		"/" + token + ";v/a.ts":                           auth.Allowed,
		"/" + root:                                        auth.Allowed,
		"/" + root + "/":                                  auth.Allowed,
		"/" + token + "/v/b.ts":                           auth.OutOfScope,
		"/x" + token + "/v/a.ts":                          auth.Missing,
		"/" + token + "/v/a.ts;" + token:                  auth.Duplicate,
		"/" + strings.ToLower(token[:4]) + token[4:]:      auth.Malformed,
		"/" + strings.Replace(token, "U", "%55", 1):       auth.Malformed,
		"/URISigningPackage=/v/a.ts":                      auth.Malformed,
		"/" + strings.Replace(token, ".", "=.", 1) + "/v": auth.Malformed,
	} {
		if got := https(path, "").answer(t, scheme); got.Reason != want {
			t.Errorf("%s: %v, want %v", path, got.Reason, want)
		}
	}
	if got := https("/"+token+"/v/a.ts", token).answer(t, scheme); got.Reason != auth.TwoPlaces {
		t.Errorf("in path and query: %v", got.Reason)
	}
}

// TestCDNIHeader: a header that was left out may be configured as text or encoded, and
// its dot be there or not.
func TestCDNIHeader(t *testing.T) {
	whole := hsToken(cdniExp + "," + cdniAll)
	encoded, rest, _ := strings.Cut(whole, ".")
	for _, header := range []string{hsHeader, encoded} {
		scheme := newScheme(t, "cdni", func(o *auth.Options) { o.CDNI.Header = header })
		for token, want := range map[string]auth.Reason{
			whole: auth.Allowed, "." + rest: auth.Allowed, rest: auth.Allowed, ".." + rest: auth.Malformed, "x" + rest: auth.BadSignature,
		} {
			if got := https("/a", "URISigningPackage="+token).answer(t, scheme); got.Reason != want {
				t.Errorf("header %s, token %s: %v, want %v", header, token, got.Reason, want)
			}
		}
	}
	for _, header := range []string{"{", "[]", "*", "e30", encoded + "=", `{"alg":"HS256","jku":"x"}`} {
		o := auth.Options{Account: "acme", Keys: standardKeys()}
		o.CDNI.Header = header
		if _, err := auth.New("cdni", o); err == nil {
			t.Errorf("header %q is taken", header)
		}
	}
}

// TestCDNISignature: the key decides on the algorithm, whatever a token says.
func TestCDNISignature(t *testing.T) {
	payload := "{" + cdniExp + "," + cdniAll + "}"
	der := func(b []byte) []byte {
		sum := sha256.Sum256(b)
		sig, err := ecdsa.SignASN1(rand.Reader, testKeys().ec, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return sig
	}
	nothing := func([]byte) []byte { return nil }
	scheme := newScheme(t, "cdni", func(o *auth.Options) { o.CDNI.Header = hsHeader })
	headless := hsToken(cdniExp + "," + cdniAll)
	headless = headless[strings.IndexByte(headless, '.'):]
	for _, c := range []struct {
		name, token string
		want        auth.Reason
	}{
		{"hs256", jwt(hsHeader, payload, hs256(secret(1))), auth.Allowed},
		{"typ", jwt(`{"typ":"JWT","alg":"HS256","kid":"hm"}`, payload, hs256(secret(1))), auth.Allowed},
		{"es256", jwt(`{"alg":"ES256","kid":"ec"}`, payload, es256), auth.Allowed},
		{"no kid", jwt(`{"alg":"HS256"}`, payload, hs256(secret(2))), auth.Allowed},
		{"no kid, es256", jwt(`{"alg":"ES256"}`, payload, es256), auth.Allowed},
		{"no kid, key of another account", jwt(`{"alg":"HS256"}`, payload, hs256(secret(5))), auth.BadSignature},
		{"no kid, revoked key", jwt(`{"alg":"HS256"}`, payload, hs256(secret(4))), auth.KeyRevoked},
		{"header left out", headless, auth.Allowed},
		{"es256 as der", jwt(`{"alg":"ES256","kid":"ec"}`, payload, der), auth.BadSignature},
		{"hs256 for a public key", jwt(`{"alg":"HS256","kid":"ec"}`, payload, hs256(secret(1))), auth.KeyMismatch},
		{"es256 for a secret", jwt(`{"alg":"ES256","kid":"hm"}`, payload, es256), auth.KeyMismatch},
		{"hs512 for hs256", jwt(`{"alg":"HS512","kid":"hm"}`, payload, hs256(secret(1))), auth.KeyMismatch},
		{"none", jwt(`{"alg":"none","kid":"hm"}`, payload, nothing), auth.Malformed},
		{"none with a signature", jwt(`{"alg":"none"}`, payload, hs256(secret(1))), auth.BadSignature},
		{"crit", jwt(`{"alg":"HS256","kid":"hm","crit":["exp"]}`, payload, hs256(secret(1))), auth.Malformed},
		{"jwk", jwt(`{"alg":"HS256","jwk":{}}`, payload, hs256(secret(1))), auth.Malformed},
		{"alg twice", jwt(`{"alg":"HS256","alg":"HS256","kid":"hm"}`, payload, hs256(secret(1))), auth.Malformed},
		{"kid of another type", jwt(`{"alg":"HS256","kid":1}`, payload, hs256(secret(1))), auth.Malformed},
		{"unknown kid", jwt(`{"alg":"HS256","kid":"x"}`, payload, hs256(secret(1))), auth.UnknownKey},
		{"other account", jwt(`{"alg":"HS256","kid":"beta"}`, payload, hs256(secret(5))), auth.WrongAccount},
		{"revoked", jwt(`{"alg":"HS256","kid":"bad"}`, payload, hs256(secret(4))), auth.KeyRevoked},
		{"payload is no object", jwt(hsHeader, "[]", hs256(secret(1))), auth.BadClaim},
		{"two parts", "a.b", auth.Malformed},
		{"four parts", hsToken(cdniExp) + ".x", auth.Malformed},
		{"padding", hsToken(cdniExp+","+cdniAll) + "=", auth.Malformed},
		{"oversized", strings.Repeat("a", 4097), auth.Oversized},
	} {
		if got := https("/a", "URISigningPackage="+c.token).answer(t, scheme); got.Reason != c.want {
			t.Errorf("%s: %v, want %v", c.name, got.Reason, c.want)
		}
	}
}

// TestCDNIPlaces pins what is left of a URI whose token was cut out.
func TestCDNIPlaces(t *testing.T) {
	scheme := newScheme(t, "cdni")
	const name = "URISigningPackage="
	for _, c := range []struct {
		path, query, cookies string
		wantPath, wantQuery  string
		want                 auth.Reason
		wantTokens           int
	}{
		{"/a;" + name + "t", "x=1", "", "/a", "x=1", auth.Allowed, 1},
		{"/a;" + name + "t;v=2", "", "", "/a;v=2", "", auth.Allowed, 1},
		{"/a;v=2;" + name + "t", "", "", "/a;v=2", "", auth.Allowed, 1},
		{"/a;" + name + "t/b.ts", "", "", "/a/b.ts", "", auth.Allowed, 1},
		{"/a;" + name + "t,v", "", "", "/a;v", "", auth.Allowed, 1},
		{"/a;" + name + "t;" + name + "u", "", "", "/a", "", auth.Duplicate, 0},
		{"/a;" + name + "t", name + "u", "", "/a", "", auth.TwoPlaces, 0},
		{"/a;%55RISigningPackage=t", "", "", "/a", "", auth.Malformed, 0},
		{"/a;" + name, "", "", "/a", "", auth.Malformed, 0},
		{"/a", "x=1&" + name + "t&y=2", "", "/a", "x=1&y=2", auth.Allowed, 1},
		{"/a", "x=1;" + name + "t", "", "/a", "x=1;" + name + "t", auth.Missing, 0},
		{"/a", "", name + "t; b=1; " + name + "u", "/a", "", auth.Allowed, 2},
	} {
		var scratch auth.Scratch
		f, why := scheme.Find(&auth.Input{Path: []byte(c.path), Query: []byte(c.query), Cookies: []byte(c.cookies)}, &scratch)
		if why != c.want || string(f.Path) != c.wantPath || string(f.Query) != c.wantQuery || f.N != c.wantTokens {
			t.Errorf("%s ? %s: %v with %d tokens, %s ? %s left", c.path, c.query, why, f.N, f.Path, f.Query)
		}
	}
	stale, fresh := hsToken(`"exp":1,`+cdniAll), hsToken(cdniExp+","+cdniAll)
	a := https("/a", "")
	a.cookies = name + stale + "; " + name + fresh
	if got := a.answer(t, scheme); got.Reason != auth.Allowed {
		t.Errorf("stale cookie before a fresh one: %v", got.Reason)
	}
}

func TestCDNIRenewal(t *testing.T) {
	scheme := newScheme(t, "cdni")
	claims := func(extra string) string { return cdniExp + "," + cdniAll + `,"iss":"cms","cdniets":30` + extra }
	for _, c := range []struct {
		name, token, path, want string // want: Path of the cookie, "" for no renewal
	}{
		{"cookie", hsToken(claims(`,"cdnistt":1`)), "/a/b/c.ts", "/"},
		{"two segments", hsToken(claims(`,"cdnistt":1,"cdnistd":2`)), "/a/b/c.ts", "/a/b"},
		{"all segments", hsToken(claims(`,"cdnistt":1,"cdnistd":3`)), "/a/b/c.ts", "/a/b/c.ts"},
		{"path too short", hsToken(claims(`,"cdnistt":1,"cdnistd":4`)), "/a/b/c.ts", ""},
		{"redirect", hsToken(claims(`,"cdnistt":2`)), "/a", ""},
		{"none", hsToken(claims(`,"cdnistt":0`)), "/a", ""},
		{"not asked for", hsToken(claims(``)), "/a", ""},
		{"public key", jwt(`{"alg":"ES256","kid":"ec"}`, "{"+claims(`,"cdnistt":1`)+"}", es256), "/a", ""},
	} {
		got := https(c.path, "URISigningPackage="+c.token).answer(t, scheme)
		if got.Reason != auth.Allowed || (got.Renewal != nil) != (c.want != "") {
			t.Errorf("%s: %+v", c.name, got)
			continue
		}
		if n := got.Renewal; n != nil {
			if n.Path != c.want || n.Carrier != auth.Cookie || n.Name != "URISigningPackage" || n.Expires != now+30 {
				t.Errorf("%s: %+v", c.name, n)
			}
			checkChain(t, scheme, c.path, n)
		}
	}
	public := newScheme(t, "cdni", func(o *auth.Options) { o.CDNI.RenewKey = "hm" })
	got := https("/a", "URISigningPackage="+jwt(`{"alg":"ES256","kid":"ec"}`, "{"+claims(`,"cdnistt":1`)+"}", es256)).answer(t, public)
	if got.Renewal == nil {
		t.Fatalf("no renewal with a key of its own: %+v", got)
	}
	checkChain(t, public, "/a", got.Renewal)
}

// checkChain holds that a renewed token is good in turn, until its end.
func checkChain(t *testing.T, scheme auth.Scheme, path string, n *auth.Renewal) {
	t.Helper()
	a := https(path, "")
	if n.Carrier == auth.Cookie {
		a.cookies = n.Name + "=" + n.Token
	} else {
		a.fields = fields{{n.Name, n.Token}}
	}
	a.request.Now = n.Expires - 1
	if v := a.answer(t, scheme); v.Reason != auth.Allowed || v.Expires != n.Expires || v.Renewal == nil {
		t.Errorf("the renewed token: %+v", v)
	}
	a.request.Now = n.Expires
	if v := a.answer(t, scheme); v.Reason != auth.Expired {
		t.Errorf("the renewed token at its end: %v", v.Reason)
	}
}

// FuzzCDNI reads payloads whose signature is right: whatever is allowed has one exp
// and one cdniuc.
func FuzzCDNI(f *testing.F) {
	for _, seed := range []string{
		"{" + cdniExp + "," + cdniAll + "}", `{"exp":1e9,"cdniuc":"regex:.*"}`, `{"exp":1767226200,"cdniuc":"regex:(((("}`,
		`{"exp":1767226200,"cdniuc":"hash:sha-256;"}`, `{"aud":[[]]}`, "{",
	} {
		f.Add(hsHeader, seed, "/a;URISigningPackage=x")
	}
	scheme := newScheme(f, "cdni")
	f.Fuzz(func(t *testing.T, header, payload, path string) {
		for _, h := range []string{hsHeader, header} {
			token := jwt(h, payload, hs256(secret(1)))
			found := auth.Found{N: 1, Tokens: [auth.MaxTokens][]byte{[]byte(token)}, Path: []byte(path)}
			v := scheme.Verify(&found, &auth.Request{TLS: true, Host: []byte("cdn.example.com"), Path: []byte(path), Now: now})
			if v.Reason != auth.Allowed {
				continue
			}
			var c map[string]any
			if json.Unmarshal([]byte(payload), &c) != nil || c["exp"] == nil || c["cdniuc"] == nil || v.Expires <= now {
				t.Fatalf("%s %q allows %q: %+v", h, payload, path, v)
			}
		}
	})
}
