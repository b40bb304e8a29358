package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestShip(t *testing.T) {
	dir := t.TempDir()
	secret, open, empty := filepath.Join(dir, "secret"), filepath.Join(dir, "open"), filepath.Join(dir, "empty")
	for path, text := range map[string]string{secret: "s3cr3t\n", open: "s3cr3t\n", empty: "\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	s3 := "url = \"https://s3.example/logs/edge\"\ns3_region = \"eu\"\ns3_key_id = \"id\"\n"
	for _, c := range []struct{ name, keys, want string }{
		{"none", "", ""},
		{"plain", "url = \"https://logs.example/edge\"\ndelete = true", ""},
		{"loopback", "url = \"http://127.0.0.1:9000/edge\"", ""},
		{"bearer", "url = \"https://logs.example\"\nsecret_file = \"" + secret + "\"", ""},
		{"s3", s3 + "secret_file = \"" + secret + "\"", ""},
		{"s3 without a secret", s3, "log.ship.s3_region"},
		{"in the clear", "url = \"http://logs.example/edge\"", "must be https"},
		{"not a URL", "url = \"logs.example\"", "is not a URL"},
		{"a secret in the URL", "url = \"https://u:MARKED@logs.example/\"", "put secrets into secret_file"},
		{"no URL", "delete = true", "where to?"},
		{"open secret", "url = \"https://logs.example\"\nsecret_file = \"" + open + "\"", "log.ship.secret_file"},
		{"empty secret", "url = \"https://logs.example\"\nsecret_file = \"" + empty + "\"", "one line"},
		{"no such secret", "url = \"https://logs.example\"\nsecret_file = \"/none\"", "log.ship.secret_file"},
	} {
		path := filepath.Join(dir, "edged.toml")
		text := "[node]\nstate = \"/var/lib/edged\"\n[log.ship]\n" + c.keys + "\n[[site]]\naccount = \"a\"\nhosts = [\"*\"]\norigins = [\"http://o\"]\n"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := Load(path)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "MARKED")):
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		case err == nil && strings.Contains(c.keys, "secret_file") && got.Log.Ship.Secret != "s3cr3t":
			t.Errorf("%s: secret %q", c.name, got.Log.Ship.Secret)
		}
	}
}
