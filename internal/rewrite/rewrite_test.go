package rewrite

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// token has every character that ect tokens have; whole is how it stands in a URI.
const (
	token = "h1.k-1_a.cA.c2ln"
	whole = "ect=" + token
)

func options(m Mode) Options {
	return Options{
		Mode: m, Name: "ect", Value: token, Base: "/a/b/", Hosts: []string{"own.test", "[2001:db8::1]"}, Port: "8080",
	}
}

// run rewrites body in pieces of size bytes, 0 for one piece.
func run(t testing.TB, o Options, body string, size int) string {
	t.Helper()
	var r Rewriter
	return rerun(t, &r, o, body, size)
}

func rerun(t testing.TB, r *Rewriter, o Options, body string, size int) string {
	t.Helper()
	if err := r.Reset(o); err != nil {
		t.Fatal(err)
	}
	var out []byte
	for rest := body; len(rest) > 0; {
		n := len(rest)
		if size > 0 {
			n = min(n, size)
		}
		out = r.Append(out, []byte(rest[:n]))
		rest = rest[n:]
	}
	return string(r.Finish(out))
}

// uriTest is one URI and what becomes of it; "" means that it stays.
type uriTest struct{ uri, segment, inherits, query string }

func uriTests() []uriTest {
	const s, q = "/" + whole, "?" + whole
	return []uriTest{
		{"seg.ts", s + "/a/b/seg.ts", "", "seg.ts" + q},
		{"v/seg.ts?x=1#t", s + "/a/b/v/seg.ts?x=1#t", "", "v/seg.ts?x=1&" + whole + "#t"},
		{"seg.ts?", s + "/a/b/seg.ts?", "", "seg.ts" + q},
		{"seg.ts?a&", s + "/a/b/seg.ts?a&", "", "seg.ts?a&" + whole},
		{"./seg.ts", s + "/a/b/seg.ts", "", "./seg.ts" + q},
		{"../c/seg.ts", s + "/a/c/seg.ts", "", "../c/seg.ts" + q},
		{"../../seg.ts", s + "/seg.ts", "", "../../seg.ts" + q},
		{"../../../seg.ts?q=../..", s + "/seg.ts?q=../..", s + "/seg.ts?q=../..", "../../../seg.ts?q=../..&" + whole},
		{"%2E%2e/.%2E/../seg.ts", s + "/seg.ts", s + "/seg.ts", "%2E%2e/.%2E/../seg.ts" + q},
		{"x/../..", s + "/a/", "", "x/../.." + q},
		{"...", s + "/a/b/...", "", "..." + q},
		{"/c/seg.ts", s + "/c/seg.ts", s + "/c/seg.ts", "/c/seg.ts" + q},
		{"/", s + "/", s + "/", "/" + q},
		{"/c/../../seg.ts", s + "/seg.ts", s + "/seg.ts", "/c/../../seg.ts" + q},
		{"https://own.test/c/seg.ts", "https://own.test" + s + "/c/seg.ts", "https://own.test" + s + "/c/seg.ts", "https://own.test/c/seg.ts" + q},
		{"HTTP://OWN.test", "HTTP://OWN.test" + s + "/", "HTTP://OWN.test" + s + "/", "HTTP://OWN.test" + q},
		{"http://own.test:8080?x", "http://own.test:8080" + s + "/?x", "http://own.test:8080" + s + "/?x", "http://own.test:8080?x&" + whole},
		{"http://own.test:80/x", "http://own.test:80" + s + "/x", "http://own.test:80" + s + "/x", "http://own.test:80/x" + q},
		{"//own.test/x", "//own.test" + s + "/x", "//own.test" + s + "/x", "//own.test/x" + q},
		{"//[2001:DB8::1]:443/x", "//[2001:DB8::1]:443" + s + "/x", "//[2001:DB8::1]:443" + s + "/x", "//[2001:DB8::1]:443/x" + q},
		{"my file.ts", s + "/a/b/my file.ts", "", "my file.ts" + q},
		{"?only=query", "", "", "?only=query&" + whole},
		{"#only", "", "", ""},
		// once is enough
		{s + "/c/seg.ts", "", "", s + "/c/seg.ts" + q},
		{"https://own.test" + s + "/x", "", "", "https://own.test" + s + "/x" + q},
		{"/x?a&ect=other", s + "/x?a&ect=other", s + "/x?a&ect=other", ""},
		// foreign
		{"https://other.test/x", "", "", ""},
		{"//other.test/x", "", "", ""},
		{"https://own.test:9000/x", "", "", ""},
		{"https://own.test.other.test/x", "", "", ""},
		{"https://user@own.test/x", "", "", ""},
		{"https://own.test:80@other.test/x", "", "", ""},
		{`https://own.test\@other.test/x`, "", "", ""},
		{`\\other.test\x`, "", "", ""},
		{`/\other.test/x`, "", "", ""},
		{"/\t/other.test/x", "", "", ""},
		{"https:/own.test/x", "", "", ""},
		{"https:own.test/x", "", "", ""},
		{"data:text/plain;base64,AAAA", "", "", ""},
		{"skd://own.test/x", "", "", ""},
		{"urn:uuid:1", "", "", ""},
		{"blob:https://own.test/x", "", "", ""},
	}
}

