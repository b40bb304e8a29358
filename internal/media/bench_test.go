package media_test

import (
	"fmt"
	"strings"
	"testing"

	"edged/internal/media"
)

func TestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	paths := make([][]byte, len(classCases))
	for i, c := range classCases {
		paths[i] = []byte(c.path)
	}
	low, dash := []byte(readFile(t, "hls_lowlatency.m3u8")), []byte(readFile(t, "dash_live.mpd"))
	for name, run := range map[string]func(){
		"classify": func() {
			for _, p := range paths {
				media.Classify(p).Defaults()
			}
		},
		"hls":  func() { media.Scan(low).Defaults() },
		"dash": func() { media.Scan(dash).Defaults() },
	} {
		if n := testing.AllocsPerRun(100, run); n != 0 {
			t.Errorf("%s: %v allocations, want 0", name, n)
		}
	}
}

func BenchmarkClassify(b *testing.B) {
	for _, path := range []string{"/acme/live/720p.m3u8", "/acme/vod/movie42/video/720p/segment-00042.m4s", "/live/a1b2_video_part1340.mp4", "/acme/film.mp4"} {
		b.Run(path[strings.LastIndexByte(path, '/')+1:], func(b *testing.B) {
			p := []byte(path)
			for b.Loop() {
				media.Classify(p)
			}
		})
	}
}

func BenchmarkScan(b *testing.B) {
	var vod strings.Builder
	vod.WriteString("#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXT-X-PLAYLIST-TYPE:VOD\n")
	for i := range 2000 {
		fmt.Fprintf(&vod, "#EXTINF:6.00000,\nvideo/720p/segment-%05d.m4s\n", i)
	}
	vod.WriteString("#EXT-X-ENDLIST\n")
	for name, body := range map[string]string{
		"low latency": readFile(b, "hls_lowlatency.m3u8"),
		"long vod":    vod.String(),
		"dash":        readFile(b, "dash_live.mpd"),
	} {
		b.Run(name, func(b *testing.B) {
			bytes := []byte(body)
			b.SetBytes(int64(len(bytes)))
			for b.Loop() {
				media.Scan(bytes)
			}
		})
	}
}
