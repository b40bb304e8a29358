package main

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestGoal(t *testing.T) {
	for _, tt := range []struct {
		goal goal
		v    float64
		want string
	}{
		{atMost(48), 48, "ok"},
		{atMost(48), 48.1, "MISSED"},
		{atLeast(3), 3, "ok"},
		{atLeast(3), 2.9, "MISSED"},
		{goal{}, 7, ""},
	} {
		if got := (figure{Value: tt.v, Goal: tt.goal}).verdict(); got != tt.want {
			t.Errorf("figure %v with goal %q: verdict %q, want %q", tt.v, tt.goal, got, tt.want)
		}
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 48: "48", 1.234: "1.23", 45.67: "45.7", 1234.5: "1234"} {
		if got := number(v); got != want {
			t.Errorf("number(%v) = %q, want %q", v, got, want)
		}
	}
}

func TestChoose(t *testing.T) {
	all, err := choose("")
	if err != nil || len(all) != len(experiments()) {
		t.Errorf("choose(\"\") = %d experiments, %v; want all", len(all), err)
	}
	if _, err := choose("index,nonsense"); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("choose of an unknown experiment: error %v, want one that names it", err)
	}
}

// TestExperiments carries every experiment out at a tiny size: it must come to an
// end and report something.
func TestExperiments(t *testing.T) {
	built := &edged{path: filepath.Join(t.TempDir(), "edged")}
	for _, e := range experiments() {
		t.Run(e.name, func(t *testing.T) {
			switch e.name {
			case "memory", "crash", "sick": // wait for processes and time limits, mostly
				t.Parallel()
			}
			var rows []figure
			if err := carryOut(t.Context(), e, built, t.TempDir(), 0.0005, &rows); err != nil {
				t.Fatal(err)
			}
			if len(rows) == 0 {
				t.Error("no figure was reported")
			}
			for _, r := range rows {
				if r.Value < 0 {
					t.Errorf("%s: %v", r.What, r.Value)
				}
			}
		})
	}
}
