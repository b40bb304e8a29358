package auth_test

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"edged/auth"
)

// edgeToken appends the MAC of text, and of what is signed with it, to text.
func edgeToken(newHash func() hash.Hash, key []byte, text, extra string) string {
	h := hmac.New(newHash, key)
	h.Write([]byte(text + extra))
	return text + "~hmac=" + hex.EncodeToString(h.Sum(nil))
}

func edge(text string) string { return edgeToken(sha256.New, secret(1), text, "") }

const edgeExp = "exp=1767226200"

func TestEdgeAuth(t *testing.T) {
	hdntl := func(o *auth.Options) {
		o.EdgeAuth = auth.EdgeAuthOptions{Name: "hdntl", Places: []string{"path", "query", "cookie", "header"}}
	}
	good := "hdntl=" + edge(edgeExp+"~acl=%2flive%2fa%2f*~data=hdntl")
	query := func(path, text string) ask { return ask{path: path, query: "hdntl=" + edge(text)} }
	runVerdicts(t, newScheme(t, "edgeauth", hdntl), []verdictCase{
		{"query", ask{path: "/live/a/1.ts", query: good}, auth.Allowed},
		{"leading segment", ask{path: "/" + good + "/live/a/1.ts"}, auth.Allowed},
		{"segment before the file", ask{path: "/live/a/" + good + "/1.ts"}, auth.Allowed},
		{"segment before a relative path", ask{path: "/live/a/" + good + "/720p/1.ts"}, auth.Allowed},
		{"cookie", ask{path: "/live/a/1.ts", cookies: "a=b; " + good}, auth.Allowed},
		{"header", ask{path: "/live/a/1.ts", fields: fields{{"Hdntl", good[len("hdntl="):]}}}, auth.Allowed},
		{"two headers", ask{path: "/live/a/1.ts", fields: fields{{"Hdntl", "x"}, {"hdntl", "y"}}}, auth.Duplicate},
		{"two segments", ask{path: "/" + good + "/live/a/" + good + "/1.ts"}, auth.Duplicate},
		{"two cookies", ask{path: "/live/a/1.ts", cookies: good + ";" + good}, auth.Duplicate},
		{"path and query", ask{path: "/" + good + "/live/a/1.ts", query: good}, auth.TwoPlaces},
		{"query and header", ask{path: "/live/a/1.ts", query: good, fields: fields{{"hdntl", "x"}}}, auth.TwoPlaces},
		{"bad query beside good cookie", ask{path: "/live/a/1.ts", query: "hdntl=x", cookies: good}, auth.Malformed},
		{"name in capitals", ask{path: "/live/a/1.ts", query: "HDNTL" + good[5:]}, auth.Malformed},
		{"none", ask{path: "/live/a/1.ts"}, auth.Missing},
		{"elsewhere", ask{path: "/live/b/1.ts", query: good}, auth.OutOfScope},
		{"neighbour", ask{path: "/live/ab/1.ts", query: good}, auth.OutOfScope},
		{"second of a list", query("/vod/b/12.ts", edgeExp+"~acl=/live/a/*!/vod/b/??.ts"), auth.Allowed},
		{"escaped list", query("/vod/b/12.ts", edgeExp+"~acl=%2flive%2fa%2f*%21%2fvod%2f*"), auth.Allowed},
		{"no wildcard", query("/a.ts", edgeExp+"~acl=/a.ts"), auth.Allowed},
		{"nine marks for three letters", query("/%EC%95%88", edgeExp+"~acl=/?????????"), auth.Allowed},
		{"three marks for three letters", query("/%EC%95%88", edgeExp+"~acl=/???"), auth.OutOfScope},
		{"another spelling does not stretch", query("/%61%62", edgeExp+"~acl=/??????"), auth.OutOfScope},
		{"escapes in another case", query("/%EC%95%88/1.ts", edgeExp+"~acl=/%ec%95%88/*"), auth.Allowed},
		{"escaped asterisk is no wildcard", query("/abc", edgeExp+"~acl=/%2a"), auth.OutOfScope},
		{"last second", ask{path: "/a", query: "hdntl=" + edge(edgeExp+"~acl=/*"), request: auth.Request{Now: 1767226200}}, auth.Allowed},
		{"after it", ask{path: "/a", query: "hdntl=" + edge(edgeExp+"~acl=/*"), request: auth.Request{Now: 1767226201}}, auth.Expired},
		{"too early", query("/a", "st=1767225601~"+edgeExp+"~acl=/*"), auth.NotYet},
		{"too long", query("/a", "exp=1767312001~acl=/*"), auth.TooLong},
		{"milliseconds", query("/a", "exp=1767226200000~acl=/*"), auth.LongTime},
		{"no exp", query("/a", "acl=/*"), auth.BadClaim},
		{"exp twice", query("/a", edgeExp+"~"+edgeExp+"~acl=/*"), auth.BadClaim},
		{"signed exp", query("/a", "exp=+1767226200~acl=/*"), auth.BadClaim},
		{"empty acl", query("/a", edgeExp+"~acl="), auth.BadClaim},
		{"unknown field", query("/a", edgeExp+"~acl=/*~url=/a"), auth.UnknownClaim},
		{"field without value", query("/a", edgeExp+"~acl=/*~id"), auth.BadClaim},
		{"revoked key", ask{path: "/a", query: "hdntl=" + edgeToken(sha256.New, secret(4), edgeExp+"~acl=/*", "")}, auth.KeyRevoked},
		{"next key", ask{path: "/a", query: "hdntl=" + edgeToken(sha256.New, secret(2), edgeExp+"~acl=/*", "")}, auth.Allowed},
		{"key of another account", ask{path: "/a", query: "hdntl=" + edgeToken(sha256.New, secret(5), edgeExp+"~acl=/*", "")}, auth.BadSignature},
		{"mac in capitals", ask{path: "/a", query: "hdntl=" + strings.Replace(edge(edgeExp+"~acl=/*"), "a", "A", 9)}, auth.Malformed},
		{"another mac", ask{path: "/a", query: "hdntl=" + edgeToken(sha1.New, secret(1), edgeExp+"~acl=/*", "")}, auth.BadSignature},
		{"oversized", query("/a", edgeExp+"~acl=/*~data="+strings.Repeat("x", 2048)), auth.Oversized},
		{"empty", ask{path: "/a", query: "hdntl="}, auth.Malformed},
	})
}

