package main

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const testConfig = `
[node]
name = "edge-test-01"

[[site]]
account = "acme"
hosts = ["acme.example.net"]
origins = ["http://127.0.0.1:9000"]
token.required = true

[[site.token.key]]
kid = "acme-26a"
type = "hmac-sha256"
secret_hex = "7b50e320192bedd84c5e9229f5f440545cfdd0b32c84fe5129ae74f275db596a"
`

// edgectl runs the tool in this process.
func edgectl(args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = run(args, streams{&out, &err})
	return code, out.String(), err.String()
}

func writeConfig(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "edged.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// The scripts tell failure from success; here is which failure.
func TestExitCodes(t *testing.T) {
	conf := writeConfig(t, testConfig)
	broken := writeConfig(t, "nonsense = 1\n")
	const url = "https://acme.example.net/vod/a.m3u8"
	tests := []struct {
		args string
		want int
	}{
		{"", exitUsage},
		{"help", exitOK},
		{"help sign", exitOK},
		{"help nothing", exitUsage},
		{"nothing", exitUsage},
		{"sign -h", exitOK},
		{"sign -nothing", exitUsage},
		{"sign", exitUsage},
		{"sign -for 1h " + url, exitUsage},
		{"sign -for 1h -config " + conf + " " + url, exitOK},
		{"sign -for 1h -config " + conf + " /vod/a.m3u8", exitUsage},
		{"sign -for 48h -config " + conf + " " + url, exitFailed},
		{"sign -for 1h -config " + broken + " " + url, exitFailed},
		{"verify " + url, exitUsage},
		{"verify -config " + conf + " " + url, exitFailed},
		{"verify -config " + broken + " " + url, exitFailed},
		{"keygen", exitUsage},
		{"keygen -out /", exitFailed},
	}
	for _, tt := range tests {
		code, stdout, stderr := edgectl(strings.Fields(tt.args)...)
		if code != tt.want {
			t.Errorf("edgectl %s: exit code %d, want %d\n%s%s", tt.args, code, tt.want, stdout, stderr)
		}
		if code == exitUsage && stderr == "" {
			t.Errorf("edgectl %s: wrong usage without a message", tt.args)
		}
	}
}

// No message may hold a secret.
func TestSecretsAreNotPrinted(t *testing.T) {
	const secret = "7b50e320192bedd84c5e9229f5f440545cfdd0b32c84fe5129ae74f275db596a"
	odd := writeConfig(t, strings.Replace(testConfig, secret, secret[:63], 1))
	whole := writeConfig(t, testConfig)
	for _, conf := range []string{odd, whole} {
		_, stdout, stderr := edgectl("sign", "-config", conf, "-for", "1h", "https://acme.example.net/a/b")
		if strings.Contains(stdout+stderr, secret[:16]) {
			t.Errorf("the secret is in the output:\n%s%s", stdout, stderr)
		}
	}
}

func TestConfigErrorsCarryTheirPlace(t *testing.T) {
	path := writeConfig(t, testConfig+"nonsense = 1\n")
	_, _, stderr := edgectl("verify", "-config", path, "https://acme.example.net/a")
	if !strings.Contains(stderr, path+":") || !strings.Contains(stderr, "nonsense") {
		t.Errorf("message %q names neither file and line nor the key", stderr)
	}
}

func TestParseInterleaved(t *testing.T) {
	tests := []struct {
		args, operands string
		a              bool
		b              string
	}{
		{"", "", false, ""},
		{"-a x", "x", true, ""},
		{"x -a", "x", true, ""},
		{"x -b 1 y -a z", "x y z", true, "1"},
		{"-- -a", "-a", false, ""},
		{"x -- -a y", "x -a y", false, ""},
	}
	for _, tt := range tests {
		fs := flag.NewFlagSet("t", flag.ContinueOnError)
		fs.SetOutput(io.Discard)
		a, b := fs.Bool("a", false, ""), fs.String("b", "", "")
		operands, err := parseInterleaved(fs, strings.Fields(tt.args))
		if err != nil || !slices.Equal(operands, strings.Fields(tt.operands)) || *a != tt.a || *b != tt.b {
			t.Errorf("%q: operands %q, a %v, b %q, error %v", tt.args, operands, *a, *b, err)
		}
	}
	fs := flag.NewFlagSet("t", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	if _, err := parseInterleaved(fs, []string{"x", "-c"}); err == nil {
		t.Error("an unknown flag behind an operand is no error")
	}
}

func TestCookiePath(t *testing.T) {
	tests := []struct{ scopes, want string }{
		{"/", "/"},
		{"/a/b/", "/a/b/"},
		{"/a/b", "/a/b"},
		{"/a/b/ /a/c/", "/a/"},
		{"/a/b/ /a/bc/", "/a/"},
		{"/a/b/ /a/b/c.m3u8", "/a/b/"},
		{"/a/b /a/b/c", "/a/"},
		{"/a/b/c/ /x", "/"},
		{"/x /x", "/x"},
		{"/a/é/", "/a/%C3%A9/"},
		{"/a/b;c/d/", "/a/"},
	}
	for _, tt := range tests {
		if got := cookiePath(strings.Fields(tt.scopes)); got != tt.want {
			t.Errorf("cookiePath(%s) = %q, want %q", tt.scopes, got, tt.want)
		}
	}
}

func TestSiteFor(t *testing.T) {
	sites := []site{{account: "any", hosts: []string{"*"}}, {account: "acme", hosts: []string{"a.example", "b.example"}}}
	for host, want := range map[string]string{"a.example": "acme", "b.example": "acme", "c.example": "any"} {
		if s, ok := siteFor(sites, host); !ok || s.account != want {
			t.Errorf("siteFor(%s) = %q, %v, want %q", host, s.account, ok, want)
		}
	}
	if s, ok := siteFor(sites[1:], "c.example"); ok {
		t.Errorf("a host no site has is served by %q", s.account)
	}
}

func TestMoment(t *testing.T) {
	for _, value := range []string{"1767225600", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00"} {
		var m moment
		if err := m.Set(value); err != nil || m.orNow().Unix() != 1767225600 {
			t.Errorf("Set(%q): %v, error %v", value, m.Time, err)
		}
	}
	var unset moment
	if since := time.Since(unset.orNow()); since < 0 || since > time.Minute || unset.String() != "" {
		t.Errorf("an unset moment is %v ago and prints %q", since, unset.String())
	}
}
