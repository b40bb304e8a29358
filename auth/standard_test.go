package auth_test

import (
	"bytes"
	"strings"
	"testing"

	"edged/auth"
	"edged/internal/target"
)

// ask is a request to a scheme, as the edge makes it.
type ask struct {
	path, query, cookies string
	fields               fields
	request              auth.Request // what the others say not
}

// answer walks the way of a request: find, canonicalise, verify.
func (a ask) answer(t testing.TB, scheme auth.Scheme) auth.Verdict {
	t.Helper()
	var scratch auth.Scratch
	in := auth.Input{Path: []byte(a.path), Query: []byte(a.query), Cookies: []byte(a.cookies), Fields: a.fields}
	f, why := scheme.Find(&in, &scratch)
	if why != auth.Allowed {
		return auth.Verdict{Reason: why}
	}
	canonical, _, bad := target.Canonical(f.Path, nil)
	if bad != target.OK {
		t.Fatalf("path %q left %q: %v", a.path, f.Path, bad)
	}
	r := a.request
	if r.Method == nil {
		r.Method = []byte("GET")
	}
	if r.Host == nil {
		r.Host = []byte("cdn.example.com")
	}
	if r.Now == 0 {
		r.Now = now
	}
	r.Path, r.Query, r.Fields = canonical, f.Query, a.fields
	return scheme.Verify(&f, &r)
}

// newScheme returns a scheme for account acme with the keys of standardKeys.
func newScheme(t testing.TB, name string, edit ...func(*auth.Options)) auth.Scheme {
	t.Helper()
	o := auth.Options{Account: "acme", Required: true, Keys: standardKeys()}
	for _, e := range edit {
		e(&o)
	}
	scheme, err := auth.New(name, o)
	if err != nil {
		t.Fatalf("New(%s): %v", name, err)
	}
	return scheme
}

// standardKeys are keys of every type, some of which are not to be used.
func standardKeys() []auth.Key {
	k := testKeys()
	return []auth.Key{
		{ID: "hm", Account: "acme", Type: auth.HMACSHA256, Secret: secret(1), Issuer: "cms"},
		{ID: "next", Account: "acme", Type: auth.HMACSHA256, Secret: secret(2), State: auth.StateNext},
		{ID: "bad", Account: "acme", Type: auth.HMACSHA256, Secret: secret(4), State: auth.StateRevoked},
		{ID: "beta", Account: "beta", Type: auth.HMACSHA256, Secret: secret(5)},
		{ID: "ec", Account: "acme", Type: auth.ECDSAP256, ECDSA: &k.ec.PublicKey, Issuer: "cms"},
		{ID: "rsa", Account: "acme", Type: auth.RSA, RSA: &k.rsa.PublicKey},
	}
}

// verdictCase is a row of the schemes' tables.
type verdictCase struct {
	name string
	ask  ask
	want auth.Reason
}

func runVerdicts(t *testing.T, scheme auth.Scheme, cases []verdictCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := c.ask.answer(t, scheme); got.Reason != c.want {
				t.Errorf("%q ? %q: %v, want %v", c.ask.path, c.ask.query, got.Reason, c.want)
			}
		})
	}
}

// TestStandardNotRequired: a site without tokens cuts them out and looks at none.
func TestStandardNotRequired(t *testing.T) {
	for name, query := range map[string]string{
		"edgeauth": "__token__=x&a=1&__token__=y", "cloudfront": "Policy=x&a=1&Signature=", "cdni": "URISigningPackage=x&a=1", "cat": "a=1&CAT=x",
	} {
		scheme := newScheme(t, name, func(o *auth.Options) { o.Required = false })
		var scratch auth.Scratch
		f, why := scheme.Find(&auth.Input{Path: []byte("/a"), Query: []byte(query)}, &scratch)
		if why != auth.Allowed || string(f.Query) != "a=1" {
			t.Errorf("%s: %v with query %q left", name, why, f.Query)
		}
		if v := scheme.Verify(&f, &auth.Request{Path: []byte("/a")}); v.Reason != auth.Allowed || v.Scheme != name {
			t.Errorf("%s: %+v, want allowed by itself", name, v)
		}
	}
}

