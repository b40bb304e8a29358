package auth

import (
	"encoding/hex"
	"maps"
	"strings"
	"unicode/utf8"

	"github.com/fxamacker/cbor/v2"
)

// Labels of claims: RFC 8392 §4 and CTA-5007.
const (
	claimIssuer    = 1
	claimSubject   = 2
	claimAudience  = 3
	claimExpires   = 4
	claimNotBefore = 5
	claimIssuedAt  = 6
	claimTokenID   = 7
	claimReplay    = 308
	claimVersion   = 310
	claimNetworks  = 311
	claimURI       = 312
	claimMethods   = 313
	claimALPN      = 314
	claimHeaders   = 315
	claimCountries = 316
	claimRenewal   = 323
)

// maxTime is the greatest time of ten digits.
const maxTime = 9_999_999_999

// catClaims are the claims of a payload that is authentic.
type catClaims struct {
	all                        map[int64]cbor.RawMessage
	expires, notBefore, issued int64   // Unix seconds, 0 when absent
	issuer                     *string // nil when absent
	audience                   []string
	session                    []byte // cti, as text
	uri                        map[int64]matches
	headers                    map[string]matches
	networks                   networks
	methods, protocols         []string // nil for any
	countries                  []string
	renewal                    *catRenewal
}

// parse reads the payload. What is unknown, or of another type than it should be,
// refuses the token.
func (c *catClaims) parse(d *codec, payload []byte) Reason {
	all, ok := d.table(payload)
	if !ok {
		return BadClaim
	}
	c.all = all
	for label, raw := range all {
		if why := c.claim(d, label, raw); why != Allowed {
			return why
		}
	}
	if _, ok := all[claimExpires]; !ok {
		return BadClaim
	}
	return Allowed
}

func (c *catClaims) claim(d *codec, label int64, raw cbor.RawMessage) (why Reason) {
	ok := true
	switch label {
	case claimExpires:
		c.expires, why = d.time(raw)
	case claimNotBefore:
		c.notBefore, why = d.time(raw)
	case claimIssuedAt:
		c.issued, why = d.time(raw)
	case claimIssuer:
		var issuer string
		issuer, ok = d.text(raw)
		c.issuer = &issuer
	case claimSubject:
		_, ok = d.text(raw) // who the viewer is does not matter here
	case claimAudience:
		c.audience, ok = d.oneOrMore(raw)
	case claimTokenID:
		c.session, ok = d.byteString(raw)
		c.session = legible(c.session)
	default:
		return c.catClaim(d, label, raw)
	}
	if !ok {
		return BadClaim
	}
	return why
}

// legible returns an id as text: what is none, such as the 16 bytes of a UUID, in lower-case
// hexadecimal. So it can be ordered to be revoked, and stand in a session token.
func legible(id []byte) []byte {
	if utf8.Valid(id) && !hasControl(id) {
		return id
	}
	return hex.AppendEncode(nil, id)
}

// catClaim reads the claims that CTA-5007 adds.
func (c *catClaims) catClaim(d *codec, label int64, raw cbor.RawMessage) Reason {
	ok := true
	switch label {
	case claimVersion:
		version, is := d.integer(raw)
		ok = is && version == 1
	case claimReplay: // to forbid or detect replays needs a memory of all tokens
		replay, is := d.integer(raw)
		ok = is && replay == 0
	case claimURI:
		c.uri, ok = d.uriMatches(raw)
	case claimHeaders:
		c.headers, ok = d.headerMatches(raw)
	case claimNetworks:
		c.networks, ok = d.networks(raw)
	case claimMethods:
		c.methods, ok = d.texts(raw)
	case claimALPN:
		c.protocols, ok = d.textsOrBytes(raw)
	case claimCountries:
		c.countries, ok = d.texts(raw)
		for i, country := range c.countries {
			c.countries[i] = strings.ToUpper(country)
		}
	case claimRenewal:
		c.renewal, ok = d.renewal(raw)
	default: // the others restrict in ways that cannot be checked here
		return UnknownClaim
	}
	if !ok {
		return BadClaim
	}
	return Allowed
}

