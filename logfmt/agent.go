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

// agentMarks are looked for in order: browsers name each other (Edge says
// Chrome, Chrome says Safari), so the more particular mark comes first.
var agentMarks = [...]struct {
	mark  string
	agent Agent
}{
	{"AppleCoreMedia/", AgentAppleCoreMedia},
	{"ExoPlayer", AgentExoPlayer},
	{"Media3", AgentExoPlayer},
	{"Lavf/", AgentFFmpeg},
	{"FFmpeg", AgentFFmpeg},
	{"ffmpeg", AgentFFmpeg},
	{"VLC/", AgentVLC},
	{"LibVLC", AgentVLC},
	{"curl/", AgentCurl},
	{"bot", AgentBot},
	{"Bot", AgentBot},
	{"rawler", AgentBot},
	{"pider", AgentBot},
	{"Edg", AgentEdge},
	{"Firefox/", AgentFirefox},
	{"FxiOS/", AgentFirefox},
	{"Chrome/", AgentChrome},
	{"CriOS/", AgentChrome},
	{"Safari/", AgentSafari},
}

// AgentOf returns the family of a User-Agent value. It allocates nothing and
// keeps nothing of ua.
func AgentOf(ua []byte) Agent {
	if len(ua) == 0 {
		return AgentNone
	}
	ua = ua[:min(len(ua), maxAgentScan)]
	for i := range agentMarks {
		if bytes.Contains(ua, []byte(agentMarks[i].mark)) {
			return agentMarks[i].agent
		}
	}
	return AgentOther
}
