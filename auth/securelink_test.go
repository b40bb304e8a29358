package auth_test

import (
	"errors"
	"testing"

	"edged/auth"
)

func linkOptions(link, md5, location string) func(*auth.Options) {
	return func(o *auth.Options) { o.SecureLink = auth.SecureLinkOptions{Link: link, MD5: md5, Location: location} }
}

// directoryForm has the token in front of the directory that it opens.
const directoryForm = `/(?P<hash>[A-Za-z0-9_-]{22})/(?P<end>[0-9]+)(?P<dir>/.+/)[^/]+`

func TestSecureLinkInQuery(t *testing.T) {
	s := compat(t, "secure-link", linkOptions("$arg_md5,$arg_expires", "$secure_link_expires$uri$remote_addr${host}/$arg_v $secret", ""))
	const path = "/vod/ä b.mp4"
	token := b64md5("1767226200" + path + "198.51.100.7cdn.example.com/1 " + plain)
	good := "/vod/%c3%a4%20b.mp4?v=1&md5=" + token + "&expires=1767226200"
	got := send(t, s, good)
	if got.word != "allowed" || got.query != "v=1" || got.path != path || got.verdict.Expires != 1767226201 || got.verdict.Key != "k1" {
		t.Errorf("%s: %+v", good, got)
	}
	expect(t, s, [][2]string{
		{"allowed", "/vod/%c3%a4%20b.mp4?md5=" + token + "==&expires=1767226200&v=1&w"},
		{"missing", "/vod/a.mp4"},
		{"missing", "/vod/a.mp4?expires=1767226200"},
		{"malformed", "/vod/a.mp4?md5=&expires=1767226200"},
		{"malformed", "/vod/a.mp4?md5=" + token + "=&expires=1767226200"},
		{"malformed", "/vod/a.mp4?md5=" + token + "===&expires=1767226200"},
		{"malformed", "/vod/a.mp4?m%645=" + token + "&expires=1767226200"},
		{"duplicate", good + "&EXPIRES=1"},
		{"duplicate", good + "&v=2"},
		{"duplicate", good + "&V=1"},
		{"bad_signature", "/vod/a.mp4?v=1&md5=" + token + "&expires=1767226200"},
		{"bad_signature", "/vod/%c3%a4%20b.mp4?v=2&md5=" + token + "&expires=1767226200"},
		{"bad_signature", "/vod/%c3%a4%20b.mp4?v=1&md5=" + token + "&expires=1767226201"},
	})
	expect(t, s, [][2]string{{"bad_signature", good}}, from("198.51.100.8"))
	expect(t, s, [][2]string{{"allowed", good}}, from("::ffff:198.51.100.7"))
	expect(t, s, [][2]string{{"allowed", good}}, at(1767226200))
	expect(t, s, [][2]string{{"expired", good}}, at(1767226201))
}

func TestSecureLinkTimes(t *testing.T) {
	s := compat(t, "secure-link", linkOptions("$arg_md5,$arg_expires", "$uri$arg_expires$secret", ""), func(o *auth.Options) { o.MaxLifetime = -1 })
	for expires, want := range map[string]string{
		"": "bad_claim", "0": "bad_claim", "-1": "bad_claim", "1767226200x": "bad_claim",
		"17672262000": "long_time", "1767226200000": "long_time", "9999999999": "allowed", "+176722620": "bad_claim",
	} {
		raw := "/a?md5=" + b64md5("/a"+expires+plain) + "&expires=" + expires
		if got := send(t, s, raw); got.word != want {
			t.Errorf("%s: %s, want %s", raw, got.word, want)
		}
	}
}

// A comma inside the hash parameter brings an expiry that must be signed.
func TestSecureLinkHiddenExpiry(t *testing.T) {
	forever := func(o *auth.Options) { o.WithoutExpiry, o.MaxLifetime = true, -1 }
	s := compat(t, "secure-link", linkOptions("$arg_h", "$uri$secret", ""), forever)
	expect(t, s, [][2]string{
		{"allowed", "/a?h=" + b64md5("/a"+plain)},
		{"malformed", "/a?h=" + b64md5("/a"+plain) + ",9999999999"},
		{"malformed", "/a?h=" + b64md5("/a"+plain) + ","},
	})
}

