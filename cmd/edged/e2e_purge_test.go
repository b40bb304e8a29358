package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"edged/internal/edgetest"
)

// What was purged is never served again, also when the process is killed right after
// it said so; what was not purged is still there.
func TestE2EPurge(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const films, segments = 2, 100
	path := func(film, i int) string { return fmt.Sprintf("/films/%d/segment-%d.m4s", film, i) }
	each := func(f func(film, i int)) {
		for film := range films {
			for i := range segments {
				f(film, i)
			}
		}
	}
	var last []byte
	each(func(film, i int) {
		last = edgetest.Pattern(path(film, i), 20_000+i)
		r.origin.Handle(path(film, i), edgetest.Serve(last, append(videoFields(), "Surrogate-Key", fmt.Sprint("film-", film))...))
		want(t, r.get(t, path(film, i)), 200, last)
	})
	r.node.AwaitStored(last[len(last)-64:])

	n := r.purge(t, "-prefix", "http://"+openHost+"/films/0/")
	r.node.Crash()
	each(func(film, i int) {
		got := r.get(t, path(film, i))
		want(t, got, 200, edgetest.Pattern(path(film, i), 20_000+i))
		if hit := strings.Contains(got.CacheStatus(), "hit"); hit != (film == 1) {
			t.Fatalf("film %d, segment %d, film 0 being purged: %s", film, i, got.CacheStatus())
		}
		wantNoField(t, got, "Surrogate-Key")
	})

	want(t, r.get(t, path(1, 7)), 200, nil, "hit")
	if next := r.purge(t, "-account", "acme", "-key", "film-1", "-soft"); next <= n {
		t.Errorf("purge %d came after purge %d", next, n)
	}
	r.node.Crash()
	want(t, r.get(t, path(1, 7)), 200, edgetest.Pattern(path(1, 7), 20_007), "fwd=stale")
	want(t, r.get(t, path(1, 7)), 200, nil, "hit")
	r.purge(t, "-account", "bolt")
	want(t, r.get(t, path(1, 7)), 200, nil, "hit")
	again := r.purge(t, "-all", "-id", "order-1")
	r.node.Crash()
	if repeated := r.purge(t, "-all", "-id", "order-1"); repeated != again {
		t.Errorf("the same order is purge %d, then %d", again, repeated)
	}
	want(t, r.get(t, path(1, 7)), 200, nil, "fwd=uri-miss")
}

func wantNoField(t *testing.T, r *edgetest.Response, name string) {
	t.Helper()
	if got := r.Header.Values(name); len(got) != 0 {
		t.Errorf("%s is %q, want none", name, got)
	}
}

// purge has the real edgectl purge and returns the number.
func (r *rig) purge(t *testing.T, args ...string) uint64 {
	t.Helper()
	out := edgetest.Edgectl(t, append([]string{"purge", "-config", r.node.ConfigFile(), "-json"}, args...)...)
	var answer struct {
		Number  uint64
		Durable bool
	}
	if err := json.Unmarshal([]byte(out), &answer); err != nil || answer.Number == 0 || !answer.Durable {
		t.Fatalf("purge answered %s, %v", out, err)
	}
	return answer.Number
}
