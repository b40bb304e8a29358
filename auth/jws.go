package auth

import (
	"bytes"

	"github.com/golang-jwt/jwt/v5"
)

// maxJWTSize is the length in bytes above which a JWT or a CAT is refused unread.
const maxJWTSize = 4096

// jws is a JSON Web Signature in its compact form (RFC 7515 §3.1). Nothing in it is
// authentic.
type jws struct {
	algorithm string
	kid       string // "" when the header names none
	signed    []byte // header and payload as received
	payload   []byte // encoded
	sig       []byte // decoded
}

// parseJWS splits a token and reads its header, where only alg, kid and typ may be.
// header, when it is not empty, stands for a header that was left out of the token.
func parseJWS(token, header []byte) (j jws, why Reason) {
	if len(token) > maxJWTSize {
		return j, Oversized
	}
	if len(header) > 0 && bytes.Count(token, dot) == 1 {
		token = append([]byte{'.'}, token...)
	}
	encoded, rest, _ := bytes.Cut(token, dot)
	payload, sig, ok := bytes.Cut(rest, dot)
	if !ok {
		return j, Malformed
	}
	j.signed = token[:len(encoded)+1+len(payload)]
	if len(encoded) == 0 && len(header) > 0 {
		encoded = canonical64.AppendEncode(nil, header)
		j.signed = append(append(bytes.Clone(encoded), '.'), payload...)
	}
	if !validPart(encoded) || !validPart(payload) || !validPart(sig) {
		return j, Malformed
	}
	text, ok := decode64(nil, encoded)
	if !ok {
		return j, Malformed
	}
	j.payload = payload
	if j.sig, ok = decode64(nil, sig); !ok || !j.header(text) {
		return j, Malformed
	}
	return j, Allowed
}

func (j *jws) header(text []byte) bool {
	object, ok := parseObject(text)
	if !ok || onlyMembers(object, "alg", "kid", "typ") != Allowed {
		return false
	}
	if j.algorithm, ok = object["alg"].(string); !ok {
		return false
	}
	if kid, given := object["kid"]; given {
		if j.kid, ok = kid.(string); !ok || j.kid == "" {
			return false
		}
	}
	if typ, given := object["typ"]; given {
		if _, ok = typ.(string); !ok {
			return false
		}
	}
	return true
}

// jwsAlgorithm is the one algorithm that a key signs with, whatever a token says.
func jwsAlgorithm(t KeyType) (jwt.SigningMethod, bool) {
	switch t {
	case HMACSHA256, Secret:
		return jwt.SigningMethodHS256, true
	case ECDSAP256:
		return jwt.SigningMethodES256, true
	}
	return nil, false
}

// signedJWS reports whether the signature is the key's, whose type decides on the
// algorithm.
func (g *guard) signedJWS(k *verifyKey, j *jws) bool {
	method, ok := jwsAlgorithm(k.Type)
	if !ok || method.Alg() != j.algorithm {
		return false
	}
	if k.Type.Shared() {
		return method.Verify(string(j.signed), j.sig, k.Secret) == nil
	}
	return g.remembered(k, j.signed, j.sig, func() bool {
		return method.Verify(string(j.signed), j.sig, k.ECDSA) == nil
	})
}
