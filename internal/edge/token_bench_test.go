//go:build !race

package edge

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"edged/auth"
)

// benchPath is the object of all hits.
const benchPath = "/v/a.m4s"

// form is a token of one kind in one place.
type form struct {
	name   string
	scheme string
	scope  string // directory, "" for the file alone
	place  uint8  // of course.sign; placeHeader is the field of cat
	// options other than those of courses, when there are keys among them.
	options auth.Options
	private crypto.Signer
	target  string // where sign cannot make it
	allocs  float64
}

const placeHeader = 9

// forms are the kinds of tokens that cost differently. Every scheme is among them.
func forms(t testing.TB) []form {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	rsa2048, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	keys := func(k auth.Key) auth.Options {
		k.ID, k.Account = "k1", "acme"
		return auth.Options{Keys: []auth.Key{k}}
	}
	ed25519Keys := keys(auth.Key{Type: auth.Ed25519, Public: public})
	p256Keys := keys(auth.Key{Type: auth.ECDSAP256, ECDSA: &p256.PublicKey})
	rsaKeys := keys(auth.Key{Type: auth.RSA, RSA: &rsa2048.PublicKey})
	secret := bytes.Repeat([]byte{7}, 32)
	inPath := keys(auth.Key{Type: auth.Secret, Secret: secret})
	inPath.SecureLink = auth.SecureLinkOptions{
		Link: "$hash,$end", MD5: "$end$dir $secret", Location: `/(?P<hash>[A-Za-z0-9_-]{22})/(?P<end>[0-9]{10})(?P<dir>/.+/)[^/]+`,
	}
	cdn77 := keys(auth.Key{Type: auth.Secret, Secret: secret})
	cdn77.CDN77.Path = true
	anchored := keys(auth.Key{Name: "0", Type: auth.Secret, Secret: secret})
	anchored.URLSig.Anchor = "s"
	end := strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10)
	token, err := auth.MintEd25519("k1", private, auth.Claims{Expires: time.Now().Add(time.Hour).Unix(), Scopes: []string{"/v/"}})
	must(t, err)
	list := []form{
		{name: "ect/query", scheme: "ect", scope: "/v/"},
		{name: "ect/cookie", scheme: "ect", scope: "/v/", place: 1},
		{name: "ect/path", scheme: "ect", scope: "/v/", place: 2},
		{name: "ect/Ed25519", scheme: "ect", options: ed25519Keys, target: "/ect=" + token + benchPath},
		{name: "edgeauth/url", scheme: "edgeauth", scope: ""},
		{name: "edgeauth/query", scheme: "edgeauth", scope: "/v/"},
		{name: "edgeauth/cookie", scheme: "edgeauth", scope: "/v/", place: 1},
		{name: "edgeauth/path", scheme: "edgeauth", scope: "/v/", place: 2},
		{name: "cloudfront/canned", scheme: "cloudfront"},
		{name: "cloudfront/custom", scheme: "cloudfront", scope: "/v/"},
		{name: "cloudfront/cookie", scheme: "cloudfront", scope: "/v/", place: 1},
		{name: "cloudfront/canned,RSA", scheme: "cloudfront", options: rsaKeys, private: rsa2048},
		{name: "cloudfront/custom,RSA", scheme: "cloudfront", scope: "/v/", options: rsaKeys, private: rsa2048},
		{name: "cloudfront/cookie,RSA", scheme: "cloudfront", scope: "/v/", options: rsaKeys, private: rsa2048, place: 1},
		{name: "cdni/hash", scheme: "cdni"},
		{name: "cdni/regex", scheme: "cdni", scope: "/v/"},
		{name: "cdni/cookie", scheme: "cdni", scope: "/v/", place: 1},
		{name: "cdni/path", scheme: "cdni", scope: "/v/", place: 2},
		{name: "cdni/ES256", scheme: "cdni", scope: "/v/", options: p256Keys, private: p256},
		{name: "cat/query", scheme: "cat", scope: "/v/"},
		{name: "cat/cookie", scheme: "cat", scope: "/v/", place: 1},
		{name: "cat/header", scheme: "cat", scope: "/v/", place: placeHeader},
		{name: "cat/PS256", scheme: "cat", scope: "/v/", options: rsaKeys, private: rsa2048},
		{name: "vdox", scheme: "vdox"},
		{name: "secure-link/query", scheme: "secure-link"},
		{name: "secure-link/path", scheme: "secure-link", options: inPath, target: "/" + md5Of(end+"/v/ "+string(secret)) + "/" + end + benchPath, allocs: 1},
		{name: "secure-link-secret", scheme: "secure-link-secret"},
		{name: "bunny/query", scheme: "bunny"},
		{name: "bunny/path", scheme: "bunny", scope: "/v/"},
		{name: "url-sig/query", scheme: "url-sig"},
		{name: "url-sig/anchor", scheme: "url-sig", options: anchored, target: anchoredTarget("url-sig.test"+benchPath, end, secret)},
		{name: "media-cdn/path", scheme: "media-cdn"},
		{name: "media-cdn/prefix", scheme: "media-cdn", scope: "/v/"},
		{name: "media-cdn/Ed25519", scheme: "media-cdn", options: ed25519Keys, target: benchPath + "?edge-cache-token=" + mediaToken(private, end)},
		{name: "cdn77/query", scheme: "cdn77"},
		{name: "cdn77/path", scheme: "cdn77", options: cdn77, target: "/" + md5Of(end+"/v"+string(secret)) + "==," + end + benchPath},
		{name: "keycdn", scheme: "keycdn"},
		{name: "gcore", scheme: "gcore"},
		{name: "wowza", scheme: "wowza"},
		{name: "fastly", scheme: "fastly"},
	}
	for _, name := range auth.Names() {
		if !containsScheme(list, name) {
			t.Fatalf("no form of %s", name)
		}
	}
	return list
}

