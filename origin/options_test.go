package origin_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"edged/origin"
)

func TestOptions(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	url := func(u string) origin.Options { return origin.Options{URLs: []string{u}, Node: "n"} }
	with := func(change func(*origin.Options)) origin.Options {
		o := url("https://a.example")
		change(&o)
		return o
	}
	tests := []struct {
		name string
		o    origin.Options
		text string // of the error, "" = accepted
	}{
		{"http", url("http://a.example"), ""},
		{"port", url("http://a.example:8080"), ""},
		{"address", url("https://[2001:db8::1]:8443/base"), ""},
		{"host", with(func(o *origin.Options) { o.Host = "b.example" }), ""},
		{"no URL", origin.Options{Node: "n"}, "no URL"},
		{"no scheme", url("a.example"), "must look like"},
		{"other scheme", url("ftp://a.example"), "must look like"},
		{"no host", url("http:///x"), "must look like"},
		{"not a URL", url("http://u:secret@a b"), "malformed URL"},
		{"user", url("http://u:secret@a.example"), "must not have"},
		{"query", url("http://a.example/?x"), "must not have"},
		{"bare query", url("http://a.example/?"), "must not have"},
		{"fragment", url("http://a.example/#x"), "must not have"},
		{"no node", with(func(o *origin.Options) { o.Node = "" }), "node name"},
		{"odd node", with(func(o *origin.Options) { o.Node = "a b" }), "node name"},
		{"odd host", with(func(o *origin.Options) { o.Host = "a\r\n" }), "host"},
		{"negative time", with(func(o *origin.Options) { o.IdleTimeout = -time.Second }), "idle timeout"},
		{"negative rate", with(func(o *origin.Options) { o.MinRate = -1 }), "negative"},
		{"negative connections", with(func(o *origin.Options) { o.MaxConns = -1 }), "negative"},
		{"no CA file", with(func(o *origin.Options) { o.TLS.CAFile = empty + "x" }), "CA file"},
		{"empty CA file", with(func(o *origin.Options) { o.TLS.CAFile = empty }), "no certificate"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := origin.New(tt.o)
			switch {
			case tt.text == "" && err != nil:
				t.Errorf("New: %v", err)
			case tt.text != "" && (err == nil || !strings.Contains(err.Error(), tt.text)):
				t.Errorf("New: %v; want %q", err, tt.text)
			case err != nil && strings.Contains(err.Error(), "secret"):
				t.Errorf("New: %v tells the password", err)
			}
		})
	}
}
