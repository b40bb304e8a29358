package auth

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"strings"

	"edged/internal/target"
)

// cloudFrontPolicy is a custom policy whose signature was right.
type cloudFrontPolicy struct {
	resource cloudFrontResource
	before   int64 // DateLessThan: first second at which the token is invalid
	after    int64 // DateGreaterThan: last second at which it is not valid yet; 0 for none
	network  netip.Prefix
}

// read takes the policy of a token whose signature was right. A canned one has the URL
// for its Resource and says nothing but the time.
func (p *cloudFrontPolicy) read(f *Found, text []byte) (why Reason) {
	if f.policy {
		return p.parse(text)
	}
	p.before, why = decimal(f.Tokens[partExpires], maxTimeDigits)
	return why
}

// parse reads a policy of one statement. What it does not enforce it refuses.
func (p *cloudFrontPolicy) parse(text []byte) Reason {
	object, ok := parseObject(text)
	if !ok {
		return BadClaim
	}
	if why := onlyMembers(object, "Statement"); why != Allowed {
		return why
	}
	statement, ok := object["Statement"].(map[string]any)
	if list, isList := object["Statement"].([]any); isList && len(list) == 1 {
		statement, ok = list[0].(map[string]any)
	}
	if !ok {
		return BadClaim
	}
	if why := onlyMembers(statement, "Resource", "Condition"); why != Allowed {
		return why
	}
	condition, ok := statement["Condition"].(map[string]any)
	if !ok {
		return BadClaim
	}
	resource, ok := statement["Resource"].(string)
	if !ok || resource == "" {
		return BadClaim // it would open everything
	}
	p.resource.parse([]byte(resource))
	return p.conditions(condition)
}

func (p *cloudFrontPolicy) conditions(c map[string]any) (why Reason) {
	if why = onlyMembers(c, "DateLessThan", "DateGreaterThan", "IpAddress"); why != Allowed {
		return why
	}
	if p.before, why = epochTime(c["DateLessThan"]); why != Allowed {
		return why
	}
	if later, ok := c["DateGreaterThan"]; ok {
		if p.after, why = epochTime(later); why != Allowed {
			return why
		}
	}
	if address, ok := c["IpAddress"]; ok {
		return p.address(address)
	}
	return Allowed
}

// epochTime reads {"AWS:EpochTime": n}.
func epochTime(v any) (int64, Reason) {
	n, ok := only(v, "AWS:EpochTime").(json.Number)
	if !ok {
		return 0, BadClaim
	}
	return decimal([]byte(n), maxTimeDigits)
}

// address reads {"AWS:SourceIp": "…"}: one network of IPv4, or one address.
func (p *cloudFrontPolicy) address(v any) Reason {
	text, ok := only(v, "AWS:SourceIp").(string)
	if !ok {
		return BadClaim
	}
	if !strings.Contains(text, "/") {
		text += "/32"
	}
	network, err := netip.ParsePrefix(text)
	if err != nil || !network.Addr().Is4() {
		return BadClaim
	}
	p.network = network
	return Allowed
}

// only returns the one member of an object, nil when it has others too.
func only(v any, name string) any {
	object, ok := v.(map[string]any)
	if !ok || len(object) != 1 {
		return nil
	}
	return object[name]
}

// onlyMembers refuses an object that has members of other names.
func onlyMembers(object map[string]any, names ...string) Reason {
	known := 0
	for _, n := range names {
		if _, ok := object[n]; ok {
			known++
		}
	}
	if known != len(object) {
		return UnknownClaim
	}
	return Allowed
}

// allow holds all but the times against a request.
func (p *cloudFrontPolicy) allow(f *Found, r *Request) Reason {
	switch {
	case !p.resource.covers(f, r):
		return OutOfScope
	// The vendor documents 0.0.0.0/0 as "any address".
	case p.network.IsValid() && p.network.Bits() > 0 && !p.network.Contains(plainAddr(r.Client)):
		return Address
	}
	return Allowed
}

// cloudFrontResource is a Resource in its sections, each a glob that matches inside
// its own only. But a '*' at the end of the path covers any query too, and one at the
// end of the host everything after it.
type cloudFrontResource struct {
	valid    bool // it has a protocol: any other matches nothing
	protocol []byte
	host     []byte // in lower case
	hostOnly bool   // host ends in '*', and nothing follows it
	path     []byte // over the percent-encoded path
	query    []byte
	hasQuery bool
	anyQuery bool // path ends in '*'
}

func (c *cloudFrontResource) parse(resource []byte) {
	var rest []byte
	if c.protocol, rest, c.valid = bytes.Cut(resource, []byte("://")); !c.valid {
		return
	}
	path, query, hasQuery := bytes.Cut(rest, []byte(`\?`))
	c.query, c.hasQuery = query, hasQuery
	host, slash := path, bytes.IndexByte(path, '/')
	if slash >= 0 {
		host, path = path[:slash], path[slash:]
	} else {
		path = nil
	}
	c.host = bytes.ToLower(host)
	c.hostOnly = slash < 0 && !hasQuery && bytes.HasSuffix(host, asterisk)
	if len(path) == 0 {
		path = []byte{'/'} // RFC 3986 §6.2.3
	}
	c.path, c.anyQuery = appendPattern(nil, path), bytes.HasSuffix(path, asterisk)
}

// covers holds the Resource against the URL of a request.
func (c *cloudFrontResource) covers(f *Found, r *Request) bool {
	if !c.valid || !matchGlob(c.protocol, r.scheme()) || !matchGlob(c.host, r.Host) {
		return false
	}
	if c.hostOnly {
		return true
	}
	w := f.scratch
	w.text = target.AppendEncoded(w.text[:0], r.Path)
	if !matchGlob(c.path, w.text) {
		return false
	}
	if c.hasQuery {
		return matchGlob(c.query, f.Query)
	}
	return len(f.Query) == 0 || c.anyQuery
}

var asterisk = []byte{'*'}
