package auth_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"edged/auth"
	"edged/internal/target"
)

// granted walks the way of a request for a manifest.
func (a ask) granted(t testing.TB, scheme auth.Scheme) (v auth.Verdict, scopes string) {
	t.Helper()
	scratch := new(auth.Scratch)
	in := auth.Input{Path: []byte(a.path), Query: []byte(a.query), Cookies: []byte(a.cookies), Fields: a.fields}
	f, why := scheme.Find(&in, scratch)
	canonical, _, bad := target.Canonical(f.Path, nil)
	if why != auth.Allowed || bad != target.OK {
		return auth.Verdict{Reason: max(why, auth.Malformed)}, ""
	}
	r := a.request
	r.Method, r.Now, r.Path, r.Query, r.Fields = []byte("GET"), now, canonical, f.Query, a.fields
	if r.Host == nil {
		r.Host = []byte("cdn.example.com")
	}
	v = scheme.Verify(&f, &r)
	v.Complete(scheme, &f, &r)
	if v.Grant == nil {
		return v, "-"
	}
	for _, s := range v.Grant.Scopes {
		scopes += " " + string(s)
	}
	return v, strings.TrimPrefix(scopes, " ")
}

func hexMAC(text string) string { return hex.EncodeToString(hs256(secret(1))([]byte(text))) }

// scoped makes a token of a scheme with a scope in the scheme's own words, for a path.
type scoped struct {
	scheme string
	make   func(t testing.TB, path, scope string) ask
	edit   func(*auth.Options)
}

func scopedTokens() map[string]scoped {
	quoted := func(s string) string { b, _ := json.Marshal(s); return string(b) }
	shared := func(name string) func(*auth.Options) {
		return func(o *auth.Options) {
			o.Keys = []auth.Key{{ID: "k", Name: name, Account: "acme", Type: auth.Secret, Secret: secret(1)}}
		}
	}
	tilde := func(query string) func(testing.TB, string, string) ask {
		return func(_ testing.TB, path, scope string) ask {
			text := strings.ReplaceAll(query, "@", scope)
			return https(path, text+"~hmac="+hexMAC(text[strings.Index(text, "=")+1:]))
		}
	}
	return map[string]scoped{
		"acl": {"edgeauth", tilde("__token__=exp=1767226200~acl=@"), nil},
		"resource": {"cloudfront", func(t testing.TB, path, scope string) ask {
			return https(path, custom(t, `{"Statement":[{"Resource":`+quoted(scope)+`,"Condition":{"DateLessThan":{"AWS:EpochTime":1767226200}}}]}`))
		}, nil},
		"cdniuc": {"cdni", func(_ testing.TB, path, scope string) ask {
			return https(path, "URISigningPackage="+hsToken(cdniExp+`,"cdniuc":`+quoted("regex:"+scope)))
		}, nil},
		"catu prefix": {"cat", func(t testing.TB, path, scope string) ask {
			return catAsk(path, macCAT(t, enc(t, with(m{312: m{3: m{1: scope}}}))))
		}, nil},
		"catu regex": {"cat", func(t testing.TB, path, scope string) ask {
			return catAsk(path, macCAT(t, enc(t, with(m{312: m{3: m{4: []string{scope, "i"}}}}))))
		}, nil},
		"catu parent": {"cat", func(t testing.TB, path, scope string) ask {
			return catAsk(path, macCAT(t, enc(t, with(m{312: m{5: m{1: scope}, 3: m{3: "/"}}}))))
		}, nil},
		"catu suffix": {"cat", func(t testing.TB, path, scope string) ask {
			return catAsk(path, macCAT(t, enc(t, with(m{312: m{3: m{1: "/", 2: scope}}}))))
		}, nil},
		"globs": {"media-cdn", tilde("edge-cache-token=PathGlobs=@~Expires=1767226200"), nil},
		"prefix": {"media-cdn", func(_ testing.TB, path, scope string) ask {
			return tilde("edge-cache-token=URLPrefix="+b64.EncodeToString([]byte(scope))+"~Expires=1767226200")(nil, path, "")
		}, nil},
		"bits": {"url-sig", func(_ testing.TB, path, scope string) ask {
			text, parts := "E=1767226200&A=1&K=0&P="+scope+"&S=", []string(nil)
			for i, part := range strings.Split("cdn.example.com"+path, "/") {
				if scope[min(i, len(scope)-1)] == '1' {
					parts = append(parts, part)
				}
			}
			h := hmac.New(sha1.New, secret(1))
			h.Write([]byte(strings.Join(parts, "/") + "?" + text))
			return https(path, text+hex.EncodeToString(h.Sum(nil)))
		}, shared("0")},
		"token_path": {"bunny", func(_ testing.TB, path, scope string) ask {
			token := hmac.New(sha256.New, secret(1))
			token.Write([]byte(scope + "1767226200token_path=" + scope))
			return https("/bcdn_token=HS256-"+b64.EncodeToString(token.Sum(nil))+"&token_path="+strings.ReplaceAll(scope, "/", "%2F")+"&expires=1767226200"+path, "")
		}, shared("")},
	}
}

