package auth_test

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // what other systems sign with
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"edged/auth"
)

func mediaKeys(o *auth.Options) {
	o.Keys = []auth.Key{
		{ID: "ed", Name: "my-key", Account: "acme", Type: auth.Ed25519, Public: public()},
		{ID: "s256", Account: "acme", Type: auth.HMACSHA256, Secret: secret(1)},
		{ID: "s1", Name: "cloud", Account: "acme", Type: auth.HMACSHA1, Secret: secret(2)},
	}
}

func edSign(text string) string {
	return base64.RawURLEncoding.EncodeToString(ed25519.Sign(private(), []byte(text)))
}

func cloudSign(text string) string {
	h := hmac.New(sha1.New, secret(2))
	h.Write([]byte(text))
	return base64.URLEncoding.EncodeToString(h.Sum(nil))
}

func mediaToken(carried, signed string) string {
	return carried + "~hmac=" + hexHMAC(sha256.New, string(secret(1)), signed)
}

func same(fields string) string { return mediaToken(fields, fields) }

func b64text(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func TestMediaCDNToken(t *testing.T) {
	s := compat(t, "media-cdn", mediaKeys)
	const end = "~Expires=1767226200"
	full := "FullPath" + end + "~Signature=" + edSign("FullPath=/v/a%20b"+end)
	got := send(t, s, "/v/a%20b?x=1&edge-cache-token="+full)
	if got.word != "allowed" || got.query != "x=1" || got.verdict.Key != "ed" || got.verdict.Expires != 1767226200 {
		t.Errorf("%+v, want it allowed", got)
	}
	q := func(token string) string { return "/v/a?edge-cache-token=" + token }
	prefix := func(url string) string { return q(same("URLPrefix=" + b64text(url) + end)) }
	ranges := func(list string) string { return q(same("PathGlobs=/*" + end + "~IPRanges=" + b64text(list))) }
	expect(t, s, [][2]string{
		{"bad_signature", q(full)},
		{"malformed", q("FullPath=/v/a" + end + "~Signature=x")},
		{"allowed", q(same("PathGlobs=/x/*,/v/?" + end))},
		{"allowed", q(same("PathGlobs=/x/*!/v/*" + end))},
		{"allowed", q(strings.ReplaceAll(same("PathGlobs=/*"+end), "~", "%7E"))},
		{"out_of_scope", q(same("PathGlobs=/v" + end))},
		{"out_of_scope", q(same("PathGlobs=v/a,," + end))},
		{"allowed", prefix("https://cdn.example.com/v/")},
		{"allowed", prefix("https://cdn.example.com/v")},
		{"allowed", prefix("https://cdn.example.com")},
		{"out_of_scope", prefix("https://cdn.example.co")},
		{"out_of_scope", prefix("http://cdn.example.com/")},
		{"out_of_scope", prefix("https://cdn.example.com/v/a/")},
		{"bad_claim", prefix("")},
		{"bad_claim", q(same("URLPrefix=*" + end))},
		{"bad_claim", q(same("PathGlobs=/*"))},
		{"bad_claim", q(same("Expires=1767226200"))},
		{"bad_claim", q(same("PathGlobs=/*" + end + end))},
		{"bad_claim", q(same("PathGlobs=/*~URLPrefix=" + b64text("https://cdn.example.com/") + end))},
		{"unknown_claim", q(same("PathGlobs=/*" + end + "~Color=red"))},
		{"not_yet", q(same("PathGlobs=/*~Starts=1767225601" + end))},
		{"allowed", q(same("PathGlobs=/*~Starts=1767225600" + end + "~Data=x"))},
		{"expired", q(same("PathGlobs=/*~Expires=1767225600"))},
		{"too_long", q(same("PathGlobs=/*~Expires=9999999999"))},
		{"long_time", q(same("PathGlobs=/*~Expires=1767226200000"))},
		{"allowed", ranges("203.0.113.0/24,198.51.100.0/24")},
		{"address", ranges("203.0.113.0/24")},
		{"allowed", ranges("198.51.100.0/24,2001:db8:4a7f:a732/64")},
		{"allowed", ranges("2001:db8:4a7f:a732/64,198.51.100.0/24")},
		{"bad_claim", ranges("203.0.113.0/24,2001:db8:4a7f:a732/64")},
		{"bad_claim", ranges("2001:db8:4a7f:a732/64,203.0.113.0/24")},
		{"bad_claim", ranges("198.51.100.7")},
		{"bad_signature", q("PathGlobs=/*" + end + "~hmac=" + strings.Repeat("0", 64))},
		{"key_mismatch", q("PathGlobs=/*" + end + "~hmac=" + strings.Repeat("0", 62))},
		{"malformed", q("PathGlobs=/*" + end + "~sig=0")},
		{"malformed", q("PathGlobs")},
		{"duplicate", q(same("PathGlobs=/*"+end)) + "&Edge-Cache-Token=x"},
		{"two_places", q(same("PathGlobs=/*"+end)) + "&Signature=x"},
		{"missing", "/v/a?Expires=1"},
	})
}

// lines are header fields.
type lines map[string][]string

func (l lines) Append(dst [][]byte, name string) [][]byte {
	for _, line := range l[strings.ToLower(name)] {
		dst = append(dst, []byte(line))
	}
	return dst
}

func TestMediaCDNHeaders(t *testing.T) {
	s := compat(t, "media-cdn", mediaKeys)
	const rest = "PathGlobs=/*~Expires=1767226200~SessionID=s1~Headers=Foo,BAZ"
	raw := "/a?edge-cache-token=" + mediaToken(rest, rest[:len(rest)-len("Foo,BAZ")]+"Foo=bar,BAZ=q")
	for want, fields := range map[string]lines{
		"allowed":       {"foo": {"bar"}, "baz": {"q"}},
		"bad_signature": {"foo": {"bar"}, "baz": {"other"}},
		"bad_claim":     {"foo": {"bar"}, "baz": {"q", "q"}},
	} {
		got := send(t, s, raw, func(_ *auth.Input, r *auth.Request) { r.Fields = fields })
		if got.word != want || want == "allowed" && string(got.verdict.Session) != "s1" {
			t.Errorf("%v: %+v, want %s", fields, got, want)
		}
	}
	expect(t, s, [][2]string{{"bad_claim", raw}})
}

func TestMediaCDNSigned(t *testing.T) {
	s := compat(t, "media-cdn", mediaKeys)
	const base, end, cloud = "https://cdn.example.com", "Expires=1767226200&KeyName=my-key", "Expires=1767226200&KeyName=cloud"
	url := func(path, fields string, sign func(string) string) string {
		return path + fields + "&Signature=" + sign(base+path+fields)
	}
	prefix := "URLPrefix=" + b64text(base+"/v/") + "&" + cloud
	segment := "/v/edge-cache-token=" + end + "&Signature=" + edSign(base+"/v/edge-cache-token="+end)
	got := send(t, s, segment+"/a/b.ts?x=1")
	if got.word != "allowed" || got.path != "/v/a/b.ts" || got.query != "x=1" {
		t.Errorf("%+v, want it allowed and the segment gone", got)
	}
	expect(t, s, [][2]string{
		{"allowed", url("/a%20b?x=1&", end, edSign)},
		{"allowed", url("/a?", cloud, cloudSign)},
		{"allowed", strings.TrimSuffix(url("/a?", cloud, cloudSign), "=")},
		{"malformed", url("/a?", cloud, cloudSign) + "&x=1"},
		{"bad_signature", "/b" + url("/a?", cloud, cloudSign)[2:]},
		{"bad_signature", url("/a?", end, cloudSign)},
		{"unknown_key", url("/a?", "Expires=1767226200&KeyName=none", cloudSign)},
		{"malformed", url("/a?", "KeyName=cloud&Expires=1767226200", cloudSign)},
		{"malformed", url("/a?", "KeyName=cloud", cloudSign)},
		{"expired", url("/a?", "Expires=1767225600&KeyName=cloud", cloudSign)},
		{"allowed", "/v/a?" + prefix + "&Signature=" + cloudSign(prefix) + "&x=1"},
		{"allowed", "/v/a?x=1&" + prefix + "&Signature=" + cloudSign(prefix)},
		{"out_of_scope", "/w/a?" + prefix + "&Signature=" + cloudSign(prefix)},
		{"bad_signature", "/v/b" + segment[2:] + "/a"},
		{"two_places", segment + "/a" + segment + "/b"},
		{"two_places", segment + "/a?Signature=x"},
		{"two_places", "/v/E" + segment[4:] + "/a"},
		{"malformed", "/v/edge-cache-token=" + end + "/a"},
	})
}

func TestMediaCDNCookies(t *testing.T) {
	s := compat(t, "media-cdn", mediaKeys)
	policy := "URLPrefix=" + b64text("https://cdn.example.com/v/") + ":Expires=1767226200:KeyName=my-key"
	good := "Edge-Cache-Cookie=" + policy + ":Signature=" + edSign(policy)
	for cookies, want := range map[string]string{
		good:                           "allowed",
		"Edge-Cache-Cookie=x; " + good: "allowed",
		"Cloud-CDN-Cookie" + good[17:]: "allowed",
		"Edge-Cache-Cookie=x":          "malformed",
		good + "0":                     "bad_signature",
		"edge-cache-token=" + same("PathGlobs=/v/*~Expires=1767226200"): "allowed",
		"other=x": "missing",
	} {
		expect(t, s, [][2]string{{want, "/v/a"}}, func(in *auth.Input, _ *auth.Request) { in.Cookies = []byte(cookies) })
	}
	expect(t, s, [][2]string{{"out_of_scope", "/w/a"}}, func(in *auth.Input, _ *auth.Request) { in.Cookies = []byte(good) })
}

func FuzzMediaCDN(f *testing.F) {
	fuzz(f, compat(f, "media-cdn", mediaKeys), []string{"edge-cache-token", "Signature", "KeyName", "URLPrefix"},
		"/a?edge-cache-token="+same("PathGlobs=/*~Expires=1767226200"), "/a?Expires=1&KeyName=cloud&Signature=x",
		"/v/edge-cache-token=Expires=1&KeyName=x&Signature=y/z", "/a?Edge-Cache-Cookie=URLPrefix=x:Expires=1:KeyName=k:Signature=s")
}

// matchGlob against a definition that cannot be wrong.
func FuzzGlob(f *testing.F) {
	f.Add("/*/b?", "/a/bc")
	f.Add("**a*", "ba")
	f.Fuzz(func(t *testing.T, glob, text string) {
		if len(glob) > 12 || len(text) > 24 {
			return
		}
		if got, want := auth.MatchGlob([]byte(glob), []byte(text)), slowGlob(glob, text); got != want {
			t.Errorf("matchGlob(%q, %q) = %v", glob, text, got)
		}
	})
}

func slowGlob(glob, text string) bool {
	switch {
	case glob == "":
		return text == ""
	case glob[0] == '*':
		return slowGlob(glob[1:], text) || text != "" && slowGlob(glob, text[1:])
	}
	return text != "" && (glob[0] == '?' || glob[0] == text[0]) && slowGlob(glob[1:], text[1:])
}
