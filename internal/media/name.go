package media

// word is a set of the words that packagers put into file names.
type word uint8

const (
	wordInit word = 1 << iota
	wordPart
	wordSegment
	wordKey
)

// byName refines a class by the stem of a file name, as packagers form them:
//
//	init.mp4  init-stream0.m4s  video_init.mp4  chunk_…_cinit_….m4s   Init
//	x_part7.mp4  filePart271.3.m4s  segment_12_part_3.m4s             Part
//	x_seg7.mp4  fileSequence12.aac  chunk-stream0-00001.webm          Segment
//
// Everything else is what class says.
func byName(stem []byte, class Class) Class {
	words := wordsIn(stem)
	if words&wordInit != 0 || beginsInit(stem) {
		return Init
	}
	// Packagers count: what does not end in a digit is a title.
	if len(stem) == 0 || stem[len(stem)-1]-'0' > 9 {
		return class
	}
	switch {
	case words&wordPart != 0:
		return Part
	case words&wordSegment != 0:
		return Segment
	}
	return class
}

// beginsInit reports whether a stem begins with "init", behind which packagers
// put all sorts of things; only English words that begin so ("initial",
// "initiative") are told apart.
func beginsInit(stem []byte) bool {
	return hasPrefixFold(stem, "init") && (len(stem) == 4 || lower(stem[4]) != 'i')
}

// wordsIn returns the known words that stand in a stem on their own. A word is a
// run of letters; a capital behind a small letter begins another ("filePart").
func wordsIn(stem []byte) (found word) {
	for i := 0; i < len(stem); {
		if !isLetter(stem[i]) {
			i++
			continue
		}
		end := i + 1
		for end < len(stem) && isLetter(stem[end]) && (!isCapital(stem[end]) || isCapital(stem[end-1])) {
			end++
		}
		found |= knownWord(stem[i:end])
		i = end
	}
	return found
}

// knownWord looks up one run of letters.
func knownWord(b []byte) word {
	var room [len("fragment")]byte
	if len(b) > len(room) {
		return 0
	}
	for i, c := range b {
		room[i] = c | 0x20
	}
	switch string(room[:len(b)]) {
	case "init", "cinit":
		return wordInit
	case "part":
		return wordPart
	case "seg", "segment", "chunk", "frag", "fragment", "sequence":
		return wordSegment
	case "key":
		return wordKey
	}
	return 0
}

func isLetter(c byte) bool  { return c|0x20-'a' <= 'z'-'a' }
func isCapital(c byte) bool { return c-'A' <= 'Z'-'A' }

// lower maps an ASCII capital to its small letter and leaves all else alone.
func lower(c byte) byte {
	if isCapital(c) {
		c |= 0x20
	}
	return c
}

// equalFold reports whether b is want, which is in lower case, whatever the case
// of its ASCII letters.
func equalFold(b []byte, want string) bool {
	return len(b) == len(want) && hasPrefixFold(b, want)
}

// hasPrefixFold is equalFold for the beginning of b.
func hasPrefixFold(b []byte, want string) bool {
	if len(b) < len(want) {
		return false
	}
	for i := range len(want) {
		if lower(b[i]) != want[i] {
			return false
		}
	}
	return true
}

// hasSuffixFold is equalFold for the end of b.
func hasSuffixFold(b []byte, want string) bool {
	return len(b) >= len(want) && hasPrefixFold(b[len(b)-len(want):], want)
}
