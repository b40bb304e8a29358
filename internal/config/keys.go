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

// completeSite fills in what a site leaves to defaults and reads its keys. A
// [[site]] table is decoded into zero values, so defaults come after.
func (l *loader) completeSite(s *Site) {
	d := defaultSite()
	setDefault(&s.Token.Scheme, d.Token.Scheme)
	setDefault(&s.Token.MaxLifetime, d.Token.MaxLifetime)
	setDefault(&s.Token.NBFLeeway, d.Token.NBFLeeway)
	setDefault(&s.Query.Mode, d.Query.Mode)
	o := &s.Origin
	setDefault(&o.ConnectTimeout, d.Origin.ConnectTimeout)
	setDefault(&o.FirstByteTimeout, d.Origin.FirstByteTimeout)
	setDefault(&o.HoldTimeout, d.Origin.HoldTimeout)
	setDefault(&o.IdleTimeout, d.Origin.IdleTimeout)
	setDefault(&o.TotalTimeout, d.Origin.TotalTimeout)
	setDefault(&o.MinRate, d.Origin.MinRate)
	setDefault(&o.MaxConnections, d.Origin.MaxConnections)
	for i, h := range s.Hosts {
		s.Hosts[i] = strings.TrimSuffix(strings.ToLower(h), ".")
	}
	if s.Name == "" && len(s.Hosts) > 0 {
		s.Name = s.Hosts[0]
	}
	for i := range s.Token.Keys {
		k := &s.Token.Keys[i]
		if err := k.parse(s.Account); err != nil {
			l.failSite(s, fmt.Sprintf("token.key[%d]", i), "%v", err)
		}
	}
}

func setDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// parse turns the texts of a key into an auth.Key. Errors never hold key material.
func (k *Key) parse(account string) error {
	t, ok := auth.ParseKeyType(k.Type)
	if !ok {
		return fmt.Errorf("type %q is not known: use hmac-sha256 or ed25519", k.Type)
	}
	setDefault(&k.State, auth.StateActive.String())
	state, ok := auth.ParseKeyState(k.State)
	if !ok {
		return fmt.Errorf("state %q is not known: use next, active, retiring or revoked", k.State)
	}
	key := auth.Key{ID: k.ID, Account: account, Type: t, State: state}
	if !k.AcceptUntil.IsZero() {
		key.AcceptUntil = k.AcceptUntil.Unix()
	}
	material, err := k.material(t)
	if err != nil {
		return err
	}
	if t == auth.Ed25519 {
		key.Public = material
	} else {
		key.Secret = material
	}
	k.Parsed = key
	return key.Check()
}

// material returns the bytes of the key from wherever they are configured.
func (k *Key) material(t auth.KeyType) ([]byte, error) {
	inline, file, word, wrong := k.SecretHex, k.SecretFile, "secret", k.PublicHex+k.PublicFile
	if t == auth.Ed25519 {
		inline, file, word, wrong = k.PublicHex, k.PublicFile, "public", k.SecretHex+k.SecretFile
	}
	switch {
	case wrong != "":
		return nil, fmt.Errorf("a key of type %s has %s_hex or %s_file and nothing else", t, word, word)
	case (inline == "") == (file == ""):
		return nil, fmt.Errorf("set exactly one of %s_hex and %s_file", word, word)
	case inline != "":
		return decodeHex(inline, word+"_hex")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s_file %q: %w", word, file, rootCause(err))
	}
	if block, _ := pem.Decode(text); block != nil && t == auth.Ed25519 {
		return publicPEM(block)
	}
	return decodeHex(strings.TrimSpace(string(text)), word+"_file")
}

func decodeHex(text, key string) ([]byte, error) {
	b, err := hex.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("%s is not hexadecimal", key)
	}
	return b, nil
}

func publicPEM(block *pem.Block) ([]byte, error) {
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, errors.New("public_file is PEM but not a public key")
	}
	public, ok := parsed.(ed25519.PublicKey)
	if !ok {
		return nil, errors.New("public_file holds a key of another type than ed25519")
	}
	return public, nil
}

// Seconds returns the duration in whole seconds.
func (d Duration) Seconds() int64 { return int64(time.Duration(d) / time.Second) }
