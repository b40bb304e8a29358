package rfc9111

import "bytes"

// NormalizeSelecting appends to dst the form of a request field's value in which
// variants are compared (RFC 9111 §4.1). name is in lower case, as from [Vary];
// value is all lines of the field joined by ", " and borrowed for the call.
//
//   - accept-encoding: which of br, gzip and zstd are acceptable, in that order, as
//     "br,gzip". Preference among them does not split the cache.
//   - accept-language: tags in lower case, ordered by weight, then by name: RFC 9110
//     §12.5.4 gives the order of equal weights no meaning.
//   - anything else: white space trimmed at the ends and around commas, and folded
//     to one space elsewhere; quoted strings are left alone.
//
// What differs only before normalising must not reach the origin differently, or
// one client chooses what another gets: whoever varies on a field sends its
// normalised value upstream. It allocates nothing when dst has room.
func NormalizeSelecting(name string, value []byte, dst []byte) []byte {
	switch name {
	case "accept-encoding":
		return appendCodings(dst, value)
	case "accept-language":
		if languages, ok := parseLanguages(value); ok {
			return languages.append(dst)
		}
	}
	return appendFolded(dst, value)
}

// appendCodings appends the acceptable ones of the codings we tell apart (RFC
// 9110 §12.5.3).
func appendCodings(dst, value []byte) []byte {
	var br, gzip, zstd, others verdict
	for len(value) > 0 {
		var member []byte
		member, value = cutList(value)
		coding, weight, ok := cutWeight(member)
		if !ok {
			continue
		}
		switch {
		case equalLower(coding, "br"):
			br.set(weight)
		case equalLower(coding, "gzip"), equalLower(coding, "x-gzip"):
			gzip.set(weight)
		case equalLower(coding, "zstd"):
			zstd.set(weight)
		case len(coding) == 1 && coding[0] == '*':
			others.set(weight)
		}
	}
	start := len(dst)
	dst = br.append(dst, start, others, "br")
	dst = gzip.append(dst, start, others, "gzip")
	return zstd.append(dst, start, others, "zstd")
}

// verdict is what Accept-Encoding says of one coding.
type verdict uint8

const (
	unsaid verdict = iota
	refused
	accepted
)

func (v *verdict) set(weight int) {
	*v = accepted
	if weight == 0 {
		*v = refused
	}
}

// append appends the coding when it, or "*" in its place, was accepted.
func (v verdict) append(dst []byte, start int, others verdict, coding string) []byte {
	if v == unsaid {
		v = others
	}
	if v != accepted {
		return dst
	}
	if len(dst) > start {
		dst = append(dst, ',')
	}
	return append(dst, coding...)
}

// cutList cuts the first member off a comma-separated list.
func cutList(list []byte) (member, rest []byte) {
	member, rest, _ = bytes.Cut(list, []byte{','})
	return trimBoth(member), rest
}

// cutWeight splits `name;q=0.8` into the name and the weight in thousandths, 1000
// when there is none (RFC 9110 §12.4.2). ok is false for anything else.
func cutWeight(member []byte) (name []byte, weight int, ok bool) {
	name, parameter, found := bytes.Cut(member, []byte{';'})
	name = trimBoth(name)
	if !found {
		return name, 1000, len(name) > 0
	}
	parameter = trimBoth(parameter)
	if len(parameter) < 3 || lowerByte(parameter[0]) != 'q' || parameter[1] != '=' {
		return nil, 0, false
	}
	weight, ok = thousandths(parameter[2:])
	return name, weight, ok && len(name) > 0
}

// thousandths parses a qvalue: "0" or "1" with at most three decimals.
func thousandths(b []byte) (weight int, ok bool) {
	if len(b) > 5 || b[0] != '0' && b[0] != '1' || len(b) > 1 && b[1] != '.' {
		return 0, false
	}
	weight = int(b[0]-'0') * 1000
	scale := 100
	for _, d := range b[min(2, len(b)):] {
		if d < '0' || d > '9' {
			return 0, false
		}
		weight += int(d-'0') * scale
		scale /= 10
	}
	return weight, weight <= 1000
}

// appendFolded trims and folds white space outside of quoted strings.
func appendFolded(dst, value []byte) []byte {
	start := len(dst)
	for value = trimBoth(value); len(value) > 0; {
		if n := closingQuote(value); n > 0 {
			dst = append(dst, value[:n+1]...)
			value = value[n+1:]
			continue
		}
		if !isOWS(value[0]) {
			dst, value = append(dst, value[0]), value[1:]
			if dst[len(dst)-1] == ',' {
				value, _ = trimOWS(value)
			}
			continue
		}
		value, _ = trimOWS(value)
		if value[0] != ',' && len(dst) > start {
			dst = append(dst, ' ')
		}
	}
	return dst
}
