package auth

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
)

const mediaCDNName = "media-cdn"

// DefaultMediaCDNParam is the parameter and cookie of Media CDN's tokens.
const DefaultMediaCDNParam = "edge-cache-token"

// MediaCDNOptions tune the schemes of Google's delivery networks.
type MediaCDNOptions struct {
	Param string // of tokens; "" means DefaultMediaCDNParam
}

// MediaCDN is the scheme of Google Media CDN and Cloud CDN, in all their forms:
//
//   - tokens: fields joined by '~' in a parameter or cookie;
//   - signed requests: Expires, KeyName and Signature at the end of the query, over
//     the whole URL, or over a URLPrefix;
//   - the same as a cookie (Edge-Cache-Cookie, Cloud-CDN-Cookie), or in the path
//     segment edge-cache-token=….
//
// A signed request names its key, a token does not. An unsigned request is refused,
// which Cloud CDN leaves to the origin.
type MediaCDN struct {
	compat
	params     paramSet
	signatures *Signatures
	token      string
}

var _ Scheme = (*MediaCDN)(nil)

// Places in the parameters of MediaCDN.
const (
	mediaToken = iota
	mediaSignature
	mediaExpires
	mediaKeyName
	mediaPrefix
)

// mediaForm is how a token is written.
type mediaForm uint8

const (
	formToken   mediaForm = iota // Tokens[i] are tokens
	formURL                      // Tokens[0] is the query
	formCookie                   // Tokens[i] are the values of cookies
	formSegment                  // Tokens[0] is the path segment
)

// NewMediaCDN returns the scheme.
func NewMediaCDN(o Options) (*MediaCDN, error) {
	c, err := newCompat(mediaCDNName, &o, Ed25519, HMACSHA256, HMACSHA1)
	if err != nil {
		return nil, err
	}
	m := &MediaCDN{compat: c, signatures: o.Signatures, token: o.MediaCDN.Param}
	if m.token == "" {
		m.token = DefaultMediaCDNParam
	}
	m.params = paramSet{names: []string{m.token, "Signature", "Expires", "KeyName", "URLPrefix"}}
	return m, m.few()
}

// Find implements Scheme.
func (m *MediaCDN) Find(in *Input, scratch *Scratch) (Found, Reason) {
	f := Found{Path: in.Path, Query: in.Query, query: in.Query, scratch: scratch}
	segments := f.cutMedia()
	m.params.cut(&f)
	return m.found(f, m.pick(&f, in, segments))
}

// pick tells which form is there.
func (m *MediaCDN) pick(f *Found, in *Input, segments int) Reason {
	token, signature := &f.scratch.params[mediaToken], &f.scratch.params[mediaSignature]
	switch {
	case segments+min(token.n, 1)+min(signature.n, 1) > 1:
		f.N = 0
		return TwoPlaces
	case segments > 0:
		f.Carrier, f.form, f.N = Path, formSegment, 1
	case token.n > 0:
		f.form = formToken
		only := paramSet{names: m.params.names[:1]}
		return f.take1(&only)
	case signature.n > 0:
		f.Carrier, f.form = Query, formURL
		f.Tokens[0], f.N = f.query, 1
		return m.params.check(f.scratch)
	default:
		return m.cookies(f, in.Cookies)
	}
	if len(f.Tokens[0]) > MaxTokenSize {
		return Oversized
	}
	return Allowed
}

// cookies takes signed cookies first, then tokens in a cookie.
func (m *MediaCDN) cookies(f *Found, header []byte) Reason {
	for _, name := range []string{"Edge-Cache-Cookie", "Cloud-CDN-Cookie", m.token} {
		f.form = formCookie
		if name == m.token {
			f.form = formToken
		}
		if why := f.cookies(name, header); why != Missing {
			return why
		}
	}
	return Missing
}

// mediaSegment is what the path segment of a signed request begins with.
const mediaSegment = "edge-cache-token="

