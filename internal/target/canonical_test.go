package target_test

import (
	"testing"

	"edged/internal/target"
)

func TestCanonical(t *testing.T) {
	for _, c := range []struct {
		path, canonical, encoded string
	}{
		{"/", "/", "/"},
		{"/a/b/seg1.m4s", "/a/b/seg1.m4s", "/a/b/seg1.m4s"},
		{"/a/", "/a/", "/a/"},
		{"/.hidden", "/.hidden", "/.hidden"},
		{"/...", "/...", "/..."},
		{"/..a/b..", "/..a/b..", "/..a/b.."},
		{"/a.b/..c", "/a.b/..c", "/a.b/..c"},
		{"/seg;v=1", "/seg;v=1", "/seg;v=1"},
		{"/a;..", "/a;..", "/a;.."},
		{"/a;x/b", "/a;x/b", "/a;x/b"},
		{"/%73eg1.ts", "/seg1.ts", "/seg1.ts"},
		{"/%7Euser", "/~user", "/~user"},
		{"/a%3Bb", "/a;b", "/a;b"},
		{"/a%20b", "/a b", "/a%20b"},
		{"/a+b", "/a+b", "/a+b"},
		{"/a%2Bb", "/a+b", "/a+b"},
		{"/a%3fb", "/a?b", "/a%3Fb"},
		{"/a%23b", "/a#b", "/a%23b"},
		{"/a%25", "/a%", "/a%25"},
		{"/a%25b", "/a%b", "/a%25b"},
		{"/a%25zz", "/a%zz", "/a%25zz"},
		{"/100%25/b", "/100%/b", "/100%25/b"},
		{"/caf%C3%A9", "/café", "/caf%C3%A9"},
		{"/%ec%95%88", "/안", "/%EC%95%88"},
		{"/%F0%9F%8E%A5", "/🎥", "/%F0%9F%8E%A5"},
		{"/%C2%A0", "/\u00a0", "/%C2%A0"},
		{`/"<>[]^{|}` + "`", `/"<>[]^{|}` + "`", "/%22%3C%3E%5B%5D%5E%7B%7C%7D%60"},
		{"/!$&'()*+,-.:;=@_~", "/!$&'()*+,-.:;=@_~", "/!$&'()*+,-.:;=@_~"},
		{"/x.ism/QualityLevels(400000)/Fragments(video=0)", "/x.ism/QualityLevels(400000)/Fragments(video=0)", "/x.ism/QualityLevels(400000)/Fragments(video=0)"},
	} {
		t.Run(c.path, func(t *testing.T) {
			got, _, why := target.Canonical([]byte(c.path), nil)
			if why != target.OK || string(got) != c.canonical {
				t.Fatalf("Canonical(%q) = %q, %v; want %q", c.path, got, why, c.canonical)
			}
			if enc := target.AppendEncoded(nil, got); string(enc) != c.encoded {
				t.Errorf("AppendEncoded(%q) = %q, want %q", got, enc, c.encoded)
			}
		})
	}
}

