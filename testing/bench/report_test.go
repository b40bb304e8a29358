package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func windows(micros ...int) (all []sample) {
	for _, m := range micros {
		cpu := time.Duration(m) * time.Millisecond // for 1000 requests
		all = append(all, sample{Requests: 1000, Bytes: 1 << 20, Wall: time.Second, CPU: cpu, System: cpu / 2})
	}
	return all
}

func TestSummarise(t *testing.T) {
	r := result{Case: "hit-2k", Size: 1 << 20, Peers: []rounds{
		{Peer: "edged", Samples: windows(20, 10, 12)},
		{Peer: "nginx", Samples: windows(30, 18)},
	}}
	r.summarise()
	e, n := r.Peers[0], r.Peers[1]
	if e.Micros != 12 || e.Rate != 1000 || e.KernelPart != 0.5 || e.Busy != 0.012 || e.Ratio != 1 {
		t.Errorf("edged: %+v", e)
	}
	if n.Micros != 24 || n.Ratio != 2 || n.Spread != 0.5 {
		t.Errorf("nginx: %+v, want the mean of two, twice edged's", n)
	}

	var out strings.Builder
	if err := printTable(&out, []result{r}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"CPU µs/request", "hit-2k", "nginx", "24.0", "2.00"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
}

func TestMedianOfNothing(t *testing.T) {
	if m, s := median(nil, micros), spreadOf(nil); m != 0 || s != 0 {
		t.Errorf("median, spread of no samples = %v, %v", m, s)
	}
	if got := (sample{CPU: time.Second}).PerRequest(); got != time.Second {
		t.Errorf("PerRequest without requests = %v", got)
	}
}

func TestWriteJSON(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.json")
	r := result{Case: "miss-64k", Peers: []rounds{{Peer: "edged", Samples: windows(5)}}}
	r.summarise()
	if err := writeJSON(path, document{Results: []result{r}}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var d document
	if err := json.Unmarshal(b, &d); err != nil || d.Results[0].Peers[0].Micros != 5 {
		t.Errorf("read back %+v, %v", d, err)
	}
}
