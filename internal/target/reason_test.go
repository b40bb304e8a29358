package target_test

import (
	"regexp"
	"testing"

	"edged/internal/target"
)

func TestReasonWords(t *testing.T) {
	word := regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
	seen := map[string]target.Reason{}
	for r := range target.Reason(target.NumReasons) {
		s := r.String()
		if !word.MatchString(s) {
			t.Errorf("Reason(%d) is %q, want a snake_case word", r, s)
		}
		if other, ok := seen[s]; ok {
			t.Errorf("Reason(%d) and Reason(%d) are both %q", other, r, s)
		}
		seen[s] = r
	}
	if got := target.Reason(255).String(); got != "unknown" {
		t.Errorf("Reason(255) is %q, want unknown", got)
	}
}

// TestEveryReasonHasACase keeps the refusal tables complete.
func TestEveryReasonHasACase(t *testing.T) {
	seen := map[target.Reason]bool{target.OK: true}
	for _, c := range splitRefusals {
		seen[c.why] = true
	}
	for _, c := range canonicalRefusals {
		seen[c.why] = true
	}
	for _, c := range hostRefusals {
		seen[c.why] = true
	}
	for r := range target.Reason(target.NumReasons) {
		if !seen[r] {
			t.Errorf("no table has a case for %v", r)
		}
	}
}
