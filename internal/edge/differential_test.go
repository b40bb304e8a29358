package edge

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"edged/auth"
	"edged/cache"
	"edged/cache/ram"
	"edged/internal/target"
	"edged/logfmt"
	"edged/origin"
)

// This file holds the edge against the tokens' own words: whatever bytes a client
// sends, the origin is asked for exactly the path that a scheme allowed, which is the
// path that was signed, and neither origin nor key nor log gets to see the token.

// witness is a scheme that notes what it allowed.
type witness struct {
	auth.Scheme
	allowed []string // canonical paths
}

func (w *witness) Verify(f *auth.Found, r *auth.Request) auth.Verdict {
	v := w.Scheme.Verify(f, r)
	if v.Reason == auth.Allowed {
		w.allowed = append(w.allowed, string(r.Path))
	}
	return v
}

// deafOrigin notes what it is asked for and never answers.
type deafOrigin struct{ asked []*origin.Request }

var errDeaf = errors.New("the origin does not answer")

func (o *deafOrigin) Fetch(_ context.Context, r *origin.Request) (*origin.Response, error) {
	o.asked = append(o.asked, r)
	return nil, errDeaf
}

// Stats implements Origins.
func (o *deafOrigin) Stats() []origin.Stats { return nil }

// lastLine keeps the last line of the log.
type lastLine struct{ line []byte }

func (l *lastLine) Write(r *logfmt.Record) {
	l.line = logfmt.Append(l.line[:0], logfmt.JSON, logfmt.Full, r)
}

// course is a site of one scheme, and a way to sign for it.
type course struct {
	name    string
	options auth.Options
	private crypto.Signer
	witness *witness
	host    string
	below   bool   // tokens open the directory, not the file
	scope   string // directory that sign's tokens open, "" for the file alone
}

// courses returns one for each scheme.
func courses(t testing.TB) []*course {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	shared := func(k auth.KeyType, name string) []auth.Key {
		return []auth.Key{{ID: "k1", Name: name, Account: "acme", Type: k, Secret: bytes.Repeat([]byte{7}, 32)}}
	}
	list := []*course{
		{name: "ect", options: auth.Options{Keys: shared(auth.HMACSHA256, "")}},
		{name: "edgeauth", options: auth.Options{Keys: shared(auth.HMACSHA256, ""), EdgeAuth: auth.EdgeAuthOptions{Name: "hdntl", Places: []string{"query", "cookie", "path"}}}},
		{name: "cloudfront", private: private, options: auth.Options{Keys: []auth.Key{{ID: "k1", Account: "acme", Type: auth.ECDSAP256, ECDSA: &private.PublicKey}}}},
		{name: "cdni", options: auth.Options{Keys: shared(auth.HMACSHA256, "")}},
		{name: "cat", options: auth.Options{Keys: shared(auth.HMACSHA256, "")}},
		{name: "vdox", options: auth.Options{Keys: shared(auth.Secret, "k1")}},
		{name: "secure-link", options: auth.Options{Keys: shared(auth.Secret, ""), SecureLink: auth.SecureLinkOptions{Link: "$arg_md5,$arg_expires", MD5: "$secure_link_expires$uri $secret"}}},
		{name: "secure-link-secret", options: auth.Options{Keys: shared(auth.Secret, ""), WithoutExpiry: true}},
		{name: "bunny", options: auth.Options{Keys: shared(auth.Secret, "")}},
		{name: "url-sig", options: auth.Options{Keys: shared(auth.Secret, "0")}},
		{name: "media-cdn", options: auth.Options{Keys: shared(auth.HMACSHA256, "")}},
		{name: "cdn77", options: auth.Options{Keys: shared(auth.Secret, "")}},
		{name: "keycdn", options: auth.Options{Keys: shared(auth.Secret, "")}},
		{name: "gcore", options: auth.Options{Keys: shared(auth.Secret, "")}},
		{name: "wowza", options: auth.Options{Keys: shared(auth.Secret, "")}, below: true},
		{name: "fastly", options: auth.Options{Keys: shared(auth.Secret, "")}},
	}
	for _, name := range auth.Names() {
		if !slices.ContainsFunc(list, func(c *course) bool { return c.name == name }) {
			t.Fatalf("scheme %s has no course", name)
		}
	}
	signatures, err := auth.NewSignatures(1024)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
		c.open(t, signatures)
	}
	return list
}

// nothingRevoked is asked for every token, as on a node with lists.
type nothingRevoked struct{}