// cutMedia takes segments that hold a signature out of the path, wherever they are.
func (f *Found) cutMedia() (n int) {
	for at := 0; at < len(f.Path); {
		end := len(f.Path)
		if next := bytes.IndexByte(f.Path[at+1:], '/'); next >= 0 {
			end = at + 1 + next
		}
		if matched, exact := matchFolded(f.Path[at+1:end], mediaSegment); matched >= 0 {
			if n++; n > 1 || !exact {
				n = 2 // refused, whatever it holds
			}
			f.Tokens[0] = f.Path[at+1 : end]
			f.cutSpan(at, end)
			f.before = at
			continue
		}
		at = end
	}
	return n
}

// Verify implements Scheme. Of several cookies any good one allows.
func (m *MediaCDN) Verify(f *Found, r *Request) Verdict {
	if v, done := m.start(f); done {
		return v
	}
	return bestOf(m.name, f, r, m.verify)
}

// verify judges one token.
func (m *MediaCDN) verify(raw []byte, f *Found, r *Request) Verdict {
	v := Verdict{Scheme: m.name}
	v.Reason = m.judge(&v, f, raw, r)
	return v
}

func (m *MediaCDN) judge(v *Verdict, f *Found, raw []byte, r *Request) Reason {
	switch f.form {
	case formToken:
		return m.judgeToken(v, f, raw, r)
	case formURL:
		return m.judgeURL(v, f, raw, r)
	case formCookie:
		return m.judgeCookie(v, f, raw, r)
	}
	return m.judgeSegment(v, f, raw, r)
}

// authentic reports whether the key made the signature, which is encoded, over
// message. Ed25519 signatures that were right are remembered under what they are
// over and what they are.
func (m *MediaCDN) authentic(k *verifyKey, message, signature []byte, s *Scratch) bool {
	size := ed25519.SignatureSize
	if k.Type != Ed25519 {
		size = k.size
	}
	var ok bool
	if s.sig, ok = base64Padded(s.sig, signature, size); !ok {
		return false
	}
	return m.decodedBy(k, message, s)
}

func (m *MediaCDN) decodedBy(k *verifyKey, message []byte, s *Scratch) bool {
	if k.Type != Ed25519 {
		return k.signed(message, s.sig, s)
	}
	s.mac = append(append(s.mac[:0], s.sig...), message...)
	s.sum = sha256.Sum256(s.mac)
	return k.ed25519(m.signatures, message, s.sig, s)
}

// time judges Starts, and Expires, which is the first second a token is bad.
func (m *MediaCDN) time(v *Verdict, starts, expires []byte, now int64) Reason {
	first, why := decimal(starts, maxTimeDigits)
	if why != Allowed {
		return why
	}
	end, why := decimal(expires, maxTimeDigits)
	if why != Allowed {
		return why
	}
	return m.between(v, first, end-1, now)
}

// zero is the time from which what has no Starts is good.
var zero = []byte{'0'}

// holdPrefix holds the request against a URLPrefix as the token has it.
func holdPrefix(encoded []byte, f *Found, r *Request) Reason {
	s := f.scratch
	prefix, ok := decodePrefix(s.text, encoded)
	s.text = prefix
	switch {
	case !ok:
		return BadClaim
	case !underPrefix(prefix, f, r):
		return OutOfScope
	}
	return Allowed
}

// underPrefix reports whether the request is the URL of a decoded URLPrefix or
// below it: same scheme, same host, and whole segments.
func underPrefix(prefix []byte, f *Found, r *Request) bool {
	scheme := "http://"
	if r.TLS {
		scheme = "https://"
	}
	rest, ok := bytes.CutPrefix(prefix, []byte(scheme))
	if !ok {
		return false
	}
	at := bytes.IndexByte(rest, '/')
	if at < 0 {
		return bytes.Equal(rest, r.Host)
	}
	return bytes.Equal(rest[:at], r.Host) && below(rest[at:], f.Path)
}

// decodePrefix decodes a URLPrefix, padded or not, with any padding its length has.
func decodePrefix(dst, value []byte) ([]byte, bool) {
	text := bytes.TrimRight(value, "=")
	if len(value)-len(text) > 2 || !validPart(text) {
		return dst, false
	}
	return decode64(dst, text)
}

// appendBase appends scheme and host of the request.
func appendBase(dst []byte, r *Request) []byte {
	if r.TLS {
		dst = append(dst, "https://"...)
	} else {
		dst = append(dst, "http://"...)
	}
	return append(dst, r.Host...)
}
