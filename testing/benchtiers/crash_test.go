package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestCrashSees holds that the experiment would see what it looks for.
func TestCrashSees(t *testing.T) {
	const object = 3
	for _, tt := range []struct {
		name            string
		status          int
		version         int64 // in the answer
		body            []byte
		cached          bool
		ok              bool
		wrong, old, odd int64
		unserved        bool
	}{
		{name: "newest", status: 200, version: 5, body: crashBody(object, 5), ok: true},
		{name: "not purged yet", status: 200, version: 4, body: crashBody(object, 4), ok: true},
		{name: "purged", status: 200, version: 3, body: crashBody(object, 3), old: 1},
		{name: "another version's bytes", status: 200, version: 5, body: crashBody(object, 4), wrong: 1},
		{name: "another object's bytes", status: 200, version: 5, body: crashBody(object+8, 5), wrong: 1},
		{name: "short", status: 200, version: 5, body: crashBody(object, 5)[:100], wrong: 1},
		{name: "never existed", status: 200, version: 6, body: crashBody(object, 6), wrong: 1},
		{name: "error", status: 500, body: []byte("no"), odd: 1},
		{name: "not stored", status: 504, cached: true, unserved: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if only := r.Header.Get("Cache-Control") == "only-if-cached"; only != tt.cached {
					t.Errorf("only-if-cached is %v, want %v", only, tt.cached)
				}
				w.Header().Set("Etag", strconv.Quote(strconv.FormatInt(tt.version, 10)))
				w.WriteHeader(tt.status)
				_, _ = w.Write(tt.body)
			}))
			defer s.Close()
			c := &crashBench{client: s.Client(), objects: make([]crashObject, crashPaths)}
			c.node = &node{address: strings.TrimPrefix(s.URL, "http://")}
			c.objects[object].version.Store(5)
			c.objects[object].floor.Store(4)
			if got := c.get(t.Context(), object, tt.cached); got != tt.ok {
				t.Errorf("get = %v, want %v", got, tt.ok)
			}
			if w, o, s := c.wrong.Load(), c.old.Load(), c.unsound.Load(); w != tt.wrong || o != tt.old || s != tt.odd {
				t.Errorf("wrong %d, purged %d, other status %d; want %d, %d, %d", w, o, s, tt.wrong, tt.old, tt.odd)
			}
			if got := c.served.Load() == 0; got != tt.unserved {
				t.Errorf("counted as no answer: %v, want %v", got, tt.unserved)
			}
			if got := c.objects[object].seen; tt.ok && got != tt.version {
				t.Errorf("version seen is %d, want %d", got, tt.version)
			}
		})
	}
}

func TestCrashDamages(t *testing.T) {
	c := &crashBench{bench: &bench{dir: t.TempDir()}}
	if err := os.Mkdir(filepath.Join(c.dir, "disk"), 0o700); err != nil {
		t.Fatal(err)
	}
	spared := []string{"lock", "purges", "removals"}
	whole := bytes.Repeat([]byte{0xa5}, 100_000)
	for _, name := range append(spared, "extent-0000000001", "superblock") {
		if err := os.WriteFile(filepath.Join(c.dir, "disk", name), whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for range 50 {
		if err := c.damage(); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range append(spared, "extent-0000000001", "superblock") {
		got, err := os.ReadFile(filepath.Join(c.dir, "disk", name))
		if err != nil {
			t.Fatal(err)
		}
		isSpared := name == "lock" || name == "purges" || name == "removals"
		if bytes.Equal(got, whole) != isSpared {
			t.Errorf("%s: untouched %v, want %v", name, !isSpared, isSpared)
		}
	}
}
