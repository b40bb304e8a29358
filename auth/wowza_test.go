package auth_test

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"testing"

	"edged/auth"
)

func TestWowza(t *testing.T) {
	address := func(o *auth.Options) { o.Wowza.Address = true }
	content := func(o *auth.Options) { o.Wowza.ContentPath = "vod/s.mp4" }
	hash := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		return base64.URLEncoding.EncodeToString(sum[:])
	}
	const path, end, custom = "/vod/s.mp4/x.m3u8?", "wowzatokenendtime=1767226200", "wowzatokenz=a"
	simple := "vod/s.mp4?" + plain + "&" + end
	ask := func(fields, signed string) string { return path + fields + "&wowzatokenhash=" + hash(signed) }
	tests := []struct {
		want, raw string
		edit      func(*auth.Options)
	}{
		{"allowed", ask(end, simple), nil},
		{"allowed", ask(end, simple)[:len(ask(end, simple))-1] + "%3D&x=1", nil},
		{"allowed", ask(custom+"&"+end, simple+"&"+custom), nil},
		{"bad_signature", ask(end+"&"+custom, simple), nil},
		{"bad_signature", ask(end, simple), address},
		{"allowed", ask(end, "vod/s.mp4?198.51.100.7&"+plain+"&"+end), address},
		{"allowed", ask(end, simple), content},
		{"out_of_scope", "/vod/s.mp45/x.m3u8?" + end + "&wowzatokenhash=" + hash(simple), content},
		{"bad_signature", "/vod/s.mp45/x.m3u8?" + end + "&wowzatokenhash=" + hash(simple), nil},
		{"too_long", ask(custom, "vod/s.mp4?"+plain+"&"+custom), nil},
		{"allowed", ask(custom, "vod/s.mp4?"+plain+"&"+custom), func(o *auth.Options) { o.WithoutExpiry = true }},
		{"not_yet", ask(end+"&wowzatokenstarttime=1767225601", simple+"&wowzatokenstarttime=1767225601"), nil},
		{"expired", ask("wowzatokenendtime=1767225599", "vod/s.mp4?"+plain+"&wowzatokenendtime=1767225599"), nil},
		{"bad_claim", ask("wowzatokenendtime=x", "vod/s.mp4?"+plain+"&wowzatokenendtime=x"), nil},
		{"duplicate", ask(custom+"&"+custom+"&"+end, simple+"&"+custom+"&"+custom), nil},
		{"duplicate", ask(end, simple) + "&WowzaTokenEndTime=1", nil},
		{"malformed", ask(end, simple) + "&WowzaTokenY=1", nil},
		{"malformed", ask(end, simple) + "0", nil},
		{"missing", path + end, nil},
	}
	for _, tt := range tests {
		s := compat(t, "wowza", func(o *auth.Options) {
			if tt.edit != nil {
				tt.edit(o)
			}
		})
		if got := send(t, s, tt.raw); got.word != tt.want {
			t.Errorf("%s: %+v, want %s", tt.raw, got, tt.want)
		}
	}
	sum := sha512.Sum512([]byte(simple))
	long := path + end + "&wowzatokenhash=" + base64.URLEncoding.EncodeToString(sum[:])
	expect(t, compat(t, "wowza", func(o *auth.Options) { o.Wowza.Hash = "sha512" }), [][2]string{{"allowed", long}})
}

// A client's address or parameter of the secret's own bytes is not the secret.
func TestWowzaTraceHidesSecret(t *testing.T) {
	s := compat(t, "wowza")
	var trace auth.Trace
	send(t, s, "/a/b?wowzatokenendtime=1767226200&wowzatokenhash="+b64sha256("x")+"=", func(_ *auth.Input, r *auth.Request) { r.Trace = &trace })
	if len(trace.Signed) != 1 || string(trace.Signed[0].Bytes) != "a?<secret>&wowzatokenendtime=1767226200" {
		t.Errorf("traced %q", trace.Signed)
	}
}

func FuzzWowza(f *testing.F) {
	fuzz(f, compat(f, "wowza"), []string{"wowzatokenhash", "wowzatokenendtime", "wowzatokenx"},
		"/a/b?wowzatokenendtime=1767226200&wowzatokenx=1&wowzatokenhash="+b64sha256("x")+"=", "/?wowzatoken&wowzatokenhash=%3d")
}
