package edge

import (
	"net/netip"
	"testing"

	"edged/auth"
)

func TestSessionsAreBounded(t *testing.T) {
	change, mint := claiming(t)
	b := newBench(t, ok("data", "video/mp4"), change, func(s *Site) { s.SessionRequests = 2 })
	path := "/ect=" + mint(auth.Claims{Scopes: []string{"/v/"}, Session: "viewer-1"}) + "/v/a.mp4"
	open := func(target string) *Exchange {
		x := b.edge.NewExchange()
		b.fill(x, request{target: target})
		b.edge.Serve(x)
		return x
	}
	first, second := open(path), open(path)
	if first.Resp.Status != 200 || second.Resp.Status != 200 {
		t.Fatalf("status %d and %d within the bound", first.Resp.Status, second.Resp.Status)
	}
	a := b.get(path)
	if b.want(a, 429, "detail=session-busy"); a.header.Get("Retry-After") == "" {
		t.Error("429 without Retry-After")
	}
	other := "/ect=" + mint(auth.Claims{Scopes: []string{"/v/"}, Session: "viewer-2"}) + "/v/a.mp4"
	b.want(b.get(other), 200)
	b.want(b.get("/ect="+mint(auth.Claims{Scopes: []string{"/v/"}})+"/v/a.mp4"), 200)
	b.edge.Finish(second, Delivery{})
	b.want(b.get(path), 200)
	b.edge.Finish(first, Delivery{})
	for i := range b.edge.sessions.shards {
		if n := len(b.edge.sessions.shards[i].count); n != 0 {
			t.Errorf("%d sessions are remembered that nobody uses", n)
		}
	}
}

// somewhere puts every address into one country.
type somewhere string

func (s somewhere) Country(netip.Addr) string { return string(s) }
func (s somewhere) ASN(netip.Addr) uint32     { return 64500 }

func TestCountriesComeFromTheAtlas(t *testing.T) {
	change, mint := claiming(t)
	b := newBench(t, ok("data", "video/mp4"), change)
	path := "/ect=" + mint(auth.Claims{Scopes: []string{"/v/"}, Countries: []string{"NL", "BE"}}) + "/v/a.mp4"
	b.want(b.get(path), 403) // not known: refused
	b.site.Atlas = somewhere("BE")
	b.want(b.get(path), 200)
	b.site.Atlas = somewhere("US")
	b.want(b.get(path), 403)
}
