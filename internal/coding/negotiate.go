package coding

import (
	"bytes"
)

// Coding is a content coding this package can apply.
type Coding uint8

// The codings, from the one preferred least to the one preferred most among those
// a client weighs alike: the order is by size of the result, measured on playlists.
const (
	Identity Coding = iota
	Gzip
	Brotli
	Zstd
	NumCodings
)

// String returns the coding's registered name, "" for Identity.
func (c Coding) String() string { return [NumCodings]string{"", "gzip", "br", "zstd"}[c] }

// Negotiate returns the best coding that a request with this Accept-Encoding value
// (all lines joined by ", ", nil when absent) accepts (RFC 9110 §12.5.3): the one
// with the greatest weight, and among equals the last of the list above. What
// cannot be read counts as not acceptable. It allocates nothing.
func Negotiate(accept []byte) Coding {
	if len(accept) == 0 {
		return Identity
	}
	weights := weigh(accept)
	best := Identity
	for c := Gzip; c < NumCodings; c++ {
		if weights[c] > 0 && weights[c] >= weights[best] {
			best = c
		}
	}
	return best
}

// unset marks a coding that the field does not name.
const unset = -1

// weigh returns the weight of each coding in thousandths. identity is acceptable
// but comes last unless the field weighs it.
func weigh(accept []byte) [NumCodings]int {
	weights := [NumCodings]int{unset, unset, unset, unset}
	other := 0
	for len(accept) > 0 {
		var element []byte
		element, accept, _ = bytes.Cut(accept, []byte(","))
		name, params, _ := bytes.Cut(element, []byte(";"))
		name = bytes.Trim(name, " \t")
		w := weight(params)
		if string(name) == "*" {
			other = w
		} else if c, ok := named(name); ok {
			weights[c] = max(weights[c], w)
		}
	}
	for c := range weights {
		if weights[c] == unset && Coding(c) != Identity {
			weights[c] = other
		}
	}
	weights[Identity] = max(weights[Identity], 0)
	return weights
}

func named(name []byte) (Coding, bool) {
	switch {
	case bytes.EqualFold(name, []byte("gzip")), bytes.EqualFold(name, []byte("x-gzip")):
		return Gzip, true
	case bytes.EqualFold(name, []byte("br")):
		return Brotli, true
	case bytes.EqualFold(name, []byte("zstd")):
		return Zstd, true
	case bytes.EqualFold(name, []byte("identity")):
		return Identity, true
	}
	return Identity, false
}

// weight reads ";q=0.5" in thousandths: 1000 when there is none, 0 when it is
// malformed.
func weight(params []byte) int {
	params = bytes.Trim(params, " \t")
	if len(params) == 0 {
		return 1000
	}
	if len(params) < 3 || params[0]|0x20 != 'q' || params[1] != '=' {
		return 0
	}
	digits := params[2:]
	if digits[0] != '0' && digits[0] != '1' || len(digits) > 5 || len(digits) > 1 && digits[1] != '.' {
		return 0
	}
	w, scale := int(digits[0]-'0')*1000, 100
	for _, d := range digits[min(2, len(digits)):] {
		if d < '0' || d > '9' {
			return 0
		}
		w += int(d-'0') * scale
		scale /= 10
	}
	if w > 1000 {
		return 0
	}
	return w
}