// canonicalRefusals are raw paths that Canonical refuses, with the reason.
var canonicalRefusals = []struct {
	path string
	why  target.Reason
}{
	{"", target.Empty},
	{"a", target.RelativeForm},
	{"*", target.RelativeForm},
	{"%2Fa", target.RelativeForm},

	{"/a b", target.RawByte},
	{"/caf\xc3\xa9", target.RawByte},
	{"/a\x00", target.ControlByte},
	{"/a\x1f", target.ControlByte},
	{"/a\x7f", target.ControlByte},
	{"/a?b", target.RawQuery},
	{"/a#b", target.Fragment},
	{`/a\b`, target.Backslash},
	{`/a/..\b`, target.Backslash},

	{"/a%", target.BadEscape},
	{"/a%2", target.BadEscape},
	{"/a%zz", target.BadEscape},
	{"/a%2g", target.BadEscape},
	{"/a%g2", target.BadEscape},
	{"/a%%41", target.BadEscape},
	{"/a%u002e", target.BadEscape},
	{"/a%25%", target.BadEscape},
	{"/a%/2e", target.BadEscape},

	{"/a%00", target.ControlByte},
	{"/a%0d%0aX:y", target.ControlByte},
	{"/a%1F", target.ControlByte},
	{"/a%7f", target.ControlByte},
	{"/a%C2%85b", target.ControlByte}, // U+0085
	{"/a%c2%9b31m", target.ControlByte},

	{"/a%2fb", target.EncodedSlash},
	{"/a%2Fb", target.EncodedSlash},
	{"/..%2fb", target.EncodedSlash},
	{"/a/%2e%2e%2fb", target.EncodedSlash},
	{"/%2F", target.EncodedSlash},
	{"/a%5cb", target.Backslash},
	{"/a/..%5Cb", target.Backslash},

	{"/%252e%252e/b", target.DoubleEncoded},
	{"/a%252fb", target.DoubleEncoded},
	{"/a%255c", target.DoubleEncoded},
	{"/a%2541", target.DoubleEncoded},
	{"/a%25%32%65", target.DoubleEncoded},
	{"/a%252%65", target.DoubleEncoded},
	{"/a%25%32e", target.DoubleEncoded},
	{"/a%25252e", target.DoubleEncoded},
	{"/%25c3%25a9", target.DoubleEncoded},

	{"/.", target.DotSegment},
	{"/..", target.DotSegment},
	{"/./a", target.DotSegment},
	{"/a/.", target.DotSegment},
	{"/a/./b", target.DotSegment},
	{"/a/../b", target.DotSegment},
	{"/a/..", target.DotSegment},
	{"/../a", target.DotSegment},
	{"/a/%2e%2e/b", target.DotSegment},
	{"/a/%2E./b", target.DotSegment},
	{"/a/.%2e", target.DotSegment},
	{"/%2e", target.DotSegment},
	{"/a/..;/b", target.DotSegment},
	{"/a/..;x=1/b", target.DotSegment},
	{"/a/..;x", target.DotSegment},
	{"/a/.;x/b", target.DotSegment},
	{"/a/..%3Bx/b", target.DotSegment},
	{"/a/%2e%2e;x/b", target.DotSegment},
	{"/a/..;;/b", target.DotSegment},
	{"/a%20b/../c", target.DotSegment},

	{"//", target.EmptySegment},
	{"//evil.example/a", target.EmptySegment},
	{"/a//b", target.EmptySegment},
	{"/a//", target.EmptySegment},
	{"/a/;x/b", target.EmptySegment},
	{"/a/;", target.EmptySegment},
	{"/;x", target.EmptySegment},
	{"/a/%3B/b", target.EmptySegment},
	{"/a%20b//c", target.EmptySegment},

	{"/%ff", target.NotUTF8},
	{"/%80", target.NotUTF8},
	{"/%c3", target.NotUTF8},
	{"/%c3/%a9", target.NotUTF8},
	{"/%c0%ae%c0%ae/a", target.NotUTF8}, // overlong ".."
	{"/%c0%af", target.NotUTF8},         // overlong "/"
	{"/%e0%80%af", target.NotUTF8},
	{"/%ed%a0%80", target.NotUTF8}, // surrogate
	{"/%f4%90%80%80", target.NotUTF8},
	// A length-extension forgery of a hash over secret, path and expiry.
	{"/vod/seg1.ts1767226200%80%80/x", target.NotUTF8},
	{"/vod/seg1.ts1767226200%80%00%00%00/../../../vod/other/seg1.ts", target.ControlByte},
}

func TestCanonicalRefuses(t *testing.T) {
	for _, c := range canonicalRefusals {
		t.Run(c.path, func(t *testing.T) {
			got, _, why := target.Canonical([]byte(c.path), nil)
			if why != c.why {
				t.Errorf("Canonical(%q): got %v, want %v", c.path, why, c.why)
			}
			if got != nil {
				t.Errorf("Canonical(%q) refused but gave %q", c.path, got)
			}
		})
	}
}

// TestRawOctets goes through all octets, raw and escaped, in a path.
func TestRawOctets(t *testing.T) {
	for i := range 256 {
		c := byte(i)
		_, _, why := target.Canonical([]byte{'/', 'a', c, 'b'}, nil)
		wantOK := c >= 0x21 && c <= 0x7E && c != '%' && c != '\\' && c != '?' && c != '#'
		if (why == target.OK) != wantOK {
			t.Errorf("raw octet %#02x: got %v, want accepted %v", c, why, wantOK)
		}
		const hex = "0123456789abcdef"
		_, _, why = target.Canonical([]byte{'/', 'a', '%', hex[c>>4], hex[c&15], 'b'}, nil)
		wantOK = c >= 0x20 && c < 0x7F && c != '/' && c != '\\'
		if (why == target.OK) != wantOK {
			t.Errorf("escaped octet %#02x: got %v, want accepted %v", c, why, wantOK)
		}
	}
}

func TestCanonicalBuffers(t *testing.T) {
	plain := []byte("/plain/path")
	buf := make([]byte, 0, 64)
	got, grown, _ := target.Canonical(plain, buf)
	if &got[0] != &plain[0] {
		t.Error("a path without escapes is not borrowed")
	}
	if cap(grown) != cap(buf) {
		t.Errorf("unused buffer came back with capacity %d, want %d", cap(grown), cap(buf))
	}

	escaped := []byte("/%70lain")
	got, grown, _ = target.Canonical(escaped, grown)
	if string(escaped) != "/%70lain" {
		t.Errorf("input was changed to %q", escaped)
	}
	if &got[0] != &buf[:1][0] || &got[0] != &grown[0] {
		t.Error("the given buffer was not used though it is large enough")
	}

	got, grown, _ = target.Canonical([]byte("/%61bcdefghijkl"), make([]byte, 0, 2))
	if string(got) != "/abcdefghijkl" || len(grown) == 0 || &got[0] != &grown[0] {
		t.Errorf("small buffer: got %q in %q, want it to grow", got, grown)
	}

	_, grown, why := target.Canonical([]byte("/a%20/%2e"), buf)
	if why != target.DotSegment || cap(grown) == 0 {
		t.Errorf("refusal: got %v and capacity %d, want the buffer back", why, cap(grown))
	}
}
