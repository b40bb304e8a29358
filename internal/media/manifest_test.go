package media_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"edged/internal/media"
)

func TestScanFiles(t *testing.T) {
	for file, want := range map[string]media.ManifestInfo{
		"hls_master.m3u8": {Kind: media.HLSMaster},
		"hls_vod.m3u8":    {Kind: media.HLSMedia, Target: 6 * time.Second, Segments: 3},
		"hls_live.m3u8":   {Kind: media.HLSMedia, Live: true, Target: 4 * time.Second, Sequence: 41233, Segments: 3},
		"hls_lowlatency.m3u8": {
			Kind: media.HLSMedia, Live: true, Target: 2 * time.Second, PartTarget: 400 * time.Millisecond,
			Sequence: 268, Segments: 2, Blocking: true,
		},
		"dash_live.mpd":   {Kind: media.DASH, Live: true, Target: 2 * time.Second},
		"dash_vod.mpd":    {Kind: media.DASH},
		"smooth_live.xml": {Kind: media.Smooth, Live: true},
	} {
		t.Run(file, func(t *testing.T) {
			body := readFile(t, file)
			if got := media.Scan([]byte(body)); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
			crlf := strings.ReplaceAll(body, "\n", "\r\n")
			for name, variant := range map[string]string{
				"CRLF":             crlf,
				"byte order mark":  "\ufeff" + body,
				"leading lines":    "\ufeff\r\n \n\t" + crlf,
				"no last line end": strings.TrimRight(body, "\n"),
				"trailing NULs":    body + "\x00\x00",
			} {
				if got := media.Scan([]byte(variant)); got != want {
					t.Errorf("%s: got %+v, want %+v", name, got, want)
				}
			}
		})
	}
}

