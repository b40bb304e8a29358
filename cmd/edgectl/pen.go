package main

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"os"
	"strings"
	"time"

	"edged/auth"
)

// pen is a key to sign with and the site that shall accept what it signs.
type pen struct {
	site site
	mint func(auth.Claims) (string, error) // nil for schemes other than ect
}

// secretKey picks an HMAC key of the site: the one named kid, else the first
// that is active.
func secretKey(s *site, kid string) (*pen, error) {
	for _, k := range s.options.Keys {
		if k.ID != kid && kid != "" {
			continue
		}
		if k.Type == auth.HMACSHA256 && (kid != "" || k.State == auth.StateActive) {
			return &pen{site: *s, mint: func(c auth.Claims) (string, error) { return auth.MintHMAC(k.ID, k.Secret, c) }}, nil
		}
		if kid != "" {
			return nil, fmt.Errorf("key %s is of type %s: give -private-key FILE", kid, k.Type)
		}
	}
	if kid != "" {
		return nil, fmt.Errorf("%s has no key %s", s.describe(), kid)
	}
	return nil, fmt.Errorf("%s has no active hmac-sha256 key: give -private-key FILE for an ed25519 one", s.describe())
}

// privateKey finds the configured key whose private half is in file.
func privateKey(s *site, file, kid string) (*pen, error) {
	private, err := readPrivateKey(file)
	if err != nil {
		return nil, err
	}
	for _, k := range s.options.Keys {
		if k.Type != auth.Ed25519 || k.ID != kid && kid != "" {
			continue
		}
		if k.Public.Equal(private.Public()) {
			return &pen{site: *s, mint: func(c auth.Claims) (string, error) { return auth.MintEd25519(k.ID, private, c) }}, nil
		}
	}
	if kid != "" {
		return nil, fmt.Errorf("%s has no ed25519 key %s with the public half of %s", s.describe(), kid, file)
	}
	return nil, fmt.Errorf("%s has no key with the public half of %s", s.describe(), file)
}

// looseKey signs without a configuration, for the machine that runs a CMS.
func looseKey(file, kid, account string, life time.Duration) (*pen, error) {
	private, err := readPrivateKey(file)
	if err != nil {
		return nil, err
	}
	if account == "" {
		account = "unnamed" // only the check before printing sees it
	}
	public, _ := private.Public().(ed25519.PublicKey)
	return &pen{
		site: site{
			account: account, scheme: "ect", required: true,
			options: auth.Options{
				MaxLifetime: life + time.Second,
				Keys:        []auth.Key{{ID: kid, Account: account, Type: auth.Ed25519, Public: public}},
			},
		},
		mint: func(c auth.Claims) (string, error) { return auth.MintEd25519(kid, private, c) },
	}, nil
}

// readPrivateKey reads an Ed25519 key: PEM (PKCS#8), or its 32-byte seed in hex.
func readPrivateKey(file string) (ed25519.PrivateKey, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("private key: %w", err)
	}
	if block, _ := pem.Decode(b); block != nil {
		return parsePKCS8(file, block)
	}
	seed, err := hex.DecodeString(strings.TrimSpace(string(b)))
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("private key %s: neither PEM nor a seed of %d hex digits", file, 2*ed25519.SeedSize)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

func parsePKCS8(file string, block *pem.Block) (ed25519.PrivateKey, error) {
	if block.Type != "PRIVATE KEY" {
		return nil, fmt.Errorf("private key %s: PEM of a %s; PKCS#8 (PRIVATE KEY) is needed", file, block.Type)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("private key %s: %w", file, err)
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("private key %s: a %T, not an Ed25519 key", file, key)
	}
	return private, nil
}