// TestURIs holds what becomes of a URI as line and as attribute of HLS.
func TestURIs(t *testing.T) {
	inherit := options(Segment)
	inherit.Inherits = true
	for _, tt := range uriTests() {
		for _, c := range []struct {
			mode string
			o    Options
			want string
		}{{"segment", options(Segment), tt.segment}, {"inherits", inherit, tt.inherits}, {"query", options(Query), tt.query}} {
			want := c.want
			if want == "" {
				want = tt.uri
			}
			if tt.uri[0] != '#' {
				list := "#EXTM3U\n" + tt.uri + "\n#EXT-X-ENDLIST"
				if got := run(t, c.o, list, 0); got != strings.Replace(list, tt.uri, want, 1) {
					t.Errorf("%s of line %q = %q, want %q", c.mode, tt.uri, got, want)
				}
			}
			tag := "#EXTM3U\r\n#EXT-X-MAP:BYTERANGE=\"5@0\",URI=\"" + tt.uri + "\",X=1\r\n"
			if got := run(t, c.o, tag, 0); got != strings.Replace(tag, tt.uri, want, 1) {
				t.Errorf("%s of attribute %q = %q, want %q", c.mode, tt.uri, got, want)
			}
		}
	}
}

// TestXMLURIs holds the same for an attribute of DASH that is relative to the manifest's
// host, with XML's own escapes in the way.
func TestXMLURIs(t *testing.T) {
	for _, tt := range uriTests() {
		if strings.ContainsAny(tt.uri, "\t") { // a space to XML
			continue
		}
		want := tt.query
		if want == "" {
			want = tt.uri
		}
		escaped := string(escape(nil, []byte(tt.uri)))
		mpd := `<MPD><Period><SegmentList><SegmentURL media = "` + escaped + `" mediaRange="1-2"/></SegmentList></Period></MPD>`
		want = strings.Replace(mpd, escaped, string(escape(nil, []byte(want))), 1)
		if got := run(t, options(Query), mpd, 0); got != want {
			t.Errorf("%q\n got %s\nwant %s", tt.uri, got, want)
		}
	}
}

