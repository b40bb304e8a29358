package edge

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"edged/auth"
	"edged/internal/rewrite"
)

const carryList = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MAP:URI=\"init.mp4\"\n#EXTINF:4,\n../s/1.m4s?a=1\n#EXTINF:4,\n/s/2.m4s\n" +
	"#EXTINF:4,\nhttps://media.test/s/3.m4s\n#EXTINF:4,\nhttps://other.test/4.m4s\n#EXT-X-ENDLIST\n"

// carrying returns a site change for a way of carrying, with sessions of its own key if
// lifetime is above 0, and what mints access tokens.
func carrying(t testing.TB, way Carry, lifetime time.Duration, redirect bool) (func(*Site), func(auth.Claims) string) {
	t.Helper()
	customer := auth.Key{ID: "cms", Account: "acme", Type: auth.HMACSHA256, Secret: []byte("0123456789abcdef")}
	own := auth.Key{ID: "edge", Account: "acme", Type: auth.HMACSHA256, Secret: []byte("fedcba9876543210")}
	scheme, err := auth.NewECT(auth.Options{Account: "acme", Required: true, Keys: []auth.Key{customer, own}})
	if err != nil {
		t.Fatal(err)
	}
	return func(s *Site) {
			s.Token, s.TokenRequired, s.Carry, s.SessionRedirect = scheme, true, way, redirect
			if lifetime > 0 {
				sessions, err := auth.NewSessions("vod", own, lifetime)
				if err != nil {
					t.Fatal(err)
				}
				s.Sessions = sessions
			}
		}, func(c auth.Claims) string {
			token, err := auth.MintHMAC(customer.ID, customer.Secret, c)
			if err != nil {
				t.Fatal(err)
			}
			return token
		}
}

func access(b *bench) auth.Claims {
	return auth.Claims{Expires: b.clock.now().Unix() + 60, Scopes: []string{"/v/", "/s/"}, Session: "s1"}
}

// files serves the list at /v/ and a segment everywhere else.
func files(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "max-age=60")
	if strings.HasPrefix(r.URL.Path, "/v/") && strings.HasSuffix(r.URL.Path, ".m3u8") {
		ok(carryList, "application/vnd.apple.mpegurl")(w, r)
		return
	}
	ok("segment of "+r.URL.Path, "video/mp4")(w, r)
}

func TestCarryRewrites(t *testing.T) {
	tests := []struct {
		name, prefix, suffix string
		cookie               bool
		way                  Carry
		want                 []string // in the list, @ for the token
	}{
		{"path inherits", "/ect=@", "", false, CarryPath, []string{`URI="init.mp4"`, "\n../s/1.m4s?a=1\n", "\n/ect=@/s/2.m4s", "https://media.test/ect=@/s/3.m4s"}},
		{"path from query", "", "?ect=@", false, CarryPath, []string{`URI="/ect=@/v/init.mp4"`, "\n/ect=@/s/1.m4s?a=1\n", "\n/ect=@/s/2.m4s"}},
		{"path from cookie", "", "", true, CarryPath, []string{`URI="/ect=@/v/init.mp4"`}},
		{"query", "", "?ect=@", false, CarryQuery, []string{`URI="init.mp4?ect=@"`, "\n../s/1.m4s?a=1&ect=@\n", "https://media.test/s/3.m4s?ect=@\n"}},
		{"query from path", "/ect=@", "", false, CarryQuery, []string{`URI="init.mp4"`, "\n../s/1.m4s?a=1\n", "\n/ect=@/s/2.m4s"}},
		{"define", "", "?ect=@", false, CarryDefine, []string{"#EXTM3U\n#EXT-X-DEFINE:QUERYPARAM=\"ect\"\n", `URI="init.mp4?ect={$ect}"`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			change, mint := carrying(t, tt.way, 0, false)
			b := newBench(t, files, change)
			for range 3 { // the cold one, too
				token := mint(auth.Claims{Expires: b.clock.now().Unix() + 60, Scopes: []string{"/v/", "/s/"}})
				fill := func(s string) string { return strings.ReplaceAll(s, "@", token) }
				header := []string{"Range", "bytes=0-", "If-Range", `"x"`, "Accept-Encoding", "gzip;q=0"}
				if tt.cookie {
					header = append(header, "Cookie", "ect="+token)
				}
				a := b.get(fill(tt.prefix+"/v/m.m3u8"+tt.suffix), header...)
				b.want(a, 200)
				for _, w := range tt.want {
					if !strings.Contains(a.body, fill(w)) {
						t.Errorf("no %q in %q", fill(w), a.body)
					}
				}
				if strings.Count(a.body, "\n") < strings.Count(carryList, "\n") || !strings.Contains(a.body, "\nhttps://other.test/4.m4s\n") {
					t.Errorf("the list is not what it was: %q", a.body)
				}
				wantPersonal(t, a)
				b.clock.advance(time.Second)
			}
			b.wantFetches(1)
		})
	}
}

