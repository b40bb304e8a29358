package auth

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"net/netip"
	"strings"

	"github.com/fxamacker/cbor/v2"
)

// Kinds of matches in catu and cath.
const (
	matchExact     = 0
	matchPrefix    = 1
	matchSuffix    = 2
	matchContains  = 3
	matchRegex     = 4
	matchSHA256    = -1
	matchSHA512256 = -2
)

// match is one condition on a text.
type match struct {
	kind   int64
	text   []byte // text, pattern, or hash
	syntax syntax // of a pattern
}

// matches are conditions that must all hold.
type matches []match

func (m matches) allow(text []byte, p *patterns) bool {
	for i := range m {
		if !m[i].allow(text, p) {
			return false
		}
	}
	return true
}

func (m *match) allow(text []byte, p *patterns) bool {
	switch m.kind {
	case matchExact:
		return bytes.Equal(text, m.text)
	case matchPrefix:
		return bytes.HasPrefix(text, m.text)
	case matchSuffix:
		return bytes.HasSuffix(text, m.text)
	case matchContains:
		return bytes.Contains(text, m.text)
	case matchRegex:
		return p.match(string(m.text), m.syntax, text)
	case matchSHA256:
		sum := sha256.Sum256(text)
		return bytes.Equal(sum[:], m.text)
	case matchSHA512256:
		sum := sha512.Sum512_256(text)
		return bytes.Equal(sum[:], m.text)
	}
	return false
}

// matches reads a table of conditions, which must have one at least: without, it
// would be a restriction that restricts nothing.
func (c *codec) matches(raw cbor.RawMessage) (list matches, ok bool) {
	table, ok := c.table(raw)
	for kind, value := range table {
		m := match{kind: kind}
		switch kind {
		case matchExact, matchPrefix, matchSuffix, matchContains:
			var text string
			text, ok = c.text(value)
			m.text = []byte(text)
		case matchRegex:
			ok = c.regex(value, &m)
		case matchSHA256, matchSHA512256:
			m.text, ok = c.digest(value)
		default:
			ok = false
		}
		if !ok {
			return nil, false
		}
		list = append(list, m)
	}
	return list, ok && len(list) > 0
}

// regex reads [pattern] or [pattern, flags]. Of the flags only "i" can be honoured.
func (c *codec) regex(raw cbor.RawMessage, m *match) bool {
	list, ok := c.texts(raw)
	if !ok || len(list) > 2 {
		return false
	}
	m.text, m.syntax = []byte(list[0]), re2
	if len(list) == 2 && list[1] == "i" {
		m.syntax = re2NoCase
	} else if len(list) == 2 && list[1] != "" {
		return false
	}
	return true
}

// digest reads 32 bytes, which some signers write as lower-case hexadecimal text.
func (c *codec) digest(raw cbor.RawMessage) (sum []byte, ok bool) {
	if sum, ok = c.byteString(raw); ok {
		return sum, len(sum) == sha256.Size
	}
	text, ok := c.text(raw)
	sum, err := hex.DecodeString(text)
	return sum, ok && err == nil && len(sum) == sha256.Size && text == strings.ToLower(text)
}

func (c *codec) uriMatches(raw cbor.RawMessage) (map[int64]matches, bool) {
	table, ok := c.table(raw)
	parts := make(map[int64]matches, len(table))
	for part, conditions := range table {
		if parts[part], ok = c.matches(conditions); !ok || part < 0 || part >= numURIParts {
			return nil, false
		}
	}
	return parts, ok && len(parts) > 0
}

func (c *codec) headerMatches(raw cbor.RawMessage) (map[string]matches, bool) {
	var table map[string]cbor.RawMessage
	ok := isMajor(raw, majorMap) && c.dec.Unmarshal(raw, &table) == nil
	fields := make(map[string]matches, len(table))
	for name, conditions := range table {
		if fields[name], ok = c.matches(conditions); !ok || !isParamName(name) {
			return nil, false
		}
	}
	return fields, ok && len(fields) > 0
}