func TestSecureLinkInPath(t *testing.T) {
	s := compat(t, "secure-link", linkOptions("$hash,$end", "$end$dir $secret", directoryForm))
	token := "/" + b64md5("1767226200/live/a b/ "+plain) + "/1767226200"
	got := send(t, s, token+"/live/a%20b/seg-1.ts?x=1")
	if got.word != "allowed" || got.path != "/live/a b/seg-1.ts" || got.query != "x=1" {
		t.Errorf("%+v, want it allowed and the token gone", got)
	}
	expect(t, s, [][2]string{
		{"allowed", token + "/live/a%20b/.mpd"},
		{"bad_signature", token + "/live/c/seg-1.ts"},
		{"bad_signature", token + "/live/a%20b/c/seg-1.ts"},
		{"dot_segment", token + "/live/a%20b/../c/seg-1.ts"},
		{"encoded_slash", token + "/live/a%20b%2fseg-1.ts"},
		{"missing", "/live/a%20b/seg-1.ts"},
		{"missing", token + "/seg-1.ts"},
		{"missing", token[:12] + "%41" + token[13:] + "/live/a%20b/seg-1.ts"},
		{"missing", "/x" + token + "/live/a%20b/seg-1.ts"},
	})
}

// The token may stand in the middle: what is left is joined.
func TestSecureLinkInside(t *testing.T) {
	s := compat(t, "secure-link", linkOptions("$hash,$end", "$end$file$secret", `/é?v/[^/]+/(?P<hash>[^/]{22}),(?P<end>[0-9]+)/(?P<file>.+)`))
	got := send(t, s, "/v/x%20y/"+b64md5("1767226200a/b.ts"+plain)+",1767226200/a/b.ts")
	if got.word != "allowed" || got.path != "/v/x y/a/b.ts" {
		t.Errorf("%+v, want it allowed and the token gone", got)
	}
}

func TestSecureLinkErrors(t *testing.T) {
	tests := []struct{ setting, link, md5, location string }{
		{"secure_link.link", "", "$uri$secret", ""},
		{"secure_link.link", "$uri", "$uri$secret", ""},
		{"secure_link.link", "$secret,$arg_e", "$uri$secret", ""},
		{"secure_link.link", "$arg_a$", "$uri$secret", ""},
		{"secure_link.link", "${arg_a", "$uri$secret", ""},
		{"secure_link.link", "$arg_", "$uri$secret", ""},
		{"secure_link.link", "$hash,$arg_e", "$uri$secret$arg_e", `/(?P<hash>.+)/.+`},
		{"secure_link.md5", "$arg_a,$arg_e", "$uri$arg_e", ""},
		{"secure_link.md5", "$arg_a,$arg_e", "$arg_e$secret$host$remote_addr", ""},
		{"secure_link.md5", "$arg_a,$arg_e", "$uri$secret", ""},
		{"secure_link.md5", "$arg_a,$arg_e", "$uri$secret$arg_x", ""},
		{"secure_link.md5", "$arg_a,$arg_e", "$uri$secret$nonsense", ""},
		{"secure_link.md5", "$hash,$end", "$secret$end", `/(?P<hash>.+)/(?P<end>\d+)/.+`},
		{"secure_link.location", "$arg_a,$arg_e", "$uri$secret$arg_e", "("},
		{"without_expiry", "$arg_a", "$uri$secret", ""},
	}
	for _, tt := range tests {
		o := auth.Options{
			Account: "acme", Required: true,
			Keys: []auth.Key{{ID: "k1", Account: "acme", Type: auth.Secret, Secret: []byte(plain)}},
		}
		linkOptions(tt.link, tt.md5, tt.location)(&o)
		_, err := auth.New("secure-link", o)
		var setting *auth.SettingError
		if !errors.As(err, &setting) || setting.Setting != tt.setting {
			t.Errorf("link %q, md5 %q, location %q: error %v, want one about %s", tt.link, tt.md5, tt.location, err, tt.setting)
		}
	}
}

func TestLinkSecret(t *testing.T) {
	s := compat(t, "secure-link-secret", func(o *auth.Options) { o.WithoutExpiry = true })
	hash := hexMD5("vod/a%20b.mp4?v=1" + plain)
	got := send(t, s, "/p/"+hash+"/vod/a%20b.mp4?v=1")
	if got.word != "allowed" || got.path != "/vod/a b.mp4" || got.query != "v=1" {
		t.Errorf("%+v, want it allowed and only the link left", got)
	}
	expect(t, s, [][2]string{
		{"bad_signature", "/p/" + hash + "/vod/a%20b.mp4?v=2"},
		{"bad_signature", "/p/" + hash + "/vod/a%20b.mp4"},
		{"bad_signature", "/p/" + hash + "/vod/%61%20b.mp4?v=1"},
		{"missing", "/p/" + hash},
		{"malformed", "/p/" + hexMD5(plain) + "/"},
		{"malformed", "/p/" + hexMD5("?x"+plain) + "/?x"},
		{"missing", "/" + hash + "/vod/a%20b.mp4?v=1"},
		{"missing", "/p/" + hash[1:] + "/vod/a%20b.mp4?v=1"},
		{"missing", "/"},
	})
}

