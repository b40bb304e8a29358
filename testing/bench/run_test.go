package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestRun runs the command itself, for a moment, against the real servers. It is a
// process of its own because the command binds itself to a core.
func TestRun(t *testing.T) {
	if testing.Short() {
		t.Skip("starts servers")
	}
	if _, err := lookSbin("nginx"); err != nil || runtime.NumCPU() < 2 {
		if os.Getenv("CI") == "true" {
			t.Fatalf("nginx and two cores are needed: %v", err)
		}
		t.Skipf("nginx and two cores are needed: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	dir := t.TempDir()
	binary, out := filepath.Join(dir, "bench"), filepath.Join(dir, "out.json")
	if b, err := exec.CommandContext(ctx, "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, b)
	}
	cmd := exec.CommandContext(ctx, binary, "-cases", "hit-2k,miss-64k,hmac-2k,tls-64k", "-rounds", "1", "-seconds", "0.3",
		"-conns", "4", "-ram", "128", "-store", "128", "-dir", dir, "-json", out)
	table, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, table)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var d document
	if err := json.Unmarshal(b, &d); err != nil || len(d.Results) != 4 {
		t.Fatalf("%d results, %v", len(d.Results), err)
	}
	for _, r := range d.Results {
		for _, p := range r.Peers {
			if p.Rate <= 0 || p.Micros <= 0 || !strings.Contains(string(table), r.Case) {
				t.Errorf("%s, %s: %+v\n%s", r.Case, p.Peer, p, table)
			}
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "edged-bench-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestFlags(t *testing.T) {
	o, err := parseFlags([]string{"-cases", "hit-2k", "-seconds", "2.5"})
	if err != nil || o.cases != "hit-2k" || o.window() != 2500*time.Millisecond || o.rounds != 3 || o.mss != 1448 {
		t.Errorf("flags: %+v, %v", o, err)
	}
	for _, args := range [][]string{{"-rounds", "0"}, {"-seconds", "-1"}, {"-conns", "0"}, {"stray"}} {
		if _, err := parseFlags(args); err == nil {
			t.Errorf("flags %v: no error", args)
		}
	}
	if err := run(t.Context(), options{cases: "none"}); err == nil {
		t.Error("no error for an unknown case")
	}
	if err := run(t.Context(), options{serverCore: 0, loadCore: 0}); err == nil {
		t.Error("no error for one core for both")
	}
}
