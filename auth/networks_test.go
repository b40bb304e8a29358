package auth

import (
	"regexp"
	"slices"
	"testing"
)

// FuzzLocateCDN77 holds the locator of the path form against the expression that says what it is.
func FuzzLocateCDN77(f *testing.F) {
	want := regexp.MustCompile(`^(?:/(?P<token>[A-Za-z0-9_-]{22}(?:==)?(?:,[0-9]*)?)(?P<directory>(?:/[^/]+)*)/[^/]*)$`)
	const hash = "/akbas5LmYoWcnSqswqW4xA"
	for _, path := range []string{
		hash + "==,1767240000/vod/a.mp4", hash + ",1767240000/a.mp4", hash + "/a/b/c.mp4", hash + "==/", hash + ",/vod/a", hash,
		hash + "=/a", hash + "==1/a", hash + "==,1x/a", hash + "x/a", hash + "//a", hash + "/a//b", hash + "/a/", hash[1:] + "/a",
		"", "/", "//", "/short/a", "/akbas5LmYoWcnSqswqW4x%41/a", hash + "=====/a", hash + ",1,2/a",
	} {
		f.Add([]byte(path))
	}
	f.Fuzz(func(t *testing.T, path []byte) {
		got, want := locateCDN77(nil, path), want.FindSubmatchIndex(path)
		if !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", path, got, want)
		}
	})
}