func TestNetworks(t *testing.T) {
	exp := "1767226200"
	gcoreIP := func(o *auth.Options) { o.Gcore.Address = true }
	inPath := func(o *auth.Options) { o.CDN77.Path = true }
	forever := func(o *auth.Options) { o.WithoutExpiry = true }
	tests := []struct {
		name, raw, want string
		edit            func(*auth.Options)
	}{
		{"keycdn", "/a b?token=" + b64md5("/a b"+plain+exp) + "&expire=" + exp, "allowed", nil},
		{"gcore", "/a?md5=" + b64md5(exp+"/a "+plain) + "&expires=" + exp, "allowed", nil},
		{"gcore", "/a?md5=" + b64md5(exp+"/a198.51.100.7 "+plain) + "&expires=" + exp, "allowed", gcoreIP},
		{"gcore", "/a?md5=" + b64md5(exp+"/a "+plain) + "&expires=" + exp, "bad_signature", gcoreIP},
		{"cdn77", "/a?secure=" + b64md5(exp+"/a"+plain) + "==," + exp, "allowed", nil},
		{"cdn77", "/a?secure=" + b64md5("/a"+plain) + "==", "too_long", nil},
		{"cdn77", "/a?secure=" + b64md5("/a"+plain) + "==", "allowed", forever},
		{"cdn77", "/a?secure=" + b64md5("/a"+plain) + "==,", "bad_claim", forever},
		{"cdn77", "/" + b64md5(exp+"/live/1"+plain) + "==," + exp + "/live/1/x.m3u8", "allowed", inPath},
		{"cdn77", "/" + b64md5(exp+"/live/1"+plain) + "==," + exp + "/live/1/2/x.m3u8", "bad_signature", inPath},
		{"cdn77", "/" + b64md5(exp+""+plain) + "==," + exp + "/x.m3u8", "allowed", inPath},
		{"cdn77", "/" + b64md5("/live/1"+plain) + "==/live/1/x.m3u8", "allowed", func(o *auth.Options) { inPath(o); forever(o) }},
	}
	for _, tt := range tests {
		s := compat(t, tt.name, func(o *auth.Options) {
			if tt.edit != nil {
				tt.edit(o)
			}
		})
		raw := tt.raw
		for i := range raw {
			if raw[i] == ' ' {
				raw = raw[:i] + "%20" + raw[i+1:]
				break
			}
		}
		if got := send(t, s, raw); got.word != tt.want {
			t.Errorf("%s %s: %s, want %s", tt.name, raw, got.word, tt.want)
		}
	}
}

func FuzzSecureLink(f *testing.F) {
	s := compat(f, "secure-link", linkOptions("$arg_md5,$arg_expires", "$uri$secret$arg_expires", ""))
	fuzz(f, s, []string{"md5", "expires"}, "/a?md5="+b64md5("/a"+plain+"1767226200")+"&expires=1767226200", "/a?%6dd5=x", "/a?md5&expires")
}

func FuzzSecureLinkPath(f *testing.F) {
	s := compat(f, "secure-link", linkOptions("$hash,$end", "$end$dir $secret", directoryForm))
	fuzz(f, s, nil, "/"+b64md5("1767226200/d/ "+plain)+"/1767226200/d/x", "/a/b", "//")
}

func FuzzLinkSecret(f *testing.F) {
	s := compat(f, "secure-link-secret", func(o *auth.Options) { o.WithoutExpiry = true })
	fuzz(f, s, nil, "/p/"+hexMD5("x?y"+plain)+"/x?y", "/p//", "/p/"+hexMD5(""))
}

func FuzzCDN77(f *testing.F) {
	s := compat(f, "cdn77", func(o *auth.Options) { o.CDN77.Path = true })
	fuzz(f, s, nil, "/"+b64md5("1767226200/l"+plain)+"==,1767226200/l/x", "/==,/x")
}
