package main

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"edged/internal/edgetest"
)

const page = "https://player.example"

// What players send and need, measured with real ones.
func TestE2EPlayers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	t.Run("preflight", func(t *testing.T) { t.Parallel(); r.preflight(t) })
	t.Run("CORS on every answer", func(t *testing.T) { t.Parallel(); r.corsEverywhere(t) })
	t.Run("CORS of the origin", func(t *testing.T) { t.Parallel(); r.corsOfOrigin(t) })
	t.Run("playlist with range and gzip", func(t *testing.T) { t.Parallel(); r.playlistRange(t) })
	t.Run("ranges without validators", func(t *testing.T) { t.Parallel(); r.rangeOnEverything(t) })
	t.Run("CMCD", func(t *testing.T) { t.Parallel(); r.cmcd(t) })
	t.Run("blocking reload", func(t *testing.T) { t.Parallel(); r.blockingReload(t) })
	t.Run("key files", func(t *testing.T) { t.Parallel(); r.keyFile(t) })
	t.Run("tiny ranges of a large file", func(t *testing.T) { t.Parallel(); r.sidx(t) })
}

// preflight is answered from nothing, with one list for whatever was asked.
func (r *rig) preflight(t *testing.T) {
	lists := map[string]bool{}
	for i, ask := range []string{"cmcd-object,cmcd-request,cmcd-session", "cmcd-object,cmcd-request,cmcd-session,cmcd-status", "range", "x-other"} {
		for _, p := range []edgetest.Protocol{edgetest.HTTP1, edgetest.HTTP1TLS, edgetest.HTTP2} {
			got := edgetest.Do(t, r.node.Client(p, 0), "OPTIONS", fmt.Sprintf("%s://%s/preflight/%d.m4s", p.Scheme(), signedHost, i),
				"Origin", page, "Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", ask)
			want(t, got, 204, []byte{})
			wantField(t, got, "Access-Control-Allow-Origin", "*")
			wantField(t, got, "Access-Control-Allow-Methods", "GET, HEAD, OPTIONS")
			if got.Header.Get("Access-Control-Max-Age") == "" {
				t.Error("no Access-Control-Max-Age")
			}
			lists[got.Header.Get("Access-Control-Allow-Headers")] = true
		}
	}
	if len(lists) != 1 {
		t.Errorf("%d lists of fields: %v", len(lists), lists)
	}
	for list := range lists {
		wantNames(t, list, "CMCD-Object", "CMCD-Request", "CMCD-Session", "CMCD-Status", "Range", "If-Range", "If-None-Match")
	}
	for _, a := range r.origin.Everything() {
		if strings.HasPrefix(a.Path, "/preflight/") {
			t.Errorf("a preflight reached the origin: %v", a)
		}
	}
}

// wantNames holds that a comma list has these names.
func wantNames(t *testing.T, list string, names ...string) {
	t.Helper()
	has := map[string]bool{}
	for name := range strings.SplitSeq(list, ",") {
		has[strings.ToLower(strings.TrimSpace(name))] = true
	}
	for _, name := range names {
		if !has[strings.ToLower(name)] {
			t.Errorf("%s is not in %q", name, list)
		}
	}
}

// corsEverywhere: without these fields a player sees a network error and no status.
func (r *rig) corsEverywhere(t *testing.T) {
	r.video("/cors.m4s", 1000)
	r.origin.Handle("/cors-425.m4s", edgetest.Answer(425, nil))
	r.origin.Handle("/cors-500.m4s", edgetest.Answer(500, nil))
	for _, c := range []struct {
		method, host, path, field, value string
		status                           int
	}{
		{"GET", openHost, "/cors.m4s", "", "", 200},
		{"HEAD", openHost, "/cors.m4s", "", "", 200},
		{"GET", openHost, "/cors.m4s", "Range", "bytes=1-5", 206},
		{"GET", openHost, "/cors.m4s", "If-None-Match", `"v1"`, 304},
		{"GET", signedHost, "/cors.m4s", "", "", 403},
		{"GET", openHost, "/cors-404.m4s", "", "", 404},
		{"GET", openHost, "/cors.m4s", "Range", "bytes=9999-", 416},
		{"GET", openHost, "/cors.m4s", "If-Match", `"no"`, 412},
		{"GET", openHost, "/cors-425.m4s", "", "", 425},
		{"GET", openHost, "/cors-500.m4s", "", "", 502},
		{"GET", openHost, "/cors%2F.m4s", "", "", 400},
		{"DELETE", openHost, "/cors.m4s", "", "", 405},
	} {
		for _, p := range []edgetest.Protocol{edgetest.HTTP1, edgetest.HTTP2} {
			got := edgetest.Do(t, r.node.Client(p, 0), c.method, p.Scheme()+"://"+c.host+c.path, "Origin", page, c.field, c.value)
			want(t, got, c.status, nil)
			wantField(t, got, "Access-Control-Allow-Origin", "*")
			wantField(t, got, "Timing-Allow-Origin", "*")
			wantNames(t, got.Header.Get("Access-Control-Expose-Headers"), "Age", "Date", "Content-Length", "Content-Range", "Cache-Status")
			if t.Failed() {
				t.Fatalf("at %s %s %s", p, c.method, c.path)
			}
		}
	}
}

