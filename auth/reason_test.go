package auth_test

import (
	"regexp"
	"testing"

	"edged/auth"
)

func TestReasonWords(t *testing.T) {
	word := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	seen := map[string]auth.Reason{}
	for r := auth.Allowed; r < auth.NumReasons; r++ {
		s := r.String()
		if !word.MatchString(s) || s == "unknown" {
			t.Errorf("Reason(%d).String() = %q, want a word in snake_case", r, s)
		}
		if other, ok := seen[s]; ok {
			t.Errorf("reasons %d and %d are both %q", other, r, s)
		}
		seen[s] = r
		if r.Text() == "" {
			t.Errorf("reason %s has no text", s)
		}
	}
	if s := auth.NumReasons.String(); s != "unknown" {
		t.Errorf("past the last reason: %q, want unknown", s)
	}
	if s := auth.NumReasons.Text(); s != "unknown reason" {
		t.Errorf("past the last reason: text %q", s)
	}
}

func TestKeyWords(t *testing.T) {
	for _, word := range []string{"hmac-sha256", "ed25519"} {
		if kind, ok := auth.ParseKeyType(word); !ok || kind.String() != word {
			t.Errorf("ParseKeyType(%q) = %v, %v", word, kind, ok)
		}
	}
	for _, word := range []string{"active", "next", "retiring", "revoked"} {
		if state, ok := auth.ParseKeyState(word); !ok || state.String() != word {
			t.Errorf("ParseKeyState(%q) = %v, %v", word, state, ok)
		}
	}
	for _, word := range []string{"", "unknown", "HMAC-SHA256", "Active"} {
		if _, ok := auth.ParseKeyType(word); ok {
			t.Errorf("ParseKeyType(%q) is ok", word)
		}
		if _, ok := auth.ParseKeyState(word); ok {
			t.Errorf("ParseKeyState(%q) is ok", word)
		}
	}
	if s := auth.KeyType(0).String() + auth.KeyState(9).String(); s != "unknownunknown" {
		t.Errorf("words for what is neither type nor state: %q", s)
	}
}
