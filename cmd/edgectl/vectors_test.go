package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"edged/auth"
)

// Computed vectors, and tokens that vendors, RFCs and other implementations publish:
// each names its source.
const (
	vectorsFile   = "../../auth/testdata/vectors.json"
	publishedFile = "../../auth/testdata/published.json"
)

func readVectors(t *testing.T, file string) []vector {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestVectors holds that every family that can be read answers as expected.
func TestVectors(t *testing.T) {
	known := map[string]int{}
	for _, f := range families() {
		known[f.name] = 0
	}
	for _, v := range readVectors(t, vectorsFile) {
		if _, ok := known[v.Scheme]; !ok {
			continue
		}
		known[v.Scheme]++
		if complaint := v.run(); complaint != "" && v.Class != "unconfirmed" {
			t.Errorf("%s: %s", v.ID, complaint)
		}
	}
	for name, n := range known {
		if n == 0 {
			t.Errorf("no vector of %s", name)
		}
	}
}

// TestVectorsSignedBytes holds that what verify prints as the signed bytes is what the
// vectors say, secrets aside.
func TestVectorsSignedBytes(t *testing.T) {
	text, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	var all []struct {
		vector
		Signed string `json:"signed_bytes_utf8"`
	}
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	told := 0
	for _, v := range all {
		if v.Signed == "" {
			continue
		}
		told++
		want := v.Signed
		for _, secret := range []string{"s3cr3t-token", "securetokenkey", "secret_key", "mySharedSecret", "ykX1QNTRvp3tfSn8", "229248f0-f007-4bf9-ba1f-bbf1b4ad9d40", "pepper"} {
			want = strings.ReplaceAll(want, secret, "<secret>")
		}
		if strings.HasPrefix(v.Scheme, "nginx-") {
			want = strings.ReplaceAll(want, "secret", "<secret>")
		}
		scheme, err := v.site()
		if err != nil {
			t.Fatalf("%s: %v", v.ID, err)
		}
		var trace auth.Trace
		if err := v.walk(scheme, &trace); err != nil || len(trace.Signed) != 1 || string(trace.Signed[0].Bytes) != want {
			t.Errorf("%s: %v with signed bytes %q, want %q", v.ID, err, trace.Signed, want)
		}
	}
	if told < 28 {
		t.Errorf("%d vectors say what is signed", told)
	}
}

// TestPublished runs all through the command.
func TestPublished(t *testing.T) {
	all := readVectors(t, publishedFile)
	code, stdout, stderr := edgectl("verify", "-vectors", publishedFile)
	if want := fmt.Sprintf("%d passed, 0 failed\n", len(all)); code != exitOK || stdout != want || len(all) < 100 {
		t.Errorf("exit code %d\n%s%s, want %d and %s", code, stdout, stderr, exitOK, want)
	}
}

// Settings of vectors may be written in several ways.
func TestVectorSettings(t *testing.T) {
	for _, c := range []struct{ scheme, config string }{
		{"akamai-edgeauth2", `{"location": "query"}`},
		{"akamai-edgeauth2", `{"location": ["query", "path"]}`},
		{"cdni-uri-signing", `{"jwt_header": {"alg": "HS256", "kid": "k"}}`},
		{"cdni-uri-signing", `{"jwt_header": "eyJhbGciOiJIUzI1NiJ9"}`},
		{"ats-url-sig", `{"sig_anchor": "urlsig"}`},
		{"ats-url-sig", `{"anchor": "urlsig"}`},
		{"cdn77", `{}`},
	} {
		v := vector{Scheme: c.scheme, Config: json.RawMessage(c.config), Keys: []json.RawMessage{[]byte(`{"secret_hex": "52a152a152a152a1"}`)}}
		if c.scheme == "ats-url-sig" {
			v.Keys[0] = []byte(`{"index": 1, "secret_utf8": "s"}`)
		}
		if _, err := v.site(); err != nil {
			t.Errorf("%s with %s: %v", c.scheme, c.config, err)
		}
	}
	for _, c := range []struct{ scheme, config string }{
		{"akamai-edgeauth2", `{"location": 1}`},
		{"akamai-edgeauth2", `{"location": "attic"}`},
		{"cdni-uri-signing", `{"jwt_header": []}`},
		{"cdn77", `{"type": "attic"}`},
		{"vdox-token", `{"validity": 1}`},
	} {
		v := vector{Scheme: c.scheme, Config: json.RawMessage(c.config), Keys: []json.RawMessage{[]byte(`{"secret_hex": "52a152a152a152a1"}`)}}
		if _, err := v.site(); err == nil {
			t.Errorf("%s takes %s", c.scheme, c.config)
		}
	}
}

// A vector with a changed token must fail, or the comparison compares nothing.
func TestVectorsCommand(t *testing.T) {
	const vectors = `[
	{"id": "good", "scheme": "keycdn", "keys": [{"secret_utf8": "securetokenkey"}], "config": {}, "expect": "allow", "class": "compat",
	 "request": {"method": "GET", "host": "c.example", "path": "/path/to/file1.jpg", "query": "token=o2lWjwAWb420aVrsTAdqow&expire=1767226200", "time_unix": 1767225600}},
	{"id": "wrong", "scheme": "keycdn", "keys": [{"secret_utf8": "securetokenkey"}], "config": {}, "expect": "allow", "reason": "made up",
	 "request": {"method": "GET", "host": "c.example", "path": "/path/to/file2.jpg", "query": "token=o2lWjwAWb420aVrsTAdqow&expire=1767226200", "time_unix": 1767225600}},
	{"id": "guess", "scheme": "keycdn", "keys": [{"secret_utf8": "securetokenkey"}], "expect": "allow", "class": "unconfirmed",
	 "request": {"method": "GET", "host": "c.example", "path": "/a", "time_unix": 1767225600}},
	{"id": "config", "scheme": "keycdn", "keys": [{"secret_utf8": "s"}], "config": {"colour": "red"}, "expect": "deny", "request": {"host": "c.example", "path": "/a"}},
	{"id": "key", "scheme": "keycdn", "keys": [{"colour": "red"}], "config": {}, "expect": "deny", "request": {"host": "c.example", "path": "/a"}},
	{"id": "scheme", "scheme": "rot13", "expect": "deny", "request": {"host": "c.example", "path": "/a"}},
	{"id": "expect", "scheme": "keycdn", "keys": [{"secret_utf8": "s"}], "expect": "maybe", "request": {"host": "c.example", "path": "/a"}}
	]`
	path := filepath.Join(t.TempDir(), "v.json")
	if err := os.WriteFile(path, []byte(vectors), 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := edgectl("verify", "-vectors", path)
	want := `wrong: deny (bad_signature), expected allow: made up
guess: unconfirmed: deny (missing), expected allow: 
config: config: json: unknown field "colour"
key: key: json: unknown field "colour"
scheme: scheme "rot13" is not known
expect: expect is "maybe", not allow or deny
1 unconfirmed, not counted
1 passed, 5 failed
`
	if code != exitFailed || stdout != want || stderr != "" {
		t.Errorf("exit code %d\n%s%s, want %d and\n%s", code, stdout, stderr, exitFailed, want)
	}
	if err := os.WriteFile(path, []byte(vectors[:strings.Index(vectors, `,
	{"id": "wrong"`)]+"]"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, stdout, _ := edgectl("verify", "-vectors", path); code != exitOK || stdout != "1 passed, 0 failed\n" {
		t.Errorf("one good vector: exit code %d, %q", code, stdout)
	}
	for _, args := range [][]string{{"-vectors", path, "-config", "x"}, {"-vectors", path, "https://a/"}} {
		if code, _, _ := edgectl(append([]string{"verify"}, args...)...); code != exitUsage {
			t.Errorf("verify %q: exit code %d, want %d", args, code, exitUsage)
		}
	}
	if code, _, stderr := edgectl("verify", "-vectors", path+".none"); code != exitFailed || !strings.Contains(stderr, "no such file") {
		t.Errorf("a missing file: exit code %d, %q", code, stderr)
	}
}
