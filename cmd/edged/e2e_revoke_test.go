package main

import (
	"slices"
	"testing"

	"edged/internal/edgetest"
)

// What was withdrawn opens nothing any more, hits included, and stays withdrawn when
// the process is killed right after it said so.
func TestE2ERevoke(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const path = "/vod/movie/seg-1.m4s"
	const url = "http://" + signedHost + path
	body := r.video(path, 100_000)
	c := r.plain()
	signed := map[string]string{
		"token": r.sign(t, url, "-sid", "viewer-1"), "session": r.sign(t, url, "-sid", "viewer-2", "-carrier", "query"),
		"other": r.sign(t, url, "-sid", "viewer-3"),
	}
	check := func(denied ...string) {
		t.Helper()
		for name, u := range signed {
			if slices.Contains(denied, name) {
				want(t, edgetest.Get(t, c, u), 403, []byte("403 forbidden\n"))
			} else {
				want(t, edgetest.Get(t, c, u), 200, body)
			}
		}
	}
	revoke := func(args ...string) {
		t.Helper()
		edgetest.Edgectl(t, append([]string{"revoke", "-config", r.node.ConfigFile()}, args...)...)
	}
	check()
	revoke("-url", signed["token"])
	check("token")
	revoke("-account", "acme", "-session", "viewer-2")
	check("token", "session")
	revoke("-account", "bolt", "-session", "viewer-3")
	check("token", "session")
	r.node.Crash()
	c = r.plain()
	check("token", "session")
	revoke("-account", "acme", "-session", "viewer-2", "-lift")
	check("token")
	revoke("-account", "acme", "-before", "2100-01-01T00:00:00Z")
	check("token", "session", "other")
}
