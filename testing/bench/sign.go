package main

import (
	"crypto/ed25519"
	"crypto/md5" //nolint:gosec // nginx's secure_link knows nothing else
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"time"

	"edged/auth"
)

// signer holds the keys of the signed host, made for one run.
type signer struct {
	secret  []byte
	private ed25519.PrivateKey
	expires int64 // Unix seconds
}

// speller says in whose words a peer wants its links signed.
type speller uint8

const (
	spellECT        speller = iota // edged: a token in the path, one for a session
	spellSecureLink                // nginx: md5 and expires in the query, one for each link
)

func newSigner() (*signer, error) {
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, err
	}
	s := &signer{secret: make([]byte, 32), private: private, expires: time.Now().Add(6 * time.Hour).Unix()}
	_, err = rand.Read(s.secret)
	return s, err
}

// SecretHex is the shared secret for the configurations.
func (s *signer) SecretHex() string { return hex.EncodeToString(s.secret) }

// PublicHex is the public key for the configuration of edged.
func (s *signer) PublicHex() string {
	return hex.EncodeToString(s.private.Public().(ed25519.PublicKey)) //nolint:forcetypeassert // documented
}

// session returns a function that signs paths for one session.
func (s *signer) session(how signing, spell speller, session int) (func(path string) string, error) {
	switch {
	case how == unsigned:
		return func(path string) string { return path }, nil
	case spell == spellSecureLink:
		return s.secureLink, nil
	}
	claims := auth.Claims{Expires: s.expires, Scopes: []string{"/"}, Session: fmt.Sprintf("session-%d", session)}
	token, err := auth.MintHMAC("bench-hmac", s.secret, claims)
	if how == signedEd25519 {
		token, err = auth.MintEd25519("bench-ed", s.private, claims)
	}
	return func(path string) string { return "/ect=" + token + path }, err
}

// secureLink signs as ngx_http_secure_link_module expects.
func (s *signer) secureLink(path string) string {
	sum := md5.Sum(fmt.Appendf(nil, "%d%s %s", s.expires, path, s.SecretHex())) //nolint:gosec // see above
	return fmt.Sprintf("%s?md5=%s&expires=%d", path, base64.RawURLEncoding.EncodeToString(sum[:]), s.expires)
}
