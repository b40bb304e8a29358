package main

import (
	"encoding/json"
	"strings"
	"testing"

	"edged/logfmt"
)

func TestPrivacyReport(t *testing.T) {
	conf := writeConfig(t, strings.Replace(testConfig, "[[site]]", "[log]\naddress = \"full\"\n[[site]]", 1)+"[site.log]\naddress = \"none\"\nquery = [\"lang\"]\n")
	code, out, stderr := edgectl("privacy", "report", "-config", conf)
	for _, f := range logfmt.Fields() {
		if !strings.Contains(out, f.JSON) || !strings.Contains(out, f.Meaning) || !strings.Contains(out, f.Transform) {
			t.Errorf("the report does not have %s", f.JSON)
		}
	}
	for _, want := range []string{"425d", "7d", "`address` is \"full\"", "\"none\" for site", "parameters lang", "error log", "metrics", "record of orders", "400 days, and 64 MiB"} {
		if !strings.Contains(out, want) {
			t.Errorf("the report (%d, %s) lacks %q:\n%s", code, stderr, want, out)
		}
	}
	coarse := writeConfig(t, strings.Replace(testConfig, "[[site]]", "[log]\nk_anonymity = 5\n[[site]]", 1))
	if _, out, _ := edgectl("privacy", "report", "-config", coarse); !strings.Contains(out, "for 1h0m0s at most, the open .part is struck but not coarse") {
		t.Errorf("the report does not say what the open file is with k-anonymity:\n%s", out)
	}
	var r privacyReport
	code, out, _ = edgectl("privacy", "report", "-config", conf, "-json")
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != 0 || r.Schema != 1 || len(r.Sinks) != 8 {
		t.Errorf("JSON: %d, %v\n%s", code, err, out)
	}
	for args, want := range map[string]int{
		"privacy": exitUsage, "privacy report x": exitUsage, "privacy report -config /none": exitFailed,
		"erase": exitUsage, "erase -account a": exitUsage, "erase x": exitUsage, "erase -account a -yes -config /none": exitFailed,
	} {
		if code, _, stderr := edgectl(strings.Fields(args)...); code != want || stderr == "" {
			t.Errorf("edgectl %s: %d, want %d: %s", args, code, want, stderr)
		}
	}
}
