package config

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"edged/auth"
)

// spelling is one way to give the material of a key.
type spelling struct {
	name, value string
	secret      bool
	read        func(k *auth.Key, f *source, value string) error
}

func (k *Key) spellings() []spelling {
	return []spelling{
		{"secret_hex", k.SecretHex, true, secretIn("hex")},
		{"secret_text", k.SecretText, true, secretIn("text")},
		{"secret_base64", k.SecretBase64, true, secretIn("base64")},
		{"secret_file", k.SecretFile, true, k.readSecret},
		{"public_hex", k.PublicHex, false, publicHex},
		{"public_pem", k.PublicPEM, false, publicPEM},
		{"public_file", k.PublicFile, false, readPublic},
	}
}

// material sets the secret or public key of to from wherever it is configured.
func (k *Key) material(to *auth.Key, f *source) (field string, err error) {
	var given *spelling
	for _, s := range k.spellings() {
		switch {
		case s.value == "":
		case s.secret != to.Type.Shared():
			return "type", fmt.Errorf("a key of type %s has one of %s and nothing else", to.Type, fieldsOf(to.Type))
		case given != nil:
			return "", fmt.Errorf("set exactly one of %s", fieldsOf(to.Type))
		default:
			given = &s
		}
	}
	switch {
	case given == nil:
		return "", fmt.Errorf("set exactly one of %s", fieldsOf(to.Type))
	case k.Encoding != "" && given.name != "secret_file":
		return "encoding", errors.New("says how secret_file is written, which is not set")
	case !slices.Contains([]string{"", "hex", "text", "base64"}, k.Encoding):
		return "encoding", fmt.Errorf("%q is not known: use hex, text or base64", k.Encoding)
	}
	if err := given.read(to, f, given.value); err != nil {
		return given.name, err
	}
	return given.name, to.CheckMaterial()
}

// fieldsOf lists the fields that can hold the material of a type.
func fieldsOf(t auth.KeyType) string {
	if t.Shared() {
		return "secret_hex, secret_text, secret_base64 and secret_file"
	}
	return "public_hex, public_pem and public_file"
}

func secretIn(encoding string) func(*auth.Key, *source, string) error {
	return func(k *auth.Key, _ *source, value string) (err error) {
		k.Secret, err = decodeSecret(encoding, value)
		return err
	}
}

func decodeSecret(encoding, value string) ([]byte, error) {
	switch encoding {
	case "hex":
		return decodeHex(value)
	case "base64":
		value = strings.TrimRight(strings.NewReplacer("+", "-", "/", "_").Replace(value), "=")
		b, err := base64.RawURLEncoding.DecodeString(value)
		if err != nil {
			return nil, errors.New("is not base64")
		}
		return b, nil
	}
	return []byte(value), nil
}

// readSecret reads a secret file. Its path is not in the errors: a secret written
// where its path belongs is a likely mistake.
func (k *Key) readSecret(to *auth.Key, f *source, path string) error {
	_, text, err := f.readPrivate(path)
	if err != nil {
		return err
	}
	to.Secret, err = decodeSecret(k.encoding(to.Type), text)
	return err
}

// encoding returns how secret_file is written: a secret of other people's making is
// most often a text.
func (k *Key) encoding(t auth.KeyType) string {
	switch {
	case k.Encoding != "":
		return k.Encoding
	case t == auth.Secret:
		return "text"
	}
	return "hex"
}

func readPublic(k *auth.Key, f *source, path string) error {
	path, err := f.resolve(path)
	if err != nil {
		return err
	}
	text, err := readFile(path)
	if err != nil {
		return fmt.Errorf("cannot read the file: %w", err)
	}
	if block, _ := pem.Decode(text); block != nil {
		return publicBlock(k, block)
	}
	return publicHex(k, f, strings.TrimSpace(string(text)))
}

func publicHex(k *auth.Key, _ *source, value string) (err error) {
	if k.Type != auth.Ed25519 {
		return fmt.Errorf("a key of type %s is written in PEM", k.Type)
	}
	k.Public, err = decodeHex(value)
	return err
}

func publicPEM(k *auth.Key, _ *source, value string) error {
	block, _ := pem.Decode([]byte(value))
	if block == nil {
		return errors.New("is not PEM")
	}
	return publicBlock(k, block)
}

func publicBlock(k *auth.Key, block *pem.Block) error {
	if strings.Contains(block.Type, "PRIVATE") {
		return errors.New("holds a private key: an edge must not have it; extract the public key")
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return errors.New("is PEM but not a public key")
	}
	ok := false
	switch k.Type {
	case auth.Ed25519:
		k.Public, ok = parsed.(ed25519.PublicKey)
	case auth.RSA:
		k.RSA, ok = parsed.(*rsa.PublicKey)
	case auth.ECDSAP256:
		k.ECDSA, ok = parsed.(*ecdsa.PublicKey)
	}
	if !ok {
		return fmt.Errorf("holds a key of another type than %s", k.Type)
	}
	return nil
}

func decodeHex(text string) ([]byte, error) {
	b, err := hex.DecodeString(text)
	if err != nil {
		return nil, errors.New("is not an even number of hexadecimal digits")
	}
	return b, nil
}
