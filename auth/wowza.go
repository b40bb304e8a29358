package auth

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"slices"
)

const wowzaName = "wowza"

// maxWowzaParams bounds the parameters of one token.
const maxWowzaParams = 16

// DefaultWowzaPrefix is what Wowza itself suggests for the names of parameters.
const DefaultWowzaPrefix = "wowzatoken"

// WowzaOptions are the settings of a Wowza application's SecureToken.
type WowzaOptions struct {
	Prefix  string // of the parameters; "" means DefaultWowzaPrefix
	Hash    string // sha256, sha384 or sha512; "" means sha256
	Address bool   // the client's address is signed too
	// ContentPath is the signed path without its leading slash; what is below it is
	// open. "" means the directory of the request.
	ContentPath string
}

// Wowza is SecureToken version 2 of Wowza Streaming Engine. The parameters are
// signed in their byte order, with secret and address among them.
type Wowza struct {
	compat
	params  paramSet
	size    int // of the hash, which it names
	address bool
	content string
	prefix  string
}

var _ Scheme = (*Wowza)(nil)

// Places in the parameters of Wowza.
const (
	wowzaHash = iota
	wowzaEnd
	wowzaStart
)

// NewWowza returns the scheme.
func NewWowza(o Options) (*Wowza, error) {
	c, err := newCompat(wowzaName, &o, Secret)
	if err != nil {
		return nil, err
	}
	w := &Wowza{compat: c, address: o.Wowza.Address, content: o.Wowza.ContentPath, prefix: o.Wowza.Prefix}
	if w.prefix == "" {
		w.prefix = DefaultWowzaPrefix
	}
	switch o.Wowza.Hash {
	case "", "sha256":
		w.size = sha256.Size
	case "sha384":
		w.size = sha512.Size384
	case "sha512":
		w.size = sha512.Size
	default:
		return nil, settingf("wowza.hash", "%q is not known: use sha256, sha384 or sha512", o.Wowza.Hash)
	}
	w.params = paramSet{
		names:  []string{w.prefix + "hash", w.prefix + "endtime", w.prefix + "starttime"},
		prefix: w.prefix,
	}
	if len(w.content) > 0 && (w.content[0] == '/' || w.content[len(w.content)-1] == '/') {
		return nil, settingf("wowza.content_path", "%q: write it without slashes at its ends, such as vod/sample.mp4", w.content)
	}
	return w, w.few()
}

// Find implements Scheme.
func (w *Wowza) Find(in *Input, scratch *Scratch) (Found, Reason) {
	f := Found{Path: in.Path, Query: in.Query, query: in.Query, scratch: scratch}
	w.params.cut(&f)
	return w.found(f, f.take1(&w.params))
}

// Verify implements Scheme.
func (w *Wowza) Verify(f *Found, r *Request) Verdict {
	v, done := w.start(f)
	if !done {
		v.Reason = w.judge(&v, f, r)
	}
	return v
}

func (w *Wowza) judge(v *Verdict, f *Found, r *Request) Reason {
	s := f.scratch
	var ok bool
	if s.text, ok = appendPercent(s.text[:0], f.Tokens[0]); !ok { // '=' may be escaped
		return Malformed
	}
	if s.sig, ok = base64Padded(s.sig, s.text, w.size); !ok {
		return Malformed
	}
	if w.address && !r.Client.IsValid() {
		return Address
	}
	if why := w.public(s, f.query); why != Allowed {
		return why
	}
	k := w.signer(s, r)
	if k == nil {
		return BadSignature
	}
	if why := w.time(v, s, r.Now); why != Allowed {
		return why
	}
	if w.content != "" && !below(append(append(s.text[:0], '/'), w.content...), r.Path) {
		return OutOfScope
	}
	return w.accept(v, k, f, nil, r.Now)
}

// public collects the signed parameters, as they came, in scratch.lines.
func (w *Wowza) public(s *Scratch, query []byte) Reason {
	s.lines = s.lines[:0]
	for pair := range pairs(query) {
		name, _, _ := bytes.Cut(pair, equals)
		if !bytes.HasPrefix(name, []byte(w.prefix)) || string(name) == w.params.names[wowzaHash] {
			continue
		}
		for _, other := range s.lines {
			if seen, _, _ := bytes.Cut(other, equals); bytes.EqualFold(seen, name) {
				return Duplicate
			}
		}
		if len(s.lines) == maxWowzaParams {
			return Malformed
		}
		s.lines = append(s.lines, pair)
	}
	return Allowed
}

// signer returns the key that signed. Where the secret sorts among the parameters
// is part of what is signed.
func (w *Wowza) signer(s *Scratch, r *Request) *verifyKey {
	public := len(s.lines)
	for _, k := range w.keys {
		s.lines = s.lines[:public]
		if w.address {
			s.text = appendAddr(s.text[:0], r.Client)
			s.lines = append(s.lines, s.text)
		}
		s.lines = append(s.lines, k.Secret)
		s.lines = append(s.lines, s.lines...)
		sorted := s.lines[len(s.lines)/2:]
		slices.SortFunc(sorted, bytes.Compare)
		s.msg = w.join(s.msg[:0], sorted, nil, r)
		if r.Trace != nil {
			r.Trace.sign(w.name, w.join(nil, sorted, k.Secret, r))
		}
		if s.mac = w.sum(s.mac[:0], s.msg); hmac.Equal(s.mac, s.sig) {
			return k
		}
	}
	return nil
}

// sum appends the hash of message to dst.
func (w *Wowza) sum(dst, message []byte) []byte {
	switch w.size {
	case sha512.Size384:
		sum := sha512.Sum384(message)
		return append(dst, sum[:]...)
	case sha512.Size:
		sum := sha512.Sum512(message)
		return append(dst, sum[:]...)
	}
	sum := sha256.Sum256(message)
	return append(dst, sum[:]...)
}

// join writes the content path and the list. What is the secret itself, and not
// only of the same bytes, is concealed.
func (w *Wowza) join(dst []byte, list [][]byte, secret []byte, r *Request) []byte {
	if w.content != "" {
		dst = append(dst, w.content...)
	} else if end := bytes.LastIndexByte(r.Path, '/'); end > 0 {
		dst = append(dst, r.Path[1:end]...)
	}
	for i, item := range list {
		dst = append(dst, "?&"[min(i, 1)])
		if secret != nil && &item[0] == &secret[0] {
			item = concealed
		}
		dst = append(dst, item...)
	}
	return dst
}

func (w *Wowza) time(v *Verdict, s *Scratch, now int64) (why Reason) {
	var first int64
	if value, ok := s.claim(wowzaStart); ok {
		if first, why = decimal(value, maxTimeDigits); why != Allowed {
			return why
		}
	}
	value, ok := s.claim(wowzaEnd)
	switch {
	case ok:
		last, why := decimal(value, maxTimeDigits)
		if why != Allowed {
			return why
		}
		return w.between(v, first, last, now)
	case now < first:
		return NotYet
	}
	return w.endless()
}