// meant reports whether the token is for this audience, or for any.
func (c *catClaims) meant(audience string) bool {
	return c.audience == nil || audience != "" && anyText(c.audience, audience)
}

// with returns the claims with one integer replaced.
func (c *catClaims) with(label, value int64) map[int64]cbor.RawMessage {
	changed := maps.Clone(c.all)
	if raw, err := cbor.Marshal(value); err == nil { // integers always marshal
		changed[label] = raw
	}
	return changed
}

// time reads a NumericDate (RFC 8392 §2): an integer or a floating-point number.
func (c *codec) time(raw cbor.RawMessage) (int64, Reason) {
	if n, ok := c.integer(raw); ok {
		return numericDate(float64(n))
	}
	var f float64
	const half, double = 0xF9, 0xFB // initial bytes of floating-point numbers
	if len(raw) == 0 || raw[0] < half || raw[0] > double || c.dec.Unmarshal(raw, &f) != nil {
		return 0, BadClaim
	}
	return numericDate(f)
}

// oneOrMore reads a text or a list of texts.
func (c *codec) oneOrMore(raw cbor.RawMessage) ([]string, bool) {
	if one, ok := c.text(raw); ok {
		return []string{one}, true
	}
	return c.texts(raw)
}

// textsOrBytes reads a list whose members are texts or byte strings.
func (c *codec) textsOrBytes(raw cbor.RawMessage) (list []string, ok bool) {
	items, ok := c.list(raw)
	for _, item := range items {
		text, is := c.text(item)
		if !is {
			var b []byte
			if b, is = c.byteString(item); !is {
				return nil, false
			}
			text = string(b)
		}
		list = append(list, text)
	}
	return list, ok && len(list) > 0
}

// catRenewal is a catr claim.
type catRenewal struct {
	kind           int64 // one of the renew constants
	period         int64 // expadd: seconds that the next token lives
	deadline       int64 // Unix seconds after which there is no renewal, 0 for none
	cookie, header string
}

// Types of renewal, and the labels within catr.
const (
	renewAutomatic = iota
	renewCookie
	renewHeader
	renewRedirect

	renewalType     = 0
	renewalPeriod   = 1
	renewalDeadline = 2
	renewalCookie   = 3
	renewalHeader   = 4
	renewalLast     = 7 // cookie-params, header-params and code are the edge's to decide
)

func (c *codec) renewal(raw cbor.RawMessage) (*catRenewal, bool) {
	table, ok := c.table(raw)
	if !ok {
		return nil, false
	}
	var n catRenewal
	var kindOK, periodOK bool
	for label, value := range table {
		ok := label >= 0 && label <= renewalLast
		switch label {
		case renewalType:
			n.kind, kindOK = c.integer(value)
		case renewalPeriod:
			n.period, periodOK = c.integer(value)
		case renewalDeadline:
			n.deadline, ok = c.integer(value)
		case renewalCookie:
			n.cookie, ok = c.text(value)
			ok = ok && isParamName(n.cookie)
		case renewalHeader:
			n.header, ok = c.text(value)
			ok = ok && isParamName(n.header)
		}
		if !ok {
			return nil, false
		}
	}
	sane := n.kind >= renewAutomatic && n.kind <= renewRedirect && n.period > 0 && n.period <= maxTime
	return &n, kindOK && periodOK && sane
}

func (n *catRenewal) late(now int64) bool { return n.deadline != 0 && now > n.deadline }

// place says how the next token reaches the client: automatically means the way
// that this one came, if that is possible.
func (n *catRenewal) place(carrier Carrier, o *CATOptions) (name string, to Carrier) {
	header := n.kind == renewHeader || n.kind == renewAutomatic && carrier == Header
	switch {
	case n.kind == renewRedirect:
		return "", None
	case header && n.header != "":
		return n.header, Header
	case header:
		return o.Header, Header
	case n.cookie != "":
		return n.cookie, Cookie
	}
	return o.Cookie, Cookie
}
