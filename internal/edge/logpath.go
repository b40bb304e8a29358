package edge

import (
	"bytes"

	"edged/auth"
)

// logPath is the canonical path. Of a target that was refused before its token was
// cut out nothing is logged, and nothing of a path with a token in a place where
// none belongs: somebody may have built his URLs wrongly, the token can be good. For
// the same reason a refused path is shown without what looks like a token.
func (x *Exchange) logPath() []byte {
	if len(x.key) == 0 && !x.out.Checked || x.out.Denied == auth.TwoPlaces || x.out.Denied == auth.Duplicate ||
		holdsToken(x.path) {
		return nil
	}
	if x.out.Denied != auth.Allowed {
		return x.blank(x.path)
	}
	return x.path
}

// holdsToken reports whether "ect=", in any case, is anywhere in path.
func holdsToken(path []byte) bool {
	const name = "ect"
	for {
		i := bytes.IndexByte(path, '=')
		if i < 0 {
			return false
		}
		if i >= len(name) && bytes.EqualFold(path[i-len(name):i], []byte(name)) {
			return true
		}
		path = path[i+1:]
	}
}

// blanked stands in the log for a segment that may be a token.
const blanked = "*"

// blank returns path with "*" for every segment that looks signed. Schemes whose
// tokens have no name in the path leave them there when something around is misspelt.
func (x *Exchange) blank(path []byte) []byte {
	start := len(x.scratch)
	for i, segment := range bytes.Split(path, []byte{'/'}) {
		if i > 0 {
			x.scratch = append(x.scratch, '/')
		}
		if looksSigned(segment) {
			segment = []byte(blanked)
		}
		x.scratch = append(x.scratch, segment...)
	}
	return x.scratch[start:len(x.scratch):len(x.scratch)]
}

// minSignature is the length from which a run of characters may be a signature. The
// shortest there are have 22, MD5 in base64; a client may have cut one.
const minSignature = 20

// looksSigned reports whether segment has a run of bytes that could be a signature:
// base64 with letters of both cases, or hexadecimal digits.
func looksSigned(segment []byte) bool {
	var run, digits int
	var upper, lower bool
	for _, c := range segment {
		switch {
		case 'A' <= c && c <= 'Z':
			run, upper = run+1, true
		case 'a' <= c && c <= 'z':
			run, lower = run+1, true
		case '0' <= c && c <= '9', c == '-', c == '_', c == '+':
			run++
		default:
			run, upper, lower = 0, false, false
		}
		if digits++; (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			digits = 0
		}
		if run >= minSignature && upper && lower || digits >= minSignature {
			return true
		}
	}
	return false
}