// Revoked implements auth.Revocations.
func (nothingRevoked) Revoked(string, []byte, *[32]byte, int64) bool { return false }

// open makes the scheme of the course's site.
func (c *course) open(t testing.TB, signatures *auth.Signatures) {
	t.Helper()
	c.options.Account, c.options.Required, c.options.Signatures = "acme", true, signatures
	c.options.Revocations = nothingRevoked{}
	scheme, err := auth.New(c.name, c.options)
	if err != nil {
		t.Fatal(err)
	}
	c.witness, c.host = &witness{Scheme: scheme}, c.name+".test"
}

// sign returns the raw target with a token for a raw path, or a Cookie line, and the
// part of the token that nobody can guess.
func (c *course) sign(path, query string, canonical []byte, place uint8) (raw, cookie, token string, err error) {
	expires := time.Now().Add(time.Hour).Unix()
	claims := auth.Claims{Expires: expires, Scopes: []string{cmp.Or(c.scope, string(canonical))}}
	q := auth.SignRequest{Path: path, Query: query, Canonical: canonical, Host: []byte(c.host), Now: time.Now().Unix(), Expires: expires, Scope: c.scope}
	var params []auth.Param
	switch c.name {
	case "ect":
		token, err = auth.MintHMAC("k1", c.options.Keys[0].Secret, claims)
		params = []auth.Param{{Name: "ect", Value: token}}
	case "edgeauth", "cloudfront", "cdni", "cat":
		params, err = auth.Mint(c.name, &auth.Order{
			Options: c.options, Key: c.options.Keys[0], Private: c.private, Claims: claims,
			Link: auth.Link{Scheme: "http", Host: c.host, Path: string(target.AppendEncoded(nil, canonical)), Query: query},
		})
	case "vdox":
		q.Path, q.Canonical, q.Query = "/", []byte("/"), "account=k1&file="+url.QueryEscape(path)
		fallthrough
	default:
		path, query, err = auth.Sign(c.witness.Scheme, &q)
		return joined(path, query), "", secretPart(strings.TrimPrefix(query, q.Query) + "&" + strings.TrimSuffix(path, q.Path)), err
	}
	if err != nil {
		return "", "", "", err
	}
	raw, cookie = placed(c.name, path, query, params, place)
	return raw, cookie, secretPart(params[len(params)-1].Value + "&" + params[min(1, len(params)-1)].Value), nil
}

// placed puts the parts of a token into a query, a path or a cookie.
func placed(scheme, path, query string, params []auth.Param, place uint8) (raw, cookie string) {
	var pairs, cookies []string
	for _, p := range params {
		pairs = append(pairs, p.Name+"="+p.Value)
		name := p.Name
		switch scheme {
		case "cloudfront":
			name = "CloudFront-" + name
		case "cat":
			name = auth.DefaultCATName
		}
		cookies = append(cookies, name+"="+p.Value)
	}
	switch {
	case place%3 == 1:
		return joined(path, query), strings.Join(cookies, "; ")
	case place%3 == 2 && (scheme == "ect" || scheme == "edgeauth"):
		return joined("/"+pairs[0]+path, query), ""
	case place%3 == 2 && scheme == "cdni":
		return joined(path+";"+pairs[0], query), ""
	case query != "":
		query += "&"
	}
	return joined(path, query+strings.Join(pairs, "&")), ""
}

func joined(path, query string) string {
	if query == "" {
		return path
	}
	return path + "?" + query
}

