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
	pem, err := filepath.Abs("testdata/pem/")
	if err != nil {
		t.Fatal(err)
	}
	pem += "/"
	key := filepath.Join(dir, "key.pem")
	text, err := os.ReadFile(pem + "key.pem")
	if err == nil {
		err = os.WriteFile(key, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(pem+"key.pem", 0o644); err != nil { // as a checkout may not have it
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
		{"TLS", "url = \"https://logs.example\"\nca_file = \"" + pem + "cert.pem\"\nclient_cert = \"" + pem + "cert.pem\"\nclient_key = \"" + key + "\"", ""},
		{"certificate without a key", "url = \"https://logs.example\"\nclient_cert = \"" + pem + "cert.pem\"", "needs client_key"},
		{"key of another kind", "url = \"https://logs.example\"\nclient_cert = \"" + pem + "cert.pem\"\nclient_key = \"" + secret + "\"", "log.ship.client_cert"},
		{"open key", "url = \"https://logs.example\"\nclient_cert = \"" + pem + "cert.pem\"\nclient_key = \"" + pem + "key.pem\"", "log.ship.client_key"},
		{"no such authority", "url = \"https://logs.example\"\nca_file = \"/none\"", "log.ship.ca_file"},
		{"TLS in the clear", "url = \"http://127.0.0.1:9000/edge\"\nca_file = \"" + pem + "cert.pem\"", "are for https"},
		{"authority of nobody", "ca_file = \"" + pem + "cert.pem\"", "where to?"},
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