func TestDASH(t *testing.T) {
	const s, q, a = "/" + whole, "?" + whole, "&amp;" + whole
	inherit := options(Segment)
	inherit.Inherits = true
	dollar := options(Query)
	dollar.Value = "a$b&c"
	self := options(Segment)
	self.Self = "/a/b/m.mpd?x=1&y"
	selfQuery := self
	selfQuery.Mode = Query
	tests := []struct {
		name      string
		o         Options
		in, want  string
		unchanged bool
	}{
		{"base is added", options(Segment), `<MPD><Period/></MPD>`, `<MPD><BaseURL>` + s + `/a/b/</BaseURL><Period/></MPD>`, false},
		{
			"behind the information", options(Segment), `<MPD> <ProgramInformation><Title>BaseURL</Title></ProgramInformation> <Period/></MPD>`,
			`<MPD> <ProgramInformation><Title>BaseURL</Title></ProgramInformation> <BaseURL>` + s + `/a/b/</BaseURL><Period/></MPD>`, false,
		},
		{"with the root's prefix", options(Segment), `<m:MPD><m:Period/></m:MPD>`, `<m:MPD><m:BaseURL>` + s + `/a/b/</m:BaseURL><m:Period/></m:MPD>`, false},
		{"not added when inherited", inherit, `<MPD><Period/></MPD>`, "", true},
		{"not added beside one", options(Segment), `<MPD><BaseURL>v/</BaseURL><Period/></MPD>`, `<MPD><BaseURL>` + s + `/a/b/v/</BaseURL><Period/></MPD>`, false},
		{"attributes of a base", options(Segment), `<MPD><BaseURL serviceLocation="a" >
			v/ </BaseURL><Period/></MPD>`, `<MPD><BaseURL serviceLocation="a" >
			` + s + `/a/b/v/ </BaseURL><Period/></MPD>`, false},
		{"deeper bases are relative to it", inherit, `<MPD><Period><BaseURL>v/</BaseURL></Period></MPD>`, "", true},
		{
			"deeper bases of their own", inherit, `<MPD><Period><BaseURL>/v/</BaseURL><AdaptationSet><BaseURL>https://own.test/w/</BaseURL></AdaptationSet></Period></MPD>`,
			`<MPD><Period><BaseURL>` + s + `/v/</BaseURL><AdaptationSet><BaseURL>https://own.test` + s + `/w/</BaseURL></AdaptationSet></Period></MPD>`, false,
		},
		{
			"directories need no query", options(Query), `<MPD><BaseURL>v/</BaseURL><BaseURL>https://own.test</BaseURL><BaseURL>v/f.mp4</BaseURL></MPD>`,
			`<MPD><BaseURL>v/</BaseURL><BaseURL>https://own.test</BaseURL><BaseURL>v/f.mp4` + q + `</BaseURL></MPD>`, false,
		},
		{
			"templates", options(Query), `<MPD><SegmentTemplate media='s-$Number%05d$.m4s?a=1&amp;b' initialization="$RepresentationID$/i.mp4" index="/x" bitstreamSwitching="b" timescale="1"></SegmentTemplate></MPD>`,
			`<MPD><SegmentTemplate media='s-$Number%05d$.m4s?a=1&amp;b` + a + `' initialization="$RepresentationID$/i.mp4` + q + `" index="/x` + q + `" bitstreamSwitching="b` + q + `" timescale="1"></SegmentTemplate></MPD>`, false,
		},
		{
			"dollars in templates only", dollar, `<MPD><SegmentTemplate media="s-$Time$"/><SegmentURL media="s" index="i"/><Initialization sourceURL="i"/></MPD>`,
			`<MPD><SegmentTemplate media="s-$Time$?ect=a$$b&amp;c"/><SegmentURL media="s?ect=a$b&amp;c" index="i?ect=a$b&amp;c"/><Initialization sourceURL="i?ect=a$b&amp;c"/></MPD>`, false,
		},
		{
			"absolute template", options(Segment), `<MPD><BaseURL>x/</BaseURL><SegmentTemplate media="/s-$Time$"/></MPD>`,
			`<MPD><BaseURL>` + s + `/a/b/x/</BaseURL><SegmentTemplate media="` + s + `/s-$Time$"/></MPD>`, false,
		},
		{"other attributes", options(Query), `<MPD media="x" xsi:schemaLocation="a b"><SegmentURL mediaRange="0-1"/><Event href="x" value="media"/></MPD>`, "", true},
		{
			"links", options(Query), `<MPD><Period xlink:href="p.xml?a" xlink:actuate="onLoad"/><Period xlink:href="urn:mpeg:dash:resolve-to-zero:2013"/></MPD>`,
			`<MPD><Period xlink:href="p.xml?a` + a + `" xlink:actuate="onLoad"/><Period xlink:href="urn:mpeg:dash:resolve-to-zero:2013"/></MPD>`, false,
		},
		{
			"comment, section, reference", options(Query), `<MPD><!-- <BaseURL>x</BaseURL> --><BaseURL> <!--c--><![CDATA[x?a=1&b]]>&#x2F;y<?p?> </BaseURL><![CDATA[<BaseURL>x</BaseURL>]]></MPD>`,
			`<MPD><!-- <BaseURL>x</BaseURL> --><BaseURL> <!--c--><?p?>x?a=1&amp;b/y` + a + ` </BaseURL><![CDATA[<BaseURL>x</BaseURL>]]></MPD>`, false,
		},
		{"unknown reference", options(Query), `<MPD><BaseURL>x&y;</BaseURL><SegmentURL media="&y;x"/></MPD>`, "", true},
		{"a sign within quotes", options(Query), `<MPD a="/>"><SegmentURL index='>"' media="x"/></MPD>`, `<MPD a="/>"><SegmentURL index='&gt;&quot;?` + whole + `' media="x` + q + `"/></MPD>`, false},
		{
			"steering and patches", options(Query), `<MPD><PatchLocation ttl="60">p.mpp</PatchLocation><ContentSteering>https://own.test/s</ContentSteering><ContentSteering>https://steer.test/s</ContentSteering></MPD>`,
			`<MPD><PatchLocation ttl="60">p.mpp` + q + `</PatchLocation><ContentSteering>https://own.test/s` + q + `</ContentSteering><ContentSteering>https://steer.test/s</ContentSteering></MPD>`, false,
		},
		{
			"time servers", options(Query), `<MPD><UTCTiming value="https://own.test/time"/><UTCTiming value="2026-01-01T00:00:00Z"/></MPD>`,
			`<MPD><UTCTiming value="https://own.test/time` + q + `"/><UTCTiming value="2026-01-01T00:00:00Z"/></MPD>`, false,
		},
		{
			"below a foreign base", options(Query), `<MPD><BaseURL>https://cdn.test/</BaseURL><Period><SegmentTemplate media="x"/><SegmentURL media="/x"/><SegmentURL media="https://own.test/x"/></Period></MPD>`,
			`<MPD><BaseURL>https://cdn.test/</BaseURL><Period><SegmentTemplate media="x"/><SegmentURL media="/x"/><SegmentURL media="https://own.test/x` + q + `"/></Period></MPD>`, false,
		},
		{
			"a foreign base ends with its element", options(Query), `<MPD><Period><BaseURL>//cdn.test/x</BaseURL><AdaptationSet><BaseURL>v</BaseURL><SegmentURL media="x"/></AdaptationSet></Period><Period><SegmentURL media="x"/></Period></MPD>`,
			`<MPD><Period><BaseURL>//cdn.test/x</BaseURL><AdaptationSet><BaseURL>v</BaseURL><SegmentURL media="x"/></AdaptationSet></Period><Period><SegmentURL media="x` + q + `"/></Period></MPD>`, false,
		},
		{
			"own base below a foreign one", options(Query), `<MPD><BaseURL>https://cdn.test/</BaseURL><Period><BaseURL>https://own.test/</BaseURL><SegmentURL media="x"/></Period></MPD>`,
			`<MPD><BaseURL>https://cdn.test/</BaseURL><Period><BaseURL>https://own.test/</BaseURL><SegmentURL media="x` + q + `"/></Period></MPD>`, false,
		},
		{"own and foreign side by side", options(Query), `<MPD><BaseURL>https://cdn.test/</BaseURL><BaseURL>https://own.test/</BaseURL><SegmentURL media="x"/></MPD>`, "", true},
		{
			"location of a dynamic MPD", self, `<MPD type="dynamic"><Period/></MPD>`,
			`<MPD type="dynamic"><BaseURL>` + s + `/a/b/</BaseURL><Location>` + s + `/a/b/m.mpd?x=1&amp;y</Location><Period/></MPD>`, false,
		},
		{
			"location in the query", selfQuery, `<MPD type="dynamic"><Period/></MPD>`,
			`<MPD type="dynamic"><Location>/a/b/m.mpd?x=1&amp;y` + a + `</Location><Period/></MPD>`, false,
		},
		{
			"a location of its own", self, `<MPD type="dynamic"><Location>n.mpd</Location><Period/></MPD>`,
			`<MPD type="dynamic"><BaseURL>` + s + `/a/b/</BaseURL><Location>` + s + `/a/b/n.mpd</Location><Period/></MPD>`, false,
		},
		{"static MPDs need none", selfQuery, `<MPD type="static"><Period/></MPD>`, "", true},
		{"a linked Period", options(Query), `<Period><SegmentURL media="x"/></Period>`, `<Period><SegmentURL media="x` + q + `"/></Period>`, false},
		{"declaration", options(Define), `<MPD><Period><BaseURL>x</BaseURL></Period></MPD>`, `<MPD><Period><BaseURL>x</BaseURL></Period>` + declaration + `</MPD>`, false},
		{"declaration in order", options(Define), `<MPD><UTCTiming/><Period/><UTCTiming/></MPD>`, `<MPD><UTCTiming/><Period/>` + declaration + `<UTCTiming/></MPD>`, false},
		{"document type", options(Query), `<!DOCTYPE MPD [<!ENTITY x "y">]><MPD><SegmentURL media="x"/></MPD>`, "", true},
		{"Smooth Streaming", options(Query), `<SmoothStreamingMedia><SegmentURL media="x"/></SmoothStreamingMedia>`, "", true},
		{"no end", options(Query), `<MPD><SegmentURL media="x"`, "", true},
		{"no end of an element", options(Query), `<MPD><BaseURL>x`, "", true},
		{"element within a URI", options(Query), `<MPD><BaseURL>x<b/></BaseURL><SegmentURL media="x"/></MPD>`, `<MPD><BaseURL>x<b/></BaseURL><SegmentURL media="x` + q + `"/></MPD>`, false},
		{"more ends than starts", options(Query), `</MPD></MPD><MPD><SegmentURL media="x"/></MPD>`, `</MPD></MPD><MPD><SegmentURL media="x` + q + `"/></MPD>`, false},
		{"too deep", options(Query), strings.Repeat("<a>", maxDepth+1) + `<SegmentURL media="x"/>`, "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := tt.want
			if tt.unchanged {
				want = tt.in
			}
			for _, size := range []int{0, 1, 7} {
				if got := run(t, tt.o, tt.in, size); got != want {
					t.Errorf("in pieces of %d:\n got %s\nwant %s", size, got, want)
				}
			}
		})
	}
}

