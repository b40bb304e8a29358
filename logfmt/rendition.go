package logfmt

// RenditionOf returns the rendition that a path names, borrowed from it: the last
// word of it that looks like a resolution ("1080p", "720p50", "1280x720") or a
// bitrate ("2500k", "800kbps"). Words are what stands between '/', '_', '-' and '.'. It is
// nil where there is none: most packagers number their renditions, and a number
// alone says nothing.
func RenditionOf(path []byte) []byte {
	end := len(path)
	for i := len(path) - 1; i >= -1; i-- {
		if i >= 0 && !wordEnd[path[i]] {
			continue
		}
		word := path[i+1 : end]
		end = i
		if len(word) >= 2 && digit(word[0]) && isRendition(word) {
			return word
		}
	}
	return nil
}

// wordEnd holds what separates the words of a path.
var wordEnd = [256]bool{'/': true, '_': true, '-': true, '.': true}

func digit(c byte) bool { return c-'0' < 10 }

// isRendition reports whether word is NNN(N)p, NNN(N)pNN(N), N…xN…, N…k or N…kbps.
func isRendition(word []byte) bool {
	first := digits(word)
	if first == len(word) || len(word) > len("100000kbps") {
		return false
	}
	rest := word[first+1:]
	second := digits(rest)
	switch word[first] {
	case 'p':
		return (first == 3 || first == 4) && second == len(rest) && second <= 3
	case 'x':
		return first >= 2 && first <= 5 && second >= 2 && second == len(rest)
	case 'k', 'K':
		return first >= 2 && first <= 6 && (len(rest) == 0 || string(rest) == "bps")
	}
	return false
}

// digits returns how many digits b begins with.
func digits(b []byte) (n int) {
	for n < len(b) && digit(b[n]) {
		n++
	}
	return n
}
