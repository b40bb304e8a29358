package config

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"edged/auth"
)

// completeSite fills in what a site leaves open and reads its keys.
func (l *loader) completeSite(s *Site) {
	for i, h := range s.Hosts {
		s.Hosts[i] = strings.TrimSuffix(strings.ToLower(h), ".")
	}
	if s.Name == "" && len(s.Hosts) > 0 {
		s.Name = s.Hosts[0]
	}
	s.Origin.CAFile = l.readable(s.place.file, s.siteKey("origin.ca_file"), s.Origin.CAFile)
	for i := range s.Token.Keys {
		l.completeKey(s, i)
	}
}

// completeKey sets the parsed form of the i-th key of a site.
func (l *loader) completeKey(s *Site, i int) {
	k, at := &s.Token.Keys[i], indexed("token.key", i)
	if k.State == "" {
		k.State = auth.StateActive.String()
	}
	if !l.decoded(s.place.file, s.siteKey(at)) {
		return
	}
	if field, err := k.parse(s); err != nil {
		l.failSite(s, join(at, field), "%v", err)
	}
}

// parse turns the texts of a key into an auth.Key, or returns the field that is
// wrong. Errors hold neither key material nor what stands in its place.
func (k *Key) parse(s *Site) (field string, err error) {
	t, ok := auth.ParseKeyType(k.Type)
	if !ok {
		return "type", fmt.Errorf("%q is not known: use hmac-sha256 or ed25519", k.Type)
	}
	state, ok := auth.ParseKeyState(k.State)
	if !ok {
		return "state", fmt.Errorf("%q is not known: use next, active, retiring or revoked", k.State)
	}
	key := auth.Key{ID: k.ID, Account: s.Account, Type: t, State: state}
	if !k.AcceptUntil.IsZero() {
		key.AcceptUntil = k.AcceptUntil.Unix()
	}
	material, field, err := k.material(t, s.place.file)
	if err != nil {
		return field, err
	}
	if t == auth.Ed25519 {
		key.Public = material
	} else {
		key.Secret = material
	}
	k.Parsed = key
	if s.Account != "" && key.Check() != nil { // type, state and length are good
		return "kid", fmt.Errorf("%q is not a key id: use 1 to %d letters, digits, '-' and '_'", k.ID, auth.MaxKeyIDSize)
	}
	return "", nil
}

// spellings are the two ways to give the material of a key: in the configuration or
// in a file.
type spellings struct {
	inline, file         string
	inlineName, fileName string
}

func (k *Key) spellings() (secret, public spellings) {
	return spellings{k.SecretHex, k.SecretFile, "secret_hex", "secret_file"},
		spellings{k.PublicHex, k.PublicFile, "public_hex", "public_file"}
}

// material returns the bytes of the key from wherever they are configured.
func (k *Key) material(t auth.KeyType, f *source) (b []byte, field string, err error) {
	right, wrong := k.spellings()
	if t == auth.Ed25519 {
		right, wrong = wrong, right
	}
	switch {
	case wrong.inline+wrong.file != "":
		return nil, "type", fmt.Errorf("a key of type %s has %s or %s and nothing else", t, right.inlineName, right.fileName)
	case (right.inline == "") == (right.file == ""):
		return nil, "", fmt.Errorf("set exactly one of %s and %s", right.inlineName, right.fileName)
	case right.inline != "":
		field = right.inlineName
		b, err = decodeHex(right.inline)
	default:
		field = right.fileName
		b, err = readMaterial(t, f, right.file)
	}
	if err == nil {
		err = checkLength(t, b)
	}
	return b, field, err
}

func checkLength(t auth.KeyType, b []byte) error {
	if t == auth.Ed25519 && len(b) != ed25519.PublicKeySize {
		return fmt.Errorf("a public key of type ed25519 has %d bytes, not %d", ed25519.PublicKeySize, len(b))
	}
	if t == auth.HMACSHA256 && len(b) < auth.MinSecretSize {
		return fmt.Errorf("a secret has at least %d bytes, not %d: make one with edgectl keygen", auth.MinSecretSize, len(b))
	}
	return nil
}

// readMaterial reads a key file. Its path is not in the errors: a secret written
// where its path belongs is a likely mistake.
func readMaterial(t auth.KeyType, f *source, path string) ([]byte, error) {
	path, err := f.resolve(path)
	if err != nil {
		return nil, err
	}
	text, err := readFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the file: %w", err)
	}
	if t == auth.HMACSHA256 {
		if err := checkPrivate(path); err != nil {
			return nil, err
		}
	}
	if block, _ := pem.Decode(text); block != nil && t == auth.Ed25519 {
		return publicPEM(block)
	}
	return decodeHex(strings.TrimSpace(string(text)))
}

// checkPrivate refuses a secret that every user of the machine can read.
func checkPrivate(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return rootCause(err)
	}
	if mode := info.Mode().Perm(); mode&0o004 != 0 {
		return fmt.Errorf("everybody on this machine can read the secret (mode %04o): chmod 640 it and give it the group of the service", mode)
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

func publicPEM(block *pem.Block) ([]byte, error) {
	if strings.Contains(block.Type, "PRIVATE") {
		return nil, errors.New("holds a private key: an edge must not have it; extract the public key")
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, errors.New("is PEM but not a public key")
	}
	public, ok := parsed.(ed25519.PublicKey)
	if !ok {
		return nil, errors.New("holds a key of another type than ed25519")
	}
	return public, nil
}

// Seconds returns the duration in whole seconds.
func (d Duration) Seconds() int64 { return int64(time.Duration(d) / time.Second) }