const declaration = `<EssentialProperty schemeIdUri="urn:mpeg:dash:urlparam:2016"><up:ExtUrlQueryInfo ` +
	`xmlns:up="urn:mpeg:dash:schema:urlparam:2016" queryTemplate="$querypart$" useMPDUrlQuery="true" ` +
	`includeInRequests="segment xlink" sameOriginOnly="true"/></EssentialProperty>`

func TestPassesOthers(t *testing.T) {
	for name, body := range map[string]string{
		"nothing":         "",
		"blanks":          " \n",
		"half a mark":     "\xef\xbb",
		"text":            "seg.ts\n/a\n",
		"nearly a list":   "#EXTM3",
		"another list":    "#EXTINF:1\nseg.ts\n",
		"UTF-16":          "\xfe\xff\x00<\x00M\x00P\x00D",
		"JSON":            `{"URI":"/a"}`,
		"a long line":     "#EXTM3U\n" + strings.Repeat("x", MaxUnit+1) + "\n",
		"a long tag":      `<MPD><SegmentURL media="` + strings.Repeat("x", MaxUnit) + `"/><SegmentURL media="y"/></MPD>`,
		"a long element":  `<MPD><BaseURL>` + strings.Repeat("x", MaxUnit+1) + `</BaseURL></MPD>`,
		"blanks for long": strings.Repeat(" ", MaxUnit+1) + "#EXTM3U\n/a\n",
	} {
		for _, size := range []int{0, 100, 1000} {
			if got := run(t, options(Query), body, size); got != body {
				t.Errorf("%s in pieces of %d: %.100q", name, size, got)
			}
		}
	}
}

