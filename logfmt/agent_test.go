package logfmt

import (
	"strings"
	"testing"
)

func TestAgentOf(t *testing.T) {
	for ua, want := range map[string]Agent{
		"": AgentNone,
		"AppleCoreMedia/1.0.0.21F79 (iPhone; U; CPU OS 17_5 like Mac OS X; en_us)": AgentAppleCoreMedia,
		"Demo/1.0 (Linux;Android 14) ExoPlayerLib/2.19.1":                          AgentExoPlayer,
		"Demo/1.0 (Linux;Android 15) AndroidXMedia3/1.5.0":                         AgentExoPlayer,
		"Lavf/61.7.100":            AgentFFmpeg,
		"VLC/3.0.21 LibVLC/3.0.21": AgentVLC,
		"curl/8.14.1":              AgentCurl,
		"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)":                                                             AgentBot,
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                                                               AgentFirefox,
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36":                      AgentChrome,
		"Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0":                    AgentEdge,
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15":                AgentSafari,
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/138.0 Safari/604":               AgentChrome,
		"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Googlebot/2.1; +http://x.example/bot.html) Chrome/140.0 Safari/537.36": AgentBot,
		"AhrefsSiteAudit/6.1 SomeCrawler/1":   AgentBot,
		"no product at all":                   AgentOther,
		"/":                                   AgentOther,
		"SmartThing/1":                        AgentOther,
		strings.Repeat("x", 600) + "Firefox/": AgentOther,
	} {
		if got := AgentOf([]byte(ua)); got != want {
			t.Errorf("AgentOf(%q) = %v, want %v", ua, got, want)
		}
	}
}

func TestAgentWords(t *testing.T) {
	for a := range numAgents {
		if got := parseAgent([]byte(a.String())); got != a {
			t.Errorf("%v read back as %v", a, got)
		}
	}
	if got := parseAgent([]byte("of-a-later-version")); got != AgentOther {
		t.Errorf("an unknown family is %v", got)
	}
	if got := Agent(200).String(); got != "other" {
		t.Errorf("family 200 is %q", got)
	}
}

func TestReferrerHost(t *testing.T) {
	for raw, want := range map[string]string{
		"https://www.example.org/watch?v=1#t": "www.example.org",
		"HTTP://Example.org":                  "Example.org",
		"https://example.org:8443/":           "example.org",
		"https://user:secret@example.org/":    "example.org",
		"https://a@b@example.org":             "example.org",
		"https://example.org?token=1":         "example.org",
		`https://example.org\path`:            "example.org",
		"https://192.0.2.7/":                  "",
		"https://192.0.2.7./":                 "",
		"https://0xc0000207/":                 "",
		"https://[2001:db8::1]:8080/":         "",
		"https://":                            "",
		"https://.":                           "",
		"https:///path":                       "",
		"https://exa mple.org/":               "",
		"https://exämple.org/":                "",
		"ftp://example.org/":                  "",
		"example.org":                         "",
		"":                                    "",
		"android-app://com.example.player":    "",
		"https://" + strings.Repeat("a", 254): "",
	} {
		if got := string(ReferrerHost([]byte(raw))); got != want {
			t.Errorf("ReferrerHost(%q) = %q, want %q", raw, got, want)
		}
	}
}

func FuzzReferrerHost(f *testing.F) {
	for _, seed := range []string{"https://example.org/x", "http://u:p@h:1/?q", "https://[::1]/", "https://1.2.3.4"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		host := ReferrerHost(raw)
		if host != nil && (!isName(host) || isAddress(host)) {
			t.Errorf("ReferrerHost(%q) = %q", raw, host)
		}
	})
}
