package main

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestPurge(t *testing.T) {
	address := serveNode(t, fakeNode(t))
	for _, tt := range []struct {
		name, args, want string
	}{
		{"URLs", "-url https://a/1 -url https://a/2", `{"urls":["https://a/1","https://a/2"]}`},
		{"prefix, softly", "-prefix https://a/p/ -soft", `{"prefixes":["https://a/p/"],"soft":true}`},
		{"keys", "-account acme -key k1 -surrogate k2", `{"keys":["k1","k2"],"account":"acme"}`},
		{"site", "-account acme -site vod", `{"account":"acme","site":"vod"}`},
		{"all, with an id", "-all -id x", `{"all":true,"id":"x"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, stdout, stderr := edgectl(append([]string{"purge", "-admin", address, "-json"}, strings.Fields(tt.args)...)...)
			var answer struct{ Order string }
			if err := json.Unmarshal([]byte(stdout), &answer); err != nil || code != exitOK {
				t.Fatalf("exit code %d, %v: %s%s", code, err, stdout, stderr)
			}
			if answer.Order != tt.want {
				t.Errorf("ordered %s, want %s", answer.Order, tt.want)
			}
		})
	}
	if code, stdout, stderr := edgectl("purge", "-admin", address, "-all"); code != exitOK || stdout != "purge 4711\n" || stderr != "" {
		t.Errorf("exit code %d: %q %q", code, stdout, stderr)
	}
	if code, _, stderr := edgectl("purge", "-admin", address, "-account", "acne"); code != exitOK || !strings.Contains(stderr, "is the name right?") {
		t.Errorf("an account that no site has: exit code %d: %q", code, stderr)
	}
}

func TestPurgeUsage(t *testing.T) {
	for _, tt := range []struct{ args, text string }{
		{"", "what is to be purged?"},
		{"-soft", "what is to be purged?"},
		{"https://a/", "-url"},
		{"-account acme -key=", "-key is empty"},
		{"-url= -all", "-url is empty"},
	} {
		code, _, stderr := edgectl(append([]string{"purge", "-admin", "127.0.0.1:1"}, strings.Fields(tt.args)...)...)
		if code != exitUsage || !strings.Contains(stderr, tt.text) {
			t.Errorf("purge %s: exit code %d, %q, want %q", tt.args, code, stderr, tt.text)
		}
	}
	if code, _, stderr := edgectl("purge", "-admin", "127.0.0.1:1", "-all"); code != exitFailed || !strings.Contains(stderr, "no answer") {
		t.Errorf("no node: exit code %d, %q", code, stderr)
	}
}
