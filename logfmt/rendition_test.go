package logfmt

import "testing"

func TestRenditionOf(t *testing.T) {
	for path, want := range map[string]string{
		"/title/1080p/seg-1.m4s":        "1080p",
		"/title/720p50/1.ts":            "720p50",
		"/title_480p.mp4":               "480p",
		"/t/video-2500k-7.ts":           "2500k",
		"/t/800kbps/1.ts":               "800kbps",
		"/t/1280x720/1.ts":              "1280x720",
		"/1080p/low-360p/1.ts":          "360p",
		"/720p":                         "720p",
		"720p":                          "720p",
		"":                              "",
		"/":                             "",
		"/title/video/1.m4s":            "",
		"/title/3/1.m4s":                "",
		"/title/10p/1.m4s":              "",
		"/title/10800p/1.m4s":           "",
		"/title/1080px/1.m4s":           "",
		"/title/x1080p/1.m4s":           "",
		"/title/1080p1234/1.m4s":        "",
		"/title/9x9/1.m4s":              "",
		"/title/5kb/1.m4s":              "",
		"/title/1234567k/1.m4s":         "",
		"/title/192.168.1.77/1.m4s":     "",
		"/a/\xff\xff/1080p\x00/x":       "",
		"/title/123456789012x34567/1.t": "",
	} {
		if got := string(RenditionOf([]byte(path))); got != want {
			t.Errorf("%q is of rendition %q, want %q", path, got, want)
		}
	}
}

func FuzzRenditionOf(f *testing.F) {
	f.Add([]byte("/a/1080p/x.ts"))
	f.Fuzz(func(t *testing.T, path []byte) {
		r := RenditionOf(path)
		if r != nil && (len(r) > 10 || !digit(r[0])) {
			t.Errorf("%q has rendition %q", path, r)
		}
	})
}

func BenchmarkRenditionOf(b *testing.B) {
	path := []byte("/title/video 1/seg-00042.m4s")
	for b.Loop() {
		RenditionOf(path)
	}
}
