package object

import (
	"testing"

	"pgregory.net/rapid"
)

func TestAppendKey(t *testing.T) {
	tests := []struct{ name, account, site, path, query, want string }{
		{"path only", "acme", "vod", "/a.m4s", "", "acme\x00vod\x00/a.m4s"},
		{"with query", "acme", "vod", "/a.m4s", "q=1", "acme\x00vod\x00/a.m4s?q=1"},
		{"encoded question mark stays apart", "acme", "vod", "/a%3Fq=1", "", "acme\x00vod\x00/a%3Fq=1"},
		{"empty parts", "", "", "/", "", "\x00\x00/"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := AppendKey(nil, tt.account, tt.site, []byte(tt.path), []byte(tt.query))
			if string(got) != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestKeyParts(t *testing.T) {
	tests := []struct {
		key                   Key
		account, site, target string
	}{
		{"acme\x00vod\x00/a.m4s?q=1", "acme", "vod", "/a.m4s?q=1"},
		{"acme\x00vod\x00/a.m3u8\x00accept-encoding=gzip", "acme", "vod", "/a.m3u8"},
		{"acme", "acme", "", ""},
		{"", "", "", ""},
	}
	for _, tt := range tests {
		account, site, target := tt.key.Parts()
		if account != tt.account || site != tt.site || target != tt.target {
			t.Errorf("%q: got %q, %q, %q", tt.key, account, site, target)
		}
	}
}

// TestKeyPartsInverse holds that Parts undoes AppendKey for all parts that hold
// no NUL, which the canonicaliser and the configuration guarantee.
func TestKeyPartsInverse(t *testing.T) {
	part := rapid.StringMatching(`[a-z0-9./?=&%-]*`)
	rapid.Check(t, func(t *rapid.T) {
		a, s, p, q := part.Draw(t, "account"), part.Draw(t, "site"), part.Draw(t, "path"), part.Draw(t, "query")
		account, site, target := Key(AppendKey(nil, a, s, []byte(p), []byte(q))).Parts()
		want := p
		if q != "" {
			want += "?" + q
		}
		if account != a || site != s || target != want {
			t.Errorf("got %q, %q, %q; want %q, %q, %q", account, site, target, a, s, want)
		}
	})
}

func TestHash(t *testing.T) {
	key := "acme\x00vod\x00/a.m4s"
	id := Hash(1, []byte(key))
	if got := HashString(1, key); got != id {
		t.Errorf("HashString gives %v, Hash %v", got, id)
	}
	if Hash(2, []byte(key)) == id {
		t.Error("the seed does not count")
	}
	if Hash(1, []byte(key+"x")) == id {
		t.Error("the last byte does not count")
	}
	if n := testing.AllocsPerRun(100, func() { id = HashString(3, key) }); n != 0 {
		t.Errorf("HashString allocates %v times", n)
	}
}