// corsOfOrigin: what an origin says about pages neither reaches viewers nor splits
// the cache.
func (r *rig) corsOfOrigin(t *testing.T) {
	const path = "/cors-origin.m4s"
	body := edgetest.Pattern(path, 1000)
	r.origin.Handle(path, edgetest.Serve(body, "Cache-Control", "max-age=60", "Vary", "Origin",
		"Access-Control-Allow-Origin", "https://first.example", "Access-Control-Expose-Headers", "X-Theirs", "Access-Control-Allow-Credentials", "true",
		"Timing-Allow-Origin", "https://first.example"))
	for i, from := range []string{"https://first.example", "https://second.example", "null"} {
		got := r.get(t, path, "Origin", from)
		want(t, got, 200, body)
		wantField(t, got, "Access-Control-Allow-Origin", "*")
		wantField(t, got, "Timing-Allow-Origin", "*")
		if n := len(got.Header.Values("Access-Control-Expose-Headers")); n != 1 {
			t.Errorf("%d Access-Control-Expose-Headers", n)
		}
		if got.Header.Get("Access-Control-Allow-Credentials") != "" || got.Header.Get("Vary") != "" {
			t.Errorf("the origin's own CORS is passed on: %v", got.Header)
		}
		if i > 0 && !strings.Contains(got.CacheStatus(), "hit") {
			t.Errorf("page %s: Cache-Status %q", from, got.CacheStatus())
		}
	}
	r.wantFetches(t, path, 1)
	if asked := r.origin.Asked(path); asked[0].Header.Get("Origin") != "" {
		t.Errorf("the origin was told the page: %v", asked[0].Header)
	}
}

// playlistRange: Chromium's own HLS player asks for playlists with a range and a
// coding at once.
func (r *rig) playlistRange(t *testing.T) {
	list := []byte("#EXTM3U\n#EXT-X-TARGETDURATION:4\n" + strings.Repeat("#EXTINF:4,\nseg.ts\n", 200) + "#EXT-X-ENDLIST\n")
	r.origin.Handle("/chromium.m3u8", edgetest.Plain(list, "Content-Type", "application/vnd.apple.mpegurl"))
	for range 3 {
		got := r.get(t, "/chromium.m3u8", "Range", "bytes=0-", "Accept-Encoding", "gzip, identity;q=1, *;q=0")
		if got.StatusCode != 200 {
			want(t, got, 206, list)
			wantField(t, got, "Content-Range", fmt.Sprintf("bytes 0-%d/%d", len(list)-1, len(list)))
		} else {
			want(t, got, 200, list)
		}
		if got.Header.Get("Content-Encoding") != "" {
			t.Errorf("Content-Encoding %q", got.Header.Get("Content-Encoding"))
		}
	}
	if h := r.origin.Asked("/chromium.m3u8")[0].Header; h.Get("Range") != "" || strings.Contains(h.Get("Accept-Encoding"), "gzip") {
		t.Errorf("the origin was asked for a part or a coding: %v", h)
	}
	r.wantFetches(t, "/chromium.m3u8", 1)
}

// rangeOnEverything: "bytes=0-" on files of a few bytes, cold and warm, of origins
// that know neither ranges nor validators.
func (r *rig) rangeOnEverything(t *testing.T) {
	for i, size := range []int{1, 16, 830, 300_000} {
		path := fmt.Sprintf("/everything/%d.m4s", i)
		body := edgetest.Pattern(path, size)
		r.origin.Handle(path, edgetest.Plain(body))
		for range 2 {
			got := r.get(t, path, "Range", "bytes=0-")
			want(t, got, 206, body)
			wantField(t, got, "Content-Range", fmt.Sprintf("bytes 0-%d/%d", size-1, size))
			wantField(t, got, "Content-Length", fmt.Sprint(size))
		}
		r.wantFetches(t, path, 1)
	}
}

