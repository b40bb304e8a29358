package auth_test

import (
	"crypto/hmac"
	"crypto/md5"  //nolint:gosec // what other systems sign with
	"crypto/sha1" //nolint:gosec // what other systems sign with
	"encoding/base64"
	"encoding/hex"
	"hash"
	"testing"

	"edged/auth"
)

func hexHMAC(digest func() hash.Hash, key, text string) string {
	h := hmac.New(digest, []byte(key))
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil))
}

func urlSigKeys(o *auth.Options) {
	o.Keys[0].Name = "3"
	o.URLSig.Anchor = "sig"
}

func TestURLSig(t *testing.T) {
	s := compat(t, "url-sig", urlSigKeys)
	const fields = "E=1767226200&A=1&K=3&P=1&S="
	sign := func(signed string) string { return hexHMAC(sha1.New, plain, "cdn.example.com"+signed) }
	good := "/a/b%20c?x=1&" + fields + sign("/a/b%20c?x=1&"+fields)
	got := send(t, s, good+"&_HLS_msn=3")
	if got.word != "allowed" || got.path != "/a/b c" || got.query != "x=1&_HLS_msn=3" {
		t.Errorf("%+v, want it allowed", got)
	}
	variant := func(fields, signed string) string { return "/a/b?" + fields + "S=" + sign(signed+fields+"S=") }
	expect(t, s, [][2]string{
		{"bad_signature", "/a/b%20c?x=2&" + good[len("/a/b%20c?x=1&"):]},
		{"bad_signature", "/a/d?x=1&" + good[len("/a/b%20c?x=1&"):]},
		{"malformed", good + "0"},
		{"duplicate", good + "&S=" + sign("")},
		{"malformed", "/a/b?E=1&A=1&K=3&S=" + sign("/a/b?E=1&A=1&K=3&S=") + "&P=1"},
		{"duplicate", "/a/b?e=1&" + fields + sign("/a/b?e=1&"+fields)},
		{"allowed", variant("C=198.51.100.7&E=1767226200&A=1&K=3&P=1&", "/a/b?")},
		{"address", variant("C=198.51.100.8&E=1767226200&A=1&K=3&P=1&", "/a/b?")},
		{"address", variant("C=here&E=1767226200&A=1&K=3&P=1&", "/a/b?")},
		{"bad_claim", variant("A=1&K=3&P=1&", "/a/b?")},
		{"too_long", variant("E=33046618586&A=1&K=3&P=1&", "/a/b?")},
		{"long_time", variant("E=1767226200000&A=1&K=3&P=1&", "/a/b?")},
		{"malformed", variant("E=1767226200&A=3&K=3&P=1&", "/a/b?")},
		{"unknown_key", variant("E=1767226200&A=1&K=4&P=1&", "/a/b?")},
		{"unknown_key", variant("E=1767226200&A=1&K=03&P=1&", "/a/b?")},
		{"unknown_key", variant("E=1767226200&A=1&P=1&", "/a/b?")},
		{"out_of_scope", variant("E=1767226200&A=1&K=3&P=0&", "?")},
		{"out_of_scope", variant("E=1767226200&A=1&K=3&P=10&", "?")},
		{"malformed", variant("E=1767226200&A=1&K=3&P=2&", "/a/b?")},
		{"malformed", variant("E=1767226200&A=1&K=3&P=&", "/a/b?")},
		{"missing", "/a/b?E=1767226200"},
	})
	expect(t, s, [][2]string{{"allowed", good}}, at(1767226200))
	expect(t, s, [][2]string{{"expired", good}}, at(1767226201))
}

func TestURLSigParts(t *testing.T) {
	s := compat(t, "url-sig", urlSigKeys)
	for parts, signed := range map[string]string{
		"1": "cdn.example.com/a/b/c", "01": "a/b/c", "101": "cdn.example.com/b/c", "010": "a", "110": "cdn.example.com/a", "0001": "c",
	} {
		fields := "E=1767226200&A=2&K=3&P=" + parts + "&S="
		raw := "/a/b/c?" + fields + hexHMAC(md5.New, plain, signed+"?"+fields)
		if got := send(t, s, raw); got.word != "allowed" {
			t.Errorf("P=%s: %s, want allowed", parts, got.word)
		}
	}
}

