package auth

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
)

// MaxTokenSize is the length in bytes above which an ect token is refused unread.
const MaxTokenSize = 2048

// The versions of the token. A version fixes the algorithm; there is nothing
// to negotiate.
const (
	versionHMAC    = "h1"
	versionEd25519 = "d1"
)

// canonical64 refuses padding and stray bits in the last character, so that a
// token has exactly one spelling. It would skip line breaks; parseToken lets none through.
var canonical64 = base64.RawURLEncoding.Strict()

// token is the outer form of an ect token:
//
//	version "." kid "." base64url(payload) "." base64url(signature)
//
// All fields borrow the token.
type token struct {
	keyType  KeyType
	kid      []byte
	payload  []byte // encoded
	sig      []byte // encoded
	signed   []byte // what the signature covers: everything before the last dot, as received
	original []byte
}

// parseToken splits a token. It looks at the form only; nothing in the result
// is authentic.
func parseToken(b []byte) (token, Reason) {
	if len(b) > MaxTokenSize {
		return token{}, Oversized
	}
	version, rest, _ := bytes.Cut(b, dot)
	kid, rest, _ := bytes.Cut(rest, dot)
	payload, sig, ok := bytes.Cut(rest, dot)
	t := token{kid: kid, payload: payload, sig: sig, original: b}
	if !ok || !validPart(kid) || !validPart(payload) || !validPart(sig) {
		return token{}, Malformed
	}
	switch string(version) {
	case versionHMAC:
		t.keyType = HMACSHA256
	case versionEd25519:
		t.keyType = Ed25519
	default:
		return token{}, Malformed
	}
	if len(sig) != canonical64.EncodedLen(t.keyType.sigSize()) {
		return token{}, Malformed
	}
	t.signed = b[:len(b)-len(sig)-1]
	return t, Allowed
}

// sigSize returns the length in bytes of a signature.
func (t KeyType) sigSize() int {
	if t == Ed25519 {
		return ed25519.SignatureSize
	}
	return sha256.Size
}

var dot = []byte{'.'}

// validPart reports whether b is a non-empty run of the base64url alphabet,
// which is also that of key ids.
func validPart(b []byte) bool {
	for _, c := range b {
		if !base64url(c) {
			return false
		}
	}
	return len(b) > 0
}

func base64url(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}

// decode64 decodes canonical base64url into dst's memory, which grows if need be.
func decode64(dst, src []byte) ([]byte, bool) {
	dst, err := canonical64.AppendDecode(dst[:0], src)
	return dst, err == nil
}
