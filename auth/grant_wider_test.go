package auth_test

import (
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"edged/auth"
	"edged/internal/target"
)

// restricted are tokens that open a directory and demand something of the request, too.
func restricted(t *testing.T) map[string]struct {
	scheme string
	ask    ask
} {
	t.Helper()
	type token = struct {
		scheme string
		ask    ask
	}
	cat := func(extra m) token {
		claims := with(extra)
		claims[312] = m{3: m{1: "/v/"}, 1: m{2: ".example.com"}}
		return token{"cat", catAsk("/v/t/m.m3u8", macCAT(t, enc(t, claims)))}
	}
	tilde := func(scheme, name, text string) token {
		return token{scheme, https("/v/t/m.m3u8", name+"="+text+"~hmac="+hexMAC(text))}
	}
	network := func(text string) string { return "~IPRanges=" + b64.EncodeToString([]byte(text)) }
	list := map[string]token{
		"edgeauth":             tilde("edgeauth", "__token__", "exp=1767226200~acl=/v/*"),
		"edgeauth, address":    tilde("edgeauth", "__token__", "ip=198.51.100.7~exp=1767226200~acl=/v/*!/w/?/*"),
		"edgeauth, one level":  tilde("edgeauth", "__token__", "exp=1767226200~acl=/?/t/*"),
		"edgeauth, files only": tilde("edgeauth", "__token__", "exp=1767226200~acl=/v/t/*.m3u8"),
		"media-cdn, globs":     tilde("media-cdn", "edge-cache-token", "PathGlobs=/v/*,/w/t/*~Expires=1767226200"+network("198.51.100.0/24,2001:db8::/32")),
		"media-cdn, prefix":    tilde("media-cdn", "edge-cache-token", "URLPrefix="+b64.EncodeToString([]byte("https://cdn.example.com/v/t"))+"~Expires=1767226200"),
		"cat":                  cat(m{}),
		"cat, methods":         cat(m{313: []string{"GET", "PUT"}}),
		"cat, networks":        cat(m{311: []any{cbor.Tag{Number: 52, Content: []any{24, []byte{198, 51, 100}}}, 64500}}),
		"cat, countries":       cat(m{316: []string{"nl", "DE"}}),
		"cdni":                 {"cdni", https("/v/t/m.m3u8", "URISigningPackage="+hsToken(cdniExp+`,"cdniuc":"regex:https://[a-z]*\\.example\\.com/v/.*"`))},
	}
	for name, policy := range map[string]string{
		"cloudfront, hosts":   `{"Statement":[{"Resource":"http*://*.example.com/v/*","Condition":{"DateLessThan":{"AWS:EpochTime":1767226200}}}]}`,
		"cloudfront, network": `{"Statement":[{"Resource":"https://cdn.example.com/?/t/*","Condition":{"DateLessThan":{"AWS:EpochTime":1767226200},"IpAddress":{"AWS:SourceIp":"198.51.100.0/25"}}}]}`,
		"cloudfront, host":    `{"Statement":[{"Resource":"https://cdn.example.com*","Condition":{"DateLessThan":{"AWS:EpochTime":1767226200}}}]}`,
	} {
		list[name] = token{"cloudfront", https("/v/t/m.m3u8", custom(t, policy))}
	}
	return list
}

// pick returns one of the choices.
func pick[T any](r *rand.Rand, choices ...T) T { return choices[r.IntN(len(choices))] }

// What a session opens its access token opens as well: the same object at the same host, for
// the same client.
func TestSessionIsNotWider(t *testing.T) {
	key := auth.Key{ID: "edge", Account: "acme", Type: auth.HMACSHA256, Secret: secret(9), Scheme: "ect"}
	sessions, err := auth.NewSessions("vod", key, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	opened := 0
	for name, token := range restricted(t) {
		scheme := newScheme(t, token.scheme, func(o *auth.Options) { o.Keys, o.Accept, o.Site = append(o.Keys, key), []string{"ect"}, "vod" })
		v, _ := token.ask.granted(t, scheme)
		if v.Reason != auth.Allowed {
			t.Fatalf("%s: %v", name, v.Reason)
		}
		if !sessions.Exchanges(&v) {
			continue
		}
		session, _, err := sessions.Mint(&v, now, "fresh")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		random := rand.New(rand.NewPCG(1, uint64(len(name))))
		for range 4000 {
			path := pick(random, "/v/", "/v/t/", "/w/t/", "/x/t/", "/v/u/", "/V/t/", "/v", "/v%2B/", "/%76/t/", "/") + pick(random, "", "a.m4s", "m.m3u8", "a/b/c.m4s", "%7Ea", "a*b", "a%20b", "a+b")
			query := pick(random, "", "x=1", "x=/v/?y", "m.m3u8")
			request := auth.Request{
				Method: []byte(pick(random, "GET", "HEAD", "PUT", "POST")), TLS: random.IntN(4) > 0,
				Host:    []byte(pick(random, "cdn.example.com", "cdn.example.com", "b.example.com", "cdn.example.org")),
				Client:  netip.MustParseAddr(pick(random, "198.51.100.7", "198.51.100.7", "198.51.100.8", "198.51.100.200", "::ffff:198.51.100.7", "203.0.113.1", "2001:db8::1", "fe80::1%eth0")),
				Country: pick(random, "NL", "DE", "FR"), ASN: pick[uint32](random, 64500, 64501), ALPN: "h2",
			}
			with := ask{path: "/ect=" + session + path, query: query, request: request}
			if with.answer(t, scheme).Reason != auth.Allowed {
				continue
			}
			opened++
			canonical, _, _ := target.Canonical([]byte(path), nil) // another spelling is the same object
			access := ask{path: string(target.AppendEncoded(nil, canonical)), query: token.ask.query, request: request}
			if query != "" {
				access.query = query + "&" + access.query
			}
			if got := access.answer(t, scheme); got.Reason != auth.Allowed {
				t.Errorf("%s: the session opens %s %s?%s at %s (tls %v) for %s in %s, the token says %v", name, request.Method, path, query,
					request.Host, request.TLS, request.Client, request.Country, got.Reason)
			}
		}
	}
	if opened < 1000 {
		t.Errorf("only %d requests were opened", opened)
	}
}

// Grants are made by many at once, from tokens and answers that all of them keep.
func TestGrantsInParallel(t *testing.T) {
	for name, token := range restricted(t) {
		scheme := newScheme(t, token.scheme)
		want, scopes := token.ask.granted(t, scheme)
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range 50 {
					if v, got := token.ask.granted(t, scheme); v.Reason != want.Reason || got != scopes {
						t.Errorf("%s: %v, %q, want %q", name, v.Reason, got, scopes)
						return
					}
				}
			})
		}
		all.Wait()
	}
}
