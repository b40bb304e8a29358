//go:build !race

package edge

import (
	"crypto/ed25519"
	"net/http"
	"testing"
	"time"

	"edged/auth"
)

// tokenHit is an edge that has an object, and a request for it with a good token.
type tokenHit struct {
	name   string
	bench  *bench
	x      *Exchange
	req    Request
	allocs float64 // most that a hit may allocate
}

// tokenHits returns one for an open site, first, and one for each scheme. Signatures
// of public keys were seen before, as all but the first of a viewer are.
func tokenHits(t testing.TB) []*tokenHit {
	t.Helper()
	allocs := map[string]float64{
		"edgeauth": 4, "cloudfront": 5, "cdni": 4, "cat": 3, "vdox": 1, "bunny": 1, "url-sig": 1, "media-cdn": 1, "wowza": 2,
	}
	hits := []*tokenHit{newTokenHit(t, "open", &course{host: "media.test"}, "/v/a.m4s")}
	for _, c := range courses(t) {
		raw, cookie, _, err := c.sign("/v/a.m4s", "", []byte("/v/a.m4s"), map[string]uint8{"ect": 2}[c.name])
		if err != nil || cookie != "" {
			t.Fatalf("%s: %v, cookie %q", c.name, err, cookie)
		}
		h := newTokenHit(t, c.name, c, raw)
		h.allocs = allocs[c.name]
		hits = append(hits, h)
	}
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &course{host: "ect-ed25519.test"}
	scheme, err := auth.NewECT(auth.Options{
		Account: "acme", Required: true, VerifiedCache: 1024,
		Keys: []auth.Key{{ID: "k1", Account: "acme", Type: auth.Ed25519, Public: public}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(scheme.Close)
	c.witness = &witness{Scheme: scheme}
	token, err := auth.MintEd25519("k1", private, auth.Claims{Expires: time.Now().Add(time.Hour).Unix(), Scopes: []string{"/v/"}})
	if err != nil {
		t.Fatal(err)
	}
	return append(hits, newTokenHit(t, "ect, Ed25519", c, "/ect="+token+"/v/a.m4s"))
}

func newTokenHit(t testing.TB, name string, c *course, raw string) *tokenHit {
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
	b.want(b.do(request{target: raw, host: c.host}), 200)
	b.edge.log = &discardLog{buf: make([]byte, 4096)}
	h := &tokenHit{name: name, bench: b, x: b.edge.NewExchange()}
	b.fill(h.x, request{target: raw, host: c.host})
	h.req = h.x.Req
	h.req.Header = rawFields{}
	return h
}

func (h *tokenHit) serve() { once(h.bench.edge, h.x, &h.req) }

// BenchmarkTokenHit is BenchmarkHit with a token of each scheme; "open" is without.
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

// TestTokenHitAllocations: ect allocates nothing, the others no more than they do now.
func TestTokenHitAllocations(t *testing.T) {
	for _, h := range tokenHits(t) {
		for range 50 {
			h.serve() // buffers grow, signatures are remembered
		}
		got := testing.AllocsPerRun(200, h.serve)
		t.Logf("%-20s %v allocations", h.name, got)
		if got > h.allocs {
			t.Errorf("%s: %v allocations a hit, want at most %v", h.name, got, h.allocs)
		}
	}
}
