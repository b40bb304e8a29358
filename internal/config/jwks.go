package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"edged/auth"
)

// jwk is a JSON Web Key (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2) as far as a verifier
// needs it.
type jwk struct {
	Type      string   `json:"kty"`
	ID        string   `json:"kid"`
	Use       string   `json:"use"`
	Ops       []string `json:"key_ops"`
	Algorithm string   `json:"alg"`
	Curve     string   `json:"crv"`
	X         string   `json:"x"`
	Y         string   `json:"y"`
	N         string   `json:"n"`
	E         string   `json:"e"`
	K         string   `json:"k"`
	D         string   `json:"d"` // of a private key
}

// readJWKS sets the keys of the file that stands for a whole set. All share state,
// scheme and issuer of the entry.
func (k *Key) readJWKS(common *auth.Key, f *source) error {
	path, err := f.resolve(k.JWKSFile)
	if err != nil {
		return err
	}
	text, err := readFile(path)
	if err != nil {
		return fmt.Errorf("cannot read the file: %w", err)
	}
	k.Set, err = parseJWKS(text, common)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(k.Set, func(key auth.Key) bool { return key.Type.Shared() }) {
		return checkPrivate(path)
	}
	return nil
}

// parseJWKS reads a set. Keys for encryption are left out; of any other kind that
// cannot be used the whole set is refused, or a rotation would be lost in silence.
// Errors hold no key material.
func parseJWKS(text []byte, common *auth.Key) (keys []auth.Key, err error) {
	var set struct {
		Keys []jwk `json:"keys"`
	}
	if json.Unmarshal(text, &set) != nil {
		return nil, errors.New(`is not a JWK set: use JSON with an array "keys"`)
	}
	for i, j := range set.Keys {
		if j.Use == "enc" {
			continue
		}
		key := *common
		if err := j.into(&key); err != nil {
			return nil, fmt.Errorf("key %d of the set: %w", i+1, err)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errors.New("has no key for signatures")
	}
	return keys, nil
}

// into sets id, type and material of key.
func (j *jwk) into(key *auth.Key) error {
	if j.ID == "" {
		return errors.New("has no kid")
	}
	if key.ID = j.ID; !isKeyID(j.ID) {
		sum := sha256.Sum256([]byte(j.ID))
		key.ID, key.Name = "jwk-"+hex.EncodeToString(sum[:8]), j.ID
	}
	if j.D != "" {
		return errors.New("is a private key: an edge must not have it")
	}
	if len(j.Ops) > 0 && !slices.Contains(j.Ops, "verify") {
		return errors.New("is not to verify with")
	}
	if err := j.material(key); err != nil {
		return err
	}
	return key.CheckMaterial()
}

func (j *jwk) material(key *auth.Key) (err error) {
	algorithms := map[string][]string{
		"oct": {"HS256"}, "EC P-256": {"ES256"}, "RSA": {"PS256", "RS256"}, "OKP Ed25519": {"EdDSA", "Ed25519"},
	}
	kind := j.Type
	if j.Curve != "" {
		kind += " " + j.Curve
	}
	if known, ok := algorithms[kind]; !ok || j.Algorithm != "" && !slices.Contains(known, j.Algorithm) {
		return fmt.Errorf("is of kind %q with algorithm %q, which no scheme has", kind, j.Algorithm)
	}
	switch j.Type {
	case "oct":
		key.Type = auth.HMACSHA256
		key.Secret, err = number64(j.K)
	case "EC":
		key.Type = auth.ECDSAP256
		key.ECDSA, err = j.point()
	case "RSA":
		key.Type = auth.RSA
		key.RSA, err = j.modulus()
	default:
		key.Type = auth.Ed25519
		key.Public, err = number64(j.X)
	}
	return err
}

func (j *jwk) point() (*ecdsa.PublicKey, error) {
	x, errX := number64(j.X)
	y, errY := number64(j.Y)
	if errX != nil || errY != nil || len(x) != 32 || len(y) != 32 {
		return nil, errors.New("has coordinates that are not 32 bytes in base64url")
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, x, y))
	if err != nil {
		return nil, errors.New("is not a point of the curve")
	}
	return key, nil
}

func (j *jwk) modulus() (*rsa.PublicKey, error) {
	n, errN := number64(j.N)
	e, errE := number64(j.E)
	exponent := new(big.Int).SetBytes(e)
	if errN != nil || errE != nil || !exponent.IsInt64() || exponent.Int64() < 3 || exponent.Int64() > 1<<31-1 || exponent.Bit(0) == 0 {
		return nil, errors.New("has a modulus or exponent that cannot be")
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(exponent.Int64())}, nil
}

// number64 decodes base64url without padding, as JWK has all its numbers.
func number64(text string) ([]byte, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) == 0 {
		return nil, errors.New("has a value that is not base64url")
	}
	return b, nil
}

// isKeyID reports whether an id of others will do for one of ours.
func isKeyID(id string) bool {
	return id != "" && len(id) <= auth.MaxKeyIDSize && !slices.ContainsFunc([]byte(id), func(c byte) bool {
		return c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
	})
}
