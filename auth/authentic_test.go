package auth_test

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"edged/auth"
)

// A token that was seen before is judged anew in all that can change.
func TestSeenTokensAreJudgedAnew(t *testing.T) {
	revoked := new(switchable)
	for _, c := range []struct {
		scheme string
		good   ask
	}{
		{"cdni", ask{path: "/live/a", query: "URISigningPackage=" + hsToken(cdniExp+`,"cdniuc":"regex:https://cdn\\.example\\.com/live/.*"`), request: auth.Request{TLS: true}}},
		{"cat", catAsk("/live/a.b", macCAT(t, enc(t, with(m{}))))},
	} {
		scheme := newScheme(t, c.scheme, func(o *auth.Options) {
			o.Revocations = revoked
			for i := range o.Keys {
				if o.Keys[i].ID == "hm" {
					o.Keys[i].State, o.Keys[i].AcceptUntil = auth.StateRetiring, now+300
				}
			}
		})
		want := func(what string, a ask, reason auth.Reason) {
			t.Helper()
			if got := a.answer(t, scheme); got.Reason != reason || got.Key != "hm" {
				t.Errorf("%s, %s: %v by %q, want %v", c.scheme, what, got.Reason, got.Key, reason)
			}
		}
		at := func(second int64) ask {
			later := c.good
			later.request.Now = second
			return later
		}
		want("first", c.good, auth.Allowed)
		want("second", c.good, auth.Allowed)
		other := c.good
		other.path = "/vod/a.b"
		want("another path", other, auth.OutOfScope)
		want("key retired", at(now+301), auth.KeyRetired)
		*revoked = true
		want("revoked", c.good, auth.Revoked)
		*revoked = false
		want("back", c.good, auth.Allowed)
	}
	short := newScheme(t, "cdni")
	soon := ask{path: "/a", query: "URISigningPackage=" + hsToken(fmt.Sprintf(`"exp":%d,`, now+10)+cdniAll), request: auth.Request{TLS: true}}
	for second, reason := range map[int64]auth.Reason{now: auth.Allowed, now + 9: auth.Allowed, now + 10: auth.Expired} {
		soon.request.Now = second
		if got := soon.answer(t, short); got.Reason != reason {
			t.Errorf("%d seconds on: %v, want %v", second-now, got.Reason, reason)
		}
	}
}

// A canned token that was seen before opens the one URL that was signed, and no part of
// it can be exchanged for that of another token that was seen.
func TestSeenCloudFrontTokens(t *testing.T) {
	revoked := new(switchable)
	scheme := newScheme(t, "cloudfront", func(o *auth.Options) {
		o.Revocations = revoked
		for i := range o.Keys {
			o.Keys[i].State, o.Keys[i].AcceptUntil = auth.StateRetiring, now+300
		}
	})
	one, other := canned(t, "rsa", "", cfURL), canned(t, "ec", "", "https://cdn.example.com/v/b.mp4")
	below := custom(t, `{"Statement":[{"Resource":"https://cdn.example.com/v/*","Condition":{"DateLessThan":{"AWS:EpochTime":1767226200},"IpAddress":{"AWS:SourceIp":"198.51.100.0/24"}}}]}`)
	want := func(what string, a ask, reason auth.Reason) {
		t.Helper()
		for range 2 {
			if got := a.answer(t, scheme); got.Reason != reason {
				t.Errorf("%s: %v, want %v", what, got.Reason, reason)
			}
		}
	}
	at := func(a ask, second int64) ask { a.request.Now = second; return a }
	want("canned", https("/v/a.mp4", one), auth.Allowed)
	want("another canned", https("/v/b.mp4", other), auth.Allowed)
	want("custom", https("/v/a.mp4", below), auth.Allowed)
	for _, token := range []string{one, below} {
		want("key retired", at(https("/v/a.mp4", token), now+301), auth.KeyRetired)
		*revoked = true
		want("revoked", https("/v/a.mp4", token), auth.Revoked)
		*revoked = false
	}
	want("canned, another URL", https("/v/b.mp4", one), auth.BadSignature)
	want("canned, a query more", https("/v/a.mp4", one+"&x=1"), auth.BadSignature)
	want("canned, another time", https("/v/a.mp4", strings.Replace(one, "1767226200", "1767226201", 1)), auth.BadSignature)
	want("canned, another key", https("/v/a.mp4", strings.Replace(one, "=rsa", "=ec", 1)), auth.BadSignature)
	want("canned, another hash", https("/v/a.mp4", one+"&Hash-Algorithm=SHA256"), auth.BadSignature)
	want("custom, out of scope", https("/w/a.mp4", below), auth.OutOfScope)
	away := https("/v/a.mp4", below)
	away.request.Client = netip.MustParseAddr("203.0.113.1")
	want("custom, another address", away, auth.Address)
	policy, _, _ := strings.Cut(below, "&")
	_, signature, _ := strings.Cut(one, "&")
	want("the policy of one, the signature of another", https("/v/a.mp4", policy+"&"+signature), auth.BadSignature)
}

// switchable revokes everything or nothing.
type switchable bool

func (s *switchable) Revoked(string, []byte, *[32]byte, int64) bool { return bool(*s) }

// Many viewers, or one who makes many tokens, take bounded memory.
func TestSeenTokensAreBounded(t *testing.T) {
	scheme := newScheme(t, "cdni")
	cdni, ok := scheme.(*auth.CDNI)
	if !ok {
		t.Fatalf("scheme is a %T", scheme)
	}
	var all sync.WaitGroup
	for worker := range 4 {
		all.Go(func() {
			for i := range auth.MaxAuthentic/4 + 50 {
				token := hsToken(fmt.Sprintf(`"exp":1767226200,"iat":%d,`, now-worker*10_000-i) + cdniAll)
				a := ask{path: "/a", query: "URISigningPackage=" + token, request: auth.Request{TLS: true}}
				if got := a.answer(t, scheme); got.Reason != auth.Allowed {
					t.Errorf("token %d of %d: %v", i, worker, got.Reason)
				}
			}
		})
	}
	all.Wait()
	if n := cdni.Seen(); n != auth.MaxAuthentic {
		t.Errorf("%d tokens are kept, want %d", n, auth.MaxAuthentic)
	}
}