// Parts of a URI in catu.
const (
	uriScheme = iota
	uriHost
	uriPort
	uriPath
	uriQuery
	uriParent
	uriFilename
	uriStem
	uriExtension
	numURIParts
)

var (
	schemeHTTP, portHTTP   = []byte("http"), []byte("80")
	schemeHTTPS, portHTTPS = []byte("https"), []byte("443")
)

// splitURI returns the parts of the request's URI in the normal form of RFC 3986
// §6.2.2. The port is the scheme's own, which §6.2.3 also leaves out. An extension
// begins with its dot, which is the last one of the name. What it returns borrows the
// Scratch.
func splitURI(f *Found, r *Request) (u [numURIParts][]byte) {
	w := f.scratch
	if w == nil {
		w = new(Scratch)
	}
	u[uriScheme], u[uriHost], u[uriPort] = schemeHTTP, r.Host, portHTTP
	if r.TLS {
		u[uriScheme], u[uriPort] = schemeHTTPS, portHTTPS
	}
	w.text, w.payload = appendNormal(w.text[:0], f.Path), appendNormal(w.payload[:0], f.Query)
	path := w.text
	slash := bytes.LastIndexByte(path, '/')
	name := path[slash+1:]
	u[uriPath], u[uriQuery] = path, w.payload
	u[uriParent], u[uriFilename], u[uriStem] = path[:max(slash, 0)], name, name
	if at := bytes.LastIndexByte(name, '.'); at >= 0 {
		u[uriStem], u[uriExtension] = name[:at], name[at:]
	}
	return u
}

// networks is a catnip claim: the client must be in one of them.
type networks struct {
	given    bool
	prefixes []netip.Prefix
	systems  []uint32 // autonomous systems
}

func (n *networks) allow(r *Request) bool {
	if !n.given {
		return true
	}
	client := plainAddr(r.Client)
	for _, p := range n.prefixes {
		if p.Contains(client) {
			return true
		}
	}
	for _, asn := range n.systems {
		if own := r.asn(); own != 0 && asn == own {
			return true
		}
	}
	return false
}

// Tags of addresses (RFC 9164).
const (
	tagIPv4 = 52
	tagIPv6 = 54
)

func (c *codec) networks(raw cbor.RawMessage) (n networks, ok bool) {
	items, ok := c.list(raw)
	n.given = true
	for _, item := range items {
		if asn, is := c.integer(item); is && asn > 0 && asn <= 1<<32-1 {
			n.systems = append(n.systems, uint32(asn))
			continue
		}
		p, is := c.prefix(item)
		if !is {
			return n, false
		}
		n.prefixes = append(n.prefixes, p)
	}
	return n, ok && len(items) > 0
}

// prefix reads an address, or a prefix as [length, bytes] of which zeros at the end
// may be left out.
func (c *codec) prefix(raw cbor.RawMessage) (p netip.Prefix, ok bool) {
	var tag cbor.RawTag
	if !isMajor(raw, majorTag) || c.dec.Unmarshal(raw, &tag) != nil {
		return p, false
	}
	size := map[uint64]int{tagIPv4: 4, tagIPv6: 16}[tag.Number]
	if size == 0 {
		return p, false
	}
	if b, is := c.byteString(tag.Content); is {
		a, is := netip.AddrFromSlice(b)
		return netip.PrefixFrom(a, a.BitLen()), is && len(b) == size
	}
	pair, ok := c.list(tag.Content)
	if !ok || len(pair) != 2 {
		return p, false
	}
	bits, isNumber := c.integer(pair[0])
	b, isBytes := c.byteString(pair[1])
	if !isNumber || !isBytes || bits < 0 || bits > int64(size)*8 || len(b) > size {
		return p, false
	}
	a, _ := netip.AddrFromSlice(append(b, make([]byte, size-len(b))...))
	return netip.PrefixFrom(a, int(bits)).Masked(), true
}
