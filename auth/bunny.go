package auth

import (
	"bytes"
	"crypto/md5" //nolint:gosec // what other systems sign with
	"crypto/sha256"
	"slices"
)

const bunnyName = "bunny"

// The generations of bunny.net's tokens, as BunnyOptions.Mode names them.
const (
	BunnyHS256  = "hs256"         // HMAC-SHA256, since 2026; the default
	BunnySHA256 = "sha256-legacy" // SHA-256 with the key in front
	BunnyMD5    = "basic-md5"     // path, expiry and address only
)

// The places where a client's address may stand among the signed bytes, for
// BunnyOptions.IPOrder. Signers of the vendor disagree.
const (
	BunnyIPMiddle = "middle" // between expiry and parameters: the documented one
	BunnyIPLast   = "last"   // after the parameters
	BunnyIPFirst  = "first"  // before the expiry
)

// BunnyOptions choose the generation of tokens.
type BunnyOptions struct {
	Mode string // "" means BunnyHS256
	// Address refuses tokens that are not bound to the client's address.
	Address bool
	// IPOrder lists where the address may stand; empty means BunnyIPMiddle only.
	IPOrder []string
}

// Bunny is the scheme of bunny.net in all its generations, as query or as leading
// path segment /bcdn_token=…&expires=…/.
type Bunny struct {
	compat
	params  paramSet
	mode    string
	address bool
	order   []string
}

var _ Scheme = (*Bunny)(nil)

// Places in the parameters of Bunny.
const (
	bunnyToken = iota
	bunnyExpires
	bunnyPath
	bunnyCountries
	bunnyBlocked
	bunnyIgnore
	bunnyLimit
	bunnyReferer
)

// NewBunny returns the scheme.
func NewBunny(o Options) (*Bunny, error) {
	c, err := newCompat(bunnyName, &o, Secret)
	if err != nil {
		return nil, err
	}
	b := &Bunny{
		compat: c, mode: o.Bunny.Mode, address: o.Bunny.Address, order: o.Bunny.IPOrder,
		params: paramSet{names: []string{
			"token", "expires", "token_path", "token_countries", "token_countries_blocked",
			"token_ignore_params", "limit", "token_referer",
		}},
	}
	if b.mode == "" {
		b.mode = BunnyHS256
	}
	if !slices.Contains([]string{BunnyHS256, BunnySHA256, BunnyMD5}, b.mode) {
		return nil, settingf("bunny.mode", "%q is not known: use %s, %s or %s", b.mode, BunnyHS256, BunnySHA256, BunnyMD5)
	}
	if len(b.order) == 0 {
		b.order = []string{BunnyIPMiddle}
	}
	for _, place := range b.order {
		if !slices.Contains([]string{BunnyIPMiddle, BunnyIPLast, BunnyIPFirst}, place) {
			return nil, settingf("bunny.ip_order", "%q is not known: use %s, %s or %s", place, BunnyIPMiddle, BunnyIPLast, BunnyIPFirst)
		}
	}
	return b, b.few()
}

// bunnySegment is what the leading path segment begins with; behind its first five
// bytes it reads like a query.
const bunnySegment = "bcdn_token="

// Find implements Scheme. Tokens[0] is the token, Tokens[1] what stands around it:
// the query, or the path segment written like one.
func (b *Bunny) Find(in *Input, scratch *Scratch) (Found, Reason) {
	f := Found{Path: in.Path, Query: in.Query, query: in.Query, scratch: scratch}
	segment := f.cutLeading(bunnySegment)
	b.params.cut(&f)
	if segment.n == 0 {
		why := f.take1(&b.params)
		f.Tokens[1] = f.query
		return b.found(f, why)
	}
	return b.found(f, b.inPath(&f, &segment))
}

// inPath reads the parameters out of the segment. None may be in the query too.
func (b *Bunny) inPath(f *Found, segment *sighting) Reason {
	s := f.scratch
	for i := range b.params.names {
		if s.params[i].n > 0 {
			return TwoPlaces
		}
	}
	switch {
	case segment.n > 1:
		f.Carrier = Path
		return Duplicate
	case segment.inexact:
		f.Carrier = Path
		return Malformed
	}
	s.text = append(append(s.text[:0], bunnySegment[len("bcdn_"):]...), segment.value...)
	return f.takeText(&b.params)
}

// Verify implements Scheme.
func (b *Bunny) Verify(f *Found, r *Request) Verdict {
	v, done := b.start(f)
	if !done {
		v.Reason = b.judge(&v, f, r)
	}
	return v
}