// TestEdgeAuthSettings pins what each setting does to the signed bytes.
func TestEdgeAuthSettings(t *testing.T) {
	const path = "/live/(a)'~.ts"
	for _, c := range []struct {
		name    string
		o       auth.EdgeAuthOptions
		newHash func() hash.Hash
		extra   string
		query   string
	}{
		{"plain url", auth.EdgeAuthOptions{}, sha256.New, "~url=" + path, ""},
		{"query not signed", auth.EdgeAuthOptions{}, sha256.New, "~url=" + path, "a=1"},
		{"query signed", auth.EdgeAuthOptions{SignQuery: true}, sha256.New, "~url=" + path + "?a=1", "a=1"},
		{"python", auth.EdgeAuthOptions{Escape: "python"}, sha256.New, "~url=%2flive%2f%28a%29%27~.ts", ""},
		{"node", auth.EdgeAuthOptions{Escape: "node"}, sha256.New, "~url=%2flive%2f(a)%27%7e.ts", ""},
		{"salt", auth.EdgeAuthOptions{Salt: "pepper"}, sha256.New, "~url=" + path + "~salt=pepper", ""},
		{"sha1", auth.EdgeAuthOptions{Hash: "sha1"}, sha1.New, "~url=" + path, ""},
		{"md5", auth.EdgeAuthOptions{Hash: "md5"}, md5.New, "~url=" + path, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			scheme := newScheme(t, "edgeauth", func(o *auth.Options) { o.EdgeAuth = c.o })
			query := strings.TrimPrefix(c.query+"&__token__="+edgeToken(c.newHash, secret(1), edgeExp, c.extra), "&")
			var trace auth.Trace
			got := ask{path: path, query: query, request: auth.Request{Trace: &trace}}.answer(t, scheme)
			if got.Reason != auth.Allowed || got.Key != "hm" || got.Expires != 1767226201 {
				t.Errorf("%+v for signed bytes %q", got, trace.Signed)
			}
			if strings.Contains(fmt.Sprintf("%s", trace.Signed), "pepper") {
				t.Errorf("the trace shows the salt: %q", trace.Signed)
			}
			if other := (ask{path: path + "x", query: query}).answer(t, scheme); other.Reason != auth.BadSignature {
				t.Errorf("another path: %v", other.Reason)
			}
		})
	}
}

