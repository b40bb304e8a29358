package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// secretHex is looked for in errors; eight of its digits in a row are too many.
const secretHex = "7b50e320192bedd84c5e9229f5f440545cfdd0b32c84fe5129ae74f275db596a"

func leaks(text string) bool {
	for i := range len(secretHex) - 8 {
		if strings.Contains(text, secretHex[i:i+8]) {
			return true
		}
	}
	return false
}

func withKey(key string) string {
	return minimalSite + "[[site.token.key]]\nkid = \"k1\"\ntype = \"hmac-sha256\"\n" + key
}

// TestErrorsHoldNoSecret damages the key of a good file at each byte in each of
// several ways.
// Whatever the parser or we say of it, the secret is not in it.
func TestErrorsHoldNoSecret(t *testing.T) {
	good := withKey("secret_hex = \"" + secretHex + "\"\nstate = \"active\"\n")
	path := filepath.Join(t.TempDir(), "edged.toml")
	wrong := 0
	for i := len(minimalSite); i < len(good); i++ {
		for _, insert := range []string{"", "\"", "'", "\n", "\x00", "=", "[", "\\", "z", "\xff"} {
			write(t, path, good[:i]+insert+good[i+1:])
			_, err := Load(path)
			if err == nil {
				continue
			}
			wrong++
			if leaks(err.Error()) {
				t.Errorf("%q in place of %q (byte %d) brings the secret into the error:\n%v", insert, good[i], i, err)
			}
		}
	}
	if wrong == 0 {
		t.Error("no damage was an error")
	}
}

func TestMisplacedSecret(t *testing.T) {
	path := filepath.Join(t.TempDir(), "edged.toml")
	for _, key := range []string{
		"secret_hex = " + secretHex,
		"secret_hex = ['" + secretHex + "']",
		"secret_hex = '''\n" + secretHex,
		"secret_hex = '" + secretHex + "z'",
		"secret_hex = '" + secretHex[:63] + "'",
		"secret_file = '" + secretHex + "'",
		"secret_file = '/" + secretHex + "'",
		"public_hex = '" + secretHex + "'",
		"secret = '" + secretHex + "'",
		"secret_hex = { hex = '" + secretHex + "' }",
		"secret_hex = 0x" + secretHex,
		"secret_hex = 1" + secretHex,
		"accept_until = '" + secretHex + "'",
		"secret_hex = '" + secretHex + "'\nsecret_hex = '" + secretHex + "'",
	} {
		write(t, path, withKey(key))
		_, err := Load(path)
		if err == nil {
			t.Errorf("%s: nothing is wrong with it", key)
			continue
		}
		if leaks(err.Error()) {
			t.Errorf("%s: the secret is in the error: %v", key, err)
		}
	}
}

func TestSecretFile(t *testing.T) {
	tests := []struct {
		name, text string
		mode       os.FileMode
		want       string // part of the error, "" for none
	}{
		{"owner", secretHex + "\n", 0o600, ""},
		{"group", secretHex, 0o640, ""},
		{"systemd", secretHex, 0o400, ""},
		{"world", secretHex, 0o644, "everybody on this machine can read the secret (mode 0644)"},
		{"lines", secretHex + "\n" + secretHex, 0o600, "hexadecimal"},
		{"empty", "", 0o600, "has 0 bytes, at least 16 are needed"},
		{"text", "correct horse", 0o600, "hexadecimal"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "key"), tt.text)
			if err := os.Chmod(filepath.Join(dir, "key"), tt.mode); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "edged.toml")
			write(t, path, withKey("secret_file = 'key'\n"))
			c, err := Load(path)
			if tt.want == "" {
				if err != nil {
					t.Fatalf("mode %o: %v", tt.mode, err)
				}
				if n := len(c.Sites[0].Token.Keys[0].Parsed.Secret); n != 32 {
					t.Errorf("mode %o: secret of %d bytes, want 32", tt.mode, n)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("mode %o, text %q: error %v, want one with %q", tt.mode, tt.text, err, tt.want)
			}
		})
	}
}

// TestCredentials reads a secret and a TLS key from where systemd puts them. No
// other variable is expanded, and this one at the beginning only.
func TestCredentials(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	write(t, filepath.Join(dir, "acme"), secretHex)
	write(t, filepath.Join(dir, "tls"), "no more than opened here")
	path := filepath.Join(t.TempDir(), "edged.toml")
	tls := "[listen]\nhttps = ['127.0.0.1:0']\n[tls]\ncertificates = [{ cert = '" + path + "', key = '$CREDENTIALS_DIRECTORY/tls' }]\n"
	write(t, path, tls+withKey("secret_file = '$CREDENTIALS_DIRECTORY/acme'\n"))
	c := load(t, path)
	if n := len(c.Sites[0].Token.Keys[0].Parsed.Secret); n != 32 {
		t.Errorf("secret of %d bytes, want 32", n)
	}
	if got, want := c.TLS.Certificates[0].Key, filepath.Join(dir, "tls"); got != want {
		t.Errorf("TLS key at %s, want %s", got, want)
	}
	for _, other := range []string{"$HOME/acme", "x$CREDENTIALS_DIRECTORY/acme", "${CREDENTIALS_DIRECTORY}/acme"} {
		write(t, path, withKey("secret_file = '"+other+"'\n"))
		if _, err := Load(path); err == nil {
			t.Errorf("secret_file = %q was found, want no variable expanded", other)
		}
	}
}

func TestPublicFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "edged.toml")
	write(t, filepath.Join(filepath.Dir(path), "hex"), strings.Repeat("d7", 32)+"\n")
	for _, file := range []string{absolute(t, "testdata/pem/public.pem"), "hex"} {
		write(t, path, minimalSite+"[[site.token.key]]\nkid = 'k1'\ntype = 'ed25519'\npublic_file = '"+file+"'\n")
		if n := len(load(t, path).Sites[0].Token.Keys[0].Parsed.Public); n != 32 {
			t.Errorf("public key from %s has %d bytes, want 32", file, n)
		}
	}
}
