package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// test is one test of the suite.
type test struct{ ID, Suite, Kind string }

// tests lists what the suite has for a shared cache.
func (s *suite) tests(ctx context.Context) ([]test, error) {
	script := filepath.Join(s.work, "suite.mjs")
	if err := os.WriteFile(script, lister, 0o600); err != nil {
		return nil, err
	}
	out, err := exec.CommandContext(ctx, "node", "--no-warnings", script, s.dir).Output()
	if err != nil {
		return nil, fmt.Errorf("listing the suite's tests: %w", err)
	}
	var all []test
	return all, json.Unmarshal(out, &all)
}

// report prints how many tests of each kind pass, and with list which do not.
func (s *suite) report(ctx context.Context, results []byte, list bool) error {
	tests, err := s.tests(ctx)
	if err != nil {
		return err
	}
	got := map[string]json.RawMessage{}
	if err := json.Unmarshal(results, &got); err != nil {
		return fmt.Errorf("the suite's results: %w", err)
	}
	passed, total, missed := score(tests, got)
	if list {
		for _, line := range missed {
			fmt.Println(line)
		}
	}
	fmt.Printf("required %d/%d optimal %d/%d\n", passed["required"], total["required"], passed["optimal"], total["optimal"])
	return nil
}

// score counts the tests that pass by kind and describes those that do not. Tests
// of kind "check" ask what a cache does, there is nothing to pass.
func score(tests []test, results map[string]json.RawMessage) (passed, total map[string]int, missed []string) {
	passed, total = map[string]int{}, map[string]int{}
	for _, t := range tests {
		total[t.Kind]++
		if string(results[t.ID]) == "true" {
			passed[t.Kind]++
			continue
		}
		if t.Kind != "check" {
			missed = append(missed, fmt.Sprintf("%-8s  %-20s %-50s %s", t.Kind, t.Suite, t.ID, why(results[t.ID])))
		}
	}
	slices.Sort(missed)
	return passed, total, missed
}

// why is the suite's own word for a failure: [kind, message].
func why(result json.RawMessage) string {
	var parts []string
	if json.Unmarshal(result, &parts) != nil || len(parts) == 0 {
		return "no result"
	}
	return strings.Join(parts, ": ")
}
