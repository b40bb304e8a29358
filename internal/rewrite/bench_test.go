package rewrite

import (
	"fmt"
	"strings"
	"testing"
)

// playlist is two hours of four-second segments.
func playlist() []byte {
	var b strings.Builder
	b.WriteString("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:4\n#EXT-X-MAP:URI=\"init.mp4\"\n")
	for i := range 1800 {
		fmt.Fprintf(&b, "#EXTINF:4.000000,\nvideo/1080p/segment-%06d.m4s\n", i)
	}
	b.WriteString("#EXT-X-ENDLIST\n")
	return []byte(b.String())
}

// timeline is an MPD whose size is in its timeline, as that of live services is.
func timeline() []byte {
	var b strings.Builder
	b.WriteString(`<MPD type="dynamic"><Period><AdaptationSet><SegmentTemplate media="$RepresentationID$/$Time$.m4s" initialization="i.mp4"><SegmentTimeline>`)
	for i := range 3000 {
		fmt.Fprintf(&b, "\n<S t=\"%d\" d=\"%d\" />", i*96000, 96000+i%3)
	}
	b.WriteString("</SegmentTimeline></SegmentTemplate></AdaptationSet></Period></MPD>")
	return []byte(b.String())
}

// segments is an MPD that names every segment.
func segments() []byte {
	var b strings.Builder
	b.WriteString(`<MPD><Period><AdaptationSet><Representation><SegmentList>`)
	for i := range 1800 {
		fmt.Fprintf(&b, "\n<SegmentURL media=\"video/segment-%06d.m4s\"/>", i)
	}
	b.WriteString("</SegmentList></Representation></AdaptationSet></Period></MPD>")
	return []byte(b.String())
}

// rewriteAll sends body through r in pieces of 16 KiB.
func rewriteAll(r *Rewriter, o Options, out, body []byte) []byte {
	if err := r.Reset(o); err != nil {
		panic(err)
	}
	for rest := body; len(rest) > 0; {
		n := min(len(rest), 16<<10)
		out = r.Append(out[:0], rest[:n])
		rest = rest[n:]
	}
	return r.Finish(out[:0])
}

func BenchmarkRewrite(b *testing.B) {
	long := strings.Repeat("x", 200) // as tokens are
	for name, body := range map[string][]byte{"hls": playlist(), "timeline": timeline(), "segments": segments()} {
		for _, m := range []Mode{Segment, Query} {
			b.Run(fmt.Sprintf("%s/%d", name, m), func(b *testing.B) {
				var r Rewriter
				var out []byte
				o := options(m)
				o.Value = long
				b.SetBytes(int64(len(body)))
				b.ReportAllocs()
				for b.Loop() {
					out = rewriteAll(&r, o, out, body)
				}
			})
		}
	}
}

func TestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for name, body := range map[string][]byte{"hls": playlist(), "timeline": timeline(), "segments": segments()} {
		for _, m := range []Mode{Segment, Query} {
			var r Rewriter
			var out []byte
			o := options(m)
			if n := testing.AllocsPerRun(10, func() { out = rewriteAll(&r, o, out, body) }); n > 0 {
				t.Errorf("%s in mode %d: %v allocations", name, m, n)
			}
		}
	}
}
