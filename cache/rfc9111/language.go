package rfc9111

// maxLanguages bounds how many members of Accept-Language are sorted; a longer
// list is compared as it is.
const maxLanguages = 16

// language is one member of Accept-Language, borrowed.
type language struct {
	tag    []byte
	weight int // thousandths
}

// languages is a list on the stack, ordered by weight, then by tag.
type languages struct {
	list [maxLanguages]language
	n    int
}

// parseLanguages reads Accept-Language (RFC 9110 §12.5.4). ok is false when a
// member cannot be read or there are too many.
func parseLanguages(value []byte) (l languages, ok bool) {
	for len(value) > 0 {
		var member []byte
		if member, value = cutList(value); len(member) == 0 {
			continue
		}
		tag, weight, ok := cutWeight(member)
		if !ok || l.n == maxLanguages {
			return l, false
		}
		l.insert(language{tag, weight})
	}
	return l, true
}

// insert keeps the order; the list is short.
func (l *languages) insert(member language) {
	i := l.n
	for i > 0 && member.before(l.list[i-1]) {
		l.list[i] = l.list[i-1]
		i--
	}
	l.list[i] = member
	l.n++
}

func (a language) before(b language) bool {
	if a.weight != b.weight {
		return a.weight > b.weight
	}
	return compareFold(a.tag, b.tag) < 0
}

// compareFold orders bytes as if they were lower case.
func compareFold(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if d := int(lowerByte(a[i])) - int(lowerByte(b[i])); d != 0 {
			return d
		}
	}
	return len(a) - len(b)
}

// append writes the list as "de,en;q=0.5".
func (l *languages) append(dst []byte) []byte {
	for i, member := range l.list[:l.n] {
		if i > 0 {
			dst = append(dst, ',')
		}
		for _, c := range member.tag {
			dst = append(dst, lowerByte(c))
		}
		if member.weight < 1000 {
			dst = appendWeight(dst, member.weight)
		}
	}
	return dst
}

// appendWeight writes a weight below 1 without trailing zeros.
func appendWeight(dst []byte, weight int) []byte {
	dst = append(dst, ";q=0"...)
	if weight == 0 {
		return dst
	}
	dst = append(dst, '.')
	for scale := 100; weight > 0; scale /= 10 {
		dst = append(dst, byte('0'+weight/scale))
		weight %= scale
	}
	return dst
}
