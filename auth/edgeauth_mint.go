package auth

import (
	"cmp"
	"encoding/hex"
	"strconv"
	"strings"
)

// edgeAuth mints a token with an acl. Its exp is the last second, not the first
// after it.
func (o *Order) edgeAuth() ([]Param, error) {
	c, e := &o.Claims, &o.Options.EdgeAuth
	if err := c.only(edgeAuthName, "networks", "a session"); err != nil {
		return nil, err
	}
	newHash, ok := hashByName(e.Hash)
	if !ok || !o.Key.Type.Shared() {
		return nil, o.unfit(edgeAuthName)
	}
	var fields []string
	add := func(name, value string) { fields = append(fields, name+"="+value) }
	if len(c.Addresses) > 1 || len(c.Addresses) == 1 && !c.Addresses[0].IsSingleIP() {
		return nil, claimless(edgeAuthName, "more than one address")
	}
	if len(c.Addresses) == 1 {
		add("ip", o.escaped(c.Addresses[0].Addr().String()))
	}
	if c.NotBefore != 0 {
		add("st", strconv.FormatInt(c.NotBefore, 10))
	}
	add("exp", strconv.FormatInt(c.Expires-1, 10))
	acl, err := c.acl()
	if err != nil {
		return nil, err
	}
	add("acl", acl)
	if c.Session != "" {
		if strings.ContainsAny(c.Session, "~") {
			return nil, claimless(edgeAuthName, "a session with ~ in it")
		}
		add("id", o.escaped(c.Session))
	}
	text := strings.Join(fields, "~")
	signed := text
	if e.Salt != "" {
		signed += saltField + e.Salt
	}
	mac := newMACPool(newHash, o.Key.Secret).sum(nil, []byte(signed))
	return []Param{{cmp.Or(e.Name, DefaultEdgeAuthName), text + "~hmac=" + hex.EncodeToString(mac)}}, nil
}

// escaped writes a value as the site's flavour of signers does.
func (o *Order) escaped(value string) string {
	return string(appendEscapedInput(nil, []byte(value), o.Options.EdgeAuth.Escape))
}

// acl writes scopes as globs, with '/' escaped, so that a token can be a path segment.
func (c *Claims) acl() (string, error) {
	globs := make([]string, len(c.Scopes))
	for i, scope := range c.Scopes {
		encoded, below := encodedScope(scope)
		if hasGlob(encoded) {
			return "", claimless(edgeAuthName, "a scope with wildcards or delimiters in it")
		}
		if below {
			encoded += "*"
		}
		globs[i] = strings.NewReplacer("%", "%25", "/", "%2f").Replace(encoded)
	}
	return strings.Join(globs, "!"), nil
}
