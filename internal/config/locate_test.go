package config

import (
	"testing"
)

func TestLine(t *testing.T) {
	const text = `top = 1 # comment with [a] = b
[node]
  name = "a"
"quoted key" = 'x = y # no'
text = """
name = "not a key"
[listen]
"""
[ tls ] # with = sign
certificates = [
  { cert = "a" },
  # ] }
  { cert = "]" },
]
after = 'it is \'
[[site]]
account = "a"
token.required = true
[site.token.scheme]
[[site.token.key]]
kid = "k0"
[[site.token.key]]
kid = "k1"
[[site]]
[site . token]
required = 1
[[site.token.key]]
kid = "k2"
open = "no end
last = 1`
	f := &source{text: text}
	for _, tt := range []struct {
		key  string
		want int
	}{
		{"top", 1},
		{"node", 2},
		{"node.name", 3},
		{"node.none", 2},
		{"node.quoted key", 4},
		{"node.text", 5},
		{"listen", 0},
		{"listen.http", 0},
		{"tls", 9},
		{"tls.certificates", 10},
		{"tls.certificates[1].cert", 10},
		{"tls.after", 15},
		{"site", 16},
		{"site[0].account", 17},
		{"site[0].token", 18},
		{"site[0].token.required", 18},
		{"site[0].token.max_lifetime", 18},
		{"site[0].token.scheme", 19},
		{"site[0].token.key[0].kid", 21},
		{"site[0].token.key[1].kid", 23},
		{"site[0].hosts", 16},
		{"site[1].hosts", 24},
		{"site[1].token.required", 26},
		{"site[1].token.key[0].kid", 28},
		{"site[1].token.key[0].last", 30},
		{"", 0},
	} {
		if got := f.line(tt.key); got != tt.want {
			t.Errorf("line(%q) = %d, want %d", tt.key, got, tt.want)
		}
	}
}

func TestSuggestion(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"a", "", 1}, {"", "ab", 2}, {"host", "hosts", 1}, {"requierd", "required", 2}, {"ram", "mar", 2}, {"kitten", "sitting", 3},
	} {
		if got := editDistance(tt.a, tt.b); got != tt.want {
			t.Errorf("editDistance(%q, %q) = %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}
