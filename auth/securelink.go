package auth

import (
	"bytes"
	"crypto/md5" //nolint:gosec // what other systems sign with
	"regexp"
	"slices"
)

const secureLinkName = "secure-link"

// SecureLinkOptions are the expressions of ngx_http_secure_link_module.
type SecureLinkOptions struct {
	// Link is where hash and expiry are: "$arg_md5,$arg_expires", or "$hash,$until"
	// with groups of Location. It is split at its first comma.
	Link string
	// MD5 is what the hash is over. It must hold $secret, and the expiry.
	MD5 string
	// Location, when set, is a regular expression (RE2) that the whole raw path must
	// match. The segments of the groups that Link names are cut out of the path.
	Location string
}

// SecureLink is the scheme of ngx_http_secure_link_module: a hash over an
// expression that the operator writes. Several delivery networks use a fixed form
// of it.
//
// Other than nginx it takes no hash with stray bits, no parameter twice or in
// another case, and nothing that its path canonicalisation would have repaired.
type SecureLink struct {
	compat
	link, md5 template
	location  locator // nil when the token is in the query
	params    paramSet
}

var _ Scheme = (*SecureLink)(nil)

// locator finds the parts of a path: it appends to dst, in pairs of places, the whole
// and then the groups. It returns nil when the path has another form.
type locator func(dst []int, path []byte) []int

// NewSecureLink returns the scheme for the expressions in o.SecureLink.
func NewSecureLink(o Options) (*SecureLink, error) {
	return newSecureLink(secureLinkName, o, &o.SecureLink)
}

func newSecureLink(name string, o Options, e *SecureLinkOptions) (*SecureLink, error) {
	c, err := newCompat(name, &o, Secret)
	if err != nil {
		return nil, err
	}
	s := &SecureLink{compat: c}
	var captures []string
	if e.Location != "" {
		expression, err := regexp.Compile("^(?:" + e.Location + ")$")
		if err != nil {
			return nil, settingf("secure_link.location", "%v", err)
		}
		captures = expression.SubexpNames()
		s.location = func(_ []int, path []byte) []int { return expression.FindSubmatchIndex(path) }
	}
	var own, all []string
	if s.link, own, err = compileTemplate("secure_link.link", e.Link, captures, nil); err != nil {
		return nil, err
	}
	if s.md5, all, err = compileTemplate("secure_link.md5", e.MD5, captures, own); err != nil {
		return nil, err
	}
	s.params = paramSet{names: all, kept: len(all) - len(own)}
	if err := s.check(); err != nil {
		return nil, err
	}
	return s, s.few()
}

// check refuses expressions that protect nothing.
func (s *SecureLink) check() error {
	switch {
	case len(s.params.names) >= others:
		return settingf("secure_link.md5", "too many arguments, at most %d", others-1)
	case !s.link.has(varArg, varCapture) || s.link.has(varURI, varClient, varHost, varExpires, varSecret):
		return settingf("secure_link.link", `write where the hash and the expiry are, such as "$arg_md5,$arg_expires"`)
	case s.link.has(varArg) && s.link.has(varCapture):
		return settingf("secure_link.link", "hash and expiry are both in the query or both in the path")
	case !s.md5.has(varSecret):
		return settingf("secure_link.md5", "without $secret anybody could sign")
	case !s.md5.has(varURI) && !s.scoped():
		return settingf("secure_link.md5", "without $uri, or a group of location, a token would open everything")
	case s.expirySource() && !s.signsExpiry():
		return settingf("secure_link.md5", "the expiry of secure_link.link must be signed: add $secure_link_expires")
	case !s.expirySource() && !s.md5.has(varExpires) && !s.eternal:
		return settingf("without_expiry", "the tokens of secure_link.link never expire: set without_expiry = true, or add an expiry to it")
	}
	return nil
}

// scoped reports whether the hash is over a group of the path that is not the token
// itself.
func (s *SecureLink) scoped() bool {
	for _, p := range s.md5 {
		if p.kind == varCapture && !slices.ContainsFunc(s.link, func(l part) bool { return l.kind == varCapture && l.index == p.index }) {
			return true
		}
	}
	return false
}

// expirySource reports whether the link itself has a comma, and so always an
// expiry.
func (s *SecureLink) expirySource() bool { return s.expiryPart() > 0 }

func (s *SecureLink) expiryPart() int {
	for i, p := range s.link {
		if p.kind == literal && bytes.IndexByte([]byte(p.text), ',') >= 0 {
			return i + 1
		}
	}
	return 0
}

// signsExpiry reports whether the hash is over the expiry, by either name.
func (s *SecureLink) signsExpiry() bool {
	if s.md5.has(varExpires) {
		return true
	}
	i := s.expiryPart()
	if i == 0 || i >= len(s.link) {
		return false
	}
	want := s.link[i]
	for _, p := range s.md5 {
		if p.kind == want.kind && p.index == want.index {
			return true
		}
	}
	return false
}

// Find implements Scheme.
func (s *SecureLink) Find(in *Input, scratch *Scratch) (Found, Reason) {
	f := Found{Path: in.Path, Query: in.Query, query: in.Query, scratch: scratch}
	s.params.cut(&f)
	if s.location != nil && s.link.has(varCapture) {
		return s.found(f, s.cutPath(&f))
	}
	return s.found(f, s.inQuery(&f))
}