func readFile(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestScanHLS(t *testing.T) {
	const second = time.Second
	for _, c := range []struct {
		name, body string
		want       media.ManifestInfo
	}{
		{"bare", "#EXTM3U", media.ManifestInfo{Kind: media.HLSMedia, Live: true}},
		{"unknown tags only", "#EXTM3U\n#EXT-X-FOO:1\n#EXT-X-VERSION:3\n", media.ManifestInfo{Kind: media.HLSMedia, Live: true}},
		{"event is live until its end", "#EXTM3U\n#EXT-X-PLAYLIST-TYPE:EVENT\n#EXTINF:4,\na.ts", media.ManifestInfo{Kind: media.HLSMedia, Live: true, Segments: 1}},
		{"event with its end", "#EXTM3U\n#EXT-X-PLAYLIST-TYPE:EVENT\n#EXT-X-ENDLIST", media.ManifestInfo{Kind: media.HLSMedia}},
		{"VOD without an end", "#EXTM3U\n#EXT-X-PLAYLIST-TYPE: VOD \n#EXTINF:4,\na.ts", media.ManifestInfo{Kind: media.HLSMedia, Segments: 1}},
		{"cut in the end tag", "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-ENDLIS", media.ManifestInfo{Kind: media.HLSMedia, Live: true, Target: 4 * second}},
		{"end tag must be a tag", "#EXTM3U\n# #EXT-X-ENDLIST\n#EXT-X-ENDLISTING\nx#EXT-X-ENDLIST", media.ManifestInfo{Kind: media.HLSMedia, Live: true}},
		{"end in the middle", "#EXTM3U\n#EXT-X-ENDLIST\n#EXTINF:4,\na.ts", media.ManifestInfo{Kind: media.HLSMedia, Segments: 1}},
		{"fraction in target", "#EXTM3U\n#EXT-X-TARGETDURATION:4.5\n", media.ManifestInfo{Kind: media.HLSMedia, Live: true, Target: 4500 * time.Millisecond}},
		{"spaces and junk", "#EXTM3U\n#EXT-X-TARGETDURATION : 4 s\n", media.ManifestInfo{Kind: media.HLSMedia, Live: true, Target: 4 * second}},
		{"negative target", "#EXTM3U\n#EXT-X-TARGETDURATION:-4\n", media.ManifestInfo{Kind: media.HLSMedia, Live: true}},
		{"huge numbers", "#EXTM3U\n#EXT-X-TARGETDURATION:99999999999999999999\n#EXT-X-MEDIA-SEQUENCE:99999999999999999999\n", media.ManifestInfo{Kind: media.HLSMedia, Live: true, Target: 1<<63 - 1, Sequence: 1<<64 - 1}},
		{"last sequence", "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:18446744073709551615\n", media.ManifestInfo{Kind: media.HLSMedia, Live: true, Sequence: 1<<64 - 1}},
		{"tags without values", "#EXTM3U\n#EXT-X-TARGETDURATION\n#EXT-X-MEDIA-SEQUENCE:\n#EXT-X-PART-INF\n#EXT-X-SERVER-CONTROL:\n#EXT-X-PLAYLIST-TYPE\n", media.ManifestInfo{Kind: media.HLSMedia, Live: true}},
		{"both kinds of tags", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8\n#EXTINF:4,\nb.ts", media.ManifestInfo{Kind: media.HLSMedia, Live: true, Segments: 1}},
		{"master by media alone", "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO\n", media.ManifestInfo{Kind: media.HLSMaster}},
		{
			"commas and equals in quotes", "#EXTM3U\n#EXT-X-PART-INF:X=\"a,PART-TARGET=9,b=\", PART-TARGET = 0.334 ,Y=1\n",
			media.ManifestInfo{Kind: media.HLSMedia, Live: true, PartTarget: 334 * time.Millisecond},
		},
		{
			"entry without equals", "#EXTM3U\n#EXT-X-PART-INF:FLAG,PART-TARGET=0.5\n",
			media.ManifestInfo{Kind: media.HLSMedia, Live: true, PartTarget: 500 * time.Millisecond},
		},
		{"quote that never ends", "#EXTM3U\n#EXT-X-PART-INF:X=\"a,PART-TARGET=0.5\n#EXT-X-TARGETDURATION:2", media.ManifestInfo{Kind: media.HLSMedia, Live: true, Target: 2 * second}},
		{"quoted number", "#EXTM3U\n#EXT-X-PART-INF:PART-TARGET=\"0.5\"\n", media.ManifestInfo{Kind: media.HLSMedia, Live: true, PartTarget: 500 * time.Millisecond}},
		{"no blocking", "#EXTM3U\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=NO\n", media.ManifestInfo{Kind: media.HLSMedia, Live: true}},
		{
			"a line of a megabyte", "#EXTM3U\n#EXT-X-FOO:" + strings.Repeat("x,=\"", 1<<18) + "\n#EXT-X-TARGETDURATION:2\n",
			media.ManifestInfo{Kind: media.HLSMedia, Live: true, Target: 2 * second},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := media.Scan([]byte(c.body)); got != c.want {
				t.Errorf("Scan(%.200q)\n got %+v\nwant %+v", c.body, got, c.want)
			}
		})
	}
}

func TestScanXML(t *testing.T) {
	const second = time.Second
	static := media.ManifestInfo{Kind: media.DASH}
	live := func(target time.Duration) media.ManifestInfo {
		return media.ManifestInfo{Kind: media.DASH, Live: true, Target: target}
	}
	for _, c := range []struct {
		name, body string
		want       media.ManifestInfo
	}{
		{"static by default", `<MPD>`, static},
		{"empty element", `<MPD/>`, static},
		{"static has no target", `<MPD minimumUpdatePeriod="PT2S">`, static},
		{"dynamic", `<MPD type="dynamic" minimumUpdatePeriod="PT5S">`, live(5 * second)},
		{"attributes in any order", `<MPD minimumUpdatePeriod='PT1M30.5S' type='dynamic'>`, live(90*second + 500*time.Millisecond)},
		{"no update period", `<MPD type="dynamic" maxSegmentDuration="PT4S">`, live(4 * second)},
		{"update period of 0", `<MPD type="dynamic" minimumUpdatePeriod="PT0S" maxSegmentDuration="PT4S">`, live(4 * second)},
		{"nothing known", `<MPD type="dynamic">`, live(0)},
		{"spaces and lines", "<MPD\r\n\ttype\n=\n\"dynamic\" >", live(0)},
		{"no space between", `<MPD type="dynamic"minimumUpdatePeriod="PT5S">`, live(5 * second)},
		{"'>' in a value", `<MPD a="b>c" type="dynamic">`, live(0)},
		{"'=' in a value", `<MPD a='type="static"' type="dynamic">`, live(0)},
		{"other names", `<MPD xtype="dynamic" x:type="dynamic" Type="dynamic">`, static},
		{"only the root counts", `<MPD><Period type="dynamic"/></MPD>`, static},
		{"cut in a value", `<MPD type="dynamic" minimumUpdatePeriod="PT5`, live(0)},
		{"cut after a name", `<MPD type="dynamic" minimum`, live(0)},
		{"unquoted value ends it", `<MPD a=1 type="static">`, live(0)},
		{"odd type", `<MPD type="onDemand">`, live(0)},
		{"cut before the type", `<MPD minimumUpdatePeriod="PT5S" ty`, live(5 * second)},
		{"cut after the type", `<MPD type="static" minimumUpd`, static},
		{"document type", `<!DOCTYPE MPD SYSTEM "mpd.dtd"><MPD type="dynamic">`, live(0)},
		{"internal subset", "<!DOCTYPE MPD [<!ELEMENT MPD ANY>\n]\n><MPD type=\"dynamic\">", live(0)},
		{"comments", `<!----><!-- <MPD> --><MPD type="dynamic">`, live(0)},
		{"a declaration first", "<?xml version='1.0'?><?x <MPD> ?>\n<MPD type=\"dynamic\">", live(0)},
		{"prefix", `<d:MPD type="dynamic">`, live(0)},
		{"smooth", `<SmoothStreamingMedia IsLive="false">`, media.ManifestInfo{Kind: media.Smooth}},
		{"smooth, on demand", `<SmoothStreamingMedia Duration="1">`, media.ManifestInfo{Kind: media.Smooth}},
		{"smooth, cut", `<SmoothStreamingMedia Duration="1"`, media.ManifestInfo{Kind: media.Smooth, Live: true}},
		{"other root", `<html><MPD type="dynamic">`, media.ManifestInfo{}},
		{"patch", `<Patch mpdId="x">`, media.ManifestInfo{}},
		{"cut in the name", `<MPD`, media.ManifestInfo{}},
		{"cut in a comment", `<!-- <MPD type="dynamic">`, media.ManifestInfo{}},
		{"cut in a subset", `<!DOCTYPE MPD [`, media.ManifestInfo{}},
		{"subset without an end", `<!DOCTYPE MPD [ ] <MPD`, media.ManifestInfo{}},
		{"cut in a document type", `<!DOCTYPE MPD`, media.ManifestInfo{}},
		{"cut in a declaration", `<?xml`, media.ManifestInfo{}},
		{"only '<'", `<`, media.ManifestInfo{}},
		{"text in between", `<!-- --> x <MPD>`, media.ManifestInfo{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := media.Scan([]byte(c.body)); got != c.want {
				t.Errorf("Scan(%q)\n got %+v\nwant %+v", c.body, got, c.want)
			}
		})
	}
}

func TestScanNotAManifest(t *testing.T) {
	for _, body := range []string{"", "\ufeff", " \r\n", "#EXTM3", "x#EXTM3U", "{}", "\x1f\x8b\x08", "\x00\x00\x00\x18ftyp", "WEBVTT\n"} {
		if got := media.Scan([]byte(body)); got != (media.ManifestInfo{}) {
			t.Errorf("Scan(%q) = %+v, want nothing", body, got)
		}
	}
}

func TestKindWords(t *testing.T) {
	for kind, want := range map[media.Kind]string{
		media.NotManifest: "none", media.HLSMaster: "hls_master", media.HLSMedia: "hls_media",
		media.DASH: "dash", media.Smooth: "smooth", 200: "unknown",
	} {
		if got := kind.String(); got != want {
			t.Errorf("Kind(%d) is %q, want %q", kind, got, want)
		}
	}
}

// TestScanPrefixes: a manifest cut anywhere is never taken for one that may be
// kept longer than the whole, once its header lines are there.
func TestScanPrefixes(t *testing.T) {
	for _, file := range []string{"hls_live.m3u8", "hls_lowlatency.m3u8", "hls_vod.m3u8", "dash_live.mpd"} {
		body := readFile(t, file)
		whole := media.Scan([]byte(body)).Defaults()
		for n := range len(body) {
			d := media.Scan([]byte(body[:n])).Defaults()
			if limit := max(whole.Lifetime, 3*time.Second); d.Lifetime > limit {
				t.Errorf("%s: the first %d bytes live for %v, more than %v", file, n, d.Lifetime, limit)
			}
		}
	}
}

func FuzzScan(f *testing.F) {
	for _, file := range []string{"hls_master.m3u8", "hls_vod.m3u8", "hls_live.m3u8", "hls_lowlatency.m3u8", "dash_live.mpd", "dash_vod.mpd", "smooth_live.xml"} {
		f.Add(readFile(f, file))
	}
	f.Add("#EXTM3U\n#EXT-X-PART-INF:A=\"b,PART-TARGET=0.1\r\n#EXT-X-TARGETDURATION:1e9")
	f.Add("<MPD type=\"dynamic\" minimumUpdatePeriod=\"P1Y2M3W4DT5H6M7.8S\" maxSegmentDuration=\"PT99999999999999999999H\"")
	f.Fuzz(func(t *testing.T, body string) {
		info := media.Scan([]byte(body))
		d := info.Defaults()
		if d.Lifetime < 0 || d.Lifetime > time.Minute || d.Negative > 100*time.Millisecond || d.StaleIfError < 0 {
			t.Fatalf("Scan(%q) = %+v gives %+v", body, info, d)
		}
		if target := info.Target; info.Live && target > 0 && (d.Lifetime > target/2 || d.StaleWhileRevalidate > target) {
			t.Fatalf("Scan(%q) = %+v gives %+v, more than the target allows", body, info, d)
		}
		if info.Target < 0 || info.PartTarget < 0 || info.Segments < 0 {
			t.Fatalf("Scan(%q) = %+v", body, info)
		}
		if !strings.HasPrefix(body, "\ufeff") {
			if marked := media.Scan([]byte("\ufeff" + body)); marked != info {
				t.Fatalf("Scan(%q) = %+v, with a byte order mark %+v", body, info, marked)
			}
		}
		if info.Kind == media.HLSMaster || info.Kind == media.HLSMedia {
			crlf := strings.ReplaceAll(body, "\n", "\r\n")
			if other := media.Scan([]byte(crlf)); other != info {
				t.Fatalf("Scan(%q) = %+v, with CRLF %+v", body, info, other)
			}
		}
	})
}