func containsScheme(list []form, name string) bool {
	for i := range list {
		if list[i].scheme == name {
			return true
		}
	}
	return false
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func md5Of(text string) string {
	sum := md5.Sum([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func anchoredTarget(parts, end string, secret []byte) string {
	text := ";E=" + end + ";A=1;K=0;P=1;S="
	h := hmac.New(sha1.New, secret)
	fmt.Fprint(h, parts, text)
	return benchPath + ";s=" + base64.RawURLEncoding.EncodeToString([]byte(text+hex.EncodeToString(h.Sum(nil))))
}

func mediaToken(private ed25519.PrivateKey, end string) string {
	fields := "URLPrefix=" + base64.RawURLEncoding.EncodeToString([]byte("http://media-cdn.test/v/")) + "~Expires=" + end
	return fields + "~Signature=" + base64.RawURLEncoding.EncodeToString(ed25519.Sign(private, []byte(fields)))
}

// tokenHit is an edge that has an object, and a request for it with a good token.
type tokenHit struct {
	name   string
	bench  *bench
	x      *Exchange
	req    Request
	allocs float64 // most that a hit may allocate
}

// tokenHits returns one for an open site, first, and one for each form. Signatures of
// public keys were seen before, as all but the first of a viewer are.
func tokenHits(t testing.TB) []*tokenHit {
	t.Helper()
	byName := map[string]*course{}
	for _, c := range courses(t) {
		byName[c.name] = c
	}
	signatures, err := auth.NewSignatures(1024)
	must(t, err)
	hits := []*tokenHit{newTokenHit(t, "open", &course{host: "media.test"}, benchPath, nil)}
	for _, f := range forms(t) {
		c := *byName[f.scheme]
		c.scope = f.scope
		if len(f.options.Keys) > 0 {
			c.options, c.private = f.options, f.private
			c.open(t, signatures)
		}
		raw, header := f.request(t, &c)
		h := newTokenHit(t, f.name, &c, raw, header)
		h.allocs = f.allocs
		hits = append(hits, h)
	}
	return hits
}

// request returns the target and the header of a request with a token.
func (f *form) request(t testing.TB, c *course) (raw string, header rawFields) {
	t.Helper()
	if f.target != "" {
		return f.target, rawFields{}
	}
	place := f.place
	if place == placeHeader {
		place = 1
	}
	raw, cookie, _, err := c.sign(benchPath, "", []byte(benchPath), place)
	must(t, err)
	switch {
	case f.place == placeHeader:
		return raw, rawFields{{[]byte(auth.DefaultCATName), []byte(cookie[len(auth.DefaultCATName)+1:])}}
	case cookie != "":
		return raw, rawFields{{[]byte("Cookie"), []byte(cookie)}}
	}
	return raw, rawFields{}
}

func newTokenHit(t testing.TB, name string, c *course, raw string, header rawFields) *tokenHit {
	serve := ok(pattern(2<<10), "video/mp4")
	kept := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=3600") // vdox opens a path that is no file's
		serve(w, r)
	}
	b := newBench(t, kept, func(s *Site) {
		s.Hosts, s.Name = []string{c.host}, c.host
		if c.witness != nil {
			s.Token, s.TokenRequired = c.witness.Scheme, true
		}
	})
	h := &tokenHit{name: name, bench: b, x: b.edge.NewExchange()}
	b.fill(h.x, request{target: raw, host: c.host})
	h.req = h.x.Req
	h.req.Header = header
	var lines []string
	for _, f := range header {
		lines = append(lines, string(f[0]), string(f[1]))
	}
	filled := fields{}
	for i := 0; i < len(lines); i += 2 {
		filled[lines[i]] = lines[i+1]
	}
	b.want(b.do(request{target: raw, host: c.host, header: filled}), 200)
	b.edge.log = &discardLog{buf: make([]byte, 4096)}
	return h
}

func (h *tokenHit) serve() { once(h.bench.edge, h.x, &h.req) }

// BenchmarkTokenHit is BenchmarkHit with a token of each form; "open" is without.
func BenchmarkTokenHit(b *testing.B) {
	for _, h := range tokenHits(b) {
		b.Run(h.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				h.serve()
			}
		})
	}
}

// TestTokenHitAllocations: a hit with a token that was seen before allocates nothing, or no
// more than its form says.
func TestTokenHitAllocations(t *testing.T) {
	for _, h := range tokenHits(t) {
		for range 50 {
			h.serve() // buffers grow, signatures are remembered
		}
		got := testing.AllocsPerRun(200, h.serve)
		t.Logf("%-24s %v allocations", h.name, got)
		if got > h.allocs {
			t.Errorf("%s: %v allocations a hit, want at most %v", h.name, got, h.allocs)
		}
	}
}
