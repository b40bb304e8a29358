package auth

// Trace receives the bytes that schemes check signatures over, for a tool to print.
// Where a secret is among the signed bytes, "<secret>" stands in its place.
type Trace struct {
	Signed []Signed // in the order of the checks
}

// Signed is what one scheme checked a signature over.
type Signed struct {
	Scheme string
	Bytes  []byte // a copy
}

// sign notes signed bytes, which must not hold a secret. On a nil Trace it does
// nothing.
func (t *Trace) sign(scheme string, signed []byte) {
	if t != nil {
		t.Signed = append(t.Signed, Signed{scheme, append([]byte(nil), signed...)})
	}
}

// concealed stands for a secret in traces.
var concealed = []byte("<secret>")
