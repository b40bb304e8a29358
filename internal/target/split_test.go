package target_test

import (
	"testing"

	"edged/internal/target"
)

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		raw, authority, path, query string
		hasQuery                    bool
	}{
		{raw: "/", path: "/"},
		{raw: "/a/b.m3u8", path: "/a/b.m3u8"},
		{raw: "/a?", path: "/a", hasQuery: true},
		{raw: "/a?b=c", path: "/a", query: "b=c", hasQuery: true},
		{raw: "/a?b=/c?d", path: "/a", query: "b=/c?d", hasQuery: true},
		{raw: "//host/a", path: "//host/a"}, // Canonical refuses it, never an authority
		{raw: "/http://host/a", path: "/http://host/a"},
		{raw: "/a?token=65f|d41d", path: "/a", query: "token=65f|d41d", hasQuery: true},
		{raw: "/a%00b", path: "/a%00b"}, // escapes are for Canonical
		{raw: "http://example.net/", authority: "example.net", path: "/"},
		{raw: "HTTPS://Example.net:443/a?b", authority: "Example.net:443", path: "/a", query: "b", hasQuery: true},
		{raw: "http://[::1]:80/a", authority: "[::1]:80", path: "/a"},
		{raw: "http://u@h/a", authority: "u@h", path: "/a"}, // for Host to refuse
		{raw: "http://h/a?x=http://i/", authority: "h", path: "/a", query: "x=http://i/", hasQuery: true},
	} {
		t.Run(c.raw, func(t *testing.T) {
			authority, path, query, why := target.Split([]byte(c.raw))
			if why != target.OK {
				t.Fatalf("Split(%q) refused: %v", c.raw, why)
			}
			if string(authority) != c.authority || string(path) != c.path || string(query) != c.query {
				t.Errorf("Split(%q) = %q, %q, %q; want %q, %q, %q", c.raw, authority, path, query, c.authority, c.path, c.query)
			}
			if (query != nil) != c.hasQuery {
				t.Errorf("Split(%q): query is %#v, want it nil only without '?'", c.raw, query)
			}
		})
	}
}

// splitRefusals are targets that Split refuses, with the reason.
var splitRefusals = []struct {
	raw string
	why target.Reason
}{
	{"", target.Empty},
	{"*", target.AsteriskForm},
	{"example.net:443", target.AuthorityForm},
	{"[::1]:443", target.AuthorityForm},
	{"**", target.RelativeForm},
	{"index.html", target.RelativeForm},
	{"a/b", target.RelativeForm},
	{"?a=b", target.RelativeForm},
	{"?a=http://h/", target.RelativeForm},
	{"http:/h/a", target.RelativeForm},
	{"http:a/b", target.RelativeForm},
	{"x/http://h/a", target.RelativeForm},
	{"ftp://h/a", target.BadScheme},
	{"://h/a", target.BadScheme},
	{"httpx://h/a", target.BadScheme},
	{"http://", target.NoHost},
	{"http:///a", target.NoHost},
	{"http://?a", target.NoHost},
	{"http://h", target.NoPath},
	{"http://h?a=/", target.NoPath},
	{"/a#b", target.Fragment},
	{"/a?b#c", target.Fragment},
	{"#", target.Fragment},
	{"/a b", target.RawByte},
	{"/a?b c", target.RawByte},
	{"/caf\xc3\xa9", target.RawByte},
	{"/a\xff", target.RawByte},
	{"/a?\x80", target.RawByte},
	{"/a\x00", target.ControlByte},
	{"/a\tb", target.ControlByte},
	{"/a?b\r\nX: y", target.ControlByte},
	{"/a\x7f", target.ControlByte},
	{"http://h\n/a", target.ControlByte},
}

func TestSplitRefuses(t *testing.T) {
	for _, c := range splitRefusals {
		t.Run(c.raw, func(t *testing.T) {
			authority, path, query, why := target.Split([]byte(c.raw))
			if why != c.why {
				t.Errorf("Split(%q): got %v, want %v", c.raw, why, c.why)
			}
			if authority != nil || path != nil || query != nil {
				t.Errorf("Split(%q) refused but gave %q, %q, %q", c.raw, authority, path, query)
			}
		})
	}
}

func TestSplitBorrows(t *testing.T) {
	raw := []byte("http://h/a?b")
	authority, path, query, _ := target.Split(raw)
	copy(raw, "http://H/A?B")
	if string(authority)+string(path)+string(query) != "H/AB" {
		t.Errorf("results %q %q %q are copies of the input", authority, path, query)
	}
}
