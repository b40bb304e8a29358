package main

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // what other systems sign with
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // what other systems sign with
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"edged/auth"
	"edged/internal/config"
)

// door is a site that takes tokens of one scheme in one form, and a site of another
// account that takes the same.
type door struct {
	name, scheme, kind string // kind is the type of its keys
	settings           string // more of [site.token]
	tables             string // of the scheme
	path, query        string // of the one object, raw and without a token; "" for bypassPath
	scope              string // what tokens open; "" is the one object only
	eternal            bool   // tokens do not end
	mint               func(d *door, w wish) []pass
	key                map[string]doorKey // by account
	options            map[string]auth.Options
}

// doorKey is what an account signs with, and how the configuration has it.
type doorKey struct {
	secret  []byte
	private crypto.Signer
	toml    string
}

// wish is a token to be minted. The zero one is good.
type wish struct {
	account string        // "" for acme
	age     time.Duration // how long ago it was made
	life    time.Duration // 0 for an hour
	start   time.Duration // from now, of schemes that can say it
	forged  bool          // signed with a key that nobody has
	path    string        // "" for the door's
}

// pass is a token where a request carries it.
type pass struct {
	carrier   string
	pre, post string // around the path
	query     string
	field     string // header line
	token     string // the part that must not be changed by a bit
}

// raw returns the request for another path than the token's, with more header lines.
func (p *pass) raw(d *door, method, path string, fields ...string) string {
	return p.on(d.hostOf("acme"), method, path, fields...)
}

func (p *pass) on(host, method, path string, fields ...string) string {
	lines := append([]string{method + " " + p.target(path) + " HTTP/1.1", "Host: " + host}, fields...)
	if p.field != "" {
		lines = append(lines, p.field)
	}
	return strings.Join(lines, "\r\n") + "\r\n\r\n"
}

func (p *pass) target(path string) string {
	t := p.pre + path + p.post
	if p.query != "" {
		t += "?" + p.query
	}
	return t
}

// replaced returns the pass with some text in it changed.
func (p *pass) replaced(old, by string) pass {
	if old == "" {
		return *p
	}
	change := func(s string) string { return strings.ReplaceAll(s, old, by) }
	return pass{p.carrier, change(p.pre), change(p.post), change(p.query), change(p.field), change(p.token)}
}

func (d *door) hostOf(account string) string { return d.name + "." + account + ".test" }

// clean is the target that the origin is asked for.
func (d *door) clean() string {
	if d.query != "" {
		return d.path + "?" + d.query
	}
	return d.path
}

// table is the token table of an account's site.
func (d *door) table(account string) string {
	return fmt.Sprintf("[site.token]\nrequired = true\nscheme = %q\n%s\n%s\n[[site.token.key]]\nkid = \"%s-%s\"\n%s",
		d.scheme, d.settings, strings.ReplaceAll(d.tables, "ACCOUNT", account), account, d.name, d.key[account].toml)
}

// load reads the options of the sites as the node does.
func (d *door) load(t *testing.T, file string) {
	t.Helper()
	c, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	d.options = map[string]auth.Options{}
	for i := range c.Sites {
		if s := &c.Sites[i]; slices.Contains(s.Hosts, d.hostOf(s.Account)) {
			d.options[s.Account] = s.Options()
		}
	}
}

// passes mints a token in every carrier of the door.
func (d *door) passes(w wish) []pass {
	if w.account == "" {
		w.account = "acme"
	}
	if w.life == 0 {
		w.life = time.Hour
	}
	if w.path == "" {
		w.path = d.path
	}
	return d.mint(d, w)
}

func (w *wish) expires() int64 { return bypassNow().Add(w.life - w.age).Unix() }

// bypassNow is one moment for the whole test, so that tokens can be made again.
var bypassNow = func() func() time.Time {
	now := time.Now()
	return func() time.Time { return now }
}()

// signing returns options, with a key that nobody has when the wish is a forged token.
func (d *door) signing(w *wish) auth.Options {
	o := d.options[w.account]
	o.Keys = slices.Clone(o.Keys)
	if w.forged {
		o.Keys[0].Secret = bytes.Repeat([]byte{0x66}, 32)
	}
	return o
}