// wantPersonal holds that a response says it is nobody else's.
func wantPersonal(t *testing.T, a answer) {
	t.Helper()
	if got := a.header.Joined("Cache-Control"); got != "private, no-store" {
		t.Errorf("Cache-Control %q", got)
	}
	for _, name := range []string{"ETag", "Last-Modified", "Accept-Ranges", "Content-Range", "Expires"} {
		if a.header.Has(name) {
			t.Errorf("%s: %s", name, a.header.Get(name))
		}
	}
	if a.size != -1 {
		t.Errorf("size %d, want an unknown one", a.size)
	}
}

func TestCarryHeadAndConditions(t *testing.T) {
	change, mint := carrying(t, CarryQuery, 0, false)
	b := newBench(t, files, change)
	target := "/v/m.m3u8?ect=" + mint(access(b))
	a := b.do(request{method: "HEAD", target: target})
	b.want(a, 200)
	wantPersonal(t, a)
	if a.body != "" {
		t.Errorf("HEAD with content %q", a.body)
	}
	b.want(b.get(target, "If-None-Match", `"261"`), 200)
	b.want(b.get(target, "If-Match", `"261"`), 412)
	b.want(b.get("/v/m.m3u8"), 403)
	seg := b.get("/s/1.m4s?ect=" + mint(access(b)))
	b.want(seg, 200)
	if !seg.header.Has("ETag") || strings.Contains(seg.header.Joined("Cache-Control"), "private") {
		t.Errorf("a segment is not what it was: %v", seg.header)
	}
}

// A long list goes out in gzip, made for this viewer.
func TestCarryCodes(t *testing.T) {
	list := "#EXTM3U\n" + strings.Repeat("#EXTINF:4,\nsegment.m4s\n", 20000)
	change, mint := carrying(t, CarryQuery, 0, false)
	b := newBench(t, ok(list, "application/vnd.apple.mpegurl"), change)
	token := mint(access(b))
	want := strings.ReplaceAll(list, ".m4s", ".m4s?ect="+token)
	for range 3 {
		a := b.get("/v/m.m3u8?ect="+token, "Accept-Encoding", "gzip, br")
		b.want(a, 200)
		wantPersonal(t, a)
		if a.header.Get("Content-Encoding") != "gzip" {
			t.Fatalf("%v", a.header)
		}
		r, err := gzip.NewReader(strings.NewReader(a.body))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err != nil || string(got) != want {
			t.Errorf("%d bytes, %v, want %d", len(got), err, len(want))
		}
		if len(a.body) > len(want)/50 {
			t.Errorf("%d bytes became %d", len(want), len(a.body))
		}
		if a := b.get("/v/m.m3u8?ect=" + token); a.body != want {
			t.Errorf("without a coding: %.100q", a.body)
		}
	}
}

// Errors under the name of a manifest, and manifests nobody carries, stay as they are.
func TestCarryLeavesOthers(t *testing.T) {
	change, mint := carrying(t, CarryQuery, 0, false)
	b := newBench(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v/none.m3u8" {
			http.Error(w, "#EXTM3U\nx.ts\n", 404)
			return
		}
		files(w, r)
	}, change)
	a := b.get("/v/none.m3u8?ect=" + mint(access(b)))
	b.want(a, 404)
	if strings.Contains(a.body, "ect=") {
		t.Errorf("a token in %q", a.body)
	}
	b.site.Carry = CarryNone
	a = b.get("/v/m.m3u8?ect=" + mint(access(b)))
	b.want(a, 200)
	if a.body != carryList || !a.header.Has("ETag") {
		t.Errorf("without carrying: %q %v", a.body, a.header)
	}
}