func TestDefine(t *testing.T) {
	const list = "\xef\xbb\xbf#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-MAP:URI=\"i.mp4\"\n#EXTINF:2,\n../s.ts?a=1\nhttps://other.test/x\n"
	const want = "\xef\xbb\xbf#EXTM3U\n#EXT-X-DEFINE:QUERYPARAM=\"ect\"\n#EXT-X-VERSION:11\n#EXT-X-MAP:URI=\"i.mp4?ect={$ect}\"\n" +
		"#EXTINF:2,\n../s.ts?a=1&ect={$ect}\nhttps://other.test/x\n"
	got := run(t, options(Define), list, 0)
	if got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if again := run(t, options(Define), got, 3); again != want {
		t.Errorf("the second time: %q", again)
	}
}

func TestVariables(t *testing.T) {
	for uri, want := range map[string]string{
		"{$base}/s.ts":                "{$base}/s.ts",
		"s{$x}.ts":                    "s{$x}.ts",
		"https://{$host}/s.ts":        "https://{$host}/s.ts",
		"https://own.test{$x}/s.ts":   "https://own.test{$x}/s.ts",
		"d/{$x}.ts":                   "d/{$x}.ts?" + whole,
		"https://own.test/{$x}/s.ts?": "https://own.test/{$x}/s.ts?" + whole,
	} {
		list := "#EXTM3U\n" + uri + "\n"
		if got := run(t, options(Query), list, 0); got != strings.Replace(list, uri, want, 1) {
			t.Errorf("%s: %q", uri, got)
		}
	}
}

