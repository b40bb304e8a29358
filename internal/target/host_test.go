package target_test

import (
	"strings"
	"testing"

	"edged/internal/target"
)

func TestHost(t *testing.T) {
	label := strings.Repeat("a", 63)
	for _, c := range []struct{ raw, host string }{
		{"example.net", "example.net"},
		{"Example.NET", "example.net"},
		{"example.net:80", "example.net"},
		{"example.net:", "example.net"},
		{"example.net:65535", "example.net"},
		{"example.net.", "example.net"},
		{"EXAMPLE.net.:8443", "example.net"},
		{"localhost", "localhost"},
		{"edge_01.a-b.example", "edge_01.a-b.example"},
		{"xn--bcher-kva.example", "xn--bcher-kva.example"},
		{"192.0.2.7:8080", "192.0.2.7"},
		{label + ".example", label + ".example"},
		{"[2001:DB8::1]", "[2001:db8::1]"},
		{"[2001:db8:0:0::1]:443", "[2001:db8::1]"},
		{"[::1]:", "[::1]"},
		{"[::ffff:192.0.2.7]", "[::ffff:192.0.2.7]"},
	} {
		t.Run(c.raw, func(t *testing.T) {
			got, _, why := target.Host([]byte(c.raw), nil)
			if why != target.OK || string(got) != c.host {
				t.Fatalf("Host(%q) = %q, %v; want %q", c.raw, got, why, c.host)
			}
			again, _, why := target.Host(got, nil)
			if why != target.OK || string(again) != c.host {
				t.Errorf("Host(%q) = %q, %v; want a fixed point", got, again, why)
			}
		})
	}
}

// hostRefusals are host values that Host refuses, with the reason.
var hostRefusals = []struct {
	raw string
	why target.Reason
}{
	{"", target.NoHost},
	{".", target.BadHost},
	{"..", target.BadHost},
	{":80", target.BadHost},
	{".example.net", target.BadHost},
	{"a..b", target.BadHost},
	{"example.net..", target.BadHost},
	{"user@example.net", target.BadHost},
	{"exa mple.net", target.BadHost},
	{"example.net/", target.BadHost},
	{"example.net/../x", target.BadHost},
	{`example.net\x`, target.BadHost},
	{"example.net?x", target.BadHost},
	{"example.net#x", target.BadHost},
	{"example%2enet", target.BadHost},
	{"exämple.net", target.BadHost},
	{"example.net\x00", target.BadHost},
	{"a,b", target.BadHost},
	{"*", target.BadHost},
	{strings.Repeat("a", 64) + ".example", target.BadHost},
	{strings.Repeat("a.", 127), target.OK}, // 253 octets without the trailing dot
	{strings.Repeat("a.", 127) + "b", target.BadHost},
	{"user:password@example.net", target.BadPort},
	{"example.net:http", target.BadPort},
	{"example.net:65536", target.BadPort},
	{"example.net:99999999999999999999999", target.BadPort},
	{"example.net:-1", target.BadPort},
	{"example.net:80:80", target.BadPort},
	{"2001:db8::1", target.BadPort},
	{"[::1", target.BadHost},
	{"[]", target.BadHost},
	{"[::1%25eth0]", target.BadHost},
	{"[fe80::1%eth0]", target.BadHost},
	{"[192.0.2.7]", target.BadHost},
	{"[v1.fe]", target.BadHost},
	{"[example.net]", target.BadHost},
	{"[::1]x", target.BadPort},
	{"[::1]:x", target.BadPort},
	{"[::1].", target.BadPort},
}

func TestHostRefuses(t *testing.T) {
	for _, c := range hostRefusals {
		t.Run(c.raw, func(t *testing.T) {
			got, _, why := target.Host([]byte(c.raw), nil)
			if why != c.why {
				t.Errorf("Host(%q): got %v, want %v", c.raw, why, c.why)
			}
			if why != target.OK && got != nil {
				t.Errorf("Host(%q) refused but gave %q", c.raw, got)
			}
		})
	}
}

func TestHostBuffers(t *testing.T) {
	raw, buf := []byte("example.net:80"), make([]byte, 0, 32)
	got, _, _ := target.Host(raw, buf)
	if &got[0] != &raw[0] {
		t.Error("a host in lower case is not borrowed")
	}
	raw = []byte("EXAMPLE.net")
	got, grown, _ := target.Host(raw, buf)
	if &got[0] != &buf[:1][0] || &grown[0] != &got[0] {
		t.Error("the given buffer was not used though it is large enough")
	}
	if string(raw) != "EXAMPLE.net" {
		t.Errorf("input was changed to %q", raw)
	}
}
