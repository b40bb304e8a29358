package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"edged/auth"
)

// Coordinates of the P-256 key that RFC 7517 §A.1 publishes.
const (
	jwkX = "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"
	jwkY = "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"
)

func TestJWKS(t *testing.T) {
	path := filepath.Join(t.TempDir(), "edged.toml")
	write(t, path, minimalSite+`
[[site.token.key]]
jwks_file = "`+absolute(t, "testdata/pem/keys.jwks")+`"
issuer = "cms"
state = "next"
`)
	keys := load(t, path).Sites[0].Options().Keys
	if len(keys) != 3 {
		t.Fatalf("%d keys, want the three for signatures", len(keys))
	}
	for i, want := range []auth.Key{
		{ID: "jwk-ec", Type: auth.ECDSAP256},
		{ID: "jwk-d13ee5c3620f6cbe", Name: "jwk rsa", Type: auth.RSA},
		{ID: "jwk-ed", Type: auth.Ed25519},
	} {
		got := keys[i]
		if got.ID != want.ID || got.Name != want.Name || got.Type != want.Type || got.Issuer != "cms" || got.State != auth.StateNext {
			t.Errorf("key %d: %s %q %v of %q in state %v", i, got.ID, got.Name, got.Type, got.Issuer, got.State)
		}
		if err := got.Check(); err != nil {
			t.Errorf("key %d: %v", i, err)
		}
	}
}

func TestJWKSErrors(t *testing.T) {
	const ec = `"kty":"EC","crv":"P-256","x":"` + jwkX + `","y":"` + jwkY + `"`
	for _, c := range []struct{ name, keys, want string }{
		{"good", `{"kid":"a",` + ec + `}`, ""},
		{"no kid", `{` + ec + `}`, "has no kid"},
		{"private", `{"kid":"a",` + ec + `,"d":"x"}`, "private key"},
		{"to sign with", `{"kid":"a",` + ec + `,"key_ops":["sign"]}`, "not to verify"},
		{"other algorithm", `{"kid":"a",` + ec + `,"alg":"ES512"}`, "no scheme has"},
		{"other curve", `{"kid":"a","kty":"EC","crv":"P-384"}`, "no scheme has"},
		{"not on the curve", `{"kid":"a","kty":"EC","crv":"P-256","x":"` + jwkY + `","y":"` + jwkX + `"}`, "not a point"},
		{"short coordinate", `{"kid":"a","kty":"EC","crv":"P-256","x":"AA","y":"` + jwkY + `"}`, "32 bytes"},
		{"weak rsa", `{"kid":"a","kty":"RSA","n":"` + jwkX + `","e":"AQAB"}`, "2048 to"},
		{"even exponent", `{"kid":"a","kty":"RSA","n":"` + jwkX + `","e":"Ag"}`, "cannot be"},
		{"short secret", `{"kid":"a","kty":"oct","k":"AAAA"}`, "at least 16 are"},
		{"padded", `{"kid":"a","kty":"oct","k":"AAAA="}`, "not base64url"},
		{"readable secret", `{"kid":"a","kty":"oct","k":"` + jwkX + `"}`, "chmod 640"},
		{"only for encryption", `{"kid":"a","use":"enc","kty":"oct"}`, "no key for signatures"},
		{"twice", `{"kid":"a",` + ec + `},{"kid":"a",` + ec + `}`, "used twice"},
		{"not json", `{`, "not a JWK set"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			set := filepath.Join(dir, "set")
			write(t, set, `{"keys":[`+c.keys+`]}`)
			if err := os.Chmod(set, 0o644); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "edged.toml")
			write(t, path, minimalSite+"[[site.token.key]]\njwks_file = \"set\"\n")
			_, err := Load(path)
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "jwks_file")):
				t.Errorf("error %v, want one of jwks_file with %q", err, c.want)
			case err != nil && strings.Contains(err.Error(), jwkX[:8]):
				t.Errorf("key material in the error: %v", err)
			}
		})
	}
}

// TestJWKSAlone: an entry is a set or one key.
func TestJWKSAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "edged.toml")
	for _, more := range []string{"kid = 'a'", "type = 'rsa'", "secret_text = 'x'", "public_hex = 'ab'"} {
		write(t, path, minimalSite+"[[site.token.key]]\njwks_file = 'set'\n"+more+"\n")
		if _, err := Load(path); err == nil || !strings.Contains(err.Error(), "is a set") {
			t.Errorf("with %s: %v", more, err)
		}
	}
}

// FuzzJWKS: no set makes the reader fall over, and no key of one that it accepts is
// unfit.
func FuzzJWKS(f *testing.F) {
	f.Add([]byte(`{"keys":[{"kid":"a","kty":"EC","crv":"P-256","x":"` + jwkX + `","y":"` + jwkY + `"}]}`))
	f.Add([]byte(`{"keys":[{"kid":"é","kty":"RSA","n":"AQAB","e":"AQAB"},{"use":"enc"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		keys, err := parseJWKS(text, &auth.Key{Account: "acme"})
		if (err == nil) != (len(keys) > 0) {
			t.Fatalf("%d keys and error %v", len(keys), err)
		}
		for i := range keys {
			if err := keys[i].Check(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
