package edge

import (
	"testing"
	"time"

	"edged/cache"
	"edged/internal/media"
)

func TestStorage(t *testing.T) {
	e := &Edge{now: func() time.Time { return time.Unix(1000, 0) }}
	site := &Site{Account: "acme", Name: "live"}
	e.live.mark(site, "/ch1/index.m3u8?x=/y", e.now())
	e.live.mark(site, "/dash/ch2/live.mpd", e.now())
	for _, tt := range []struct {
		class  media.Class
		target string
		site   cache.Storage
		want   cache.Storage
	}{
		{media.Segment, "/ch1/seg1.ts", cache.StoreAlways, cache.StoreLate},
		{media.Segment, "/ch1/seg1.ts?a=/b/c", cache.StoreSecondHit, cache.StoreLate},
		{media.Segment, "/ch1/seg1.ts", cache.StoreNever, cache.StoreNever},
		{media.Segment, "/ch10/seg1.ts", cache.StoreAlways, cache.StoreAlways},
		{media.Segment, "/seg1.ts", cache.StoreAlways, cache.StoreAlways},
		{media.Segment, "/dash/ch2/p1/video/720p/1.m4s", cache.StoreAlways, cache.StoreLate},
		{media.Segment, "/dash/vod/1.m4s", cache.StoreAlways, cache.StoreAlways},
		{media.Segment, "/a/1.m4s", cache.StoreSecondHit, cache.StoreSecondHit},
		{media.Manifest, "/a/vod.m3u8", cache.StoreAlways, cache.StoreLate},
		{media.Part, "/a/part.m4s", cache.StoreAlways, cache.StoreLate},
		{media.File, "/ch1/film.mp4", cache.StoreAlways, cache.StoreAlways},
	} {
		site.Storage = tt.site
		if got := e.storage(&fetch{site: site, class: tt.class, target: tt.target}); got != tt.want {
			t.Errorf("%v %s on a site that stores %d: %d, want %d", tt.class, tt.target, tt.site, got, tt.want)
		}
	}
}

func TestLiveEnds(t *testing.T) {
	var l liveFolders
	site, now := &Site{Account: "acme", Name: "live"}, time.Unix(1000, 0)
	l.mark(site, "/ch1/index.m3u8", now)
	if !l.near(site, "/ch1/1.ts", now.Add(liveFor-1)) {
		t.Error("the folder of a live manifest is not live")
	}
	if l.near(site, "/ch1/1.ts", now.Add(liveFor)) {
		t.Error("a folder stays live without its manifest")
	}
	if l.near(&Site{Account: "acme", Name: "other"}, "/ch1/1.ts", now) {
		t.Error("a folder of another site is live, too")
	}
}
