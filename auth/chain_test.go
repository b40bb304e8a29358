package auth_test

import (
	"crypto/sha1" //nolint:gosec // what other systems sign with
	"strings"
	"testing"

	"edged/auth"
)

// moving is a site on its way from bunny over keycdn and fastly, which all call
// their parameter token, to ect.
func moving(t testing.TB, edit ...func(*auth.Options)) auth.Scheme {
	return compat(t, "ect", append([]func(*auth.Options){func(o *auth.Options) {
		o.Accept = []string{"bunny", "keycdn", "fastly"}
		o.Keys = append(keys(), o.Keys[0])
	}}, edit...)...)
}

func TestChain(t *testing.T) {
	s := moving(t)
	if s.Name() != "ect,bunny,keycdn,fastly" {
		t.Errorf("Name() = %q", s.Name())
	}
	native := sign("h1", "hm", "exp=1767226200\np=/a\n")
	bunny := "token=HS256-" + b64hmac("/a1767226200x=1") + "&expires=1767226200"
	keycdn := "token=" + b64md5("/a"+plain+"1767226200") + "&expire=1767226200"
	fastly := "token=1767226200_" + hexHMAC(sha1.New, plain, "/a1767226200")
	tests := []struct{ want, scheme, raw, query string }{
		{"allowed", "ect", "/ect=" + native + "/a?x=1", "x=1"},
		{"allowed", "ect", "/a?x=1&ect=" + native, "x=1"},
		{"allowed", "bunny", "/a?x=1&" + bunny, "x=1"},
		{"allowed", "keycdn", "/a?x=1&" + keycdn, "x=1"},
		{"allowed", "fastly", "/a?x=1&" + fastly, "x=1"},
		{"bad_signature", "bunny", "/a?x=2&" + bunny, "x=2"},
		{"two_places", "", "/ect=" + native + "/a?x=1&" + fastly, "x=1"},
		{"two_places", "", "/ect=" + native + "/a?ect=" + native + "&" + fastly, ""},
		{"duplicate", "", "/a?x=1&" + fastly + "&token=x", "x=1"},
		{"duplicate", "", "/a?x=1&ect=&ect=&" + fastly, "x=1"},
		{"missing", "", "/a?x=1&expires=1&limit=1", "x=1"},
		{"malformed", "", "/a?x=1&T%6fken=1", "x=1"},
	}
	for _, tt := range tests {
		got := send(t, s, tt.raw)
		if got.word != tt.want || got.query != tt.query || got.path != "/a" || tt.scheme != got.verdict.Scheme {
			t.Errorf("%s: %+v, want %s by %q with %q left", tt.raw, got, tt.want, tt.scheme, tt.query)
		}
	}
	cookie := func(in *auth.Input, _ *auth.Request) { in.Cookies = []byte("ect=" + native) }
	expect(t, s, [][2]string{{"allowed", "/a"}}, cookie)
	expect(t, s, [][2]string{{"malformed", "/a?token=x&expires=1"}}, cookie) // no cookie rescues a token in the URL
}

func TestChainNotRequired(t *testing.T) {
	s := moving(t, func(o *auth.Options) { o.Required = false })
	got := send(t, s, "/ect=x/a?token=y&ect=z&v=1")
	if got.word != "allowed" || got.path != "/a" || got.query != "v=1" {
		t.Errorf("%+v, want it allowed and clean", got)
	}
}

func TestChainNeedsKeys(t *testing.T) {
	_, err := auth.New("ect", auth.Options{Account: "acme", Required: true, Keys: keys(), Accept: []string{"bunny"}})
	if err == nil || !strings.Contains(err.Error(), "scheme bunny") {
		t.Errorf("a chain without a key for bunny: %v", err)
	}
}

func TestChainAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for raw, limit := range map[string]float64{
		"/a?token=1767226200_" + hexHMAC(sha1.New, plain, "/a1767226200"): 0,
		"/ect=" + sign("h1", "hm", "exp=1767226200\np=/a\n") + "/a":       0,
	} {
		s, r := moving(t), request()
		path, query, _ := strings.Cut(raw, "?")
		in := auth.Input{Path: []byte(path), Query: []byte(query)}
		r.Path = []byte("/a")
		var scratch auth.Scratch
		var f auth.Found
		walk := func() {
			f, _ = s.Find(&in, &scratch)
			if v := s.Verify(&f, &r); v.Reason != auth.Allowed {
				t.Fatal(v.Reason)
			}
		}
		walk()
		if n := testing.AllocsPerRun(500, walk); n > limit {
			t.Errorf("%s: %v allocations a request, want at most %v", raw, n, limit)
		}
	}
}

func FuzzChain(f *testing.F) {
	fuzz(f, moving(f), []string{"token", "ect", "expires", "expire"}, "/ect=x/bcdn_token=y/a?token=1&ect=2", "/a?token=1_2&expire=3")
}

// What a member judges is what is left without the tokens of all: a parameter that is the
// resource's to one and a token's to another is not served without having been signed so.
func TestChainJudgesWhatIsServed(t *testing.T) {
	chain := newScheme(t, "cloudfront", func(o *auth.Options) {
		o.Keys = append(o.Keys, auth.Key{ID: "b", Account: "acme", Type: auth.Secret, Secret: secret(1), Scheme: "bunny"})
		o.Accept = []string{"bunny"}
	})
	for query, want := range map[string]auth.Reason{"": auth.Allowed, "size=l": auth.Allowed, "limit=5": auth.TwoPlaces, "size=l&LIMIT=5": auth.TwoPlaces} {
		url, separator := cfURL, "?"
		if query != "" {
			url, separator = cfURL+"?"+query, query+"&"
		}
		a := https("/v/a.mp4", strings.TrimPrefix(separator+canned(t, "ec", "", url), "?"))
		if v := a.answer(t, chain); v.Reason != want {
			t.Errorf("%q: %v, want %v", query, v.Reason, want)
		}
	}
}
