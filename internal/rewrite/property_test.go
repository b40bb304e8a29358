package rewrite

import (
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// pieces are what generated manifests are made of: whole constructs, broken ones, and
// what a careless reader would trip over.
func pieces() []string {
	return []string{
		"#EXTM3U\n", "#EXTINF:4,\n", "seg.ts\n", "/abs/seg.ts\r\n", "https://own.test/x?a=1&b#c\n", "https://other.test/x\n",
		"#EXT-X-KEY:METHOD=AES-128,URI=\"k\"", ",IV=0x1\n", "#EXT-X-MEDIA:NAME=\"a,URI=\",URI=\"../m.m3u8\"\n", "\n", " ", "\t", "#", "\"", "=", ",",
		"#EXT-X-VERSION:3\n", "{$v}/x\n", "\\", "../../../x\n", "#EXT-X-ENDLIST",
		"<MPD type=\"dynamic\">", "<MPD>", "</MPD>", "<Period>", "</Period>", "<BaseURL>", "</BaseURL>", "<Location>", "</Location>", "v/", "x&amp;y", "&lt;", "&z;",
		"<SegmentTemplate media=\"s-$Number$.m4s\" index='/i'/>", "<SegmentURL media=\"a>b\"/>", "<SegmentURL ", "media=\"", "'", "/>", ">", "<", "<!--", "-->", "<![CDATA[", "]]>", "<?p", "?>",
		"<!DOCTYPE", "<a:b>", "</a:b>", "https://cdn.test/", "\xef\xbb\xbf", "\x00", "é",
	}
}

func manifest() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		begin := rapid.SampledFrom([]string{"#EXTM3U\n", "#EXTM3U\n", "<MPD>", "<MPD type=\"dynamic\">", "<?xml version='1.0'?>\n<MPD>", "", "\xef\xbb\xbf#EXTM3U\n"}).Draw(t, "begin")
		return begin + strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces()), 0, 40).Draw(t, "rest"), "")
	})
}

func anyOptions() *rapid.Generator[Options] {
	return rapid.Custom(func(t *rapid.T) Options {
		o := options(rapid.SampledFrom([]Mode{Segment, Query, Define}).Draw(t, "mode"))
		o.Inherits = rapid.Bool().Draw(t, "inherits")
		if rapid.Bool().Draw(t, "self") {
			o.Self = "/a/b/m.mpd"
		}
		return o
	})
}

// checkPieces holds that pieces of any sizes come to the same as the whole.
func checkPieces(t testing.TB, o Options, body string, cuts []int) string {
	t.Helper()
	whole := run(t, o, body, 0)
	var r Rewriter
	if err := r.Reset(o); err != nil {
		t.Fatal(err)
	}
	var out []byte
	for rest, i := body, 0; len(rest) > 0; i++ {
		n := 1
		if len(cuts) > 0 {
			n = cuts[i%len(cuts)]
		}
		n = min(n, len(rest))
		out = r.Append(out, []byte(rest[:n]))
		rest = rest[n:]
	}
	if got := string(r.Finish(out)); got != whole {
		t.Fatalf("%q in pieces %v:\n got %q\nwant %q", body, cuts, got, whole)
	}
	return whole
}

// checkTwice holds that a second time changes nothing.
func checkTwice(t testing.TB, o Options, once string) {
	t.Helper()
	if twice := run(t, o, once, 0); twice != once {
		t.Fatalf("%v a second time:\n got %q\nwant %q", o, twice, once)
	}
}

func TestPiecesProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		body, o := manifest().Draw(rt, "body"), anyOptions().Draw(rt, "options")
		cuts := rapid.SliceOfN(rapid.IntRange(1, 30), 1, 8).Draw(rt, "cuts")
		checkTwice(t, o, checkPieces(t, o, body, cuts))
	})
}

// TestOnlyInsertsProperty holds that the query mode does nothing but insert tokens: with
// these taken out, the manifest is what it was, byte for byte.
func TestOnlyInsertsProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		body := manifest().Draw(rt, "body")
		if strings.ContainsAny(body, "'>") && strings.Contains(body, "a>b") || strings.Contains(body, "[CDATA[") || strings.Contains(body, "--") {
			return // an equal spelling of the URI may come out
		}
		got := run(t, options(Query), body, 0)
		got = strings.NewReplacer("?"+whole, "", "&amp;"+whole, "", "&"+whole, "").Replace(got)
		plain := strings.NewReplacer("&#39;", "'", "&quot;", `"`, "&gt;", ">", "&lt;", "<", "&amp;", "&") // any may be spelt out beside a token
		if plain.Replace(got) != plain.Replace(body) {
			rt.Fatalf("of %q is left %q", body, got)
		}
	})
}

// FuzzRewrite holds for anything at all that pieces come to the same as the whole, that
// twice is once, and that a foreign host gets no token.
func FuzzRewrite(f *testing.F) {
	for _, name := range []string{"master.in.m3u8", "llhls.in.m3u8", "vod.in.mpd", "live.in.mpd"} {
		body, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(body), uint8(1), 7)
		f.Add(string(body), uint8(2), 1000)
	}
	for _, p := range pieces() {
		f.Add("#EXTM3U\n"+p+"\n", uint8(1), 3)
		f.Add("<MPD>"+p+"</MPD>", uint8(2), 3)
	}
	f.Fuzz(func(t *testing.T, body string, mode uint8, cut int) {
		o := options(Segment + Mode(mode%3))
		o.Inherits = mode&4 != 0
		got := checkPieces(t, o, body, []int{1 + max(0, cut)%4096, 1})
		checkTwice(t, o, got)
	})
}

// FuzzFlatten holds that no dot segment is left in a path, and that it stays absolute.
func FuzzFlatten(f *testing.F) {
	for _, seed := range []string{"a/../b", "..", "./.", "a/./../..", "%2e%2E/x", "//..//", "a//../b?x/..", "..#/.."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		flat := flatten([]byte("/" + path))
		if len(flat) == 0 || flat[0] != '/' || hasDots(flat) {
			t.Errorf("/%q became %q", path, flat)
		}
	})
}