// cmcd differs on every request: it is in neither the key nor the origin's request.
func (r *rig) cmcd(t *testing.T) {
	const path = "/measured.m4s"
	body, c := r.video(path, 1000), r.plain()
	for i, query := range []string{
		"a=1&CMCD=" + url.QueryEscape(`bl=2100,br=1200,nor="../seg2.m4s",sid="6e2fb550"`) + "&b=2",
		"CMCD=" + url.QueryEscape(`v=2,sn=17,sta=p,br=(1200)`) + "&a=1&b=2",
		"a=1&b=2&CMCD=x", "a=1&b=2", "a=1&b=2&cmcd=y", "a=1&%43MCD=z&b=2",
	} {
		got := edgetest.Get(t, c, "http://"+openHost+path+"?"+query, "CMCD-Request", "bl=1", "CMCD-Session", `sid="s"`)
		want(t, got, 200, body)
		if i > 0 && !strings.Contains(got.CacheStatus(), "hit") {
			t.Errorf("query %q: Cache-Status %q", query, got.CacheStatus())
		}
	}
	want(t, edgetest.Get(t, c, "http://"+openHost+path+"?b=2&a=1"), 200, body, "fwd=uri-miss") // order counts
	for _, a := range r.origin.Asked(path) {
		if strings.Contains(strings.ToLower(a.Target), "cmcd") || a.Header.Get("Cmcd-Request") != "" || a.Header.Get("Cmcd-Session") != "" {
			t.Errorf("the origin sees CMCD: %s %v", a.Target, a.Header)
		}
	}
	r.wantFetches(t, path, 2)
}

// blockingReload: all of _HLS_* is in the key and reaches the origin, and a crowd's
// reload costs one held request.
func (r *rig) blockingReload(t *testing.T) {
	const path, query = "/live/llhls.m3u8", "?_HLS_msn=7&_HLS_part=1&_HLS_skip=YES"
	list := []byte("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:7\n#EXTINF:2,\n7.m4s\n")
	gate := edgetest.NewGate(t)
	r.origin.Handle(path, edgetest.After(gate, edgetest.Plain(list, "Cache-Control", "max-age=60")))
	const viewers = 20
	done := make(chan *edgetest.Response, viewers)
	for range viewers {
		go func() { done <- r.get(t, path+query+"&CMCD=sid") }()
	}
	edgetest.Eventually(t, "the origin is asked", func() bool { return r.origin.Count(path) > 0 })
	gate.Open()
	for range viewers {
		want(t, edgetest.Wait(t, done, "the playlist"), 200, list)
	}
	r.wantFetches(t, path, 1)
	if target := r.origin.Asked(path)[0].Target; target != path+query {
		t.Errorf("the origin was asked for %s", target)
	}
	want(t, r.get(t, path+"?_HLS_msn=7&_HLS_part=2&_HLS_skip=YES"), 200, list, "fwd=uri-miss")
}

// keyFile: an AES key is under the token like everything else, and never stored.
func (r *rig) keyFile(t *testing.T) {
	key := edgetest.Pattern("key", 16)
	r.origin.Handle("/drm/enc.key", edgetest.Plain(key, "Cache-Control", "no-store"))
	keyURL := "http://" + signedHost + "/drm/enc.key"
	want(t, edgetest.Get(t, r.plain(), keyURL), 403, nil)
	signed := r.sign(t, keyURL)
	want(t, edgetest.Get(t, r.plain(), signed), 200, key, "fwd=uri-miss")
	want(t, edgetest.Get(t, r.plain(), signed, "Range", "bytes=0-"), 206, key, "fwd=uri-miss")
	r.wantFetches(t, "/drm/enc.key", 2)
}

// sidx: dash.js and Shaka fetch index and init as tiny ranges of large files.
func (r *rig) sidx(t *testing.T) {
	const path, size = "/vod/long.mp4", 6 << 20
	body, c := r.video(path, size), r.plain()
	for _, s := range [][2]int{{0, 829}, {830, 1013}, {4_000_000, 4_500_000}, {1014, 60_000}} {
		got := edgetest.Get(t, c, "http://"+openHost+path, "Range", fmt.Sprintf("bytes=%d-%d", s[0], s[1]), "Origin", page)
		want(t, got, 206, body[s[0]:s[1]+1])
		wantField(t, got, "Content-Range", fmt.Sprintf("bytes %d-%d/%d", s[0], s[1], size))
	}
}
