package edge

import (
	"testing"
	"time"

	"edged/auth"
)

// renewing allows everything and hands out the next token.
type renewing struct{ next *auth.Renewal }

func (renewing) Name() string { return "renewing" }

func (renewing) Find(in *auth.Input, _ *auth.Scratch) (auth.Found, auth.Reason) {
	return auth.Found{Path: in.Path, Query: in.Query}, auth.Allowed
}

func (r renewing) Verify(*auth.Found, *auth.Request) auth.Verdict {
	return auth.Verdict{Scheme: "renewing", Renewal: r.next}
}

func TestRenewedTokensGoToTheirClientOnly(t *testing.T) {
	scheme := &renewing{}
	b := newBench(t, ok("data", "video/mp4"), func(s *Site) { s.Token, s.TokenRequired = scheme, true })
	b.clock.start = time.Now() // it stands: seconds are counted
	scheme.next = &auth.Renewal{Carrier: auth.Cookie, Name: "URISigning", Token: "a.b.c", Path: "/v/", Expires: b.clock.now().Unix() + 60}
	for _, status := range []string{"fwd=uri-miss", "hit"} {
		a := b.get("/v/seg1.m4s")
		b.want(a, 200, status)
		if got := a.header.Get("Set-Cookie"); got != "URISigning=a.b.c; Path=/v/; Max-Age=60; Secure; HttpOnly; SameSite=None; Partitioned" {
			t.Errorf("%s: Set-Cookie %q", status, got)
		}
		if got := a.header.Get("Cache-Control"); got != "private, no-cache" {
			t.Errorf("%s: Cache-Control %q", status, got)
		}
	}
	scheme.next = &auth.Renewal{Carrier: auth.Header, Name: "CTA-Common-Access-Token", Token: "next"}
	if a := b.get("/v/seg1.m4s", "Range", "bytes=0-1"); a.status != 206 || a.header.Get("CTA-Common-Access-Token") != "next" || a.header.Has("Set-Cookie") {
		t.Errorf("status %d, header %v", a.status, a.header)
	}
	scheme.next = nil
	if a := b.get("/v/seg1.m4s"); a.header.Has("Set-Cookie") || a.header.Get("Cache-Control") == "private, no-cache" {
		t.Errorf("a token of an earlier client is handed out: %v", a.header)
	}
	b.wantFetches(1)
}
