package edge

import (
	"strings"
	"testing"

	"edged/logfmt"
)

// What is remembered must be what is parsed, whatever came before.
func TestViewerRemembersRightly(t *testing.T) {
	long := strings.Repeat("x", 2*maxRemembered)
	agents := []string{"", "curl/8", "Lavf/60", "curl/8", "curl/80", long, "", "VLC/3"}
	pages := []string{"", "https://a.example/x", "https://b.example/x", "https://a.example/x", "nonsense", "https://" + long, "", "http://1.2.3.4/"}
	var v viewer
	for i := range 3 * len(agents) * len(pages) {
		agent, page := []byte(agents[i%len(agents)]), []byte(pages[i/2%len(pages)])
		if got, want := v.agent(agent), logfmt.AgentOf(agent); got != want {
			t.Errorf("%.20q is of family %v, want %v", agent, got, want)
		}
		got, want := string(v.referrer(page)), string(logfmt.ReferrerHost(page))
		clear(page) // the request's buffer is used again
		if again := string(v.pageHost); got != want || len(page) > 0 && len(page) <= maxRemembered && again != want {
			t.Errorf("host %.20q, then %.20q, want %.20q", got, again, want)
		}
	}
}
