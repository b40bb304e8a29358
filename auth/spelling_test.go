package auth_test

import (
	"crypto/sha1" //nolint:gosec // what other systems sign with
	"encoding/base64"
	"strings"
	"testing"

	"edged/auth"
)

// A cookie may be anything, down to nothing: tokens are cut at their dots only when
// they have some. The slices end where the request's memory does, as in production.
func TestShortTokens(t *testing.T) {
	for _, name := range []string{"edgeauth", "cdni", "cat", "ect"} {
		scheme := newScheme(t, name)
		cookie := map[string]string{"edgeauth": "__token__", "cdni": "URISigningPackage", "cat": "CTA-Common-Access-Token", "ect": "ect"}[name]
		for _, token := range []string{"", ".", "a", "a.", "a.b", "..", "~", "~hmac=", "~hmac=0", strings.Repeat(".", 9)} {
			cookies := []byte(cookie + "=" + token)
			var scratch auth.Scratch
			f, why := scheme.Find(&auth.Input{Path: []byte("/a"), Cookies: cookies[:len(cookies):len(cookies)]}, &scratch)
			if why == auth.Allowed {
				r := request()
				why = scheme.Verify(&f, &r).Reason
			}
			if why != auth.Malformed && why != auth.UnknownKey {
				t.Errorf("%s: token %q is %s, want malformed", name, token, why)
			}
		}
	}
}

// Padding is all there or not at all: a token that is revoked must not live on under
// another spelling.
func TestPaddingInPath(t *testing.T) {
	links := compat(t, "url-sig", urlSigKeys)
	for _, filler := range []string{"", "4", "45"} { // so that the text has every length modulo 3
		fields := ";x=" + filler + ";E=1767226200;A=1;K=3;P=1;S="
		text := fields + hexHMAC(sha1.New, plain, "cdn.example.com/a/b"+fields)
		bare, padded := base64.RawURLEncoding.EncodeToString([]byte(text)), base64.URLEncoding.EncodeToString([]byte(text))
		expect(t, links, [][2]string{
			{"allowed", "/a/b;sig=" + bare},
			{"allowed", "/a/b;sig=" + padded},
			{"malformed", "/a/b;sig=" + padded + "="},
			{"malformed", "/a/b;sig=" + bare + "==="},
			{"malformed", "/a/b;sig==" + bare},
		})
	}
	scheme := newScheme(t, "cdni")
	token := ";URISigningPackage=" + hsToken(cdniExp+","+cdniAll)
	for path, want := range map[string]auth.Reason{
		"/a" + token: auth.Allowed, "/a" + token + ";x=1": auth.Allowed, "/a" + token + "=": auth.Malformed, "/a" + token + "==": auth.Malformed, "/a" + token + "=;x": auth.Malformed,
	} {
		if got := (ask{path: path, request: auth.Request{TLS: true}}).answer(t, scheme); got.Reason != want {
			t.Errorf("%s is %s, want %s", path, got.Reason, want)
		}
	}
}
