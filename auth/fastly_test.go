package auth_test

import (
	"crypto/sha1" //nolint:gosec // what other systems sign with
	"crypto/sha256"
	"testing"

	"edged/auth"
)

func TestFastly(t *testing.T) {
	one, two := compat(t, "fastly"), compat(t, "fastly", func(o *auth.Options) { o.Fastly.SHA256 = true })
	token := func(path, end string) string { return "token=" + end + "_" + hexHMAC(sha1.New, plain, path+end) }
	expect(t, one, [][2]string{
		{"allowed", "/a%20b?x=1&" + token("/a%20b", "1767226200")},
		{"expired", "/a?" + token("/a", "1767225599")},
		{"allowed", "/a?" + token("/a", "1767225600")},
		{"too_long", "/a?" + token("/a", "9999999999")},
		{"long_time", "/a?" + token("/a", "1767226200000")},
		{"bad_claim", "/a?" + token("/a", "soon")},
		{"malformed", "/a?" + token("/a", "")},
		{"malformed", "/a?" + token("/a", "1767226200") + "0"},
		{"bad_signature", "/b?" + token("/a", "1767226200")},
		{"duplicate", "/a?" + token("/a", "1767226200") + "&Token"},
		{"malformed", "/a?token=x"},
		{"missing", "/a"},
	})
	expect(t, two, [][2]string{
		{"allowed", "/a?token=1767226200_" + hexHMAC(sha256.New, plain, "/a1767226200")},
		{"malformed", "/a?" + token("/a", "1767226200")},
	})
}

func FuzzFastly(f *testing.F) {
	fuzz(f, compat(f, "fastly"), []string{"token"}, "/a?token=1767226200_"+hexHMAC(sha1.New, plain, "/a1767226200"), "/a?token=_")
}
