package main

import (
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"testing"

	"edged/internal/demo"
	"edged/internal/edgetest"
)

// TestE2ECarryDASHSchemes has ffmpeg play the DASH manifests of the title with tokens of other
// schemes: they stand in XML and in templates, and some are of several parameters.
func TestE2ECarryDASHSchemes(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("end-to-end tests run the real binary; not with -short")
	}
	ffmpeg := need(t, "ffmpeg")
	title, err := demo.NewOrigin(demo.Title())
	if err != nil {
		t.Fatal(err)
	}
	origin := httptest.NewServer(title)
	t.Cleanup(origin.Close)
	var played []*bridge
	c := edgetest.Config{Disk: "none"}
	for _, b := range bridges(t) {
		// Sessions are all alike: one that is reached by a redirect from a query will do.
		if b.scheme != "ect" && b.scope != "" && len(b.works) > 0 && b.carry != "cookie" && (b.session == "" || b.name == "cloudfront-custom-pathtoken") {
			played = append(played, b)
			c.Sites = append(c.Sites, edgetest.Site{Account: "acme", Host: b.hostOf("acme"), Origins: []string{origin.URL}, Extra: b.table("acme")})
		}
	}
	node := edgetest.Start(t, c)
	for _, b := range played {
		b.load(t, node.ConfigFile())
		for _, s := range demo.Streams() {
			if !strings.HasSuffix(s.Path, ".mpd") {
				continue
			}
			t.Run(b.name+" "+s.ID, func(t *testing.T) {
				b.scope = path.Dir(s.Path) + "/"
				passes := b.passes(wish{path: s.Path})
				p := passes[slices.IndexFunc(passes, func(p pass) bool { return p.field == "" })]
				lines := string(frames(t, ffmpeg, "http://"+node.HTTPAddress()+p.target(s.Path), "-headers", "Host: "+b.hostOf("acme")+"\r\n"))
				if n := strings.Count(lines, "\n0,"); n != 14*25 {
					t.Errorf("%d frames of video, want %d", n, 14*25)
				}
			})
		}
	}
}
