package logfmt

import "bytes"

// Agent is the family of a user agent: all that the log keeps of the field. The
// set is closed, so a Record cannot carry a free-form agent.
//
// A player that runs in a page (hls.js, dash.js, Shaka) sends its browser's
// agent and counts as the browser.
type Agent uint8

// The families.
const (
	AgentNone Agent = iota // no User-Agent field
	AgentOther
	AgentBot
	AgentAppleCoreMedia // AVPlayer on Apple's systems, native HLS in Safari too
	AgentExoPlayer      // ExoPlayer and its successor media3
	AgentFFmpeg         // libavformat: ffmpeg, mpv and many players
	AgentVLC
	AgentCurl
	AgentEdge
	AgentFirefox
	AgentChrome // and what is built on it and does not say Edge
	AgentSafari
	numAgents
)

// String returns the word that the log holds, "" for AgentNone.
func (a Agent) String() string {
	if a >= numAgents {
		return "other"
	}
	return [numAgents]string{
		"", "other", "bot", "applecoremedia", "exoplayer", "ffmpeg", "vlc", "curl",
		"edge", "firefox", "chrome", "safari",
	}[a]
}

// parseAgent is the inverse of String. A word of a later version is other.
func parseAgent(s []byte) Agent {
	for a := range numAgents {
		if string(s) == a.String() {
			return a
		}
	}
	return AgentOther
}

// maxAgentScan bounds the work that a hostile User-Agent can cause, in bytes.
const maxAgentScan = 512

// AgentOf returns the family of a User-Agent value. It allocates nothing and
// keeps nothing of ua.
//
// It looks at the words before each '/', the product names. Browsers name each
// other (Edge says Chrome, Chrome says Safari): the family that stands first in
// the list of constants wins.
func AgentOf(ua []byte) Agent {
	if len(ua) == 0 {
		return AgentNone
	}
	ua = ua[:min(len(ua), maxAgentScan)]
	best := numAgents
	for {
		i := bytes.IndexByte(ua, '/')
		if i < 0 {
			break
		}
		if a := productFamily(lastWord(ua[:i])); a != AgentOther {
			best = min(best, a)
		}
		ua = ua[i+1:]
	}
	if best == numAgents {
		return AgentOther
	}
	return best
}

// lastWord returns the letters, digits, '-' and '_' that b ends in.
func lastWord(b []byte) []byte {
	i := len(b)
	for i > 0 && (b[i-1]|0x20 >= 'a' && b[i-1]|0x20 <= 'z' || b[i-1] >= '0' && b[i-1] <= '9' || b[i-1] == '-' || b[i-1] == '_') {
		i--
	}
	return b[i:]
}

// productFamily returns the family that a product name stands for, AgentOther
// when it says nothing.
func productFamily(name []byte) Agent {
	switch string(name) {
	case "", "Mozilla", "AppleWebKit", "Gecko", "Version", "Mobile": // of every browser
		return AgentOther
	case "Chrome", "Chromium", "CriOS":
		return AgentChrome
	case "Safari":
		return AgentSafari
	case "Firefox", "FxiOS":
		return AgentFirefox
	case "Edg", "EdgA", "EdgiOS", "Edge":
		return AgentEdge
	case "AppleCoreMedia":
		return AgentAppleCoreMedia
	case "Lavf", "FFmpeg", "ffmpeg":
		return AgentFFmpeg
	case "VLC", "LibVLC":
		return AgentVLC
	case "curl", "libcurl":
		return AgentCurl
	}
	switch {
	case bytes.HasPrefix(name, []byte("ExoPlayer")), bytes.HasSuffix(name, []byte("Media3")):
		return AgentExoPlayer
	case hasSuffixFold(name, "bot"), hasSuffixFold(name, "spider"), hasSuffixFold(name, "crawler"):
		return AgentBot
	}
	return AgentOther
}

func hasSuffixFold(name []byte, suffix string) bool {
	return len(name) >= len(suffix) && bytes.EqualFold(name[len(name)-len(suffix):], []byte(suffix))
}