// TestGrants has for scopes in each scheme's words what a session token may say of them: "" for
// nothing but the URL.
func TestGrants(t *testing.T) {
	tokens := scopedTokens()
	const host = "https://cdn.example.com"
	for _, c := range []struct{ kind, path, scope, want string }{
		{"acl", "/v/t/m.m3u8", "/v/t/*", "/v/t/"},
		{"acl", "/v/t/m.m3u8", "/v/*", "/v/"},
		{"acl", "/v/t/m.m3u8", "%2f*", "/"},
		{"acl", "/v/t/m.m3u8", "/*/t/*", "/v/t/"},
		{"acl", "/v/t/m.m3u8", "/v/t*", "/v/t/"}, // also /v/tx, which is not asked for
		{"acl", "/v/t/m.m3u8", "/v/t/*.m3u8", ""},
		{"acl", "/v/t/m.m3u8", "/v/t/m.m3u8", ""},
		{"acl", "/v/t/m.m3u8", "/v/t/?.m3u8", ""},
		{"acl", "/v/t/m.m3u8", "/w/*!/v/t/*", "/v/t/"},
		{"acl", "/v/t%20u/m.m3u8", "/v/t%20u/*", "/v/t u/"},
		{"resource", "/v/t/m.m3u8", host + "/v/t/*", "/v/t/"},
		{"resource", "/v/t/m.m3u8", "http*://*.example.com/v/*", "/v/"},
		{"resource", "/v/t/m.m3u8", host + "*", "/"},
		{"resource", "/v/t/m.m3u8", host + "/v/t/*.m3u8", ""},
		{"resource", "/v/t/m.m3u8", host + `/v/t/*\?*`, ""}, // it could demand a query
		{"resource", "/v/t/m.m3u8", host + "/v/t/m.m3u8", ""},
		{"cdniuc", "/v/t/m.m3u8", host + "/v/t/.*", "/v/t/"},
		{"cdniuc", "/v/t/m.m3u8", "https?://cdn\\.example\\.com/v/.*", "/v/"},
		{"cdniuc", "/v/t/m.m3u8", "^" + host + "/v/t/.*$", "/v/t/"},
		{"cdniuc", "/v/t/m.m3u8", host + "/v/t/[^?]*(\\?.*)?", "/v/t/"},
		{"cdniuc", "/v/t/m.m3u8", host + "/v/t/[^?]*", ""}, // no query may follow
		{"cdniuc", "/v/t/m.m3u8", host + "/v/[a-z]/m.m3u8|" + host + "/v/t/.*", "/v/t/"},
		{"cdniuc", "/v/t/m.m3u8", host + "/v/(t/.*|t/)", "/v/t/"},
		{"cdniuc", "/v/t/m.m3u8", host + "/v/t/[a-z0-9.]*", ""},
		{"cdniuc", "/v/t/m.m3u8", host + "/v/t/.*\\.m3u8", ""},
		{"cdniuc", "/v/t/m.m3u8", host + "/v/.*/.*", "/v/t/"},
		{"catu prefix", "/v/t/m.m3u8", "/v/t/", "/v/t/"},
		{"catu prefix", "/v/t/m.m3u8", "/v/t/m", ""},
		{"catu prefix", "/v/title/m.m3u8", "/v/ti", "/v/title/"},
		{"catu regex", "/v/T/m.m3u8", "/V/[a-z]/.*", "/v/T/"},
		{"catu regex", "/v/t/m.m3u8", "/v/t/\\bm.*", ""},
		{"catu regex", "/v/t/m.m3u8", "/v/t/[^/]*", ""},
		{"catu parent", "/v/t/m.m3u8", "/v", "/v/"},
		{"catu parent", "/v/t/m.m3u8", "/v/t", "/v/t/"},
		{"catu suffix", "/v/t/m.m3u8", ".m3u8", ""},
		{"globs", "/v/t/m.m3u8", "/v/t/*", "/v/t/"},
		{"globs", "/v/t/m.m3u8", "/w/*,/v/*", "/v/"},
		{"globs", "/v/t/m.m3u8", "/v/t/*.m3u8", ""},
		{"prefix", "/v/t/m.m3u8", host + "/v/t", "/v/t /v/t/"},
		{"prefix", "/v/t/m.m3u8", host + "/v/t/", "/v/t/"},
		{"prefix", "/v/t/m.m3u8", host, "/"},
		{"prefix", "/v/t%20u/m.m3u8", host + "/v/t%20u", "/v/t u/"},
		{"prefix", "/v/t%20u/x/m.m3u8", host + "/v", "/v /v/"},
		{"bits", "/v/t/m.m3u8", "110", "/v/"},
		{"bits", "/v/t/m.m3u8", "0110", "/v/t/"},
		{"bits", "/v/t/m.m3u8", "1010", "/v/t/"}, // any /?/t/, of which this is one
		{"bits", "/v/t/m.m3u8", "1", ""},
		{"bits", "/v/t/m.m3u8", "1110", "/v/t/"},
		{"bits", "/v/t/m.m3u8", "11110", ""},
		{"token_path", "/v/t/m.m3u8", "/v/t/", "/v/t/"},
		{"token_path", "/v/t/m.m3u8", "/v/t", "/v/t /v/t/"},
		{"token_path", "/v/t/m.m3u8", "/v/t/m.m3u8", "/v/t/m.m3u8 /v/t/m.m3u8/"},
	} {
		s := tokens[c.kind]
		var edits []func(*auth.Options)
		if s.edit != nil {
			edits = append(edits, s.edit)
		}
		a := s.make(t, c.path, c.scope)
		v, got := a.granted(t, newScheme(t, s.scheme, edits...))
		if v.Reason != auth.Allowed || got != c.want {
			t.Errorf("%s %s: %v, %q, want %q", c.kind, c.scope, v.Reason, got, c.want)
		}
	}
}

