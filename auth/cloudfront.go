package auth

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
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
type CloudFront struct {
	guard
	seen *authentics[cloudFrontPolicy]
}

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
	return &CloudFront{g, newAuthentics[cloudFrontPolicy]()}, nil
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
	if f.scratch == nil {
		f.scratch = new(Scratch)
	}
	t, why := s.token(f, r, &v)
	if why == Allowed {
		why = t.key.usable(r.Now)
	}
	if v.Reason = why; why == Allowed {
		s.judge(&v, t, f, r)
	}
	return v
}

// token returns the token if its signature is right, and notes its key in v. One that was
// seen before is taken as it was read then: the same parts, and for a canned token the
// same URL, for that is what was signed.
func (s *CloudFront) token(f *Found, r *Request, v *Verdict) (*authentic[cloudFrontPolicy], Reason) {
	w := f.scratch
	if !f.policy {
		if why := cannedPolicy(f, r); why != Allowed {
			return nil, why
		}
	}
	id := f.identify()
	if t := s.seen.get(id); t != nil && r.Trace == nil {
		v.Key = t.key.ID
		return t, Allowed
	}
	signed := w.msg
	if f.policy {
		var why Reason
		if signed, why = decodeCloudFront(f.Tokens[partExpires]); why != Allowed {
			return nil, why
		}
	}
	r.Trace.sign(cloudFrontName, signed)
	k, why := s.key(string(f.Tokens[partKey]), r.Now)
	if k != nil {
		v.Key = k.ID
	}
	if why == Allowed {
		why = s.authentic(k, signed, f)
	}
	if why != Allowed {
		return nil, why
	}
	t := &authentic[cloudFrontPolicy]{key: k, sum: sha256.Sum256(signed)}
	if why = t.claims.read(f, signed); why == Allowed {
		s.seen.put(id, t)
	}
	return t, why
}

// identify lays out in the scratch all that makes a token what it is: its parts, each
// after its length, and the text of a canned policy, which stands in scratch.msg.
func (f *Found) identify() []byte {
	w := f.scratch
	id := append(w.payload[:0], 0)
	if !f.policy {
		id[0] = 1
		id = append(binary.LittleEndian.AppendUint32(id, uint32(len(w.msg))), w.msg...)
	}
	for _, part := range f.Tokens {
		id = append(binary.LittleEndian.AppendUint32(id, uint32(len(part))), part...)
	}
	w.payload = id
	return id
}

// cannedPolicy leaves in scratch.msg the policy that the signer made of the URL as it
// was sent.
func cannedPolicy(f *Found, r *Request) Reason {
	expires := f.Tokens[partExpires]
	if _, why := decimal(expires, maxTimeDigits); why != Allowed {
		return why
	}
	if bytes.IndexByte(f.Path, '"') >= 0 || bytes.IndexByte(f.Query, '"') >= 0 {
		return Malformed // it would change the structure of the text
	}
	b := append(f.scratch.msg[:0], `{"Statement":[{"Resource":"`...)
	b = append(appendOrigin(b, r), f.Path...)
	if len(f.Query) > 0 {
		b = append(append(b, '?'), f.Query...)
	}
	b = append(b, `","Condition":{"DateLessThan":{"AWS:EpochTime":`...)
	f.scratch.msg = append(append(b, expires...), "}}}]}"...)
	return Allowed
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

// judge holds an authentic token against the request.
func (s *CloudFront) judge(v *Verdict, t *authentic[cloudFrontPolicy], f *Found, r *Request) {
	p := &t.claims
	v.Expires = p.before
	v.Reason = s.inTime(p, r.Now)
	if v.Reason == Allowed && f.policy { // else the URL is what was signed, and the time is all that is left
		v.Reason = p.allow(f, r)
	}
	if v.Reason == Allowed && s.withdrawn(t.key.ID, nil, &t.sum, 0) {
		v.Reason = Revoked
	}
}

func (s *CloudFront) inTime(p *cloudFrontPolicy, now int64) Reason {
	switch {
	case now >= p.before:
		return Expired
	case p.after != 0 && now <= p.after:
		return NotYet
	case s.tooLong(p.before, now):
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
