package auth

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // what other systems sign with
	"crypto/sha256"
)

const fastlyName = "fastly"

// FastlyOptions are what a service's own code may have changed.
type FastlyOptions struct {
	SHA256 bool // instead of SHA-1
}

// Fastly is the scheme of Fastly's sample code: token=EXPIRES_HMAC, over the path
// and the expiry.
type Fastly struct {
	compat
	params paramSet
	size   int // of the HMAC
}

var _ Scheme = (*Fastly)(nil)

// NewFastly returns the scheme.
func NewFastly(o Options) (*Fastly, error) {
	c, err := newCompat(fastlyName, &o, Secret)
	if err != nil {
		return nil, err
	}
	f := &Fastly{compat: c, params: paramSet{names: []string{"token"}}, size: sha256.Size}
	if !o.Fastly.SHA256 {
		f.size = sha1.Size
		for _, k := range f.keys {
			k.digest, k.size = sha1.New, sha1.Size
		}
	}
	return f, f.few()
}

// Find implements Scheme.
func (y *Fastly) Find(in *Input, scratch *Scratch) (Found, Reason) {
	f := Found{Path: in.Path, Query: in.Query, query: in.Query, scratch: scratch}
	y.params.cut(&f)
	return y.found(f, f.take1(&y.params))
}

// Verify implements Scheme. The path is signed as it stands in the request.
func (y *Fastly) Verify(f *Found, r *Request) Verdict {
	v, done := y.start(f)
	if !done {
		v.Reason = y.judge(&v, f, r)
	}
	return v
}

func (y *Fastly) judge(v *Verdict, f *Found, r *Request) Reason {
	s := f.scratch
	expires, mac, ok := bytes.Cut(f.Tokens[0], []byte{'_'})
	if !ok || len(expires) == 0 {
		return Malformed
	}
	if s.sig, ok = lowerHex(s.sig, mac, y.size); !ok {
		return Malformed
	}
	s.msg = append(append(s.msg[:0], f.Path...), expires...)
	r.Trace.sign(y.name, s.msg)
	for _, k := range y.keys {
		if !k.signed(s.msg, s.sig, s) {
			continue
		}
		last, why := decimal(expires, maxTimeDigits)
		if why != Allowed {
			return why
		}
		if why := y.until(v, last, r.Now); why != Allowed {
			return why
		}
		return y.accept(v, k, f, nil, r.Now)
	}
	return BadSignature
}
