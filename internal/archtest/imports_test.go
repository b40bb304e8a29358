package archtest

import (
	"go/build"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// table says, for each package, which packages of ours and which modules of others
// it may import. "std" is always allowed.
const table = `
cache/object        : | github.com/zeebo/xxh3
cache/rfc9111       : cache/object | github.com/dunglas/httpsfv
cache/purge         : cache/object |
cache/ram           : cache/object | golang.org/x/sys
cache/disk          : cache/object | github.com/zeebo/xxh3 golang.org/x/sys
cache/cachetest     : cache/object cache/disk | github.com/zeebo/xxh3
cache               : cache/object cache/purge cache/ram cache/disk |
auth                : internal/target | github.com/fxamacker/cbor/v2 github.com/golang-jwt/jwt/v5 github.com/veraison/go-cose
origin              : cache/object | github.com/valyala/fasthttp
logfmt              : internal/durable | github.com/klauspost/compress
logfmt/ship         : internal/durable logfmt |
logfmt/usage        : internal/durable logfmt |
internal/target     : |
internal/byterange  : |
internal/media      : |
internal/rewrite    : |
internal/coding     : | github.com/klauspost/compress github.com/andybalholm/brotli
internal/edge       : auth cache cache/object cache/purge cache/rfc9111 origin logfmt logfmt/usage internal/media internal/rewrite internal/target internal/byterange internal/coding |
internal/server     : internal/edge cache/object | github.com/valyala/fasthttp golang.org/x/sys
internal/admin      : internal/audit internal/edge internal/revoke cache cache/disk origin logfmt logfmt/ship logfmt/usage internal/server | github.com/prometheus/client_golang
internal/config     : auth | github.com/BurntSushi/toml
internal/crash      : | golang.org/x/sys
internal/audit      : internal/durable |
internal/durable    : |
internal/revoke     : internal/durable |
internal/geo        : | github.com/oschwald/maxminddb-golang/v2
internal/demo       : auth |
internal/edgetest   : | go.uber.org/goleak
internal/archtest   : |
cmd/edged           : * | github.com/coreos/go-systemd/v22
cmd/edgectl         : auth cache/disk internal/audit internal/config internal/target logfmt logfmt/usage |
testing/bench       : auth | golang.org/x/sys
testing/benchtiers  : cache cache/cachetest cache/disk cache/object cache/purge cache/ram | golang.org/x/sys
cache/replay        : cache/object cache/ram logfmt | github.com/maypok86/otter/v2 github.com/dgraph-io/ristretto/v2
testing/conform     : |
`

const module = "edged/"

// rule is one line of the table.
type rule struct{ ours, others []string }

func rules(t *testing.T) map[string]rule {
	t.Helper()
	m := map[string]rule{}
	for line := range strings.Lines(strings.TrimSpace(table)) {
		name, rest, ok := strings.Cut(line, ":")
		ours, others, ok2 := strings.Cut(rest, "|")
		if !ok || !ok2 {
			t.Fatalf("bad line in the import table: %q", line)
		}
		m[strings.TrimSpace(name)] = rule{strings.Fields(ours), strings.Fields(others)}
	}
	return m
}

// allows reports whether a package under this rule may import path.
func (r rule) allows(path string) bool {
	if name, ok := strings.CutPrefix(path, module); ok {
		return slices.Contains(r.ours, "*") || slices.Contains(r.ours, name)
	}
	first, _, _ := strings.Cut(path, "/")
	if !strings.Contains(first, ".") {
		return true
	}
	return slices.ContainsFunc(r.others, func(m string) bool { return path == m || strings.HasPrefix(path, m+"/") })
}

// root is the module's folder, seen from this package.
const root = "../.."

// packages returns the imports of each package of the module, tests left out.
func packages(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if name := d.Name(); path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "tools") {
			return filepath.SkipDir
		}
		p, err := build.ImportDir(path, 0)
		if err != nil {
			return nil //nolint:nilerr // a folder without Go files
		}
		name, err := filepath.Rel(root, path)
		found[filepath.ToSlash(name)] = p.Imports
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestImports(t *testing.T) {
	known := rules(t)
	for name, imports := range packages(t) {
		r, ok := known[name]
		if !ok {
			t.Errorf("package %s is not in the import table: add a line that says what it may import", name)
			continue
		}
		for _, path := range imports {
			if !r.allows(path) {
				t.Errorf("%s imports %s, which the import table does not allow", name, path)
			}
		}
	}
}

// TestTableIsTight holds that the table allows nothing that nobody uses.
func TestTableIsTight(t *testing.T) {
	found := packages(t)
	for name, r := range rules(t) {
		imports, ok := found[name]
		if !ok {
			t.Errorf("the import table has %s, which is no package", name)
		}
		used := func(path string) bool {
			return slices.ContainsFunc(imports, func(i string) bool { return i == path || strings.HasPrefix(i, path+"/") })
		}
		for _, path := range r.others {
			if !used(path) {
				t.Errorf("%s may import %s, but does not", name, path)
			}
		}
		for _, path := range r.ours {
			if path != "*" && !slices.Contains(imports, module+path) {
				t.Errorf("%s may import %s, but does not", name, path)
			}
		}
	}
}

// TestConfigStaysOutside holds that only commands read configuration: every other
// package takes options.
func TestConfigStaysOutside(t *testing.T) {
	for name, r := range rules(t) {
		if slices.Contains(r.ours, "internal/config") && !strings.HasPrefix(name, "cmd/") {
			t.Errorf("%s may import internal/config; only cmd may", name)
		}
	}
}

func TestRuleAllows(t *testing.T) {
	r := rule{ours: []string{"cache/object"}, others: []string{"golang.org/x/sys"}}
	for _, c := range []struct {
		path string
		want bool
	}{
		{"edged/cache/object", true},
		{"edged/cache", false},
		{"net/http", true},
		{"golang.org/x/sys/unix", true},
		{"golang.org/x/system", false},
		{"example.org/other", false},
	} {
		if got := r.allows(c.path); got != c.want {
			t.Errorf("allows(%q) = %v, want %v", c.path, got, c.want)
		}
	}
}
