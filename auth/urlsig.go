package auth

import (
	"bytes"
	"crypto/md5"  //nolint:gosec // what other systems sign with
	"crypto/sha1" //nolint:gosec // what other systems sign with
	"encoding/base64"
	"hash"
	"net/netip"
	"slices"
)

const urlSigName = "url-sig"

// urlSigDigits is how many digits a time may have: the vendor's own tests sign for
// the year 3017. Milliseconds have more.
const urlSigDigits = 12

// URLSigOptions tune the scheme of Apache Traffic Server's url_sig plugin.
type URLSigOptions struct {
	// Anchor names the path parameter ;ANCHOR=BASE64 that may carry the token
	// instead of the query; "" for none. Such a token stands behind a directory, and
	// opens all below that.
	Anchor string
}

// URLSig is the scheme of Apache Traffic Server's url_sig plugin: E, A, K, P and S,
// and C for an address, in the query or in a path parameter. Names of keys are the
// index 0 to 15.
type URLSig struct {
	compat
	params paramSet
	anchor string
	byName map[string]*urlSigKey
}

// urlSigKey is one secret, for either algorithm a token may name.
type urlSigKey struct{ sha1, md5 *verifyKey }

// Places in the parameters of URLSig.
const (
	urlSigS = iota
	urlSigC
	urlSigE
	urlSigA
	urlSigK
	urlSigP
)

var _ Scheme = (*URLSig)(nil)

// NewURLSig returns the scheme.
func NewURLSig(o Options) (*URLSig, error) {
	c, err := newCompat(urlSigName, &o, Secret)
	if err != nil {
		return nil, err
	}
	u := &URLSig{
		compat: c, params: paramSet{names: []string{"S", "C", "E", "A", "K", "P"}},
		byName: map[string]*urlSigKey{},
	}
	if o.URLSig.Anchor != "" {
		u.anchor = ";" + o.URLSig.Anchor + "="
	}
	for _, k := range u.keys {
		name := k.name()
		if n, why := decimal([]byte(name), 2); why != Allowed || n > 15 || len(name) > 1 && name[0] == '0' {
			return nil, settingf("key", "key %s: a key of url-sig has a name from 0 to 15, not %q", k.ID, name)
		}
		if u.byName[name] != nil {
			return nil, settingf("key", "key %s: the site has another url-sig key of name %s", k.ID, name)
		}
		u.byName[name] = &urlSigKey{sha1: k.with(sha1.New), md5: k.with(md5.New)}
	}
	return u, nil
}

// with returns the key for another hash.
func (k *verifyKey) with(digest func() hash.Hash) *verifyKey {
	return &verifyKey{Key: k.Key, public: k.public, digest: digest, size: digest().Size()}
}

// Find implements Scheme. Tokens[0] is the text up to and with the signature:
// the query, or what the path parameter holds.
func (u *URLSig) Find(in *Input, scratch *Scratch) (Found, Reason) {
	f := Found{Path: in.Path, Query: in.Query, query: in.Query, scratch: scratch}
	value, n := u.cutAnchor(&f)
	u.params.cut(&f)
	if n == 0 {
		why := f.take1(&u.params)
		f.Tokens[1] = f.query
		return u.found(f, why)
	}
	return u.found(f, u.inPath(&f, value, n))
}

// cutAnchor takes the path parameter out, however often it is there, with all that
// follows it in its segment, for that would be neither token nor signed.
func (u *URLSig) cutAnchor(f *Found) (value []byte, n int) {
	for u.anchor != "" {
		at := bytes.Index(f.Path, []byte(u.anchor))
		if at < 0 {
			break
		}
		from := at + len(u.anchor)
		to := from
		for to < len(f.Path) && f.Path[to] != '/' {
			to++
		}
		value = append(f.scratch.sig[:0], f.Path[from:to]...)
		f.scratch.sig = value
		f.scratch.path = append(append(f.scratch.path[:0], f.Path[:at]...), f.Path[to:]...)
		f.Path, f.before = f.scratch.path, at
		n++
	}
	return value, n
}

// inPath decodes the path parameter, which reads like a query with ';' between.
func (u *URLSig) inPath(f *Found, value []byte, n int) Reason {
	s := f.scratch
	for i := range u.params.names {
		if s.params[i].n > 0 {
			return TwoPlaces
		}
	}
	f.Carrier = Path
	if n > 1 {
		return Duplicate
	}
	encoding := base64.RawURLEncoding
	if bytes.IndexByte(value, '=') >= 0 {
		encoding = base64.URLEncoding // with all of its padding
	}
	text, err := encoding.Strict().AppendDecode(s.text[:0], value)
	s.text = text
	if err != nil {
		return Malformed
	}
	for i, c := range text {
		if c == '&' || c < 0x21 || c > 0x7E {
			return Malformed
		}
		if c == ';' {
			s.text[i] = '&'
		}
	}
	return f.takeText(&u.params)
}

