package auth

import (
	"bytes"
	"crypto/md5" //nolint:gosec // what other systems sign with
	"slices"
	"strconv"
	"time"
)

const vdoxName = "vdox"

// Defaults of VDOXOptions.
const (
	DefaultVDOXValidity  = 300 * time.Second
	DefaultVDOXMaxFuture = 24 * time.Hour
)

// VDOXOptions tune the scheme of Jet-Stream VDO-X.
type VDOXOptions struct {
	// Validity is how long a token is good after its time. 0 means
	// DefaultVDOXValidity. Whole seconds.
	Validity time.Duration
	// MaxFuture bounds how far ahead its time may be, which is how the platform
	// asks for a longer validity. 0 means DefaultVDOXMaxFuture. Whole seconds.
	MaxFuture time.Duration
	// Path is the canonical path of the dynamic URL, the only one that a token
	// opens: it names a file, not a path. "" means "/".
	Path string
}

// VDOX is the scheme of the dynamic URLs of Jet-Stream VDO-X:
// ?account=A&file=F&token=HEXTIME|MD5. The account names the key.
type VDOX struct {
	compat
	params              paramSet
	path                []byte
	validity, maxFuture int64
	foreign             []string // accounts whose keys other sites have
}

// Places in the parameters of VDOX.
const (
	vdoxToken = iota
	vdoxAccount
	vdoxFile
)

var _ Scheme = (*VDOX)(nil)

// NewVDOX returns the scheme.
func NewVDOX(o Options) (*VDOX, error) {
	c, err := newCompat(vdoxName, &o, Secret)
	if err != nil {
		return nil, err
	}
	x := &VDOX{
		compat:    c,
		params:    paramSet{names: []string{"token", "account", "file"}, kept: 2},
		path:      slash,
		validity:  seconds(o.VDOX.Validity, DefaultVDOXValidity),
		maxFuture: seconds(o.VDOX.MaxFuture, DefaultVDOXMaxFuture),
	}
	if o.VDOX.Path != "" {
		x.path = []byte(o.VDOX.Path)
	}
	if x.path[0] != '/' {
		return nil, settingf("vdox.path", "%q does not begin with /", o.VDOX.Path)
	}
	for i := range o.Keys {
		if k := &o.Keys[i]; k.Account != o.Account && k.Type == Secret {
			x.foreign = append(x.foreign, k.name())
		}
	}
	return x, nil
}

// Find implements Scheme.
func (x *VDOX) Find(in *Input, scratch *Scratch) (Found, Reason) {
	f := Found{Path: in.Path, Query: in.Query, query: in.Query, scratch: scratch}
	x.params.cut(&f)
	return x.found(f, f.take1(&x.params))
}

// Verify implements Scheme.
func (x *VDOX) Verify(f *Found, r *Request) Verdict {
	v, done := x.start(f)
	if !done {
		v.Reason = x.judge(&v, f, r)
	}
	return v
}

func (x *VDOX) judge(v *Verdict, f *Found, r *Request) Reason {
	s := f.scratch
	var ok bool
	if s.payload, ok = appendForm(s.payload[:0], f.Tokens[0]); !ok {
		return Malformed
	}
	stamp, mac, _ := bytes.Cut(s.payload, []byte{'|'})
	if s.sig, ok = lowerHex(s.sig, mac, md5.Size); !ok {
		return Malformed
	}
	at, why := hexTime(stamp)
	if why != Allowed {
		return why
	}
	k, why := x.signer(f, at, r)
	if why != Allowed {
		return why
	}
	v.Key = k.ID
	if why := x.time(v, at, r.Now); why != Allowed {
		return why
	}
	if !bytes.Equal(r.Path, x.path) {
		return OutOfScope
	}
	return x.accept(v, k, f, nil, r.Now)
}

// hexTime reads a time in canonical lower-case hexadecimal.
func hexTime(b []byte) (int64, Reason) {
	if len(b) == 0 || b[0] == '0' {
		return 0, Malformed
	}
	for _, c := range b {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return 0, Malformed
		}
	}
	t, err := strconv.ParseInt(string(b), 16, 64)
	if err != nil || t > 9_999_999_999 {
		return 0, LongTime
	}
	return t, Allowed
}

// signer returns the key of the account that signed time and file.
func (x *VDOX) signer(f *Found, at int64, r *Request) (*verifyKey, Reason) {
	s := f.scratch
	account, ok := appendForm(s.text[:0], s.params[vdoxAccount].value)
	s.text = account
	if !ok || len(account) == 0 {
		return nil, BadClaim
	}
	s.msg = strconv.AppendInt(s.msg[:0], at, 10)
	digits := len(s.msg)
	s.msg, ok = appendForm(s.msg, s.params[vdoxFile].value)
	if !ok || len(s.msg) == digits {
		return nil, BadClaim
	}
	text := len(s.msg)
	if r.Trace != nil {
		r.Trace.sign(x.name, append(s.msg[:text:text], concealed...))
	}
	why := UnknownKey
	for _, k := range x.keys {
		if k.name() != string(account) {
			continue
		}
		s.msg = append(s.msg[:text], k.Secret...)
		if equalMD5(s.msg, s.sig) {
			return k, Allowed
		}
		why = BadSignature
	}
	if why == UnknownKey && slices.Contains(x.foreign, string(account)) {
		why = WrongAccount
	}
	return nil, why
}

// time judges a token's own time: some seconds old at most, and not too far ahead.
func (x *VDOX) time(v *Verdict, at, now int64) Reason {
	if at-now > x.maxFuture {
		return TooLong
	}
	return x.until(v, at+x.validity, now)
}
