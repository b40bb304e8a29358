package auth_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"edged/auth"
)

func TestNewErrors(t *testing.T) {
	tests := []struct {
		name    string
		accept  []string
		setting string
		text    string
	}{
		{"jwt", nil, "scheme", `"jwt" is not known: use one of ect`},
		{"", nil, "scheme", "is not known"},
		{"ECT", nil, "scheme", "is not known"},
		{"ect", []string{"jwt"}, "accept", `"jwt" is not known`},
		{"jwt", []string{"ect"}, "scheme", `"jwt" is not known`},
		{"ect", []string{"ect"}, "accept", "named twice"},
		{"ect", []string{"a", "b", "c", "d"}, "accept", "5 schemes on one site, at most 4"},
	}
	for _, tt := range tests {
		s, err := auth.New(tt.name, auth.Options{Account: "acme", Required: true, Keys: keys(), Accept: tt.accept})
		var setting *auth.SettingError
		if s != nil || !errors.As(err, &setting) {
			t.Errorf("New(%q, accept %q) = %v, %v, want nil and a SettingError", tt.name, tt.accept, s, err)
			continue
		}
		if setting.Setting != tt.setting || !strings.Contains(setting.Text, tt.text) {
			t.Errorf("New(%q, accept %q): %q: %q, want %q: …%s…", tt.name, tt.accept, setting.Setting, setting.Text, tt.setting, tt.text)
		}
	}
}

// A key that names another scheme is not there for this one.
func TestNewHandsOutKeys(t *testing.T) {
	all := keys()
	for i := range all {
		all[i].Scheme = "other"
	}
	s, err := auth.New("ect", auth.Options{Account: "acme", Required: true, Keys: all})
	if s != nil || !errors.Is(err, auth.ErrKey) {
		t.Errorf("New(ect) without a key of its own: %v, %v, want nil and ErrKey", s, err)
	}
	all[0].Scheme = "ect"
	if _, err := auth.New("ect", auth.Options{Account: "acme", Required: true, Keys: all}); err != nil {
		t.Errorf("New(ect) with a key of its own: %v", err)
	}
}

func TestNames(t *testing.T) {
	names := auth.Names()
	if len(names) == 0 || names[0] != "ect" {
		t.Fatalf("Names() = %q, want ect first", names)
	}
	sorted := slices.Clone(names)
	slices.Sort(sorted)
	if len(slices.Compact(sorted)) != len(names) {
		t.Errorf("Names() = %q holds one twice", names)
	}
}

func TestTrace(t *testing.T) {
	token := sign("h1", "hm", goodPayload)
	r := request()
	r.Trace = new(auth.Trace)
	if v := verify(t, site(t), token, r); v.Reason != auth.Allowed {
		t.Fatal(v.Reason)
	}
	want := token[:strings.LastIndexByte(token, '.')]
	if len(r.Trace.Signed) != 1 || string(r.Trace.Signed[0].Bytes) != want || r.Trace.Signed[0].Scheme != "ect" {
		t.Errorf("traced %q, want %q of ect", r.Trace.Signed, want)
	}
}