// privateKey returns the private half of the door's key, or a stranger's.
func (d *door) privateKey(w *wish) crypto.Signer {
	k := d.key[w.account].private
	if w.forged && k != nil {
		return d.key["nobody"].private
	}
	return k
}

func mustMint[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// everywhere carries one token in the query and a cookie.
func everywhere(name, token string) []pass {
	return []pass{
		{carrier: "query", query: name + "=" + token, token: token},
		{carrier: "cookie", field: "Cookie: " + name + "=" + token, token: token},
	}
}

func mintECT(d *door, w wish) []pass {
	c := auth.Claims{Expires: w.expires(), Scopes: []string{cmpOr(d.scope, w.path)}}
	if w.start != 0 {
		c.NotBefore = bypassNow().Add(w.start).Unix()
	}
	o, token := d.signing(&w), ""
	if k := d.privateKey(&w); k != nil {
		token = mustMint(auth.MintEd25519(o.Keys[0].ID, k.(ed25519.PrivateKey), c))
	} else {
		token = mustMint(auth.MintHMAC(o.Keys[0].ID, o.Keys[0].Secret, c))
	}
	return append(everywhere("ect", token), pass{carrier: "path", pre: "/ect=" + token, token: token})
}

// mintOrder is for the schemes of auth.Mint.
func mintOrder(d *door, w wish) []pass {
	o := d.signing(&w)
	order := auth.Order{
		Options: o, Key: o.Keys[0], Private: d.privateKey(&w),
		Claims: auth.Claims{Expires: w.expires(), Scopes: []string{cmpOr(d.scope, w.path)}},
		Link:   auth.Link{Scheme: "http", Host: d.hostOf(w.account), Path: w.path},
	}
	if w.start != 0 {
		order.Claims.NotBefore = bypassNow().Add(w.start).Unix()
	}
	params := mustMint(auth.Mint(d.scheme, &order))
	name, token := params[0].Name, params[0].Value
	switch d.scheme {
	case "cloudfront":
		var query, cookies []string
		for _, p := range params {
			query = append(query, p.Name+"="+p.Value)
			cookies = append(cookies, "CloudFront-"+p.Name+"="+p.Value)
		}
		token = params[1].Value
		return []pass{
			{carrier: "query", query: strings.Join(query, "&"), token: token},
			{carrier: "cookie", field: "Cookie: " + strings.Join(cookies, "; "), token: token},
		}
	case "cdni":
		return append(everywhere(name, token), pass{carrier: "path", post: ";" + name + "=" + token, token: token})
	case "cat":
		return append(
			[]pass{{carrier: "header", field: "CTA-Common-Access-Token: " + token, token: token}, {carrier: "query", query: "cat=" + token, token: token}},
			pass{carrier: "cookie", field: "Cookie: CTA-Common-Access-Token=" + token, token: token})
	case "edgeauth":
		if name == "hdntl" {
			return append(everywhere(name, token), pass{carrier: "path", pre: "/hdntl=" + token, token: token},
				pass{carrier: "header", field: "hdntl: " + token, token: token})
		}
	}
	return everywhere(name, token)
}

// mintSign is for the schemes of auth.Sign; d.query and the token share the query.
func mintSign(d *door, w wish) []pass {
	o := d.signing(&w)
	if w.forged {
		o.Required = false
	}
	s := mustMint(auth.New(d.scheme, o))
	q := auth.SignRequest{
		Path: w.path, Query: d.query, Canonical: []byte(w.path), Host: []byte(d.hostOf(w.account)),
		Now: bypassNow().Unix(), Expires: w.expires(), Scope: d.scope,
	}
	path, query, err := auth.Sign(s, &q)
	if err != nil {
		panic(err)
	}
	p := pass{carrier: "query", pre: strings.TrimSuffix(path, w.path), query: query}
	if p.pre != "" {
		p.carrier = "path"
		p.token = p.pre[strings.LastIndexByte(p.pre, '/')+1:]
		if _, after, ok := strings.Cut(p.token, "="); ok {
			p.token, _, _ = strings.Cut(after, "&")
		}
		return []pass{p}
	}
	for _, pair := range strings.Split(query, "&") {
		if name, value, _ := strings.Cut(pair, "="); len(value) > len(p.token) || name == "S" {
			p.token = value
		}
	}
	if d.scheme == "media-cdn" {
		return append(everywhere("edge-cache-token", p.token), pass{})[:2]
	}
	return []pass{p}
}

// Forms that auth.Sign does not make, laid out by hand.

func mintLinkInPath(d *door, w wish) []pass {
	end := strconv.FormatInt(w.expires(), 10)
	sum := md5.Sum([]byte(end + w.path[:strings.LastIndexByte(w.path, '/')+1] + " " + string(d.signing(&w).Keys[0].Secret))) //nolint:gosec // as above
	token := base64.RawURLEncoding.EncodeToString(sum[:])
	return []pass{{carrier: "path", pre: "/" + token + "/" + end, token: token}}
}

func mintCDN77Path(d *door, w wish) []pass {
	end := strconv.FormatInt(w.expires(), 10)
	sum := md5.Sum([]byte(end + w.path[:strings.LastIndexByte(w.path, '/')] + string(d.signing(&w).Keys[0].Secret))) //nolint:gosec // as above
	token := base64.RawURLEncoding.EncodeToString(sum[:])
	return []pass{{carrier: "path", pre: "/" + token + "==," + end, token: token}}
}

func mintAnchor(d *door, w wish) []pass {
	text := ";E=" + strconv.FormatInt(w.expires(), 10) + ";A=1;K=0;P=1;S="
	h := hmac.New(sha1.New, d.signing(&w).Keys[0].Secret)
	h.Write([]byte(d.hostOf(w.account) + w.path + text))
	token := base64.RawURLEncoding.EncodeToString([]byte(text + hex.EncodeToString(h.Sum(nil))))
	return []pass{{carrier: "path", post: ";sig=" + token, token: token}}
}

// mintMediaURL signs the whole URL with Ed25519, in the form without a token.
func mintMediaURL(d *door, w wish) []pass {
	o := d.signing(&w)
	query := "Expires=" + strconv.FormatInt(w.expires(), 10) + "&KeyName=" + cmpOr(o.Keys[0].Name, o.Keys[0].ID)
	message := "http://" + d.hostOf(w.account) + w.path + "?" + query
	token := base64.RawURLEncoding.EncodeToString(ed25519.Sign(d.privateKey(&w).(ed25519.PrivateKey), []byte(message)))
	return []pass{{carrier: "query", query: query + "&Signature=" + token, token: token}}
}

func cmpOr(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// doors are all schemes in all forms that differ in where the token is or what it
// opens.
func doors(t *testing.T) []*door {
	const directory = "/vod/title/"
	list := []*door{
		{name: "ect", scheme: "ect", kind: "hmac-sha256", mint: mintECT},
		{name: "ect-ed25519", scheme: "ect", kind: "ed25519", mint: mintECT, scope: directory},
		{name: "edgeauth", scheme: "edgeauth", kind: "hmac-sha256", mint: mintOrder},
		{
			name: "edgeauth-path", scheme: "edgeauth", kind: "secret", mint: mintOrder, scope: directory,
			tables: "[site.token.edgeauth]\nname = \"hdntl\"\nplaces = [\"path\", \"query\", \"cookie\", \"header\"]\nsalt = \"ACCOUNT\"\nescape = \"node\"",
		},
		{name: "cloudfront", scheme: "cloudfront", kind: "rsa", mint: mintOrder},
		{name: "cloudfront-custom", scheme: "cloudfront", kind: "ecdsa-p256", mint: mintOrder, scope: directory},
		{name: "cdni", scheme: "cdni", kind: "ecdsa-p256", mint: mintOrder},
		{name: "cdni-hs256", scheme: "cdni", kind: "hmac-sha256", mint: mintOrder, scope: directory},
		{name: "cat", scheme: "cat", kind: "hmac-sha256", mint: mintOrder},
		{name: "cat-es256", scheme: "cat", kind: "ecdsa-p256", mint: mintOrder, scope: directory},
		{
			name: "vdox", scheme: "vdox", kind: "secret", mint: mintSign, path: "/play", query: "account=vdox&file=movie",
			tables: "[site.token.vdox]\npath = \"/play\"",
		},
		{
			name: "secure-link", scheme: "secure-link", kind: "secret", mint: mintSign,
			tables: "[site.token.secure_link]\nlink = \"$arg_md5,$arg_expires\"\nmd5 = \"$secure_link_expires$uri $secret\"",
		},
		{
			name: "secure-link-path", scheme: "secure-link", kind: "secret", mint: mintLinkInPath, scope: directory,
			tables: "[site.token.secure_link]\nlink = \"$hash,$end\"\nmd5 = \"$end$dir $secret\"\n" +
				"location = '/(?P<hash>[A-Za-z0-9_-]{22})/(?P<end>[0-9]{10})(?P<dir>/.+/)[^/]+'",
		},
		{name: "secure-link-secret", scheme: "secure-link-secret", kind: "secret", mint: mintSign, settings: "without_expiry = true", eternal: true},
		{name: "bunny", scheme: "bunny", kind: "secret", mint: mintSign},
		{name: "bunny-path", scheme: "bunny", kind: "secret", mint: mintSign, scope: directory},
		{name: "bunny-sha256", scheme: "bunny", kind: "secret", mint: mintSign, tables: "[site.token.bunny]\nmode = \"sha256-legacy\""},
		{name: "bunny-md5", scheme: "bunny", kind: "secret", mint: mintSign, tables: "[site.token.bunny]\nmode = \"basic-md5\""},
		{name: "url-sig", scheme: "url-sig", kind: "secret", mint: mintSign},
		{name: "url-sig-path", scheme: "url-sig", kind: "secret", mint: mintAnchor, tables: "[site.token.url_sig]\nanchor = \"sig\""},
		{name: "media-cdn", scheme: "media-cdn", kind: "hmac-sha256", mint: mintSign},
		{name: "media-cdn-prefix", scheme: "media-cdn", kind: "hmac-sha1", mint: mintSign, scope: directory},
		{name: "media-cdn-url", scheme: "media-cdn", kind: "ed25519", mint: mintMediaURL},
		{name: "cdn77", scheme: "cdn77", kind: "secret", mint: mintSign},
		{name: "cdn77-path", scheme: "cdn77", kind: "secret", mint: mintCDN77Path, scope: directory, tables: "[site.token.cdn77]\nform = \"path\""},
		{name: "keycdn", scheme: "keycdn", kind: "secret", mint: mintSign},
		{name: "gcore", scheme: "gcore", kind: "secret", mint: mintSign},
		{name: "wowza", scheme: "wowza", kind: "secret", mint: mintSign, scope: directory},
		{name: "fastly", scheme: "fastly", kind: "secret", mint: mintSign},
		{name: "chain", scheme: "ect", kind: "hmac-sha256", mint: mintECT, settings: `accept = ["edgeauth", "cat", "cdni"]`},
	}
	for _, d := range list {
		d.path = cmpOr(d.path, bypassPath)
		d.key = map[string]doorKey{}
		for _, account := range []string{"acme", "bolt", "nobody"} {
			d.key[account] = newDoorKey(t, d, account)
		}
	}
	for _, name := range auth.Names() {
		if !slices.ContainsFunc(list, func(d *door) bool { return d.scheme == name }) {
			t.Errorf("scheme %s is not attacked", name)
		}
	}
	return list
}

func newDoorKey(t *testing.T, d *door, account string) doorKey {
	t.Helper()
	var k doorKey
	var err error
	switch d.kind {
	case "ed25519":
		_, k.private, err = ed25519.GenerateKey(rand.Reader)
	case "ecdsa-p256":
		k.private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "rsa":
		k.private, err = rsa.GenerateKey(rand.Reader, 2048)
	default:
		sum := sha256.Sum256([]byte(account + d.name))
		k.secret = sum[:]
		k.toml = fmt.Sprintf("type = %q\nsecret_hex = %q", d.kind, hex.EncodeToString(k.secret))
	}
	if k.private != nil && err == nil {
		var der []byte
		der, err = x509.MarshalPKIXPublicKey(k.private.Public())
		text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
		k.toml = fmt.Sprintf("type = %q\npublic_pem = \"\"\"\n%s\"\"\"", d.kind, text)
	}
	if err != nil {
		t.Fatal(err)
	}
	switch d.scheme { // names that are not unique
	case "url-sig":
		k.toml += "\nname = \"0\""
	case "vdox":
		k.toml += "\nname = \"vdox\""
	}
	return k
}
