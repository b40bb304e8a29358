package main

import (
	"bytes"
	"maps"
	"net/http"
	"strings"
	"testing"

	"edged/internal/edgetest"
	"edged/logfmt"
)

// The end-to-end tests see edged as its users do: a process with a configuration
// file. Each TestE2E… has a node of its own, whose sites they share as their
// subtests share the node: every subtest has paths of its own.

// Hosts of the sites that every rig has.
const (
	openHost   = "open.test"   // account acme, no token
	signedHost = "signed.test" // account acme, a token is required
	otherHost  = "other.test"  // account bolt, a token of its own key is required
)

// Secrets of the signing keys.
const (
	acmeSecret = "7b50e320192bedd84c5e9229f5f440545cfdd0b32c84fe5129ae74f275db596a"
	boltSecret = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"
)

// rig is a node in front of an origin.
type rig struct {
	origin *edgetest.Origin
	node   *edgetest.Node
	config edgetest.Config
}

// newRig starts a node with the usual sites; change may add to its configuration.
func newRig(t *testing.T, change ...func(*edgetest.Config)) *rig {
	t.Helper()
	if testing.Short() {
		t.Skip("end-to-end tests run the real binary; not with -short")
	}
	r := &rig{origin: edgetest.NewOrigin(t)}
	origins := []string{r.origin.URL}
	r.config = edgetest.Config{Sites: []edgetest.Site{
		{Account: "acme", Host: openHost, Origins: origins},
		{Account: "acme", Host: signedHost, Origins: origins, Keys: []edgetest.Key{{ID: "acme-26a", Secret: acmeSecret}}},
		{Account: "bolt", Host: otherHost, Origins: origins, Keys: []edgetest.Key{{ID: "bolt-26a", Secret: boltSecret}}},
	}}
	for _, f := range change {
		f(&r.config)
	}
	r.node = edgetest.Start(t, r.config)
	return r
}

// plain returns a new HTTP/1.1 client of the node.
func (r *rig) plain() *http.Client { return r.node.Client(edgetest.HTTP1, 0) }

// get asks for a path of the open site.
func (r *rig) get(t *testing.T, path string, fields ...string) *edgetest.Response {
	t.Helper()
	return edgetest.Get(t, r.plain(), "http://"+openHost+path, fields...)
}

// sign has the real edgectl put a token into a URL.
func (r *rig) sign(t *testing.T, url string, args ...string) string {
	t.Helper()
	args = append([]string{"sign", "-config", r.node.ConfigFile(), "-for", "1h"}, args...)
	return strings.TrimSpace(edgetest.Edgectl(t, append(args, url)...))
}

// video makes the origin serve a pattern under path as a segment that may be kept
// for an hour, with a strong validator and ranges.
func (r *rig) video(path string, size int) []byte {
	body := edgetest.Pattern(path, size)
	r.origin.Handle(path, edgetest.Serve(body, videoFields()...))
	return body
}

func videoFields() []string {
	return []string{"Content-Type", "video/mp4", "Cache-Control", "max-age=3600", "ETag", `"v1"`}
}

// wantFetches holds how often the origin was asked for a path.
func (r *rig) wantFetches(t *testing.T, path string, want int) {
	t.Helper()
	if got := r.origin.Count(path); got != want {
		t.Errorf("origin was asked %d times for %s, want %d", got, path, want)
	}
}

// want holds status, whole body, and words in Cache-Status.
func want(t *testing.T, r *edgetest.Response, status int, body []byte, cacheStatus ...string) {
	t.Helper()
	if r.StatusCode != status {
		t.Errorf("status %d, want %d (Cache-Status %q, body %.100q)", r.StatusCode, status, r.CacheStatus(), r.Bytes)
		return
	}
	if r.Err != nil {
		t.Errorf("the body broke off after %d bytes: %v", len(r.Bytes), r.Err)
	}
	if body != nil && !bytes.Equal(r.Bytes, body) {
		t.Errorf("body: %s", edgetest.Diff(r.Bytes, body))
	}
	for _, word := range cacheStatus {
		if !strings.Contains(r.CacheStatus(), word) {
			t.Errorf("Cache-Status %q, want %q in it", r.CacheStatus(), word)
		}
	}
}

// wantField holds that a field is there exactly once, with this value.
func wantField(t *testing.T, r *edgetest.Response, name, value string) {
	t.Helper()
	if got := r.Header.Values(name); len(got) != 1 || got[0] != value {
		t.Errorf("%s is %q, want exactly %q", name, got, value)
	}
}

// logFiles returns the files of the access log, without their manifests.
func (r *rig) logFiles(t *testing.T) map[string][]byte {
	t.Helper()
	files := edgetest.Files(t, r.node.LogDir())
	maps.DeleteFunc(files, func(name string, _ []byte) bool {
		return strings.Contains(name, ".manifest.json") || !strings.Contains(name, ".log")
	})
	return files
}

// records parses every line of the node's access log.
func (r *rig) records(t *testing.T) []logfmt.Record {
	t.Helper()
	var all []logfmt.Record
	for name, text := range r.logFiles(t) {
		in := logfmt.NewReader(bytes.NewReader(text))
		for {
			var rec logfmt.Record
			err := in.Read(&rec)
			if err != nil {
				if err.Error() != "EOF" {
					t.Errorf("%s: %v", name, err)
				}
				break
			}
			rec.Path, rec.Method, rec.Host = bytes.Clone(rec.Path), bytes.Clone(rec.Method), bytes.Clone(rec.Host)
			all = append(all, rec)
		}
	}
	return all
}
