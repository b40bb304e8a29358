package origin_test

import (
	"testing"
	"time"

	"edged/origin"
)

func TestStats(t *testing.T) {
	h := start(t, answering(short))
	g := group(t, origin.Options{}, h.URL)
	if st := g.Stats()[0]; (st != origin.Stats{Origin: h.URL, Up: true}) {
		t.Errorf("stats before the first fetch: %+v", st)
	}
	resp, err := g.Fetch(t.Context(), &origin.Request{Method: "GET", Target: "/a"})
	if err != nil {
		t.Fatal(err)
	}
	if st := g.Stats()[0]; st.Active != 1 || st.Idle != 0 {
		t.Errorf("stats while the body is open: %+v; want one active", st)
	}
	resp.Close()
	for range 3 {
		if _, _, err := get(t.Context(), g, "/a"); err != nil {
			t.Fatal(err)
		}
	}
	st := g.Stats()[0]
	if st.FirstByte <= 0 || st.FirstByte > 10*time.Second {
		t.Errorf("first byte after %v", st.FirstByte)
	}
	st.FirstByte = 0
	want := origin.Stats{Origin: h.URL, Up: true, Requests: 4, Connects: 1, Reused: 3, Bytes: 15, Idle: 1}
	if st != want {
		t.Errorf("stats %+v; want %+v", st, want)
	}
	g.Close()
	if st := g.Stats()[0]; st.Idle != 0 {
		t.Errorf("%d idle connections after Close", st.Idle)
	}
}

func TestWords(t *testing.T) {
	seen := map[string]bool{}
	for k := range origin.Kind(origin.NumKinds) {
		seen[k.String()] = true
	}
	if len(seen) != origin.NumKinds {
		t.Errorf("kinds do not have %d different words: %v", origin.NumKinds, seen)
	}
	for p := origin.PhaseRequest; p <= origin.PhaseBody; p++ {
		if p.String() == "" {
			t.Errorf("phase %d has no word", p)
		}
	}
}