// A slash at the end of a path is no part of it, neither for the plugin nor for its
// signing script.
func TestURLSigTrailingSlash(t *testing.T) {
	s := compat(t, "url-sig", urlSigKeys)
	link := func(path, parts, signed string) string {
		fields := "E=1767226200&A=1&K=3&P=" + parts + "&S="
		return path + "?" + fields + hexHMAC(sha1.New, plain, signed+"?"+fields)
	}
	expect(t, s, [][2]string{
		{"allowed", link("/", "1", "cdn.example.com")},
		{"allowed", link("/", "11", "cdn.example.com")},
		{"bad_signature", link("/", "1", "cdn.example.com/")},
		{"out_of_scope", link("/", "10", "cdn.example.com")},
		{"out_of_scope", link("/", "01", "")},
		{"allowed", link("/a/", "1", "cdn.example.com/a")},
		{"allowed", link("/a/", "01", "a")},
		{"bad_signature", link("/a/b", "1", "cdn.example.com/a")},
	})
}

func TestURLSigInPath(t *testing.T) {
	s := compat(t, "url-sig", urlSigKeys)
	token := func(fields, parts string) string {
		text := fields + hexHMAC(sha1.New, plain, parts+fields)
		return ";sig=" + base64.URLEncoding.EncodeToString([]byte(text))
	}
	const fields = ";E=1767226200;A=1;K=3;P=1;S="
	good := token(fields, "cdn.example.com/a/b")
	for raw, path := range map[string]string{"/a/b" + good: "/a/b", "/a/b" + good + "/c.ts": "/a/b/c.ts", "/a/b" + good + "/c/d": "/a/b/c/d"} {
		if got := send(t, s, raw+"?x=1"); got.word != "allowed" || got.path != path || got.query != "x=1" {
			t.Errorf("%s: %+v, want it allowed for %s and the token gone", raw, got, path)
		}
	}
	bare := fields[1:] // the plugin's own tests leave the first ';' out
	all, last := "E=1767226200;A=1;K=3;P=01;S=", "E=1767226200;A=1;K=3;P=110;S="
	expect(t, s, [][2]string{
		{"allowed", "/a/b" + token(bare, "cdn.example.com/a/b") + "/c"},
		{"allowed", "/a/b" + token(all, "a/b") + "/c"},
		{"allowed", "/a/b" + token(";"+last, "cdn.example.com/a") + "/c"},
		{"malformed", "/a/b" + token(last, "cdn.example.com/a") + "/c"},
		{"bad_signature", "/a" + good + "/b"},
		{"bad_signature", "/a/c" + good},
		{"bad_signature", "/a/bc" + good + "/d"},
		{"malformed", "/a/b" + good + ";c/d"},
		{"malformed", "/a/b" + good + good},
		{"duplicate", "/a/b" + good + "/c" + good},
		{"two_places", "/a/b" + good + "?S=x"},
		{"empty_segment", "/" + token(fields, "cdn.example.com") + "/a"},
		{"out_of_scope", "/" + token(fields, "cdn.example.com")},
		{"malformed", "/a/b;sig=*"},
		{"missing", "/a/b;sig="},
		{"malformed", "/a/b;sig=" + base64.RawURLEncoding.EncodeToString([]byte("S=a&E=1"))},
	})
	expect(t, s, [][2]string{{"expired", "/a/b" + good + "/c"}}, at(1767226201))
}

func FuzzURLSig(f *testing.F) {
	const fields = "E=1767226200&A=1&K=3&P=1&S="
	fuzz(f, compat(f, "url-sig", urlSigKeys), []string{"C", "E", "A", "K", "P", "S"},
		"/a?"+fields+hexHMAC(sha1.New, plain, "cdn.example.com/a?"+fields), "/a;sig=O0U9;sig=x/b", "/a?s=&S&P=0")
}
