package main

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestScore(t *testing.T) {
	tests := []test{{"a", "s", "required"}, {"b", "s", "required"}, {"c", "s", "optimal"}, {"d", "s", "check"}, {"e", "s", "optimal"}}
	results := map[string]json.RawMessage{
		"a": json.RawMessage("true"), "b": json.RawMessage(`["Assertion","no"]`),
		"c": json.RawMessage("true"), "d": json.RawMessage(`["Setup","x"]`),
	}
	passed, total, missed := score(tests, results)
	if passed["required"] != 1 || total["required"] != 2 || passed["optimal"] != 1 || total["optimal"] != 2 {
		t.Errorf("passed %v of %v", passed, total)
	}
	if len(missed) != 2 || !strings.Contains(missed[0], "no result") || !strings.Contains(missed[1], "Assertion: no") {
		t.Errorf("missed %q", missed)
	}
}