// claim returns the raw value of a parameter, and whether it is there.
func (s *Scratch) claim(i int) ([]byte, bool) { return s.params[i].value, s.params[i].n > 0 }

func (b *Bunny) judge(v *Verdict, f *Found, r *Request) Reason {
	s := f.scratch
	bound, why := b.digest(f)
	if why != Allowed {
		return why
	}
	if bound && !r.Client.IsValid() {
		return Address
	}
	if _, ok := s.claim(bunnyReferer); ok {
		return UnknownClaim
	}
	m, why := b.message(f, r)
	if why != Allowed {
		return why
	}
	k := b.signer(f, m, bound, r)
	if k == nil {
		return BadSignature
	}
	expires, _ := s.claim(bunnyExpires)
	last, why := decimal(expires, maxTimeDigits)
	if why != Allowed {
		return why
	}
	if why := b.until(v, last, r.Now); why != Allowed {
		return why
	}
	if why := b.scope(v, m, s, r); why != Allowed {
		return why
	}
	return b.accept(v, k, f, nil, r.Now)
}

// digest decodes the token into scratch.sig and tells whether it is bound to an
// address. A digest may itself begin with "1-", so its length decides.
func (b *Bunny) digest(f *Found) (bound bool, why Reason) {
	s, text, size := f.scratch, f.Tokens[0], sha256.Size
	switch b.mode {
	case BunnyMD5:
		size, bound = md5.Size, b.address
	case BunnySHA256:
		bound = b.address
	default:
		var ok bool
		if text, ok = bytes.CutPrefix(text, []byte("HS256-")); !ok {
			return false, Malformed
		}
		flagged := len(text) == canonical64.EncodedLen(size)+2
		if flagged {
			if text, ok = bytes.CutPrefix(text, []byte("1-")); !ok {
				return false, Malformed
			}
		}
		bound = flagged || b.address
	}
	if len(text) != canonical64.EncodedLen(size) || !validPart(text) {
		return false, Malformed
	}
	sig, ok := decode64(s.sig, text)
	s.sig = sig
	if !ok {
		return false, Malformed
	}
	return bound, Allowed
}

// bunnyMessage is what a token is over, in parts: the address has no fixed place.
type bunnyMessage struct {
	path    []byte // signed path
	scoped  bool   // it is a directory, not the path of the request
	expires []byte
	params  []byte
}

// message collects the signed parts. Decoded parameters are kept in scratch.payload.
func (b *Bunny) message(f *Found, r *Request) (m bunnyMessage, why Reason) {
	s := f.scratch
	m.path = r.Path
	m.expires, _ = s.claim(bunnyExpires)
	if b.mode == BunnyMD5 {
		for _, i := range []int{bunnyPath, bunnyCountries, bunnyBlocked, bunnyIgnore, bunnyLimit} {
			if _, ok := s.claim(i); ok {
				return m, UnknownClaim // the token does not cover it
			}
		}
		return m, Allowed
	}
	s.payload = s.payload[:0]
	ignore := false
	if value, ok := s.claim(bunnyIgnore); ok {
		ignore = string(value) == "true"
	}
	list, why := b.signedParams(f, ignore)
	if why != Allowed {
		return m, why
	}
	slices.SortFunc(list, func(x, y bunnyParam) int { return bytes.Compare(x.name, y.name) })
	for i, p := range list {
		if i > 0 && bytes.Equal(p.name, list[i-1].name) {
			return m, Duplicate
		}
	}
	start := len(s.payload)
	for i, p := range list {
		if i > 0 {
			s.payload = append(s.payload, '&')
		}
		s.payload = append(append(append(s.payload, p.name...), '='), p.value...)
		if string(p.name) == "token_path" {
			m.path, m.scoped = p.value, true
		}
	}
	m.params = s.payload[start:]
	return m, Allowed
}

// bunnyParam is a decoded parameter.
type bunnyParam struct{ name, value []byte }

// signedParams decodes the parameters that the token covers, whatever they are.
func (b *Bunny) signedParams(f *Found, ignore bool) ([]bunnyParam, Reason) {
	s := f.scratch
	list := s.list[:0]
	for pair := range pairs(f.Tokens[1]) {
		rawName, rawValue, _ := bytes.Cut(pair, equals)
		from := len(s.payload)
		payload, ok := appendForm(s.payload, rawName)
		middle := len(payload)
		payload, ok2 := appendForm(payload, rawValue)
		s.payload = payload
		if !ok || !ok2 {
			return nil, Malformed
		}
		p := bunnyParam{payload[from:middle:middle], payload[middle:len(payload):len(payload)]}
		switch string(p.name) {
		case "token", "expires", "":
			continue
		case "token_path", "token_ignore_params":
		default:
			if ignore {
				continue
			}
		}
		list = append(list, p)
	}
	s.list = list
	return list, Allowed
}