// FuzzStandardFind: what is left of a target holds no token, and the input stays as
// it was.
func FuzzStandardFind(f *testing.F) {
	for _, seed := range [][3]string{
		{"/hdntl=exp=1~hmac=00/a", "a=1&hdntl=x", "hdntl=y"},
		{"/live/a/HDNTL=1/hdntl=2/b", "Expires=1&Signature=x&Key-Pair-Id=k", "CloudFront-Policy=p;CloudFront-Signature=s"},
		{"/a;URISigningPackage=a.b.c;v=1/b;%55RISigningPackage=d", "URISigningPackage=&&cat=x&CAT=y", "cta-common-access-token=1"},
		{"/a;URISigningPackage=;URISigningPackage=x", "policy=1&polic%79=2", ""},
		{"/;URISigningPackage=1;;URISigningPackage=2", "=&=", ";;="},
	} {
		f.Add([]byte(seed[0]), []byte(seed[1]), []byte(seed[2]))
	}
	var schemes []auth.Scheme
	for _, name := range []string{"edgeauth", "cloudfront", "cdni", "cat"} {
		schemes = append(schemes, newScheme(f, name, func(o *auth.Options) {
			o.EdgeAuth = auth.EdgeAuthOptions{Name: "hdntl", Places: []string{"path", "query", "cookie"}}
		}))
	}
	f.Fuzz(func(t *testing.T, path, query, cookies []byte) {
		if len(path) == 0 || path[0] != '/' {
			t.Skip("not a path")
		}
		for _, scheme := range schemes {
			in := auth.Input{Path: bytes.Clone(path), Query: bytes.Clone(query), Cookies: bytes.Clone(cookies)}
			var scratch, again auth.Scratch
			found, why := scheme.Find(&in, &scratch)
			if (why == auth.Allowed) != (found.N > 0) || len(found.Path) == 0 || found.Path[0] != '/' {
				t.Fatalf("%s: %v with %d tokens, path %q", scheme.Name(), why, found.N, found.Path)
			}
			if !bytes.Equal(in.Path, path) || !bytes.Equal(in.Query, query) || !bytes.Equal(in.Cookies, cookies) {
				t.Fatalf("%s: the input was changed", scheme.Name())
			}
			if _, why := scheme.Find(&auth.Input{Path: found.Path, Query: found.Query}, &again); why != auth.Missing {
				t.Fatalf("%s: in what was left of %q ? %q: %q ? %q: %v", scheme.Name(), path, query, found.Path, found.Query, why)
			}
		}
	})
}

// TestStandardKeys: each scheme refuses keys it cannot use and settings that cannot
// work, and says which.
func TestStandardSettings(t *testing.T) {
	many := func(o *auth.Options) {
		for i := range 9 {
			o.Keys = append(o.Keys, auth.Key{ID: "k" + string(rune('a'+i)), Account: "acme", Type: auth.HMACSHA256, Secret: secret(9)})
		}
	}
	for _, c := range []struct {
		scheme, want string
		edit         func(*auth.Options)
	}{
		{"edgeauth", "edgeauth.hash", func(o *auth.Options) { o.EdgeAuth.Hash = "sha512" }},
		{"edgeauth", "edgeauth.escape", func(o *auth.Options) { o.EdgeAuth.Escape = "php" }},
		{"edgeauth", "edgeauth.skew", func(o *auth.Options) { o.EdgeAuth.Skew = -1 }},
		{"edgeauth", "edgeauth.name", func(o *auth.Options) { o.EdgeAuth.Name = "a=b" }},
		{"edgeauth", "edgeauth.places", func(o *auth.Options) { o.EdgeAuth.Places = []string{"body"} }},
		{"edgeauth", "at most 8", many},
		{"cdni", "at most 8", many},
		{"cdni", "cdni.name", func(o *auth.Options) { o.CDNI.Name = "a&b" }},
		{"cdni", "cdni.header", func(o *auth.Options) { o.CDNI.Header = `{"kid":"x"}` }},
		{"cdni", "cdni.renew_key", func(o *auth.Options) { o.CDNI.RenewKey = "ec" }},
		{"cat", "cat.renew_key", func(o *auth.Options) { o.CAT.RenewKey = "beta" }},
		{"cat", "cat.query", func(o *auth.Options) { o.CAT.Query = "c t" }},
		{"cloudfront", "no key of a fitting type", func(o *auth.Options) { o.Keys = o.Keys[:2] }},
		{"cat", "have the name", func(o *auth.Options) { o.Keys[1].Name = "hm" }},
		{"cat", "no account", func(o *auth.Options) { o.Account = "" }},
	} {
		o := auth.Options{Account: "acme", Required: true, Keys: standardKeys()}
		c.edit(&o)
		if _, err := auth.New(c.scheme, o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.scheme, err, c.want)
		}
	}
}