func TestCarryCookie(t *testing.T) {
	change, mint := carrying(t, CarryCookie, 0, false)
	b := newBench(t, files, change)
	b.clock.start = time.Now() // it stands: seconds are counted
	c := access(b)
	c.Scopes = []string{"/v/", "/s/a;b/x"}
	token := mint(c)
	for range 2 {
		a := b.get("/v/m.m3u8?ect=" + token)
		b.want(a, 200)
		want := []string{
			"ect=" + token + "; Path=/v/; Max-Age=60; Secure; HttpOnly; SameSite=None; Partitioned",
			"ect=" + token + "; Path=/s/; Max-Age=60; Secure; HttpOnly; SameSite=None; Partitioned",
		}
		if got := cookiesOf(a); strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("cookies %q, want %q", got, want)
		}
		if a.body != carryList || a.header.Joined("Cache-Control") != "private, no-cache" {
			t.Errorf("%v %q", a.header, a.body)
		}
		nm := b.get("/v/m.m3u8?ect="+token, "If-None-Match", a.header.Get("ETag"))
		b.want(nm, 304)
		if len(cookiesOf(nm)) != 2 {
			t.Errorf("a 304 with cookies %q", cookiesOf(nm))
		}
	}
	a := b.get("/v/m.m3u8", "Cookie", "ect="+token)
	b.want(a, 200, "hit")
	if len(cookiesOf(a)) != 0 || a.header.Joined("Cache-Control") != "max-age=60" {
		t.Errorf("with the cookie: %v", a.header)
	}
	b.want(b.get("/v/x.m4s", "Cookie", "ect="+token), 200)
	b.wantFetches(2)
}

func cookiesOf(a answer) (all []string) {
	for _, f := range a.header {
		if f.Name == "Set-Cookie" {
			all = append(all, f.Value)
		}
	}
	return all
}

func TestSessionRedirects(t *testing.T) {
	for _, c := range []struct {
		name          string
		way           Carry
		begin, end    string // of the location, around the token
		before, after string // of the request
	}{
		{"path", CarryPath, "/ect=", "/v/m%20x.m3u8?a=1&b", "/ect=@/v/m%20x.m3u8?a=1&b", ""},
		{"path from query", CarryPath, "/ect=", "/v/m%20x.m3u8?a=1", "/v/m%20x.m3u8?a=1&ect=@", ""},
		{"query", CarryQuery, "/v/m%20x.m3u8?a=1&ect=", "", "/v/m%20x.m3u8?ect=@&a=1", ""},
		{"define", CarryDefine, "/v/m%20x.m3u8?ect=", "", "/v/m%20x.m3u8?ect=@", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			change, mint := carrying(t, c.way, 6*time.Hour, true)
			b := newBench(t, files, change)
			first := mint(access(b))
			a := b.get(strings.ReplaceAll(c.before, "@", first))
			b.want(a, 302, "detail=session-redirect")
			to := a.header.Get("Location")
			if a.header.Get("Cache-Control") != "no-store" || !a.header.Has("Access-Control-Allow-Origin") {
				t.Errorf("header %v", a.header)
			}
			if !strings.HasPrefix(to, c.begin) || !strings.HasSuffix(to, c.end) || strings.Contains(to, first) {
				t.Fatalf("Location %q", to)
			}
			b.clock.advance(time.Minute) // the access token has ended
			b.want(b.get(strings.ReplaceAll(c.before, "@", first)), 403)
			b.clock.advance(5 * time.Hour)
			a = b.get(to)
			b.want(a, 200)
			if strings.Contains(a.body, first) {
				t.Errorf("the access token is in %q", a.body)
			}
			b.clock.advance(time.Hour)
			b.want(b.get(to), 403)
		})
	}
}

func TestSessionRewrites(t *testing.T) {
	change, mint := carrying(t, CarryPath, 6*time.Hour, false)
	b := newBench(t, files, change)
	first := mint(access(b))
	a := b.get("/ect=" + first + "/v/m.m3u8")
	b.want(a, 200)
	_, rest, _ := strings.Cut(a.body, "/ect=")
	token, _, _ := strings.Cut(rest, "/")
	if strings.Contains(a.body, first) || !strings.Contains(a.body, `URI="/ect=`+token+`/v/init.mp4"`) {
		t.Fatalf("%q", a.body)
	}
	b.clock.advance(time.Hour)
	b.want(b.get("/ect="+token+"/v/init.mp4"), 200)
	b.want(b.get("/ect="+token+"/s/1.m4s?a=1"), 200)
	b.want(b.get("/ect="+token+"/other/1.m4s"), 403)
	again := b.get("/ect=" + token + "/v/m.m3u8")
	b.want(again, 200)
	if strings.Count(again.body, "/ect="+token) != 2 || strings.Count(again.body, "/ect=") != 2 {
		t.Errorf("a session token is not inherited as it is: %q", again.body)
	}
}

