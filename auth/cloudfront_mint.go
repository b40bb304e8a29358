package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
)

// cloudFront mints a canned token for exactly the link, where that is what the claims
// say, and else one with a policy. The hash is SHA-256.
func (o *Order) cloudFront() ([]Param, error) {
	c, l := &o.Claims, &o.Link
	if err := c.only(cloudFrontName, "networks"); err != nil {
		return nil, err
	}
	if len(c.Scopes) != 1 || len(c.Addresses) > 1 {
		return nil, claimless(cloudFrontName, "more than one scope or network")
	}
	path, below := encodedScope(c.Scopes[0])
	if hasGlob(path) {
		return nil, claimless(cloudFrontName, "a scope with wildcards in it")
	}
	canned := !below && path == l.Path && c.NotBefore == 0 && len(c.Addresses) == 0
	url := l.Scheme + "://" + l.Host + path
	switch {
	case canned && l.Query != "":
		url += "?" + l.Query
	case canned:
	case below:
		url += "*"
	case l.Query != "":
		url += `\?` + strings.ReplaceAll(l.Query, "?", "*")
	}
	text, err := o.policy(url)
	if err != nil {
		return nil, err
	}
	sig, err := o.signPKCS1(text)
	if err != nil {
		return nil, err
	}
	first := Param{"Policy", cloudFront64(text)}
	if canned {
		first = Param{"Expires", strconv.FormatInt(c.Expires, 10)}
	}
	return []Param{first, {"Signature", cloudFront64(sig)}, {"Key-Pair-Id", o.Key.name()}, {"Hash-Algorithm", "SHA256"}}, nil
}

// policy writes the one statement of a token, byte by byte as canned ones are.
func (o *Order) policy(resource string) ([]byte, error) {
	c := &o.Claims
	quoted, err := json.Marshal(resource)
	if err != nil {
		return nil, err
	}
	// Not what Marshal does for web pages: the verifier rebuilds canned text from the URL.
	name := strings.NewReplacer(`\u0026`, "&", `\u003c`, "<", `\u003e`, ">").Replace(string(quoted))
	b := append([]byte(`{"Statement":[{"Resource":`), name...)
	b = strconv.AppendInt(append(b, `,"Condition":{"DateLessThan":{"AWS:EpochTime":`...), c.Expires, 10)
	b = append(b, '}')
	if c.NotBefore != 0 { // "greater than" begins one second later
		b = strconv.AppendInt(append(b, `,"DateGreaterThan":{"AWS:EpochTime":`...), c.NotBefore-1, 10)
		b = append(b, '}')
	}
	for _, n := range c.Addresses {
		if !n.Addr().Is4() {
			return nil, claimless(cloudFrontName, "a network of IPv6")
		}
		b = append(append(append(b, `,"IpAddress":{"AWS:SourceIp":"`...), n.Masked().String()...), `"}`...)
	}
	return append(b, "}}]}"...), nil
}

func (o *Order) signPKCS1(text []byte) ([]byte, error) {
	sum := sha256.Sum256(text)
	switch k := o.Private.(type) {
	case *rsa.PrivateKey:
		return rsa.SignPKCS1v15(rand.Reader, k, crypto.SHA256, sum[:])
	case *ecdsa.PrivateKey:
		return ecdsa.SignASN1(rand.Reader, k, sum[:])
	}
	return nil, o.unfit(cloudFrontName)
}

// cloudFront64 is base64 with "+=/" written as "-_~".
func cloudFront64(b []byte) string {
	return strings.NewReplacer("+", "-", "=", "_", "/", "~").Replace(base64.StdEncoding.EncodeToString(b))
}
