package media

import "bytes"

// Class is what an object is to a player. Its words are log and metric
// vocabulary and do not change.
type Class uint8

// The classes.
const (
	Other    Class = iota // nothing this package knows
	Manifest              // playlist or MPD
	Segment               // media segment
	Init                  // initialization segment
	Part                  // part of a segment: LL-HLS
	Key                   // decryption key of HLS
	Subtitle              // text track, whole or in segments
	Image                 // poster, thumbnail tile
	File                  // progressive audio or video

	// NumClasses is the number of classes, for tables of counters.
	NumClasses = int(iota)
)

// String returns the stable word of the class.
func (c Class) String() string {
	words := [NumClasses]string{
		Other:    "other",
		Manifest: "manifest",
		Segment:  "segment",
		Init:     "init",
		Part:     "part",
		Key:      "key",
		Subtitle: "subtitle",
		Image:    "image",
		File:     "file",
	}
	if int(c) >= NumClasses {
		return "unknown"
	}
	return words[c]
}

// Classify returns the class of a canonical path, judged by its last segment
// and, for Smooth Streaming, by the directory that holds it. Letters are compared
// without regard to case, path parameters (";…") are set aside.
//
// It is a guess that steers defaults and counters, never a permission. Names that
// packagers give decide between kinds that share a suffix: "init.mp4" is Init,
// "x_part7.mp4" is Part, "x_seg7.mp4" is Segment, "film.mp4" is File.
//
// Budget: 0 allocations (BenchmarkClassify).
func Classify(path []byte) Class {
	slash := bytes.LastIndexByte(path, '/')
	dir, name := path[:max(slash, 0)], path[slash+1:]
	name, _, _ = bytes.Cut(name, []byte{';'})
	if class := smooth(dir, name); class != Other {
		return class
	}
	dot := bytes.LastIndexByte(name, '.')
	if dot < 0 {
		if equalFold(name, "key") {
			return Key
		}
		return Other
	}
	return bySuffix(name[:dot], name[dot+1:])
}

// bySuffix classifies by file name suffix, then by stem where packagers use one
// suffix for several kinds.
func bySuffix(stem, suffix []byte) Class {
	var room [8]byte
	if len(suffix) > len(room) {
		return Other
	}
	for i, c := range suffix {
		room[i] = lower(c)
	}
	switch string(room[:len(suffix)]) {
	case "m3u8", "mpd", "m3u", "mpp", "f4m":
		return Manifest
	case "ts", "m4s", "m4f", "cmfv", "cmfa", "cmft", "cmfm", "dash", "chk", "f4f":
		return byName(stem, Segment)
	case "mp4", "m4v", "m4a", "aac", "ac3", "ec3", "webm":
		return byName(stem, File)
	case "mov", "mkv", "mka", "mp3", "m4b", "ogg", "oga", "ogv", "opus", "flac", "wav", "avi",
		"wmv", "wma", "flv", "f4v", "mpg", "mpeg", "3gp", "ismv", "isma":
		return File
	case "vtt", "webvtt", "srt", "ttml", "dfxp", "stpp", "ssa", "ass", "sub", "smi":
		return Subtitle
	case "jpg", "jpeg", "png", "webp", "gif", "avif", "jxl", "svg", "bmp", "ico", "bif":
		return Image
	case "key":
		return Key
	case "bin":
		if wordsIn(stem)&wordKey != 0 {
			return Key
		}
	}
	return Other
}

// smooth recognises the URLs of Smooth Streaming, which have no suffix:
// "film.ism/Manifest" and "film.ism/QualityLevels(…)/Fragments(…)".
func smooth(dir, name []byte) Class {
	switch {
	case hasPrefixFold(name, "manifest") && (hasSuffixFold(dir, ".ism") || hasSuffixFold(dir, ".isml")):
		return Manifest
	case hasPrefixFold(name, "fragments("):
		return Segment
	}
	return Other
}
