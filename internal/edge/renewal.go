package edge

import (
	"strconv"

	"edged/auth"
)

// renew hands the client the next token of a chain, when the one that came asks for
// that (RFC 9246 §2.1.13, catr of CTA-5007). It is this client's alone: nobody stores
// it with the response.
func (x *Exchange) renew() {
	n := x.verdict.Renewal
	if n == nil {
		return
	}
	if n.Carrier != auth.Cookie {
		x.field(n.Name, n.Token)
		return
	}
	x.field("Set-Cookie", x.value(func(b []byte) []byte {
		b = append(append(append(b, n.Name...), '='), n.Token...)
		b = append(append(b, "; Path="...), n.Path...)
		b = strconv.AppendInt(append(b, "; Max-Age="...), max(0, n.Expires-x.now/1e9), 10)
		return append(b, cookieAttributes...)
	}))
}
