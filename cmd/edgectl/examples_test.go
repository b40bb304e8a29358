package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

const examplesDir = "../../docs/examples"

// exampleSites take what docs/examples makes: name and secret as its arguments are.
var exampleSites = []struct{ scheme, path, name, secret, toml string }{
	{"ect", "/vod/title/master.m3u8", "acme-26a", "7b50e320192bedd84c5e9229f5f440545cfdd0b32c84fe5129ae74f275db596a", "type = \"hmac-sha256\"\nsecret_hex = \"SECRET\""},
	{"vdox", "movie42.mp4", "acme", "7c1e0a3bd94f2268", "type = \"secret\"\nname = \"acme\"\nsecret_text = \"SECRET\""},
	{"secure-link", "/vod/title/master.m3u8", "-", "correct horse", "type = \"secret\"\nsecret_text = \"SECRET\""},
	{"edgeauth", "/vod/title/master.m3u8", "-", "52a152a152a152a152a152a152a1f00d", "type = \"hmac-sha256\"\nsecret_hex = \"SECRET\""},
	{"bunny", "/vod/title/master.m3u8", "-", "8a7c2f1e-55aa-4d1b", "type = \"secret\"\nsecret_text = \"SECRET\""},
}

// TestExamples runs the example of each language for each scheme, and asks verify.
func TestExamples(t *testing.T) {
	conf := "[node]\nname = \"edge-test-01\"\n"
	for _, s := range exampleSites {
		kid := s.name
		if s.scheme != "ect" {
			kid = "acme-" + s.scheme
		}
		conf += "[[site]]\naccount = \"acme\"\nhosts = [\"" + s.scheme + ".example\"]\norigins = [\"http://127.0.0.1:9000\"]\n[site.token]\nrequired = true\nscheme = \"" + s.scheme +
			"\"\n[site.token.secure_link]\nlink = \"$arg_md5,$arg_expires\"\nmd5 = \"$secure_link_expires$uri $secret\"\n" +
			"[[site.token.key]]\nkid = \"" + kid + "\"\n" + strings.Replace(s.toml, "SECRET", s.secret, 1) + "\n"
	}
	file := writeConfig(t, conf)
	for _, run := range []struct{ language, interpreter, script string }{
		{"PHP", "php", "sign.php"}, {"Python", "python3", "sign.py"}, {"Node", "node", "sign.mjs"}, {"Go", "go", "sign.go"},
	} {
		t.Run(run.language, func(t *testing.T) {
			interpreter, err := exec.LookPath(run.interpreter)
			if err != nil {
				if os.Getenv("CI") == "true" {
					t.Fatalf("%s is not installed: the %s example is not run", run.interpreter, run.language)
				}
				t.Skipf("%s is not installed: the %s example is not run; scripts/test-deps installs it", run.interpreter, run.language)
			}
			for _, s := range exampleSites {
				args := []string{filepath.Join(examplesDir, run.script)}
				if run.interpreter == "go" {
					args = append([]string{"run"}, args...)
				}
				end := time.Now().Add(time.Hour).Unix()
				args = append(args, s.scheme, "https://"+s.scheme+".example", s.path, strconv.FormatInt(end, 10), s.name, s.secret)
				out, err := exec.CommandContext(t.Context(), interpreter, args...).CombinedOutput()
				if err != nil {
					t.Errorf("%s %q: %v\n%s", run.interpreter, args, err, out)
					continue
				}
				holdExample(t, file, s.scheme, strings.TrimSpace(string(out)), end)
			}
		})
	}
}

// holdExample verifies the URL that an example printed, and that it is not good for
// another file or another time.
func holdExample(t *testing.T, conf, scheme, url string, end int64) {
	t.Helper()
	verify := func(url string, at int64) (int, string) {
		code, out, stderr := edgectl("verify", "-config", conf, "-at", strconv.FormatInt(at, 10), url)
		return code, out + stderr
	}
	if code, out := verify(url, end-1); code != exitOK || !strings.HasPrefix(out, "allow") {
		t.Errorf("%s: %s\n%s", scheme, url, out)
	}
	other := strings.NewReplacer("/vod/title/", "/vod/other/", "movie42", "movie43").Replace(url)
	for what, denied := range map[string]func() (int, string){
		"another file": func() (int, string) { return verify(other, end-1) },
		"later":        func() (int, string) { return verify(url, end+1) },
	} {
		if code, out := denied(); code != exitFailed || !strings.HasPrefix(out, "deny") {
			t.Errorf("%s, %s: %s\n%s", scheme, what, url, out)
		}
	}
}

// Moment of the worked examples in docs/tokens.md.
const docsMoment = "2026-01-01T00:00:00Z"

var (
	docsBlock = regexp.MustCompile("(?s)```(\\w+)\n(.*?)```")
	docsHost  = regexp.MustCompile(`hosts = \["([^"]+)"\]`)
)

// TestTokensDoc reads docs/tokens.md: each configuration loads, each URL below it is
// allowed, and each piece of a program is in docs/examples.
func TestTokensDoc(t *testing.T) {
	text, err := os.ReadFile("../../docs/tokens.md")
	if err != nil {
		t.Fatal(err)
	}
	programs := map[string]string{"php": "sign.php", "python": "sign.py", "js": "sign.mjs", "go": "sign.go"}
	conf, sites, urls, quoted := "", 0, 0, 0
	for _, block := range docsBlock.FindAllStringSubmatch(string(text), -1) {
		switch kind, body := block[1], block[2]; kind {
		case "toml":
			conf = writeConfig(t, "[node]\nname = \"edge-test-01\"\n"+body)
			sites++
		case "text":
			for url := range strings.Lines(body) {
				urls++
				args := []string{"verify", "-config", conf, "-at", docsMoment, "-client", "198.51.100.7"}
				url, cookie, _ := strings.Cut(strings.TrimSpace(url), "   Cookie: ")
				if cookie != "" {
					args = append(args, "-cookie", cookie)
				}
				if code, out, stderr := edgectl(append(args, url)...); code != exitOK {
					t.Errorf("%s\n%s%s", url, out, stderr)
				}
			}
		default:
			program, err := os.ReadFile(filepath.Join(examplesDir, programs[kind]))
			if err != nil {
				t.Fatalf("a block of %q: %v", kind, err)
			}
			if !strings.Contains(string(program), body) {
				t.Errorf("docs/examples/%s does not have\n%s", programs[kind], body)
			}
			quoted++
		}
	}
	if sites < 16 || urls < 16 || quoted < 4 {
		t.Errorf("%d configurations, %d URLs and %d quotations: every scheme needs an example", sites, urls, quoted)
	}
	if hosts := docsHost.FindAllStringSubmatch(string(text), -1); len(hosts) != sites {
		t.Errorf("%d hosts in %d configurations", len(hosts), sites)
	}
}
