package geo

import (
	"maps"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

// write makes a file of networks and their records.
func write(t testing.TB, kind string, networks map[string]mmdbtype.Map) string {
	t.Helper()
	w, err := mmdbwriter.New(mmdbwriter.Options{
		DatabaseType: kind, RecordSize: 24, IncludeReservedNetworks: true,
		Description: map[string]string{"en": "made for a test"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, cidr := range slices.Sorted(maps.Keys(networks)) { // a network within another must come after it
		_, network, err := net.ParseCIDR(cidr)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Insert(network, networks[cidr]); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), kind+".mmdb")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := w.WriteTo(f); err != nil {
		t.Fatal(err)
	}
	return path
}

func country(code string) mmdbtype.Map {
	return mmdbtype.Map{"country": mmdbtype.Map{"iso_code": mmdbtype.String(code)}}
}

func TestAtlas(t *testing.T) {
	countries := write(t, "country", map[string]mmdbtype.Map{
		"198.51.100.0/24": country("NL"), "198.51.100.128/25": country("DE"), "2001:db8::/32": country("FR"),
		"203.0.113.0/24": {"continent": mmdbtype.String("EU")}, "192.0.2.0/24": {"country": mmdbtype.String("odd")},
	})
	systems := write(t, "asn", map[string]mmdbtype.Map{"198.51.100.0/24": {"autonomous_system_number": mmdbtype.Uint32(64500)}})
	a, err := Open(countries, systems)
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]struct {
		country string
		asn     uint32
	}{
		"198.51.100.1": {"NL", 64500}, "198.51.100.200": {"DE", 64500}, "::ffff:198.51.100.1": {"NL", 64500},
		"2001:db8::1": {"FR", 0}, "203.0.113.9": {"", 0}, "192.0.2.1": {"", 0}, "8.8.8.8": {"", 0},
	} {
		addr := netip.MustParseAddr(address)
		if got := a.Country(addr); got != want.country {
			t.Errorf("%s is in %q, want %q", address, got, want.country)
		}
		if got := a.ASN(addr); got != want.asn {
			t.Errorf("%s is of %d, want %d", address, got, want.asn)
		}
	}
	if a.Country(netip.Addr{}) != "" || a.ASN(netip.Addr{}) != 0 {
		t.Error("no address is somewhere")
	}
	if none := (*Atlas)(nil); none.Country(netip.MustParseAddr("198.51.100.1")) != "" || none.ASN(netip.MustParseAddr("198.51.100.1")) != 0 {
		t.Error("an atlas that is not there knows something")
	}
}

func TestOpenRefuses(t *testing.T) {
	good := write(t, "country", map[string]mmdbtype.Map{"198.51.100.0/24": country("NL")})
	content, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, bytes := range map[string][]byte{
		"empty": {}, "text": []byte(strings.Repeat("no database\n", 100)), "cut": content[:len(content)/2],
		"bent": append(append([]byte{}, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), content[6:]...),
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, bytes, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path, ""); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Open("", filepath.Join(dir, "none")); err == nil {
		t.Error("a file that is not there is opened")
	}
	if a, err := Open("", ""); err != nil || a.Country(netip.MustParseAddr("198.51.100.1")) != "" {
		t.Errorf("nothing configured: %v", err)
	}
}

// TestReplacedFile holds that what is on disk may change under a running process.
func TestReplacedFile(t *testing.T) {
	path := write(t, "country", map[string]mmdbtype.Map{"198.51.100.0/24": country("NL")})
	a, err := Open(path, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	if got := a.Country(netip.MustParseAddr("198.51.100.1")); got != "NL" {
		t.Errorf("%q after the file was truncated", got)
	}
}

func BenchmarkCountry(b *testing.B) {
	a, err := Open(write(b, "country", map[string]mmdbtype.Map{"198.51.100.0/24": country("NL")}), "")
	if err != nil {
		b.Fatal(err)
	}
	addr := netip.MustParseAddr("198.51.100.1")
	b.ReportAllocs()
	for b.Loop() {
		a.Country(addr)
	}
}
