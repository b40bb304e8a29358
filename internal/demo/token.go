package demo

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"time"

	"edged/auth"
)

// TokenLifetime is how long a signed URL of the demonstration works.
const TokenLifetime = 12 * time.Hour

// Key signs the tokens of the demonstration. It lives as long as the process.
type Key struct {
	ID     string
	Secret []byte // HMAC-SHA256, 32 bytes
}

// NewKey returns a fresh random key.
func NewKey() Key {
	k := Key{ID: "demo", Secret: make([]byte, 32)}
	rand.Read(k.Secret)
	return k
}

// Token returns a new token for the whole title. No two are equal: each has a
// session of its own, as each viewer's would.
func (k Key) Token(now time.Time) (string, error) {
	session := make([]byte, 8)
	rand.Read(session)
	token, err := auth.MintHMAC(k.ID, k.Secret, auth.Claims{
		Expires: now.Add(TokenLifetime).Unix(), Scopes: scopes(), Session: hex.EncodeToString(session),
	})
	if err != nil {
		return "", fmt.Errorf("demo: %w", err)
	}
	return token, nil
}

// SignedPath puts a token in front of a path, where relative links keep it.
func SignedPath(token, path string) string { return "/ect=" + token + path }
