package media_test

import (
	"testing"
	"time"

	"edged/internal/media"
)

func TestClassDefaults(t *testing.T) {
	for _, c := range []struct {
		class              media.Class
		lifetime, negative time.Duration
	}{
		{media.Manifest, time.Second, 100 * time.Millisecond},
		{media.Segment, 4 * time.Hour, 100 * time.Millisecond},
		{media.Init, 4 * time.Hour, 100 * time.Millisecond},
		{media.Part, time.Hour, 100 * time.Millisecond},
		{media.Subtitle, time.Hour, 100 * time.Millisecond},
		{media.Image, time.Hour, time.Second},
		{media.File, time.Hour, time.Second},
		{media.Key, 0, time.Second},
		{media.Other, 0, time.Second},
		{media.Class(200), 0, time.Second},
	} {
		d := c.class.Defaults()
		if d.Lifetime != c.lifetime || d.Negative != c.negative {
			t.Errorf("%v: lifetime %v and negative %v, want %v and %v", c.class, d.Lifetime, d.Negative, c.lifetime, c.negative)
		}
		if d.Lifetime == 0 && (d.StaleWhileRevalidate != 0 || d.StaleIfError != 0) {
			t.Errorf("%v: may be served stale but never fresh: %+v", c.class, d)
		}
	}
}

func TestManifestDefaults(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		name                             string
		info                             media.ManifestInfo
		lifetime, revalidate, staleError time.Duration
	}{
		{"not a manifest", media.ManifestInfo{}, 1000 * ms, 1000 * ms, 6000 * ms},
		{"master", media.ManifestInfo{Kind: media.HLSMaster}, time.Minute, time.Minute, time.Hour},
		{"on demand", media.ManifestInfo{Kind: media.HLSMedia, Target: 6 * time.Second}, time.Minute, time.Minute, time.Hour},
		{"static MPD", media.ManifestInfo{Kind: media.DASH}, time.Minute, time.Minute, time.Hour},
		{"live", media.ManifestInfo{Kind: media.HLSMedia, Live: true, Target: 6 * time.Second}, 3000 * ms, 3000 * ms, 18 * time.Second},
		{"live, no target", media.ManifestInfo{Kind: media.HLSMedia, Live: true}, 1000 * ms, 1000 * ms, 6 * time.Second},
		{"low latency", media.ManifestInfo{Kind: media.HLSMedia, Live: true, Target: 2 * time.Second, PartTarget: 400 * ms}, 200 * ms, 200 * ms, 6 * time.Second},
		{"part above target", media.ManifestInfo{Kind: media.HLSMedia, Live: true, Target: time.Second, PartTarget: time.Hour}, 500 * ms, 500 * ms, 3 * time.Second},
		{"dynamic MPD", media.ManifestInfo{Kind: media.DASH, Live: true, Target: 2 * time.Second}, 1000 * ms, 1000 * ms, 6 * time.Second},
		{"unlikely target", media.ManifestInfo{Kind: media.HLSMedia, Live: true, Target: 1<<63 - 1}, 10 * time.Second, 10 * time.Second, time.Minute},
		{"live smooth", media.ManifestInfo{Kind: media.Smooth, Live: true}, 1000 * ms, 1000 * ms, 6 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := media.Defaults{Lifetime: c.lifetime, Negative: 100 * ms, StaleWhileRevalidate: c.revalidate, StaleIfError: c.staleError}
			if got := c.info.Defaults(); got != want {
				t.Errorf("%+v: got %+v, want %+v", c.info, got, want)
			}
		})
	}
}