func TestSessionCookie(t *testing.T) {
	change, mint := carrying(t, CarryCookie, 6*time.Hour, true)
	b := newBench(t, files, change)
	a := b.get("/ect=" + mint(access(b)) + "/v/m.m3u8?x=1")
	b.want(a, 302)
	if a.header.Get("Location") != "/v/m.m3u8?x=1" || len(cookiesOf(a)) != 2 {
		t.Fatalf("%v", a.header)
	}
	cookie, _, _ := strings.Cut(cookiesOf(a)[0], ";")
	b.clock.advance(time.Hour)
	a = b.get("/v/m.m3u8?x=1", "Cookie", cookie)
	b.want(a, 200)
	if a.body != carryList || len(cookiesOf(a)) != 0 {
		t.Errorf("%v", a.header)
	}
	b.want(b.get("/s/1.m4s", "Cookie", cookie), 200)
}

// tooMuch is a grant that does not fit in a token.
type tooMuch struct{}

func (tooMuch) Exchanges(*auth.Verdict) bool { return true }
func (tooMuch) Mint(*auth.Verdict, int64, string) (string, int64, error) {
	return "", 0, errors.New("too large")
}

func TestSessionThatCannotBe(t *testing.T) {
	change, mint := carrying(t, CarryPath, time.Hour, true)
	b := newBench(t, files, change, func(s *Site) { s.Sessions = tooMuch{} })
	a := b.get("/v/m.m3u8?ect=" + mint(access(b)))
	b.want(a, 200)
	if a.body != carryList {
		t.Errorf("%q", a.body)
	}
}

// chunks is a Body of given spans, whose pins may be lost.
type chunks struct {
	spans []string
	at    int // in the first of spans
	lost  bool
	err   error
}

func (c *chunks) Next() ([]byte, error) {
	for len(c.spans) > 0 && c.at == len(c.spans[0]) {
		c.spans, c.at = c.spans[1:], 0
	}
	if len(c.spans) == 0 {
		return nil, c.err
	}
	span := c.spans[0][c.at:]
	c.at = len(c.spans[0])
	return []byte(span), nil
}
func (c *chunks) Ready() bool  { return true }
func (c *chunks) Close()       {}
func (c *chunks) Park()        {}
func (c *chunks) Resume() bool { return !c.lost }
func (c *chunks) Unread(n int) { c.at -= n }

// TestRewriteBodyParks holds that a slow client, whose memory is taken away between
// spans, gets the same bytes.
func TestRewriteBodyParks(t *testing.T) {
	list := "#EXTM3U\n" + strings.Repeat("#EXTINF:4,\nsegment.m4s\n", 5000)
	read := func(lost bool, back int) string {
		c := &carried{name: "ect", mode: rewrite.Query, body: rewriteBody{source: &chunks{spans: []string{list[:40000], list[40000:]}, lost: lost, err: io.EOF}}}
		x := &Exchange{}
		x.site, x.carried, x.path = &Site{Carry: CarryQuery}, c, []byte("/v/m.m3u8")
		x.verdict.Grant = &auth.Grant{Scopes: [][]byte{[]byte("/v/")}}
		c.token = "T"
		if err := c.body.rewriter.Reset(x.rewriting()); err != nil {
			t.Fatal(err)
		}
		var out []byte
		for {
			span, err := c.body.Next()
			if err == io.EOF {
				return string(out)
			}
			if err != nil {
				t.Fatal(err)
			}
			if lost {
				c.body.Park()
			}
			n := min(back, len(span)-1)
			out = append(out, span[:len(span)-n]...)
			if lost && !c.body.Resume() {
				t.Fatal("a copied span is lost")
			}
			c.body.Unread(n)
		}
	}
	want := read(false, 0)
	if !strings.Contains(want, "segment.m4s?ect=T\n") || len(want) != len(list)+5000*len("?ect=T") {
		t.Fatalf("%d bytes: %.100q", len(want), want)
	}
	if got := read(true, 777); got != want {
		t.Error("a parked body has other bytes")
	}
}

func TestRewriteBodyCut(t *testing.T) {
	broken := errors.New("broken")
	b := rewriteBody{source: &chunks{spans: []string{"#EXTM3U\nx"}, err: broken}}
	var err error
	for err == nil {
		_, err = b.Next()
	}
	if !errors.Is(err, broken) {
		t.Errorf("%v, want the source's error", err)
	}
}