// TestEdgeAuthClient pins fields that bind the token to a client.
func TestEdgeAuthClient(t *testing.T) {
	scheme := newScheme(t, "edgeauth", func(o *auth.Options) { o.EdgeAuth.Escape = "node" })
	for _, c := range []struct {
		ip, client string
		want       auth.Reason
	}{
		{"198.51.100.7", "198.51.100.7", auth.Allowed},
		{"198.51.100.7", "::ffff:198.51.100.7", auth.Allowed},
		{"198.51.100.7", "198.51.100.8", auth.Address},
		{"2001%3adb8%3a%3a1", "2001:db8:0:0::1", auth.Allowed},
		{"2001%3adb8%3a%3a1", "2001:db8::2", auth.Address},
		{"198.51.100.0/24", "198.51.100.7", auth.BadClaim},
		{"%zz", "198.51.100.7", auth.BadClaim},
	} {
		a := ask{path: "/a", query: "__token__=" + edge("ip="+c.ip+"~"+edgeExp+"~acl=/*~id=s-1")}
		a.request.Client = netip.MustParseAddr(c.client)
		got := a.answer(t, scheme)
		if got.Reason != c.want || got.Reason == auth.Allowed && string(got.Session) != "s-1" {
			t.Errorf("ip=%s from %s: %+v, want %v", c.ip, c.client, got, c.want)
		}
	}
}

// FuzzEdgeAuth signs what it is given, so that everything behind the MAC is reached:
// what is allowed must be in time and have a scope that begins like the path.
func FuzzEdgeAuth(f *testing.F) {
	for _, text := range []string{
		edgeExp + "~acl=/*", "st=1~" + edgeExp + "~acl=%2fa%2f*!/b", "ip=::1~" + edgeExp, "~~=~acl=/%", "exp=99999999999~acl=*",
	} {
		f.Add(text, "/a/b")
	}
	scheme := newScheme(f, "edgeauth")
	f.Fuzz(func(t *testing.T, text, path string) {
		for _, token := range []string{text, edge(text)} {
			var scratch auth.Scratch
			found, why := scheme.Find(&auth.Input{Path: []byte("/"), Cookies: []byte("__token__=" + token)}, &scratch)
			if why != auth.Allowed {
				continue
			}
			found.Path = []byte(path)
			v := scheme.Verify(&found, &auth.Request{Path: []byte(path), Now: now})
			if v.Reason != auth.Allowed {
				continue
			}
			in := false
			for field := range strings.SplitSeq(text, "~") {
				digits, ok := strings.CutPrefix(field, "exp=")
				n, err := strconv.ParseInt(digits, 10, 64)
				in = in || ok && err == nil && n >= now && n <= now+86400
			}
			if !in || !strings.Contains(text, "acl=") {
				t.Fatalf("%q allows %q: %+v", text, path, v)
			}
		}
	})
}
