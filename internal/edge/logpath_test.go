package edge

import "testing"

// TestBlank: what may be a token is not shown of a refused path, names of files are.
func TestBlank(t *testing.T) {
	x := new(Exchange)
	x.scratch = []byte("kept")
	for path, want := range map[string]string{
		"/vod/title/seg-1.mp4": "/vod/title/seg-1.mp4",
		"/":                    "/",
		"/live/stream-1080p-segment-000001234567.m4s":         "/live/stream-1080p-segment-000001234567.m4s",
		"/Pz8exayMFCdPFODxYZMXpg/1795326521/vod/a.mp4":        "/*/1795326521/vod/a.mp4",
		"/p/12d47c48a54e98ef93aae134bd63e05f/vod/a.mp4":       "/p/*/vod/a.mp4",
		"/p/12D47C48A54E98EF93AAE134BD63E05F/vod/a.mp4":       "/p/*/vod/a.mp4",
		"/p/8a54e98ef93aae134bd63e05/vod/a.mp4":               "/p/*/vod/a.mp4",
		"/7L8KUfvL66eDzP04fpBLbw=====,1795326521/vod/a.mp4":   "/*/vod/a.mp4",
		"/x:h1.acme.ZXhwPTE3OTUzMjY1MjEKcD0vdm9k.-96/vod/":    "/*/vod/",
		"/vod/a;n=eyJhbGciOiJIUzI1NiIsImtpZCI6ImFjbWUifQ.e.s": "/vod/*",
	} {
		if got := string(x.blank([]byte(path))); got != want {
			t.Errorf("%s is shown as %s, want %s", path, got, want)
		}
	}
	if string(x.scratch[:4]) != "kept" {
		t.Error("what was in the scratch before has changed")
	}
}
