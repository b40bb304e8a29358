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
	resource string
	before   int64 // DateLessThan: first second at which the token is invalid
	after    int64 // DateGreaterThan: last second at which it is not valid yet; 0 for none
	network  netip.Prefix
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
	if p.resource, ok = statement["Resource"].(string); !ok || p.resource == "" {
		return BadClaim // it would open everything
	}
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

// allow holds all but the expiry against a request.
func (p *cloudFrontPolicy) allow(f *Found, r *Request) Reason {
	switch {
	case p.after != 0 && r.Now <= p.after:
		return NotYet
	case !resourceCovers([]byte(p.resource), f, r):
		return OutOfScope
	// The vendor documents 0.0.0.0/0 as "any address".
	case p.network.IsValid() && p.network.Bits() > 0 && !p.network.Contains(plainAddr(r.Client)):
		return Address
	}
	return Allowed
}

// resourceCovers holds a Resource against the URL of a request. Wildcards match
// inside their section only: protocol, host, path or query. But a '*' at the end of
// the path covers any query too, and one at the end of the host everything after it.
func resourceCovers(resource []byte, f *Found, r *Request) bool {
	protocol, rest, ok := bytes.Cut(resource, []byte("://"))
	if !ok || !matchGlob(protocol, []byte(r.scheme())) {
		return false
	}
	path, query, hasQuery := bytes.Cut(rest, []byte(`\?`))
	host, slash := path, bytes.IndexByte(path, '/')
	if slash >= 0 {
		host, path = path[:slash], path[slash:]
	} else {
		path = nil
	}
	if !matchGlob(bytes.ToLower(host), r.Host) {
		return false
	}
	if slash < 0 && !hasQuery && bytes.HasSuffix(host, asterisk) {
		return true
	}
	if len(path) == 0 {
		path = []byte{'/'} // RFC 3986 §6.2.3
	}
	if !matchGlob(appendPattern(nil, path), target.AppendEncoded(nil, r.Path)) {
		return false
	}
	if hasQuery {
		return matchGlob(query, f.Query)
	}
	return len(f.Query) == 0 || bytes.HasSuffix(path, asterisk)
}

var asterisk = []byte{'*'}