// signer returns the key whose digest is in scratch.sig, for any of the places the
// address may have.
func (b *Bunny) signer(f *Found, m bunnyMessage, bound bool, r *Request) *verifyKey {
	places := b.order
	if !bound {
		places = places[:1]
	} else if b.mode == BunnyHS256 && len(f.Tokens[0]) == len("HS256-")+43 {
		places = []string{BunnyIPLast} // the first tokens of the generation, with the address as text
	}
	for _, place := range places {
		if k := b.signerAt(f, m, place, bound, r); k != nil {
			return k
		}
	}
	return nil
}

func (b *Bunny) signerAt(f *Found, m bunnyMessage, place string, bound bool, r *Request) *verifyKey {
	s := f.scratch
	if b.mode == BunnyHS256 {
		s.msg = b.lay(s.msg[:0], m, place, bound, f, r)
		r.Trace.sign(b.name, s.msg)
		for _, k := range b.keys {
			if k.signed(s.msg, s.sig, s) {
				return k
			}
		}
		return nil
	}
	if r.Trace != nil {
		r.Trace.sign(b.name, b.lay(bytes.Clone(concealed), m, place, bound, f, r))
	}
	for _, k := range b.keys {
		s.msg = b.lay(append(s.msg[:0], k.Secret...), m, place, bound, f, r)
		if b.mode == BunnyMD5 && equalMD5(s.msg, s.sig) || b.mode == BunnySHA256 && equalSHA256(s.msg, s.sig) {
			return k
		}
	}
	return nil
}

// lay appends the signed bytes in their order.
func (b *Bunny) lay(dst []byte, m bunnyMessage, place string, bound bool, f *Found, r *Request) []byte {
	address := func(at string) {
		if bound && place == at {
			dst = b.appendAddress(dst, f, r)
		}
	}
	dst = append(dst, m.path...)
	address(BunnyIPFirst)
	dst = append(dst, m.expires...)
	address(BunnyIPMiddle)
	dst = append(dst, m.params...)
	address(BunnyIPLast)
	return dst
}

// appendAddress appends the client's address as the generation signs it: as text, or
// as 4 or 16 bytes, of IPv6 the first 64 bits only.
func (b *Bunny) appendAddress(dst []byte, f *Found, r *Request) []byte {
	if b.mode != BunnyHS256 || len(f.Tokens[0]) == len("HS256-")+43 {
		return appendAddr(dst, r.Client)
	}
	if a := r.Client.Unmap(); a.Is4() {
		four := a.As4()
		return append(dst, four[:]...)
	}
	network := r.Client.As16()
	clear(network[8:])
	return append(dst, network[:]...)
}

// scope holds what the token says against the request. Countries and limit count
// even where the token does not cover them: they can only take away.
func (b *Bunny) scope(v *Verdict, m bunnyMessage, s *Scratch, r *Request) Reason {
	if m.scoped && !below(m.path, r.Path) {
		return OutOfScope
	}
	if why := b.countries(s, r); why != Allowed {
		return why
	}
	if value, ok := s.claim(bunnyLimit); ok && b.mode != BunnyMD5 {
		n, why := decimal(value, maxRateDigits)
		if why != Allowed {
			return BadClaim
		}
		v.RateKBps = int(n)
	}
	return Allowed
}

// below reports whether path is dir or below it. A dir without a slash at its end
// ends at one nevertheless.
func below(dir, path []byte) bool {
	if len(dir) == 0 || dir[0] != '/' || !bytes.HasPrefix(path, dir) {
		return false
	}
	return dir[len(dir)-1] == '/' || len(path) == len(dir) || path[len(dir)] == '/'
}

func (b *Bunny) countries(s *Scratch, r *Request) Reason {
	for _, i := range []int{bunnyCountries, bunnyBlocked} {
		raw, ok := s.claim(i)
		if !ok {
			continue
		}
		if s.msg, ok = appendForm(s.msg[:0], raw); !ok { // scratch.text holds the token of a path
			return Malformed
		}
		if country := r.country(); country == "" || listed(s.msg, country) != (i == bunnyCountries) {
			return Country
		}
	}
	return Allowed
}

// listed reports whether a comma-separated list has an item, in any case. Signers
// write spaces between items too.
func listed(list []byte, item string) bool {
	for one := range bytes.SplitSeq(list, comma) {
		if one = bytes.Trim(one, " "); len(one) == len(item) && bytes.EqualFold(one, []byte(item)) {
			return true
		}
	}
	return false
}
