package auth

import (
	"bytes"
	"crypto/md5" //nolint:gosec // what other systems sign with
)

const linkSecretName = "secure-link-secret"

// LinkSecret is the older scheme of ngx_http_secure_link_module:
// /PREFIX/HASH/LINK, where the hash is over the raw rest of the target, query
// included, and the secret.
//
// What is served is /LINK, whatever the prefix is, for only the link is signed. The
// tokens never expire.
type LinkSecret struct{ compat }

var _ Scheme = (*LinkSecret)(nil)

// NewLinkSecret returns the scheme.
func NewLinkSecret(o Options) (*LinkSecret, error) {
	c, err := newCompat(linkSecretName, &o, Secret)
	if err != nil {
		return nil, err
	}
	if !c.eternal {
		return nil, settingf("without_expiry", "tokens of secure-link-secret never expire: set without_expiry = true to accept that")
	}
	return &LinkSecret{c}, c.few()
}

// Find implements Scheme.
func (l *LinkSecret) Find(in *Input, scratch *Scratch) (Found, Reason) {
	f := Found{Path: in.Path, Query: in.Query, query: in.Query, scratch: scratch}
	return l.found(f, cutLink(&f))
}

// cutLink leaves the link alone in the path. A path of another form has no token.
func cutLink(f *Found) Reason {
	if len(f.Path) == 0 || f.Path[0] != '/' {
		return Missing
	}
	_, rest, ok := bytes.Cut(f.Path[1:], slash)
	hash, _, more := bytes.Cut(rest, slash)
	if !ok || !more || len(hash) != 2*md5.Size {
		return Missing
	}
	f.Carrier = Path
	f.Tokens[0], f.N = hash, 1
	if f.Path = rest[len(hash):]; len(f.Path) == 1 {
		f.N = 0
		return Malformed // nginx takes an empty link for none
	}
	return Allowed
}

// Verify implements Scheme.
func (l *LinkSecret) Verify(f *Found, r *Request) Verdict {
	v, done := l.start(f)
	if !done {
		v.Reason = l.judge(&v, f, r)
	}
	return v
}

func (l *LinkSecret) judge(v *Verdict, f *Found, r *Request) Reason {
	s := f.scratch
	var ok bool
	if s.sig, ok = lowerHex(s.sig, f.Tokens[0], md5.Size); !ok {
		return Malformed
	}
	s.msg = append(s.msg[:0], f.Path[1:]...)
	if len(f.Query) > 0 {
		s.msg = append(append(s.msg, '?'), f.Query...)
	}
	link := len(s.msg)
	if r.Trace != nil {
		r.Trace.sign(l.name, append(s.msg[:link:link], concealed...))
	}
	for _, k := range l.keys {
		s.msg = append(s.msg[:link], k.Secret...)
		if equalMD5(s.msg, s.sig) {
			return l.accept(v, k, f, nil, r.Now)
		}
	}
	return BadSignature
}