// inQuery makes the first parameter of the link the token.
func (s *SecureLink) inQuery(f *Found) Reason { return f.take1(&s.params) }

// cutPath takes the segments that the link's groups cover out of the path.
func (s *SecureLink) cutPath(f *Found) Reason {
	groups := s.location(f.scratch.groups[:0], f.Path)
	if groups == nil {
		return Missing
	}
	f.Carrier = Path
	from, to := s.span(groups)
	raw := f.Path
	switch {
	case from < 1 || raw[from-1] != '/' || to < len(raw) && raw[to] != '/':
		return Malformed // not whole segments
	case bytes.IndexByte(raw[from:to], '%') >= 0:
		return Malformed // a token has one spelling
	case to-from > MaxTokenSize:
		return Oversized
	}
	f.Tokens[0], f.N = raw[from:to], 1
	f.whole, f.groups, f.scratch.groups = raw, groups, groups
	f.cutSpan(from-1, to)
	return s.params.check(f.scratch)
}

// span returns the bytes of the path from the first to the last group of the link.
func (s *SecureLink) span(groups []int) (from, to int) {
	from = -1
	for _, p := range s.link {
		if p.kind != varCapture || groups[2*p.index] < 0 {
			continue
		}
		if from < 0 || groups[2*p.index] < from {
			from = groups[2*p.index]
		}
		to = max(to, groups[2*p.index+1])
	}
	return from, to
}

// cutSpan takes raw bytes out of the path and remembers where they were, in
// segments: those do not change when what is left is made canonical.
func (f *Found) cutSpan(from, to int) {
	f.before = bytes.Count(f.Path[:from], slash)
	if from == 0 {
		f.Path = f.Path[to:]
	} else {
		f.scratch.path = append(append(f.scratch.path[:0], f.Path[:from]...), f.Path[to:]...)
		f.Path = f.scratch.path
	}
	if len(f.Path) == 0 {
		f.Path = slash
	}
}

var slash = []byte{'/'}

// rejoin returns the canonical path with the token where it was.
func (f *Found) rejoin(canonical []byte) []byte {
	at := 0
	for n := 0; n < f.before; n++ {
		next := bytes.IndexByte(canonical[at+1:], '/')
		if next < 0 {
			at = len(canonical)
			break
		}
		at += 1 + next
	}
	whole := append(f.scratch.text[:0], canonical[:at]...)
	whole = append(append(whole, '/'), f.Tokens[0]...)
	whole = append(whole, canonical[at:]...)
	f.scratch.text = whole
	return whole
}

// Verify implements Scheme.
func (s *SecureLink) Verify(f *Found, r *Request) Verdict {
	v, done := s.start(f)
	if done {
		return v
	}
	vals := values{path: r.Path, host: r.Host, client: r.Client, params: f.scratch.params[:]}
	if f.Carrier == Path {
		vals.captured = f.rejoin(r.Path)
		if vals.groups = s.regroup(f, vals.captured); vals.groups == nil || !s.same(f, &vals) {
			v.Reason = Malformed
			return v
		}
	}
	v.Reason = s.judge(&v, f, &vals, r)
	return v
}

// regroup matches the canonical path with the token in it. Where that is the raw path,
// as nearly always, Find has done it.
func (s *SecureLink) regroup(f *Found, captured []byte) []int {
	if bytes.Equal(captured, f.whole) {
		return f.groups
	}
	return s.location(f.groups[:0], captured)
}

// same reports whether the link is where it was in the raw path.
func (s *SecureLink) same(f *Found, vals *values) bool {
	from, to := s.span(vals.groups)
	return from >= 0 && bytes.Equal(vals.captured[from:to], f.Tokens[0])
}

// judge splits the link, checks the hash and then the expiry.
func (s *SecureLink) judge(v *Verdict, f *Found, vals *values, r *Request) Reason {
	sc := f.scratch
	sc.payload = s.link.append(sc.payload[:0], vals)
	hash, expires, hasExpiry := bytes.Cut(sc.payload, comma)
	vals.expires = expires
	var ok bool
	if sc.sig, ok = base64Padded(sc.sig, hash, md5.Size); !ok {
		return Malformed
	}
	if hasExpiry && !s.signsExpiry() {
		return Malformed
	}
	k := s.signer(f, vals, r)
	if k == nil {
		return BadSignature
	}
	if why := s.time(v, expires, hasExpiry, r.Now); why != Allowed {
		return why
	}
	return s.accept(v, k, f, nil, r.Now)
}

// signer returns the key whose hash is in scratch.sig.
func (s *SecureLink) signer(f *Found, vals *values, r *Request) *verifyKey {
	sc := f.scratch
	if r.Trace != nil {
		vals.secret = concealed
		r.Trace.sign(s.name, s.md5.append(nil, vals))
	}
	for _, k := range s.keys {
		vals.secret = k.Secret
		sc.msg = s.md5.append(sc.msg[:0], vals)
		if equalMD5(sc.msg, sc.sig) {
			return k
		}
	}
	return nil
}

func (s *SecureLink) time(v *Verdict, expires []byte, hasExpiry bool, now int64) Reason {
	if !hasExpiry {
		return s.endless()
	}
	last, why := decimal(expires, maxTimeDigits)
	switch {
	case why != Allowed:
		return why
	case last <= 0:
		return BadClaim
	}
	return s.until(v, last, now)
}