// A session token demands of the client what the access token did.
func TestGrantsKeepRestrictions(t *testing.T) {
	link := func(o *auth.Options) {
		o.Keys = []auth.Key{{ID: "k", Account: "acme", Type: auth.Secret, Secret: secret(1)}}
		o.SecureLink = auth.SecureLinkOptions{Link: "$arg_m,$arg_e", MD5: "$secure_link_expires$uri$remote_addr$host $secret"}
	}
	nets := func(claims m) ask { return catAsk("/live/a.m3u8", macCAT(t, enc(t, with(claims)))) }
	ip := https("/v/m.m3u8", "__token__=ip=198.51.100.7~exp=1767226200~acl=/v/*~hmac="+hexMAC("ip=198.51.100.7~exp=1767226200~acl=/v/*"))
	ranges := "PathGlobs=/v/*~Expires=1767226200~IPRanges=" + b64.EncodeToString([]byte("203.0.113.0/24,198.51.100.9/24"))
	headers := "PathGlobs=/v/*~Expires=1767226200~Headers="
	for _, c := range []struct {
		name, scheme string
		ask          ask
		edit         func(*auth.Options)
		grant        bool
		network      string
		origin       string
	}{
		{"edgeauth, ip", "edgeauth", ip, nil, true, "198.51.100.7/32", ""},
		{"cloudfront, network", "cloudfront", https("/v/m.m3u8", custom(t, `{"Statement":{"Resource":"https://*/v/*","Condition":{"DateLessThan":{"AWS:EpochTime":1767226200},"IpAddress":{"AWS:SourceIp":"198.51.100.0/24"}}}}`)), nil, true, "198.51.100.0/24", "https://cdn.example.com"},
		{"cloudfront, canned", "cloudfront", https("/v/a.mp4", canned(t, "ec", "", cfURL)), nil, true, "", "https://cdn.example.com"},
		{"cat, networks", "cat", nets(m{311: []any{cbor.Tag{Number: 52, Content: []any{24, []byte{198, 51, 100}}}}}), nil, true, "198.51.100.0/24", "https://cdn.example.com"},
		{"cat, autonomous system", "cat", nets(m{311: []any{64500}}), nil, false, "", ""},
		{"cat, protocol", "cat", nets(m{314: []any{[]byte("h2")}}), nil, false, "", ""},
		{"media-cdn, ranges", "media-cdn", https("/v/m.m3u8", "edge-cache-token="+ranges+"~hmac="+hexMAC(ranges)), nil, true, "198.51.100.0/24", ""},
		{"media-cdn, header", "media-cdn", headerAsk("/v/m.m3u8", "edge-cache-token="+headers+"X-A~hmac="+hexMAC(headers+"X-A=1")), nil, false, "", ""},
		{"secure-link, address and host", "secure-link", linkAsk(t, link), link, true, "198.51.100.7/32", "https://cdn.example.com"},
	} {
		var edits []func(*auth.Options)
		if c.edit != nil {
			edits = append(edits, c.edit)
		}
		v, _ := c.ask.granted(t, newScheme(t, c.scheme, edits...))
		if v.Reason != auth.Allowed || v.Grant == nil || v.Grant.Stays == c.grant {
			t.Errorf("%s: %v, grant %v", c.name, v.Reason, v.Grant)
			continue
		}
		if !c.grant {
			continue
		}
		network := ""
		for _, n := range v.Grant.Addresses {
			network += n.String()
		}
		if network != c.network || string(v.Grant.Origin) != c.origin {
			t.Errorf("%s: bound to %q at %q, want %q at %q", c.name, network, v.Grant.Origin, c.network, c.origin)
		}
	}
}