func TestResetRefuses(t *testing.T) {
	var r Rewriter
	for _, value := range []string{"", "a b", "a\"", "a\n", "a#b", "a?b", "{$x}", "é"} {
		o := options(Query)
		o.Value = value
		if err := r.Reset(o); err == nil {
			t.Errorf("value %q is taken", value)
		}
	}
	o := options(Define)
	o.Name = `"`
	if err := r.Reset(o); err == nil {
		t.Error("a quote as name is taken")
	}
}

// TestGolden holds what becomes of whole manifests. Run with UPDATE=1 after a change
// that was meant, and read the difference.
func TestGolden(t *testing.T) {
	inherit := options(Segment)
	inherit.Inherits = true
	files, err := filepath.Glob("testdata/*.in.*")
	if err != nil || len(files) < 4 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		in, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for mode, o := range map[string]Options{"segment": options(Segment), "inherits": inherit, "query": options(Query), "define": options(Define)} {
			golden := strings.Replace(file, ".in.", "."+mode+".", 1)
			got := run(t, o, string(in), 0)
			if os.Getenv("UPDATE") != "" {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("%s differs:\n%s", golden, got)
			}
		}
	}
}

// What the token does not open is left as it is, wherever dots lead.
func TestCovers(t *testing.T) {
	o := options(Query)
	o.Covers = func(path []byte) bool { return strings.HasPrefix(string(path), "/a/b/") }
	const list = "#EXTM3U\nx\n../b/y?z=/../..\n../c/y\n/a/b/z#f\n/a/bc\n/a/b/../x\nhttps://own.test/a/b/w\nhttps://own.test\n?q\n%2e%2e/n\n"
	want := strings.NewReplacer("\nx\n", "\nx?"+whole+"\n", "y?z=/../..", "y?z=/../..&"+whole, "/a/b/z#f", "/a/b/z?"+whole+"#f",
		"test/a/b/w", "test/a/b/w?"+whole, "\n?q\n", "\n?q&"+whole+"\n").Replace(list)
	if got := run(t, o, list, 0); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	o = options(Segment)
	o.Covers = func(path []byte) bool { return strings.HasPrefix(string(path), "/a/b/") }
	const mpd = `<MPD><BaseURL>/v/</BaseURL><SegmentURL media="/a/b/x"/><SegmentURL media="/c"/></MPD>`
	want = strings.NewReplacer(">/v/", ">/"+whole+"/v/", "/a/b/x", "/"+whole+"/a/b/x").Replace(mpd)
	if got := run(t, o, mpd, 0); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
