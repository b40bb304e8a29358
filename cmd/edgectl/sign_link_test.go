package main

import (
	"fmt"
	"strings"
	"testing"
)

func linkConfig(scheme, more, key string) string {
	return fmt.Sprintf(`
[[site]]
account = "acme"
hosts = ["acme.example.net"]
origins = ["http://127.0.0.1:9000"]
[site.token]
required = true
scheme = %q
%s
[[site.token.key]]
kid = "acme-26a"
%s
`, scheme, more, key)
}

// What sign prints for a site of any scheme, verify allows.
func TestSignLinkRoundTrip(t *testing.T) {
	const plain = "type = \"secret\"\nsecret_text = \"correct horse\"\n"
	tests := []struct{ scheme, more, key, url, flags string }{
		{"vdox", "", plain, "https://acme.example.net/?account=acme-26a&file=movie.ism", ""},
		{"secure-link", "[site.token.secure_link]\nlink = \"$arg_md5,$arg_expires\"\nmd5 = \"$secure_link_expires$uri $secret\"", plain, "https://acme.example.net/v/a%20b", ""},
		{"secure-link-secret", "without_expiry = true", plain, "https://acme.example.net/v/a", ""},
		{"bunny", "", plain, "https://acme.example.net/v/a?x=1", ""},
		{"bunny", "", plain, "https://acme.example.net/v/a?x=1", "-scope /v/ -client 198.51.100.7"},
		{"url-sig", "", plain + "name = \"3\"", "https://acme.example.net/v/a", "-client 198.51.100.7"},
		{"media-cdn", "", strings.Replace(plain, "\"secret\"", "\"hmac-sha256\"", 1) + "#", "https://acme.example.net/v/a", ""},
		{"cdn77", "", plain, "https://acme.example.net/v/a", ""},
		{"keycdn", "", plain, "https://acme.example.net/v/a", ""},
		{"gcore", "[site.token.gcore]\nip = true", plain, "https://acme.example.net/v/a", "-client 2001:db8::1"},
		{"wowza", "", plain, "https://acme.example.net/v/a", ""},
		{"fastly", "", plain, "https://acme.example.net/v/a", ""},
	}
	for _, tt := range tests {
		key := strings.Replace(tt.key, "hmac-sha256\"\nsecret_text = \"correct horse\"", "hmac-sha256\"\nsecret_text = \"correct horse battery\"", 1)
		conf := writeConfig(t, linkConfig(tt.scheme, tt.more, key))
		args := append([]string{"sign", "-config", conf, "-account", "acme", "-for", "1h"}, strings.Fields(tt.flags)...)
		code, stdout, stderr := edgectl(append(args, tt.url)...)
		if code != exitOK {
			t.Errorf("%s: sign: exit code %d: %s", tt.scheme, code, stderr)
			continue
		}
		verify := []string{"verify", "-config", conf, "-client", "198.51.100.7"}
		if strings.Contains(tt.flags, "2001:") {
			verify[4] = "2001:db8::1"
		}
		code, report, stderr := edgectl(append(verify, strings.TrimSpace(stdout))...)
		if code != exitOK || !strings.Contains(report, "signed   "+tt.scheme+": ") || strings.Contains(report, "correct horse") {
			t.Errorf("%s: verify %s: exit code %d\n%s%s", tt.scheme, stdout, code, report, stderr)
		}
		if code, _, _ := edgectl(append(verify, "-at", "2040-01-01T00:00:00Z", strings.TrimSpace(stdout))...); code != exitFailed && tt.scheme != "secure-link-secret" {
			t.Errorf("%s: verify of an expired URL: exit code %d", tt.scheme, code)
		}
	}
}

func TestSignLinkErrors(t *testing.T) {
	conf := writeConfig(t, linkConfig("cdn77", "[site.token.cdn77]\nform = \"path\"", "type = \"secret\"\nsecret_text = \"correct horse\"\n"))
	bunny := writeConfig(t, linkConfig("bunny", "", "type = \"secret\"\nsecret_text = \"correct horse\"\n"))
	for _, tt := range []struct {
		conf, flags, want string
		code              int
	}{
		{conf, "", "cannot sign", exitFailed},
		{bunny, "-sid x", "for scheme ect", exitUsage},
		{bunny, "-client here", "not an address", exitUsage},
		{bunny, "-scope v", "begins with /", exitUsage},
		{bunny, "-scope /w/", "out_of_scope", exitFailed},
		{bunny, "-for 48h", "too_long", exitFailed},
	} {
		args := append([]string{"sign", "-config", tt.conf, "-for", "1h", "https://acme.example.net/v/a"}, strings.Fields(tt.flags)...)
		if code, stdout, stderr := edgectl(args...); code != tt.code || !strings.Contains(stderr, tt.want) || stdout != "" {
			t.Errorf("sign %s: exit code %d, %q, want %d and %q", tt.flags, code, stderr, tt.code, tt.want)
		}
	}
}
