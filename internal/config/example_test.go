package config

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"edged/auth"
)

const examplePath = "../../config.example.toml"

// TestExampleIsDefault holds that what the example sets is what an empty file
// means: there is no second truth about defaults.
func TestExampleIsDefault(t *testing.T) {
	l := loader{config: &Config{}}
	l.read(examplePath)
	if err := l.joined(); err != nil {
		t.Fatalf("config.example.toml:\n%v", err)
	}
	if diff := cmp.Diff(Default(), l.config, sameEmpty()); diff != "" {
		t.Errorf("config.example.toml differs from Default() (-default +example):\n%s", diff)
	}
}

// sameEmpty makes an empty list equal to none.
func sameEmpty() cmp.Option {
	return cmp.FilterValues(func(a, b any) bool {
		x, y := reflect.ValueOf(a), reflect.ValueOf(b)
		return x.IsValid() && y.IsValid() && x.Kind() == reflect.Slice && y.Kind() == reflect.Slice && x.Len()+y.Len() == 0
	}, cmp.Comparer(func(any, any) bool { return true }))
}

// TestExampleKeys holds that the example names every key, those of a site behind a
// comment sign, and no other.
func TestExampleKeys(t *testing.T) {
	text := read(t, examplePath)
	known := map[string]bool{}
	keysOf(reflect.TypeFor[Config](), known)
	key := regexp.MustCompile(`(?m)^(?:# )*([a-z0-9_]+) = `)
	named := map[string]bool{}
	for _, m := range key.FindAllStringSubmatch(text, -1) {
		named[m[1]] = true
		if !known[m[1]] {
			t.Errorf("config.example.toml names %s, which is no key", m[1])
		}
	}
	for name := range known {
		if !named[name] {
			t.Errorf("config.example.toml does not explain %s", name)
		}
	}
}

// keysOf collects the names of all keys that have a value of their own.
func keysOf(t reflect.Type, names map[string]bool) {
	for field := range t.Fields() {
		if field.Anonymous {
			keysOf(field.Type, names)
		}
		name := field.Tag.Get("toml")
		if name == "" || name == "-" {
			continue
		}
		inner := field.Type
		if inner.Kind() == reflect.Slice {
			inner = inner.Elem()
		}
		if inner.Kind() != reflect.Struct || inner.PkgPath() == "time" {
			names[name] = true
			continue
		}
		if name == "certificates" {
			names[name] = true
			continue // its keys stand in one line
		}
		keysOf(inner, names)
	}
}

// TestExampleSite takes the comment signs off the [[site]] and [[disk]] parts and
// loads them: the example must be good, and its defaults must be true.
func TestExampleSite(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	write(t, filepath.Join(dir, "acme-25b"), strings.Repeat("ab", 32)+"\n")
	text := uncomment(read(t, examplePath))
	text = strings.ReplaceAll(text, "8a3c…", strings.Repeat("d7", 32))
	text = strings.ReplaceAll(text, "https = []  ", `https = ["127.0.0.1:8443"]  `)
	text = strings.ReplaceAll(text, "certificates = []", "certificates = [{ cert = '"+absolute(t, "testdata/pem/cert.pem")+"', key = '"+absolute(t, "testdata/pem/key.pem")+"' }]")
	path := filepath.Join(dir, "edged.toml")
	write(t, path, text)
	c := load(t, path)
	if len(c.Sites) != 1 || len(c.Disks) != 1 || len(c.Sites[0].Token.Keys) != 2 {
		t.Fatalf("the example has %d sites and %d disks, want one of each\n%s", len(c.Sites), len(c.Disks), text)
	}
	s, d := c.Sites[0], defaultSite()
	d.Account, d.Name, d.Hosts, d.Origins = s.Account, s.Name, s.Hosts, s.Origins
	d.Token.Required, d.Token.Keys = true, s.Token.Keys
	ignored := cmpopts.IgnoreFields(auth.Key{}, "RSA", "ECDSA") // nil, and their Equal methods would not take it
	if diff := cmp.Diff(d, s, sameEmpty(), cmpopts.IgnoreUnexported(Site{}), ignored); diff != "" {
		t.Errorf("the site of the example differs from the defaults (-default +example):\n%s", diff)
	}
}

// uncomment makes the commented tables at the end of the example, and the disk,
// live.
func uncomment(text string) string {
	header := regexp.MustCompile(`^# (\[\[?(site|disk)|[a-z_]+ = )`)
	var b strings.Builder
	inTable := false
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "# [[") {
			inTable = true
		}
		if strings.TrimSpace(line) == "" {
			inTable = false
		}
		if inTable && header.MatchString(line) {
			line = strings.TrimPrefix(line, "# ")
		}
		b.WriteString(line)
	}
	return b.String()
}

func read(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
