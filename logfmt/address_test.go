package logfmt

import (
	"net/netip"
	"strings"
	"testing"
)

func TestAddressModes(t *testing.T) {
	for _, tc := range []struct{ addr, strike, full string }{
		{"123.123.123.123", "123.123.123.000", "123.123.123.123"},
		{"123.123.123.0", "123.123.123.000", "123.123.123.0"},
		{"0.0.0.0", "0.0.0.000", "0.0.0.0"},
		{"255.255.255.255", "255.255.255.000", "255.255.255.255"},
		{"10.0.0.7", "10.0.0.000", "10.0.0.7"},
		{"::ffff:123.123.123.123", "123.123.123.000", "123.123.123.123"},
		{"2001:db8:1:2:3:4:5:6", "2001:db8:1::", "2001:db8:1:2:3:4:5:6"},
		{"2001:db8:1::", "2001:db8:1::", "2001:db8:1::"},
		{"2001:db8::1", "2001:db8::", "2001:db8::1"},
		{"::1", "::", "::1"},
		{"fe80::1%eth0", "fe80::", "fe80::1"},
		{"fe80::1%a b\n#", "fe80::", "fe80::1"},
		{"2002:7b7b:7b7b::1", "2002:7b7b:7b00::", "2002:7b7b:7b7b::1"},
		{"64:ff9b::7b7b:7b7b", "64:ff9b::", "64:ff9b::7b7b:7b7b"},
		{"", "", ""},
	} {
		var a netip.Addr
		if tc.addr != "" {
			a = netip.MustParseAddr(tc.addr)
		}
		r := Record{Client: a}
		for m, want := range map[AddressMode]string{Strike: tc.strike, Full: tc.full, None: "", Pseudonym: ""} {
			if got := string(appendAddress(nil, m, &r)); got != want {
				t.Errorf("%s of %q: got %q, want %q", m, tc.addr, got, want)
			}
		}
	}
}

func TestStrikeIsIdempotent(t *testing.T) {
	for _, addr := range []string{"123.123.123.123", "::ffff:1.2.3.4", "2001:db8:1:2::3", "2002:102:304::1", "::1"} {
		once := string(AppendStruck(nil, netip.MustParseAddr(addr)))
		var r Record
		if !parseAddress(once, &r) {
			t.Errorf("%q, struck from %q, cannot be read", once, addr)
		}
		if twice := string(AppendStruck(nil, r.Client)); twice != once {
			t.Errorf("%q struck twice: %q, then %q", addr, once, twice)
		}
	}
}

func TestParseAddressRefuses(t *testing.T) {
	for _, s := range []string{"1.2.3", "1.2.3.4.000", "fe80::1%eth0", "p123", "pzzzzzzzzzzzzzzzz", "p0000000000000000", "host"} {
		if parseAddress(s, &Record{}) {
			t.Errorf("%q was taken for an address", s)
		}
	}
}

func TestAddressModeWords(t *testing.T) {
	for _, m := range []AddressMode{Strike, Pseudonym, Full, None} {
		if got, err := ParseAddressMode(m.String()); err != nil || got != m {
			t.Errorf("%v read back: %v, %v", m, got, err)
		}
	}
	if _, err := ParseAddressMode("half"); err == nil {
		t.Error("an unknown mode was accepted")
	}
	if got := AddressMode(9).String(); got != "invalid" {
		t.Errorf("mode 9 is %q", got)
	}
}

// A site may only be stricter than its node.
func TestStricterModes(t *testing.T) {
	for _, tc := range []struct {
		node, site, want AddressMode
		allowed          bool
	}{
		{Strike, Inherit, Strike, true},
		{Strike, Strike, Strike, true},
		{Strike, None, None, true},
		{Strike, Full, Strike, false},
		{Strike, Pseudonym, Strike, false},
		{Pseudonym, Strike, Pseudonym, false},
		{Pseudonym, Full, Pseudonym, false},
		{Pseudonym, None, None, true},
		{Full, Inherit, Full, true},
		{Full, Strike, Strike, true},
		{Full, Pseudonym, Pseudonym, true},
		{Full, None, None, true},
		{None, Inherit, None, true},
		{None, Strike, None, false},
		{None, Full, None, false},
		{Inherit, Inherit, Strike, true},
	} {
		if got := tc.node.stricter(tc.site); got != tc.want || tc.node.Allows(tc.site) != tc.allowed {
			t.Errorf("node %q, site %q: %q, allowed %v", tc.node, tc.site, got, tc.node.Allows(tc.site))
		}
	}
}

func TestSiteCanBeStricterThanLog(t *testing.T) {
	r := sampleHit()
	for site, want := range map[AddressMode]string{Inherit: " 123.123.123.123 ", Strike: " 123.123.123.000 ", None: " - "} {
		r.Address = site
		line := string(Append(nil, W3C, Full, r))
		if fields := strings.Fields(line); " "+fields[5]+" " != want {
			t.Errorf("site %q: %s", site, line)
		}
		if strings.Contains(line, "sfeed") != (site != None) {
			t.Errorf("site %q: session in %s", site, line)
		}
	}
}

func TestFormatWords(t *testing.T) {
	for _, f := range allFormats {
		if got, err := ParseFormat(f.String()); err != nil || got != f {
			t.Errorf("%v read back: %v, %v", f, got, err)
		}
	}
	if _, err := ParseFormat("xml"); err == nil {
		t.Error("an unknown format was accepted")
	}
}

func TestTLSVersion(t *testing.T) {
	for v, want := range map[uint16]string{0: "", 0x0303: "TLSv1.2", 0x0304: "TLSv1.3", 0x0301: "other"} {
		if got := TLSVersion(v); got != want {
			t.Errorf("TLSVersion(%#x) = %q, want %q", v, got, want)
		}
	}
}