// Verify implements Scheme.
func (u *URLSig) Verify(f *Found, r *Request) Verdict {
	v, done := u.start(f)
	if !done {
		v.Reason = u.judge(&v, f, r)
	}
	return v
}

func (u *URLSig) judge(v *Verdict, f *Found, r *Request) Reason {
	s := f.scratch
	index, _ := s.claim(urlSigK)
	key := u.byName[string(index)]
	if key == nil {
		return UnknownKey
	}
	k := key.sha1
	switch algorithm, _ := s.claim(urlSigA); string(algorithm) {
	case "1":
	case "2":
		k = key.md5
	default:
		return Malformed
	}
	v.Key = k.ID
	var ok bool
	if s.sig, ok = lowerHex(s.sig, f.Tokens[0], k.size); !ok {
		return Malformed
	}
	if why := u.message(f, r); why != Allowed {
		return why
	}
	r.Trace.sign(u.name, s.msg)
	if !k.signed(s.msg, s.sig, s) {
		return BadSignature
	}
	return u.claims(v, k, f, r)
}

// message lays out the signed bytes: the chosen parts of host and path, and the
// text up to the signature. Nothing that counts may stand behind it. A token in the
// path covers the path in front of it only.
func (u *URLSig) message(f *Found, r *Request) Reason {
	s := f.scratch
	text, why := u.signedText(f.Tokens[1])
	if why != Allowed {
		return why
	}
	parts, _ := s.claim(urlSigP)
	if f.Carrier == Query {
		if s.msg, why = appendParts(s.msg[:0], parts, r.Host, f.Path); why == Allowed {
			s.msg = append(append(s.msg, '?'), text...)
		}
		return why
	}
	directory := f.Path[:f.before]
	if s.msg, why = appendParts(s.msg[:0], parts, r.Host, directory); why != Allowed {
		return why
	}
	switch segments := bytes.Count(directory, slash); {
	case len(directory) == 1:
		return OutOfScope // it would open everything
	case text[0] != '&' && !chosenPart(parts, segments):
		return Malformed // its first field, which then belongs to that segment, is not signed
	}
	for _, c := range text {
		if c == '&' {
			c = ';'
		}
		s.msg = append(s.msg, c)
	}
	return Allowed
}

// signedText returns the parameters up to and with the name of the signature.
func (u *URLSig) signedText(all []byte) ([]byte, Reason) {
	end, offset := -1, 0
	for pair := range pairs(all) {
		if bytes.HasPrefix(pair, []byte("S=")) {
			end = offset + len("S=")
		} else if name, _, _ := bytes.Cut(pair, equals); end >= 0 && slices.Contains(u.params.names, string(name)) {
			return nil, Malformed
		}
		offset += len(pair) + 1
	}
	if end < 0 {
		return nil, Malformed
	}
	return all[:end], Allowed
}

// appendParts appends host and directories where P has a 1, joined by slashes. A slash
// at the end of the path is no part. A token must cover some of the path.
func appendParts(dst, chosen, host, path []byte) ([]byte, Reason) {
	if len(chosen) == 0 || len(bytes.Trim(chosen, "01")) > 0 {
		return dst, Malformed
	}
	part, rest := host, bytes.TrimSuffix(path[1:], slash)
	scoped := len(rest) == 0 && chosenPart(chosen, 1) // no other path is signed like that of "/"
	for i := 0; ; i++ {
		if chosenPart(chosen, i) {
			scoped = scoped || i > 0
			dst = append(append(dst, part...), '/')
		}
		if len(rest) == 0 {
			break
		}
		part, rest, _ = bytes.Cut(rest, slash)
	}
	if !scoped || len(dst) == 0 {
		return dst, OutOfScope
	}
	return dst[:len(dst)-1], Allowed
}

// chosenPart reports whether P has a 1 for the i-th part. Its last digit repeats.
func chosenPart(chosen []byte, i int) bool { return chosen[min(i, len(chosen)-1)] == '1' }

// claims judges time and client of an authentic token.
func (u *URLSig) claims(v *Verdict, k *verifyKey, f *Found, r *Request) Reason {
	expires, _ := f.scratch.claim(urlSigE)
	last, why := decimal(expires, urlSigDigits)
	if why != Allowed {
		return why
	}
	if why := u.until(v, last, r.Now); why != Allowed {
		return why
	}
	if client, ok := f.scratch.claim(urlSigC); ok {
		want, err := netip.ParseAddr(string(client))
		if err != nil || want.Unmap() != r.Client.Unmap().WithZone("") {
			return Address
		}
	}
	return u.accept(v, k, f, nil, r.Now)
}