// secretPart is the end of the longest run of bytes that only signatures have.
func secretPart(text string) (longest string) {
	for _, run := range strings.FieldsFunc(text, func(r rune) bool {
		return r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) {
		if len(run) > len(longest) && len(run) >= 20 {
			longest = run
		}
	}
	return longest[max(0, len(longest)-16):]
}

// FuzzAllowedIsAsked signs for a path, changes the request somewhere, and looks at
// what the origin is asked for.
func FuzzAllowedIsAsked(f *testing.F) {
	list := courses(f)
	honest := newTrack(f, list)
	for _, c := range list {
		if honest.run(f, c, "/vod/a%20b.mp4", "", 0, 0, 0, ""); len(c.witness.allowed) != 1 {
			f.Fatalf("%s: an honest request is not allowed", c.name)
		}
	}
	for i := range list {
		for place := range uint8(3) {
			f.Add(uint8(i), "/vod/a%20b.mp4", "x=1", place, uint16(0), uint8(0), "")
		}
		f.Add(uint8(i), "/vod/a.mp4", "", uint8(0), uint16(5), uint8(0), "../x/")
		f.Add(uint8(i), "/vod/a.mp4", "", uint8(2), uint16(9999), uint8(0), "&ECT=x&%74oken=1")
		f.Add(uint8(i), "/vod/a.mp4", "CMCD=x&_HLS_msn=3", uint8(1), uint16(4), uint8(1), "%2e")
		f.Add(uint8(i), "/vod/a.mp4;v=1", "expires=1&token", uint8(1), uint16(8), uint8(2), "%62")
	}
	k := newTrack(f, list)
	f.Fuzz(func(t *testing.T, which uint8, path, query string, place uint8, at uint16, cut uint8, insert string) {
		c := list[int(which)%len(list)]
		k.run(t, c, path, query, place, at, cut, insert)
	})
}

// track is an edge with all the courses.
type track struct {
	edge   *Edge
	origin *deafOrigin
	log    *lastLine
	x      *Exchange
}

func newTrack(t testing.TB, list []*course) *track {
	memory, err := ram.New(ram.Options{Size: 8 << 20})
	if err != nil {
		t.Fatal(err)
	}
	k := &track{origin: &deafOrigin{}, log: &lastLine{}}
	k.edge = New(Options{Cache: cache.New(cache.Options{RAM: memory}), Log: k.log})
	var sites []*Site
	for _, c := range list {
		sites = append(sites, &Site{
			Account: "acme", Name: c.host, Hosts: []string{c.host}, Origins: k.origin,
			Token: c.witness, TokenRequired: true, PublicScheme: "http",
		})
	}
	k.edge.SetSites(NewSites(sites))
	k.x = k.edge.NewExchange()
	t.Cleanup(k.edge.Close)
	return k
}

func (k *track) run(t testing.TB, c *course, path, query string, place uint8, at uint16, cut uint8, insert string) {
	canonical, _, bad := target.Canonical([]byte(path), nil)
	if _, _, _, why := target.Split([]byte(joined(path, query))); bad != target.OK || why != target.OK || strings.ContainsAny(path, "?#") || strings.HasSuffix(path, "/") {
		t.Skip("no file to sign for")
	}
	raw, cookie, token, err := c.sign(path, query, canonical, place)
	if err != nil {
		t.Skip(err)
	}
	changed := []byte(raw)
	i := min(int(at), len(changed))
	changed = slices.Concat(changed[:i], []byte(insert), changed[min(len(changed), i+int(cut)):])
	k.origin.asked, c.witness.allowed, k.log.line = nil, nil, k.log.line[:0]
	x := k.x
	x.Req = Request{Method: []byte("GET"), Target: changed, Host: []byte(c.host), Header: fields{"Cookie": cookie}, Proto: HTTP11}
	if cookie == "" {
		x.Req.Header = fields{}
	}
	k.edge.Serve(x)
	status, key := x.Resp.Status, string(x.key)
	k.edge.Finish(x, Delivery{})
	k.judge(t, c, string(changed), string(canonical), token, status, key)
}

func (k *track) judge(t testing.TB, c *course, raw, signed, token string, status int, key string) {
	t.Helper()
	allowed := c.witness.allowed
	if len(k.origin.asked) != len(allowed) || len(allowed) > 1 {
		t.Fatalf("%s: %q was allowed %d times and asked for %d times, status %d", c.name, raw, len(allowed), len(k.origin.asked), status)
	}
	if len(allowed) == 0 {
		if status < 400 || status >= 500 {
			t.Fatalf("%s: %q was not allowed and has status %d", c.name, raw, status)
		}
		return
	}
	asked := k.origin.asked[0]
	encoded, _, _ := strings.Cut(asked.Target, "?")
	plain, err := url.PathUnescape(encoded)
	if err != nil || plain != allowed[0] {
		t.Fatalf("%s: %q was allowed as %q, and %q was asked for", c.name, raw, allowed[0], asked.Target)
	}
	want := signed
	switch {
	case c.name == "vdox":
		want = "/"
	case c.below:
		want, plain = want[:strings.LastIndexByte(want, '/')], plain[:strings.LastIndexByte(plain, '/')]
	}
	if plain != want {
		t.Fatalf("%s: %q was allowed for %q, which is not %q", c.name, raw, plain, want)
	}
	if token == "" {
		t.Fatalf("%s: no token in %q", c.name, raw)
	}
	seen := asked.Target + key + string(k.log.line)
	for _, f := range asked.Header {
		seen += f.Name + f.Value
	}
	if strings.Contains(seen, token) {
		t.Fatalf("%s: the token of %q is in %q", c.name, raw, seen)
	}
}
