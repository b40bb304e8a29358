package archtest

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// table says, for each package, which packages of ours and which modules of others
// it may import. "std" is always allowed.
const table = `
cache/object        : | github.com/zeebo/xxh3
cache/rfc9111       : cache/object | github.com/dunglas/httpsfv
cache/ram           : cache/object | golang.org/x/sys
cache/disk          : cache/object | github.com/zeebo/xxh3 golang.org/x/sys
cache/cachetest     : cache/object cache/disk | golang.org/x/sys
cache               : cache/object cache/ram cache/disk |
auth                : | github.com/dgraph-io/ristretto/v2
origin              : cache/object | github.com/valyala/fasthttp
logfmt              : | github.com/klauspost/compress golang.org/x/sys
internal/target     : |
internal/byterange  : |
internal/media      : |
internal/edge       : auth cache cache/object cache/rfc9111 origin logfmt internal/media internal/target internal/byterange |
internal/server     : internal/edge cache/object | github.com/valyala/fasthttp golang.org/x/sys
internal/admin      : internal/edge cache cache/disk cache/ram origin logfmt internal/server | github.com/prometheus/client_golang
internal/config     : auth logfmt | github.com/BurntSushi/toml
internal/demo       : auth |
internal/archtest   : |
cmd/edged           : * | github.com/coreos/go-systemd/v22 golang.org/x/sys
cmd/edgectl         : auth internal/config internal/target |
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

func TestImports(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "edged/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	known := rules(t)
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		name := strings.TrimPrefix(words[0], module)
		r, ok := known[name]
		if !ok {
			t.Errorf("package %s is not in the import table: add a line that says what it may import", name)
			continue
		}
		for _, path := range words[1:] {
			if !r.allows(path) {
				t.Errorf("%s imports %s, which the import table does not allow", name, path)
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
