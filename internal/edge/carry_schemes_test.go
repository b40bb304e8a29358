package edge

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"edged/auth"
)

const schemesSecret = "0123456789abcdef"

// akamai returns a site change for tokens of edgeauth that are carried and, where session is
// set, exchanged; and what makes them.
func akamai(t testing.TB, way Carry, session, folder bool) (func(*Site), func(b *bench, fields string) string) {
	t.Helper()
	own := auth.Key{ID: "edge", Account: "acme", Type: auth.HMACSHA256, Secret: []byte("fedcba9876543210"), Scheme: "ect"}
	scheme, err := auth.New("edgeauth", auth.Options{
		Account: "acme", Required: true, Accept: []string{"ect"},
		Keys: []auth.Key{{ID: "cms", Account: "acme", Type: auth.HMACSHA256, Secret: []byte(schemesSecret)}, own},
	})
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := auth.NewSessions("vod", own, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return func(s *Site) {
			s.Token, s.TokenRequired, s.Carry, s.SessionFolder = scheme, true, way, folder
			if session {
				s.Sessions, s.SessionRedirect = sessions, true
			}
		}, func(b *bench, fields string) string {
			text := fmt.Sprintf("exp=%d~%s", b.clock.now().Unix()+60, fields)
			path, signed := "", text
			if p, ok := strings.CutPrefix(fields, "url="); ok {
				text, _, _ = strings.Cut(text, "~")
				path, signed = p, text+"~url="+p
			}
			h := hmac.New(sha256.New, []byte(schemesSecret))
			h.Write([]byte(signed))
			return path + "?__token__=" + text + "~hmac=" + hex.EncodeToString(h.Sum(nil))
		}
}

// A token for the manifest alone is exchanged where the operator says so, for the folder and
// for no root.
func TestSessionFolder(t *testing.T) {
	for _, c := range []struct {
		path   string
		folder bool
		opens  string // "" when there is no exchange
	}{
		{"/v/t/m.m3u8", false, ""},
		{"/v/t/m.m3u8", true, "/v/t/"},
		{"/m.m3u8", true, ""},
	} {
		change, mint := akamai(t, CarryPath, true, c.folder)
		b := newBench(t, ok(carryList, "application/vnd.apple.mpegurl"), change)
		a := b.get(mint(b, "url="+c.path))
		if c.opens == "" {
			b.want(a, 200)
			if a.body != carryList || strings.Contains(a.header.Joined("Cache-Control"), "private") {
				t.Errorf("%s: %v %q", c.path, a.header, a.body)
			}
			continue
		}
		b.want(a, 302)
		segment, _, _ := strings.Cut(strings.TrimPrefix(a.header.Get("Location"), "/"), "/")
		for path, status := range map[string]int{c.opens + "x.m4s": 200, c.opens + "y/x.m4s": 200, c.path: 200, "/v/x.m4s": 403, "/v/tt/x.m4s": 403, "/x": 403} {
			b.want(b.get("/"+segment+path), status)
		}
	}
}

// What opens a directory is exchanged for that, whatever is said of folders; and what cannot be
// kept is not exchanged.
func TestSessionOfOtherSchemes(t *testing.T) {
	change, mint := akamai(t, CarryPath, true, true)
	b := newBench(t, files, change)
	link := mint(b, "acl=/v/*")
	a := b.get("/v/t/m.m3u8" + link)
	b.want(a, 302)
	segment, _, _ := strings.Cut(strings.TrimPrefix(a.header.Get("Location"), "/"), "/")
	b.want(b.get("/"+segment+"/v/x.m4s"), 200)
	b.want(b.get("/"+segment+"/s/x.m4s"), 403)
	b.clock.advance(2 * time.Minute) // the link has ended
	b.want(b.get("/v/t/m.m3u8"+link), 403)
	b.want(b.get(a.header.Get("Location")), 200)
	b.clock.advance(time.Hour)
	b.want(b.get(a.header.Get("Location")), 403)
}

// A token with what would need an escape, or would end a cookie, is served and not carried.
func TestCarryOddTokens(t *testing.T) {
	for _, c := range []struct {
		way    Carry
		fields string
		header string
		want   string // in the list or the cookies; "" for nothing
	}{
		{CarryQuery, "acl=/v/*", "", "init.mp4?__token__=exp="},
		{CarryQuery, `acl=/v/*~data={"a":1}`, "__token__", ""},
		{CarryDefine, "acl=/v/*", "", `QUERYPARAM="__token__"`},
		{CarryDefine, "acl=%2fv%2f*", "", ""}, // the MAC is over the text as it is
		{CarryCookie, "acl=/v/*", "", "; Path=/v/; Max-Age="},
		{CarryCookie, "acl=/v/*~data=a;b", "", ""},
		{CarryPath, "acl=/v/*", "", ""}, // the site has no such place
		{CarryQuery, "acl=/v/*.m3u8", "", ""},
	} {
		change, mint := akamai(t, c.way, false, false)
		b := newBench(t, files, change, func(s *Site) {
			if c.header != "" {
				s.Token, _ = auth.New("edgeauth", auth.Options{
					Account: "acme", Required: true, EdgeAuth: auth.EdgeAuthOptions{Places: []string{"header", "query"}},
					Keys: []auth.Key{{ID: "cms", Account: "acme", Type: auth.HMACSHA256, Secret: []byte(schemesSecret)}},
				})
			}
		})
		link, header := mint(b, c.fields), []string(nil)
		if c.header != "" {
			_, token, _ := strings.Cut(link, "=")
			link, header = "", []string{c.header, token}
		}
		a := b.get("/v/m.m3u8"+link, header...)
		b.want(a, 200)
		all := a.body + strings.Join(cookiesOf(a), "\n")
		if c.want == "" && all != carryList || !strings.Contains(all, c.want) {
			t.Errorf("%s by %d: %q, want %q in it", c.fields, c.way, all, c.want)
		}
	}
}

// An access token that is a cookie is exchanged for another cookie once, not in a circle.
func TestSessionCookieFromCookie(t *testing.T) {
	change, mint := akamai(t, CarryCookie, true, false)
	b := newBench(t, files, change)
	_, token, _ := strings.Cut(mint(b, "acl=/v/*"), "=")
	a := b.get("/v/m.m3u8", "Cookie", "__token__="+token)
	b.want(a, 200)
	if got := cookiesOf(a); len(got) != 1 || !strings.HasPrefix(got[0], "ect=h1.edge.") {
		t.Fatalf("cookies %q", got)
	}
	session, _, _ := strings.Cut(cookiesOf(a)[0], ";")
	b.clock.advance(2 * time.Minute)
	a = b.get("/v/m.m3u8", "Cookie", "__token__="+token+"; "+session)
	b.want(a, 200)
	if len(cookiesOf(a)) != 0 {
		t.Errorf("a session is exchanged: %q", cookiesOf(a))
	}
	b.want(b.get("/v/x.m4s", "Cookie", "__token__="+token+"; "+session), 200)
	b.want(b.get("/v/x.m4s", "Cookie", "__token__="+token), 403)
}

// A token in the path before the file name is put in front, where ".." does not drop it.
func TestCarryMovesTheSegmentToTheFront(t *testing.T) {
	scheme, err := auth.New("edgeauth", auth.Options{
		Account: "acme", Required: true, EdgeAuth: auth.EdgeAuthOptions{Name: "hdntl", Places: []string{"path"}},
		Keys: []auth.Key{{ID: "cms", Account: "acme", Type: auth.HMACSHA256, Secret: []byte(schemesSecret)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, files, func(s *Site) { s.Token, s.TokenRequired, s.Carry = scheme, true, CarryPath })
	_, mint := akamai(t, CarryPath, false, false)
	_, token, _ := strings.Cut(mint(b, "acl=%2f*"), "=")
	a := b.get("/v/hdntl=" + token + "/m.m3u8")
	b.want(a, 200)
	for _, want := range []string{`URI="/hdntl=` + token + `/v/init.mp4"`, "\n/hdntl=" + token + "/s/1.m4s?a=1\n"} {
		if !strings.Contains(a.body, want) {
			t.Errorf("no %q in %q", want, a.body)
		}
	}
}

// Tokens that are bound to a host go to no other host of the site.
func TestCarryKeepsToTheHost(t *testing.T) {
	scheme, err := auth.New("media-cdn", auth.Options{
		Account: "acme", Required: true,
		Keys: []auth.Key{{ID: "cms", Account: "acme", Type: auth.HMACSHA256, Secret: []byte(schemesSecret)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	list := "#EXTM3U\nhttp://media.test/v/1.m4s\nhttp://other.test/v/2.m4s\n"
	b := newBench(t, func(w http.ResponseWriter, r *http.Request) { ok(list, "application/vnd.apple.mpegurl")(w, r) }, func(s *Site) {
		s.Token, s.TokenRequired, s.Carry, s.Hosts = scheme, true, CarryQuery, []string{"media.test", "other.test"}
	})
	fields := fmt.Sprintf("URLPrefix=%s~Expires=%d", base64.RawURLEncoding.EncodeToString([]byte("http://media.test/v/")), b.clock.now().Unix()+60)
	h := hmac.New(sha256.New, []byte(schemesSecret))
	h.Write([]byte(fields))
	token := "?edge-cache-token=" + fields + "~hmac=" + hex.EncodeToString(h.Sum(nil))
	a := b.get("/v/m.m3u8" + token)
	b.want(a, 200)
	if want := "#EXTM3U\nhttp://media.test/v/1.m4s" + token + "\nhttp://other.test/v/2.m4s\n"; a.body != want {
		t.Errorf("got  %q\nwant %q", a.body, want)
	}
}
