package auth

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
)

// CloudFront is the signed URLs and signed cookies of AWS CloudFront.
//
// A canned URL has Expires, Signature and Key-Pair-Id in its query and opens exactly
// that URL, its own query included. A custom policy has Policy instead of Expires:
// JSON with a Resource to match, times and a network. Cookies carry the same under
// names with CloudFront- before. Hash-Algorithm names the hash, SHA1 when it is
// absent. Any of the parameters in the query makes cookies not count.
//
// A policy without Resource would open everything under the key; it is refused, and
// so is one with anything that the edge does not enforce.
type CloudFront struct{ guard }

const cloudFrontName = "cloudfront"

// The places of the parts of a token in Found.Tokens.
const (
	partExpires   = iota // Expires or Policy
	partSignature        // the signature
	partKey              // Key-Pair-Id
	partHash             // Hash-Algorithm, may be nil
)

// NewCloudFront returns the cloudfront scheme for one site. Keys are of type RSA or
// ECDSAP256; the name of a key is its Key-Pair-Id.
func NewCloudFront(o Options) (*CloudFront, error) {
	g, err := newGuard(cloudFrontName, o, RSA, ECDSAP256)
	if err != nil {
		return nil, err
	}
	return &CloudFront{g}, nil
}

// Find implements Scheme. The tokens it finds are the parts of one.
func (s *CloudFront) Find(in *Input, scratch *Scratch) (Found, Reason) {
	return s.lenient(findCloudFront(in, scratch))
}

// Verify implements Scheme.
func (s *CloudFront) Verify(f *Found, r *Request) Verdict {
	v := Verdict{Scheme: cloudFrontName}
	if !s.required {
		return v
	}
	if f.N == 0 {
		v.Reason = Missing
		return v
	}
	policy, why := policyText(f, r)
	if why != Allowed {
		v.Reason = why
		return v
	}
	r.Trace.sign(cloudFrontName, policy)
	k, why := s.key(string(f.Tokens[partKey]), r.Now)
	if k != nil {
		v.Key = k.ID
	}
	if why == Allowed {
		why = s.authentic(k, policy, f)
	}
	if why != Allowed {
		v.Reason = why
		return v
	}
	v.Expires, v.Reason = s.judge(policy, f, r)
	if v.Reason == Allowed && s.withdrawn(k.ID, nil, policy, 0) {
		v.Reason = Revoked
	}
	return v
}

// policyText returns the bytes that are signed: the policy as it was sent, or for a
// canned URL the policy that the signer made of the URL as it was sent.
func policyText(f *Found, r *Request) ([]byte, Reason) {
	if f.policy {
		return decodeCloudFront(f.Tokens[partExpires])
	}
	expires := f.Tokens[partExpires]
	if _, why := decimal(expires, maxTimeDigits); why != Allowed {
		return nil, why
	}
	if bytes.IndexByte(f.Path, '"') >= 0 || bytes.IndexByte(f.Query, '"') >= 0 {
		return nil, Malformed // it would change the structure of the text
	}
	b := append([]byte(nil), `{"Statement":[{"Resource":"`...)
	b = append(appendOrigin(b, r), f.Path...)
	if len(f.Query) > 0 {
		b = append(append(b, '?'), f.Query...)
	}
	b = append(b, `","Condition":{"DateLessThan":{"AWS:EpochTime":`...)
	return append(append(b, expires...), "}}}]}"...), Allowed
}

// appendOrigin appends scheme and host of a request as a URL begins with them.
func appendOrigin(dst []byte, r *Request) []byte {
	dst = append(append(dst, r.scheme()...), "://"...)
	return append(dst, r.Host...)
}

// authentic checks the signature.
func (s *CloudFront) authentic(k *verifyKey, policy []byte, f *Found) Reason {
	sig, why := decodeCloudFront(f.Tokens[partSignature])
	if why != Allowed {
		return why
	}
	id := crypto.SHA1
	switch string(f.Tokens[partHash]) {
	case "", "SHA1":
	case "SHA256":
		id = crypto.SHA256
	default:
		return Malformed
	}
	if !s.remembered(k, policy, append(sig, byte(id)), func() bool { return signedPKCS1(k, id, policy, sig) }) {
		return BadSignature
	}
	return Allowed
}

// signedPKCS1 checks a signature of RSASSA-PKCS1-v1_5, or of ECDSA in ASN.1.
func signedPKCS1(k *verifyKey, id crypto.Hash, text, sig []byte) bool {
	var sum []byte
	if id == crypto.SHA256 {
		full := sha256.Sum256(text)
		sum = full[:]
	} else {
		full := sha1.Sum(text)
		sum = full[:]
	}
	if k.Type == RSA {
		return rsa.VerifyPKCS1v15(k.RSA, id, sum, sig) == nil
	}
	return ecdsa.VerifyASN1(k.ECDSA, sum, sig)
}

// judge holds an authentic policy against the request.
func (s *CloudFront) judge(policy []byte, f *Found, r *Request) (expires int64, why Reason) {
	if !f.policy { // the URL is what was signed; the time is all that is left
		expires, _ = strconv.ParseInt(string(f.Tokens[partExpires]), 10, 64)
		return expires, s.inTime(expires, r.Now)
	}
	var p cloudFrontPolicy
	if why = p.parse(policy); why != Allowed {
		return 0, why
	}
	if why = s.inTime(p.before, r.Now); why != Allowed {
		return p.before, why
	}
	return p.before, p.allow(f, r)
}

func (s *CloudFront) inTime(before, now int64) Reason {
	switch {
	case now >= before:
		return Expired
	case s.tooLong(before, now):
		return TooLong
	}
	return Allowed
}

// decodeCloudFront decodes base64 in which "+=/" are written "-_~". Other spellings
// of the same bytes are refused.
func decodeCloudFront(b []byte) ([]byte, Reason) {
	if len(b) > MaxTokenSize {
		return nil, Oversized
	}
	plain := make([]byte, len(b))
	for i, c := range b {
		switch {
		case c == '-':
			c = '+'
		case c == '_':
			c = '='
		case c == '~':
			c = '/'
		case !base64url(c):
			return nil, Malformed
		}
		plain[i] = c
	}
	decoded, err := base64.StdEncoding.Strict().AppendDecode(nil, plain)
	if err != nil || len(decoded) == 0 {
		return nil, Malformed
	}
	return decoded, Allowed
}
