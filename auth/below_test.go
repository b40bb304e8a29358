package auth

import (
	"strings"
	"testing"
)

func TestMatchesBelow(t *testing.T) {
	for _, c := range []struct {
		pattern     string
		syntax      syntax
		path, query bool // whether all paths below /a/ match, without and with any query
	}{
		{"/a/.*", posix, true, true},
		{"/a/[^?]*", posix, true, false},
		{"/a/[!-~]*", re2, true, true},
		{"/a/[!->@-~]*", re2, true, false},
		{"/a/[^?]*([?].*)?", posix, true, true},
		{"(/a/x|/a/.*)", posix, true, true},
		{"/a/x|/a/[^x].*", posix, false, false}, // not /a/ itself, nor /a/xx
		{"/a/([^x].*|x.*)?", posix, true, true},
		{"/a/.+", posix, false, false},
		{"/a.*", posix, true, true},
		{"/A/.*", re2NoCase, true, true},
		{"/A/.*", re2, false, false},
		{"^/a/.*$", re2, true, true},
		{"/a/.*$", posix, true, true},
		{"/a/$.*", posix, false, false},
		{"/a/^.*", posix, false, false},
		{`/a/.*\b.*`, re2, false, false}, // it might
		{`\A/a/.*\z`, re2, true, true},
		{"/a/.{0,1000}", re2, false, false},
		{"/a/(.{0,9})*", re2, true, true},
		{"/a/[0-9]*", posix, false, false},
		{"/a/.*[.]ts", posix, false, false},
		{"(", posix, false, false},
		{strings.Repeat("a", maxPatternSize+1), posix, false, false},
	} {
		k := patternKey{c.pattern, c.syntax}
		if got := matchesBelow(k, []byte("/a/"), false); got != c.path {
			t.Errorf("%s: paths %v, want %v", c.pattern, got, c.path)
		}
		if got := matchesBelow(k, []byte("/a/"), true); got != c.query {
			t.Errorf("%s: queries %v, want %v", c.pattern, got, c.query)
		}
	}
}

// A viewer makes a path as long as requests may be, with a good token: that must not cost
// more looks at the pattern than a title has folders.
func TestWidestIsBounded(t *testing.T) {
	path := []byte(strings.Repeat("/a", 4000) + "/m.m3u8")
	looks := 0
	if got := widest(path, path, func([]byte) bool { looks++; return false }); got != nil || looks != maxFolders {
		t.Errorf("%q after %d looks", got, looks)
	}
	for depth := 1; depth <= maxFolders+1; depth++ {
		got := widest(path, path, func(dir []byte) bool { return strings.Count(string(dir), "/") == depth })
		if (got != nil) != (depth <= maxFolders) {
			t.Errorf("depth %d: %q", depth, got)
		}
	}
}

// The answers that are kept are bounded, and those of other directories are others.
func TestMatchBelowIsKept(t *testing.T) {
	p := newPatterns()
	for i := range 3 * maxPatterns {
		dir := []byte("/a" + strings.Repeat("x", i%7) + "/")
		if got := p.matchBelow("/a/.*", posix, dir, i%2 == 0); got != (i%7 == 0) {
			t.Fatalf("%s: %v", dir, got)
		}
		p.matchBelow("/a/.*", posix, []byte{byte(i), byte(i >> 8), '/'}, true)
	}
	if len(p.below) > maxPatterns {
		t.Errorf("%d answers are kept", len(p.below))
	}
}

// FuzzMatchesBelow holds that a pattern matches all that it is said to.
func FuzzMatchesBelow(f *testing.F) {
	for _, pattern := range []string{"/a/.*", "/a/[^?]*([?].*)?", "(/a/x|/a/.*)", "^/a/(b|.)*$", "(?i)/A/.*", "/a/(?:.{2})*.?", "/a/(.*b)?.*"} {
		f.Add(pattern, uint8(1), "/a/", "b/c.m4s", "x=1")
	}
	f.Fuzz(func(t *testing.T, pattern string, which uint8, dir, path, query string) {
		for _, c := range path + query {
			if c < '!' || c > '~' || c == '#' {
				t.Skip("no URI")
			}
		}
		k := patternKey{pattern, syntax(which % 3)}
		if k.compile() == nil || strings.Contains(path, "?") || strings.ContainsAny(dir, "\n") || strings.ToValidUTF8(dir, "") != dir || len(dir) != len([]rune(dir)) {
			t.Skip("no pattern or no path")
		}
		p := newPatterns()
		if matchesBelow(k, []byte(dir), false) && !p.match(pattern, k.syntax, []byte(dir+path)) {
			t.Errorf("%q below %q does not match %q", pattern, dir, path)
		}
		if matchesBelow(k, []byte(dir), true) && !p.match(pattern, k.syntax, []byte(dir+path+"?"+query)) {
			t.Errorf("%q below %q does not match %q?%q", pattern, dir, path, query)
		}
	})
}
