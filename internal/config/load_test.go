package config

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var update = flag.Bool("update", false, "write the golden files anew")

// corpus lists the files of testdata with an ending.
func corpus(t testing.TB, ending string) []string {
	t.Helper()
	paths, err := filepath.Glob("testdata/*" + ending)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no files testdata/*%s: %v", ending, err)
	}
	return paths
}

func TestGood(t *testing.T) {
	for _, path := range corpus(t, ".good.toml") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			if _, err := Load(path); err != nil {
				t.Errorf("Load(%s):\n%v", path, err)
			}
		})
	}
}

// TestBad compares what operators read with golden files. The machine's own paths
// are cut out.
func TestBad(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range corpus(t, ".bad.toml") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			_, err := Load(path)
			if err == nil {
				t.Fatalf("Load(%s) found nothing wrong", path)
			}
			golden := strings.TrimSuffix(path, ".toml") + ".txt"
			got := strings.ReplaceAll(err.Error(), here+"/", "") + "\n"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("Load(%s): errors differ from %s (-want +got); -update writes it anew:\n%s", path, golden, diff)
			}
		})
	}
}

// TestBadPositions holds that each error names file, line and key where there is
// one, and a text.
func TestBadPositions(t *testing.T) {
	for _, path := range corpus(t, ".bad.toml") {
		_, err := Load(path)
		joined, ok := err.(interface{ Unwrap() []error })
		if !ok {
			t.Fatalf("Load(%s): %T is not a join of errors", path, err)
		}
		for _, err := range joined.Unwrap() {
			var e *Error
			if !errors.As(err, &e) {
				t.Errorf("Load(%s): %v is no *Error", path, err)
				continue
			}
			if e.File == "" || e.Text == "" {
				t.Errorf("Load(%s): %#v lacks file or text", path, e)
			}
			// A table that is not in the file has no line.
			missing := strings.HasPrefix(path, "testdata/empty") || e.Key == "ram.size"
			if e.Line == 0 && !missing {
				t.Errorf("Load(%s): %v has no line", path, e)
			}
		}
	}
}

func TestMissingFile(t *testing.T) {
	_, err := Load("testdata/none.toml")
	if want := "testdata/none.toml: no such file or directory"; err == nil || err.Error() != want {
		t.Errorf("Load of a missing file: %v, want %s", err, want)
	}
	_, err = Load("testdata")
	if want := "testdata: is a directory, not a file"; err == nil || err.Error() != want {
		t.Errorf("Load of a directory: %v, want %s", err, want)
	}
}

func TestHugeFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "edged.toml")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	if err := file.Truncate(1 << 40); err != nil {
		t.Skipf("no sparse files here: %v", err)
	}
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("Load of a file of 1 TiB: %v, want it refused", err)
	}
}

// TestContract pins what the keys of the contract decode to.
func TestContract(t *testing.T) {
	c := load(t, "testdata/contract.good.toml")
	want := Default()
	want.Include = []string{"sites.d/*.toml"}
	want.Node = Node{Name: "edge-ams-01", Region: "EU"}
	want.Listen.HTTPS = []string{"0.0.0.0:443"}
	want.TLS.Certificates = []Certificate{{Cert: absolute(t, "testdata/pem/cert.pem"), Key: absolute(t, "testdata/pem/key.pem")}}
	want.RAM.Size = 8 << 30
	want.Disks = []Disk{
		{Path: "/var/cache/edged/nvme0", Size: 800 << 30, Encrypt: "off"},
		{Path: "/var/cache/edged/nvme1", Size: 800 << 30, Encrypt: "off"},
	}
	want.Log.Format, want.Log.Address, want.Log.Level = "json", "pseudonym", "warn"
	want.Log.Retention = 30 * day
	if diff := cmp.Diff(want, c, cmpopts.IgnoreFields(Config{}, "Sites")); diff != "" {
		t.Errorf("contract.good.toml (-want +got):\n%s", diff)
	}
	var accounts []string
	for _, s := range c.Sites {
		accounts = append(accounts, s.Account+":"+strings.Join(s.Hosts, ","))
	}
	wantSites := []string{"acme:acme.example.net,acme.example.org", "rest:*", "beta:live.beta.example,[2001:db8::1]"}
	if diff := cmp.Diff(wantSites, accounts); diff != "" {
		t.Errorf("sites and hosts (-want +got):\n%s", diff)
	}
	keys := c.Sites[0].Token.Keys
	if got := keys[0].Parsed; got.Account != "acme" || len(got.Secret) != 16 || got.State.String() != "active" {
		t.Errorf("first key: %q of account %s with %d bytes in state %s", got.ID, got.Account, len(got.Secret), got.State)
	}
	if got := keys[1].Parsed; len(got.Public) != 32 || got.State.String() != "next" {
		t.Errorf("second key: %q with %d bytes in state %s", got.ID, len(got.Public), got.State)
	}
}

// TestSiteDefaults holds that what a site leaves out has its default, and that a
// zero that is written stays one.
func TestSiteDefaults(t *testing.T) {
	c := load(t, "testdata/minimal.good.toml")
	want := defaultSite()
	want.Account, want.Name = "acme", "acme.example.net"
	want.Hosts, want.Origins = []string{"acme.example.net"}, []string{"https://origin.acme.example"}
	if diff := cmp.Diff(want, c.Sites[0], cmpopts.IgnoreUnexported(Site{})); diff != "" {
		t.Errorf("minimal.good.toml (-want +got):\n%s", diff)
	}
	s := load(t, "testdata/full.good.toml").Sites[0]
	if s.Token.NBFLeeway != 0 || s.Origin.MinRate != 0 {
		t.Errorf("full.good.toml: nbf_leeway %s and min_rate %s, want both 0 as written", s.Token.NBFLeeway, s.Origin.MinRate)
	}
	if s.Token.Scheme != "ect" {
		t.Errorf("full.good.toml: scheme %q, want the default beside keys that are set", s.Token.Scheme)
	}
	if until := s.Token.Keys[0].Parsed.AcceptUntil; until != 1801353600 {
		t.Errorf("full.good.toml: accept_until %d, want 1801353600", until)
	}
}

func TestIncludeSelf(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "edged.toml")
	write(t, path, "include = [\"*.toml\"]\n"+minimalSite)
	if c := load(t, path); len(c.Sites) != 1 {
		t.Errorf("a file that includes itself has %d sites, want 1", len(c.Sites))
	}
}

func load(t testing.TB, path string) *Config {
	t.Helper()
	c, err := Load(path)
	if err != nil {
		t.Fatalf("Load(%s):\n%v", path, err)
	}
	return c
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func absolute(t testing.TB, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

const minimalSite = `
[[site]]
account = "acme"
hosts = ["acme.example.net"]
origins = ["https://origin.acme.example"]
`
