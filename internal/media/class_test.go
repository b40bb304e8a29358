package media_test

import (
	"regexp"
	"strings"
	"testing"

	"edged/internal/media"
)

// classCases are canonical paths as packagers and players form them.
var classCases = []struct {
	path  string
	class media.Class
}{
	{"/live/master.m3u8", media.Manifest},
	{"/live/INDEX.M3U8", media.Manifest},
	{"/live/index.m3u", media.Manifest},
	{"/livesim2/segtimeline_1/testpic_2s/Manifest.mpd", media.Manifest},
	{"/live/patch/Manifest.mpp", media.Manifest},
	{"/film.ism/Manifest", media.Manifest},
	{"/film.ism/manifest(format=m3u8-aapl.v3)", media.Manifest},
	{"/live.isml/Manifest", media.Manifest},
	{"/LIVE.ISML/manifest", media.Manifest},
	{"/film.ism/.m3u8", media.Manifest},
	{"/film.ism/film.mpd", media.Manifest},
	{"/vod/_definst_/mp4:film.mp4/playlist.m3u8", media.Manifest},

	{"/seg1.ts", media.Segment},
	{"/media_w1804_17.ts", media.Segment},
	{"/a/b/seg-00042.m4s", media.Segment},
	{"/chunk-stream0-00001.m4s", media.Segment},
	{"/chunk-stream0-00001.webm", media.Segment},
	{"/video/1234.m4s", media.Segment},
	{"/t-123.cmfv", media.Segment},
	{"/t-123.cmfa", media.Segment},
	{"/film.ism/dash/film-video=300000-7.dash", media.Segment},
	{"/film.ism/QualityLevels(400000)/Fragments(video=0)", media.Segment},
	{"/a1b2_video_seg268.mp4", media.Segment},
	{"/seg-1-v1-a1.mp4", media.Segment},
	{"/fileSequence12.aac", media.Segment},
	{"/fileSequence12.mp4", media.Segment},
	{"/fragment3.m4v", media.Segment},
	{"/chunk_3.m4a", media.Segment},
	{"/seg7.ts;jsessionid=1.mp4", media.Segment},
	{"/partial.ts", media.Segment},
	{"/depart12.ts", media.Segment},
	{"/departure7.m4s", media.Segment},

	{"/init.mp4", media.Init},
	{"/INIT.MP4", media.Init},
	{"/init-stream0.m4s", media.Init},
	{"/init_v1.mp4", media.Init},
	{"/init1.mp4", media.Init},
	{"/initVideo.mp4", media.Init},
	{"/V300/init.mp4", media.Init},
	{"/a1b2_video_init.mp4", media.Init},
	{"/video-init.mp4", media.Init},
	{"/720p.init.cmfv", media.Init},
	{"/videoInit.m4s", media.Init},
	{"/init-v1-a1.mp4", media.Init},
	{"/chunk_ctvideo_cfm4s_rid0_cinit_w123_mpd.m4s", media.Init},

	{"/a1b2_video_part1340.mp4", media.Part},
	{"/filePart271.3.m4s", media.Part},
	{"/seg12.part3.ts", media.Part},
	{"/segment_12_part_3.m4s", media.Part},
	{"/part5.m4s", media.Part},

	{"/keys/k1.key", media.Key},
	{"/keys/K1.KEY", media.Key},
	{"/vod/key.bin", media.Key},
	{"/vod/key3.bin", media.Key},
	{"/vod/enc-key.bin", media.Key},
	{"/live/key", media.Key},

	{"/sub/en.vtt", media.Subtitle},
	{"/sub/en12.WebVTT", media.Subtitle},
	{"/sub/en.srt", media.Subtitle},
	{"/sub/en.ttml", media.Subtitle},

	{"/poster.jpg", media.Image},
	{"/tiles/tile_3.PNG", media.Image},
	{"/tiles/t.webp", media.Image},

	{"/film.mp4", media.File},
	{"/1234.mp4", media.File},
	{"/initial-d.mp4", media.File},
	{"/INITIATIVE.mp4", media.File},
	{"/reinit.mp4", media.File},
	{"/segment-of-a-film.mp4", media.File},
	{"/my-segue-1.mp4", media.File},
	{"/part-one.mp4", media.File},
	{"/counterpart2.mp4", media.File},
	{"/song.mp3", media.File},
	{"/talk.m4a", media.File},
	{"/clip.webm", media.File},
	{"/clip.MOV", media.File},
	{"/film.ismv", media.File},

	{"", media.Other},
	{"/", media.Other},
	{"/dir/", media.Other},
	{"/dir.mp4/", media.Other},
	{"/m3u8", media.Other},
	{"/x.m3u8.txt", media.Other},
	{"/x.m3u8x", media.Other},
	{"/x.", media.Other},
	{"/.", media.Other},
	{"/film.ism", media.Other},
	{"/Manifest", media.Other},
	{"/monkey", media.Other},
	{"/data.bin", media.Other},
	{"/monkey.bin", media.Other},
	{"/crossdomain.xml", media.Other},
	{"/time", media.Other}, // UTCTiming: must never be kept
	{"/x.averyveryverylongsuffix", media.Other},
	{"relative.mp4", media.File},
}

func TestClassify(t *testing.T) {
	for _, c := range classCases {
		t.Run(c.path, func(t *testing.T) {
			if got := media.Classify([]byte(c.path)); got != c.class {
				t.Errorf("Classify(%q) = %v, want %v", c.path, got, c.class)
			}
		})
	}
}

func TestClassWords(t *testing.T) {
	word := regexp.MustCompile(`^[a-z]+$`)
	seen := map[string]bool{}
	for c := range media.Class(media.NumClasses) {
		if s := c.String(); !word.MatchString(s) || seen[s] {
			t.Errorf("Class(%d) is %q, want a word of its own", c, s)
		}
		seen[c.String()] = true
	}
	if got := media.Class(200).String(); got != "unknown" {
		t.Errorf("Class(200) is %q, want unknown", got)
	}
}

// TestEveryClassHasACase keeps the table complete.
func TestEveryClassHasACase(t *testing.T) {
	seen := map[media.Class]bool{}
	for _, c := range classCases {
		seen[c.class] = true
	}
	for c := range media.Class(media.NumClasses) {
		if !seen[c] {
			t.Errorf("no case for %v", c)
		}
	}
}

func FuzzClassify(f *testing.F) {
	for _, c := range classCases {
		f.Add(c.path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		class := media.Classify([]byte(path))
		if int(class) >= media.NumClasses {
			t.Fatalf("Classify(%q) = %d", path, class)
		}
		// Parameters and directories before the last one say nothing.
		if with := media.Classify([]byte("/x/y" + path + ";p=1")); strings.HasPrefix(path, "/") && with != class {
			t.Fatalf("Classify(%q) = %v, but %v below a directory and with a parameter", path, class, with)
		}
	})
}
