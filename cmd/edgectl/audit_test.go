package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"edged/internal/audit"
)

func TestAudit(t *testing.T) {
	state := t.TempDir()
	conf, file := writeConfig(t, strings.Replace(testConfig, "[node]", "[node]\nstate = '"+state+"'", 1)), filepath.Join(state, "audit.log")
	if code, out, _ := edgectl("audit", "-config", conf); code != 0 || strings.Count(out, "\n") != 1 {
		t.Errorf("without a record: %d\n%s", code, out)
	}
	l := audit.New(file)
	for _, e := range []audit.Entry{
		{Order: "purge", Who: "unix uid 1000 pid 7", Outcome: audit.Done, Account: "acme", Details: map[string]any{"urls": 2, "number": 17}},
		{Order: "erase", Who: "tcp", Outcome: audit.Refused, Account: "\x1b[2Jbolt"},
		{Order: "reload", Who: "signal", Outcome: audit.Done},
	} {
		if _, err := l.Append(&e); err != nil {
			t.Fatal(err)
		}
	}
	code, out, _ := edgectl("audit", "-config", conf)
	for _, want := range []string{"purge   done     unix uid 1000 pid 7  acme", "number=17 urls=2", "erase   refused  tcp", "?[2Jbolt", "reload  done     signal"} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("%d, %q is missing:\n%s", code, want, out)
		}
	}
	code, out, _ = edgectl("audit", "-file", file, "-json", "-since", "yesterday")
	var first audit.Entry
	if err := json.NewDecoder(strings.NewReader(out)).Decode(&first); code != exitUsage || err == nil {
		t.Errorf("yesterday is no time: %d\n%s", code, out)
	}
	code, out, _ = edgectl("audit", "-file", file, "-json", "-since", "2020-01")
	if err := json.NewDecoder(strings.NewReader(out)).Decode(&first); err != nil || code != 0 || first.Number != 1 || strings.Count(out, "\n") != 3 {
		t.Errorf("as JSON: %d, %v\n%s", code, err, out)
	}
	if code, out, _ := edgectl("audit", "-file", file, "-since", "2100-01-01"); code != 0 || strings.Count(out, "\n") != 1 {
		t.Errorf("of the future: %d\n%s", code, out)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")
	if err := os.WriteFile(file, []byte(lines[0]+lines[2]), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, errs := edgectl("audit", "-file", file); code != exitFailed || !strings.Contains(errs, "1 entries are missing") || !strings.Contains(out, "reload") {
		t.Errorf("with a line taken out: %d, %s\n%s", code, errs, out)
	}
	none := writeConfig(t, strings.Replace(testConfig, "[[site]]", "[log]\ndir = \"\"\n[[site]]", 1))
	for args, want := range map[string]int{"audit x": exitUsage, "audit -config /none": exitFailed, "audit -config " + none: exitFailed, "audit -file " + state: exitFailed} {
		if code, _, errs := edgectl(strings.Fields(args)...); code != want || errs == "" {
			t.Errorf("edgectl %s: %d, want %d: %s", args, code, want, errs)
		}
	}
}