func headerAsk(path, query string) ask {
	a := https(path, query)
	a.fields = fields{{"X-A", "1"}}
	return a
}

func linkAsk(t *testing.T, link func(*auth.Options)) ask {
	t.Helper()
	a := https("/v/m.m3u8", "")
	q := auth.SignRequest{Path: a.path, Canonical: []byte(a.path), Host: []byte("cdn.example.com"), Client: a.request.Client, Now: now, Expires: now + 600}
	_, query, err := auth.Sign(newScheme(t, "secure-link", link), &q)
	if err != nil {
		t.Fatal(err)
	}
	a.query = query
	return a
}

// A session that was bound to scheme and host opens no other of the site.
func TestSessionIsBoundToTheOrigin(t *testing.T) {
	key := auth.Key{ID: "edge", Account: "acme", Type: auth.HMACSHA256, Secret: secret(9), Scheme: "ect"}
	sessions, err := auth.NewSessions("vod", key, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	scheme := newScheme(t, "cloudfront", func(o *auth.Options) {
		o.Keys, o.Accept = append(o.Keys, key), []string{"ect"}
	})
	access := scopedTokens()["resource"].make(t, "/v/m.m3u8", "https://*.example.com/v/*")
	v, _ := access.granted(t, scheme)
	if !sessions.Exchanges(&v) {
		t.Fatalf("not exchanged: %+v", v)
	}
	token, _, err := sessions.Mint(&v, now, "fresh")
	if err != nil {
		t.Fatal(err)
	}
	good := https("/ect="+token+"/v/a.m4s", "x=1")
	if got := good.answer(t, scheme); got.Reason != auth.Allowed || sessions.Exchanges(&got) || got.Grant == nil || string(got.Grant.Origin) != "https://cdn.example.com" {
		t.Errorf("session: %v, %+v", got.Reason, got.Grant)
	}
	for name, change := range map[string]func(*ask){
		"another host": func(a *ask) { a.request.Host = []byte("b.example.com") },
		"plain http":   func(a *ask) { a.request.TLS = false },
		"another path": func(a *ask) { a.path = "/ect=" + token + "/w/a.m4s" },
	} {
		a := good
		if change(&a); a.answer(t, scheme).Reason != auth.OutOfScope {
			t.Errorf("%s: %v", name, a.answer(t, scheme).Reason)
		}
	}
	mine, err := auth.MintHMAC("hm", secret(1), auth.Claims{Expires: now + 60, Scopes: []string{"/v/"}})
	if err != nil {
		t.Fatal(err)
	}
	other := https("/ect="+mine+"/v/a.m4s", "")
	other.request.Host = []byte("b.example.com")
	if got := other.answer(t, scheme); got.Reason != auth.Allowed {
		t.Errorf("a token of the customer: %v", got.Reason)
	}
}

// FuzzGrantIsNotWider makes a token with any scope, takes what a session token would open, and
// asks for paths of it with the token itself, which must open them all.
func FuzzGrantIsNotWider(f *testing.F) {
	tokens := scopedTokens()
	var kinds []string
	schemes := map[string]auth.Scheme{}
	for _, kind := range []string{"acl", "resource", "cdniuc", "catu prefix", "catu regex", "catu parent", "catu suffix", "globs", "prefix", "bits", "token_path"} {
		kinds = append(kinds, kind)
		var edits []func(*auth.Options)
		if e := tokens[kind].edit; e != nil {
			edits = append(edits, e)
		}
		schemes[kind] = newScheme(f, tokens[kind].scheme, edits...)
	}
	for i, scope := range []string{"/v/*", "https://cdn.example.com/v/*", "https://cdn.example.com/v/.*", "/v/", "/v/.*", "/v", ".m3u8", "/v/*", "https://cdn.example.com/v", "1110", "/v/t"} {
		f.Add(uint8(i), scope, "/v/t/m.m3u8", "a/b.m4s")
		f.Add(uint8(i), strings.Replace(scope, "v", "?", 1), "/v/t/m.m3u8", "x")
	}
	f.Add(uint8(2), "https://cdn.example.com/(a|v/.*$|v/t/^)", "/v/t/m.m3u8", "$")
	f.Add(uint8(2), "https://cdn.example.com/v/[^?]*(\\?.*)?", "/v/t/m.m3u8", "a~")
	f.Add(uint8(4), "(?i:/V/)(.|\\?)*", "/v/t/m.m3u8", "%7F%C3%A9")
	f.Fuzz(func(t *testing.T, which uint8, scope, path, rest string) {
		kind := kinds[int(which)%len(kinds)]
		s := tokens[kind]
		if strings.ContainsAny(path+rest, "?#;") || !strings.HasPrefix(path, "/") || scope == "" || strings.Trim(scope, "01") != "" && kind == "bits" {
			t.Skip("no path or no scope")
		}
		canonical, _, bad := target.Canonical([]byte(path), nil)
		if _, _, _, why := target.Split([]byte(path + rest)); bad != target.OK || why != target.OK || strings.ContainsAny(scope, "~\"\x00") {
			t.Skip("no path")
		}
		a := s.make(t, path, scope)
		v, _ := a.granted(t, schemes[kind])
		if v.Reason != auth.Allowed || v.Grant == nil {
			return
		}
		for _, dir := range v.Grant.Scopes {
			below, query := string(target.AppendEncoded(nil, dir)), a.query
			if strings.HasSuffix(below, "/") {
				below += rest
			}
			at, _, bad := target.Canonical([]byte(below), nil)
			if bad != target.OK || !strings.HasPrefix(string(at), string(dir)) {
				continue
			}
			if query != "" {
				query += "&"
			}
			query += "z=" + rest // which a session token does not look at
			other := a
			if segment, ok := strings.CutSuffix(a.path, path); ok && segment != "" {
				below = segment + below
			}
			other.path, other.query = below, query
			if w, _ := other.granted(t, schemes[kind]); w.Reason != auth.Allowed {
				t.Errorf("%s %q for %q (%q) grants %q, which has %q: %v", kind, scope, path, canonical, dir, below, w.Reason)
			}
		}
	})
}

// What cannot be written as a list of claims is not exchanged, or "PUT,DELETE", which is no
// method, would become two.
func TestGrantOfOddLists(t *testing.T) {
	for _, c := range []struct {
		name  string
		claim m
		stays bool
	}{
		{"methods", m{313: []string{"GET", "HEAD"}}, false},
		{"a comma among methods", m{313: []string{"GET", "PUT,DELETE"}}, true},
		{"no method among methods", m{313: []string{"GET", ""}}, true},
		{"countries", m{316: []string{"NL", "DE"}}, false},
		{"a comma among countries", m{316: []string{"NL", "DE,FR"}}, true},
	} {
		a := catAsk("/live/a.m3u8", macCAT(t, enc(t, with(c.claim))))
		a.request.Country = "NL"
		if v, _ := a.granted(t, newScheme(t, "cat")); v.Grant == nil || v.Grant.Stays != c.stays {
			t.Errorf("%s: %v, %+v", c.name, v.Reason, v.Grant)
		}
	}
}

// The id of a token that is no text, as a UUID is none, is the session's all the same.
func TestSessionOfABinaryID(t *testing.T) {
	key := auth.Key{ID: "edge", Account: "acme", Type: auth.HMACSHA256, Secret: secret(9), Scheme: "ect"}
	sessions, err := auth.NewSessions("vod", key, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	scheme := newScheme(t, "cat", func(o *auth.Options) { o.Keys, o.Accept = append(o.Keys, key), []string{"ect"} })
	for id, want := range map[string]string{"\x00\xff\n\x01": "00ff0a01", "v-17": "v-17", "a\nb": "610a62"} {
		v, _ := catAsk("/live/a.m3u8", macCAT(t, enc(t, with(m{7: []byte(id)})))).granted(t, scheme)
		if string(v.Session) != want || !sessions.Exchanges(&v) {
			t.Errorf("%q: session %q, %v", id, v.Session, v.Reason)
			continue
		}
		token, _, err := sessions.Mint(&v, now, "fresh")
		if err != nil {
			t.Errorf("%q: %v", id, err)
			continue
		}
		if got := https("/ect="+token+"/live/a.m4s", "").answer(t, scheme); got.Reason != auth.Allowed || string(got.Session) != want {
			t.Errorf("%q: %v, session %q", id, got.Reason, got.Session)
		}
	}
}

// A token of bunny in the path keeps the parameters that it signs when it moves to another URL.
func TestGrantKeepsSignedParameters(t *testing.T) {
	token := hmac.New(sha256.New, secret(1))
	token.Write([]byte("/v/1767226200quality=low&token_path=/v/"))
	segment := "/bcdn_token=HS256-" + b64.EncodeToString(token.Sum(nil)) + "&quality=low&token_path=%2Fv%2F&expires=1767226200"
	scheme := newScheme(t, "bunny", func(o *auth.Options) {
		o.Keys = []auth.Key{{ID: "k", Account: "acme", Type: auth.Secret, Secret: secret(1)}}
	})
	v, scopes := https(segment+"/v/m.m3u8", "").granted(t, scheme)
	if v.Reason != auth.Allowed || scopes != "/v/" {
		t.Fatalf("%v, %q", v.Reason, scopes)
	}
	p := v.Grant.Places.Segment
	if got := https("/"+p.Name+"="+p.Value+"/v/a.m4s", "").answer(t, scheme); got.Reason != auth.Allowed {
		t.Errorf("%s=%s: %v", p.Name, p.Value, got.Reason)
	}
}
