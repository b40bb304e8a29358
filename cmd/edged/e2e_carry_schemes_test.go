package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"edged/internal/edgetest"
)

// This file holds, for every scheme, that a token which opens a title gets from its
// manifest to all that the manifest names, and opens nothing else on the way.

// bridge is a site of one scheme that carries or exchanges tokens.
type bridge struct {
	*door
	carry   string
	session string // "" for no exchange, token or folder
	// works lists the carriers of the access token from which the title plays; "*" is all.
	works []string
}

const (
	bridgeTitle    = "/vod/title/"
	bridgeManifest = bridgeTitle + "m.m3u8"
	bridgeKey      = "edge-acme" // of the sessions of all bridges
	// bridgeList names files of the title in every way, and one outside of it.
	bridgeList = "#EXTM3U\n#EXT-X-MAP:URI=\"init.mp4\"\n#EXTINF:4,\nsub/seg-1.m4s\n#EXTINF:4,\n./seg-2.m4s?part=1\n" +
		"#EXTINF:4,\n../title/seg-3.m4s\n#EXTINF:4,\n/vod/title/seg-4.m4s\n#EXTINF:4,\nhttp://HOST/vod/title/sub/deep/seg-5.m4s\n" +
		"#EXTINF:4,\nseg%206.m4s\n#EXTINF:4,\n/vod/outside/seg-7.m4s\n"
	bridgeFiles = 8
)

// bridges are all doors with each way that suits them.
func bridges(t *testing.T) (list []*bridge) {
	byName := map[string]*door{}
	for _, d := range doors(t) {
		byName[d.name] = d
	}
	add := func(name, carry, session string, works ...string) {
		d := *byName[name]
		b := &bridge{door: &d, carry: carry, session: session, works: works}
		d.name += "-" + carry + session
		d.settings += fmt.Sprintf("\ncarry = %q", carry)
		d.path = bridgeManifest
		if session != "" {
			if d.scheme != "ect" {
				d.settings += "\naccept = [\"ect\"]"
			}
			d.tables += fmt.Sprintf("\n[site.token.session]\nkid = %q\nfor = \"1h\"\nscope = %q", bridgeKey, session)
			k := d.key["acme"]
			k.toml += fmt.Sprintf("\n[[site.token.key]]\nkid = %q\nscheme = \"ect\"\ntype = \"hmac-sha256\"\nsecret_hex = %q", bridgeKey, edgeSecret)
			d.key = map[string]doorKey{"acme": k}
		}
		list = append(list, b)
	}
	wide := []string{"ect-ed25519", "edgeauth-path", "cloudfront-custom", "cdni-hs256", "cat-es256", "bunny-path", "media-cdn-prefix"}
	for _, name := range wide {
		add(name, "path", "token", "*")
		add(name, "query", "token", "*")
		add(name, "cookie", "token", "*")
	}
	add("ect-ed25519", "path", "", "*")
	add("ect-ed25519", "query", "", "*")
	add("ect-ed25519", "cookie", "", "*")
	add("edgeauth-path", "path", "", "query", "cookie", "path", "header")
	add("edgeauth-path", "query", "", "query", "cookie", "path", "header")
	add("edgeauth-path", "cookie", "", "*")
	add("cloudfront-custom", "query", "", "*")
	add("cloudfront-custom", "cookie", "", "*")
	add("cdni-hs256", "query", "", "query", "cookie")
	add("cdni-hs256", "cookie", "", "*")
	add("cat-es256", "query", "", "*")
	add("cat-es256", "cookie", "", "*")
	add("bunny-path", "path", "", "*")
	add("media-cdn-prefix", "query", "", "*")
	add("media-cdn-prefix", "cookie", "", "*")
	for name, d := range byName {
		switch {
		case d.scheme == "vdox", slices.Contains(wide, name), name == "chain":
			continue
		}
		add(name, "path", "token") // opens nothing but what was signed
		add(name, "path", "folder", "*")
	}
	return list
}

// TestE2ECarrySchemes plays a title from a manifest with a token of every scheme, in each of
// its carriers.
func TestE2ECarrySchemes(t *testing.T) {
	if testing.Short() {
		t.Skip("end-to-end tests run the real binary; not with -short")
	}
	node, list := openBridges(t)
	client := &http.Client{
		Transport: &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, node.HTTPAddress())
		}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	for _, b := range list {
		for _, p := range b.passes(wish{}) {
			t.Run(b.name+" from "+p.carrier, func(t *testing.T) {
				v := &viewer{client: client, host: b.hostOf("acme")}
				if p.field != "" {
					name, value, _ := strings.Cut(p.field, ": ")
					v.name, v.value, v.keeps = name, value, name == "Cookie" && b.carry == "cookie"
				}
				v.plays(t, p.target(bridgeManifest), slices.Contains(b.works, "*") || slices.Contains(b.works, p.carrier))
			})
		}
	}
}

// openBridges starts a node with a site for each bridge.
func openBridges(t *testing.T) (*edgetest.Node, []*bridge) {
	t.Helper()
	origin := httptest.NewServer(http.HandlerFunc(bridgeOrigin))
	t.Cleanup(origin.Close)
	list := bridges(t)
	c := edgetest.Config{Disk: "none"}
	for _, b := range list {
		c.Sites = append(c.Sites, edgetest.Site{Account: "acme", Host: b.hostOf("acme"), Origins: []string{origin.URL}, Extra: b.table("acme")})
	}
	node := edgetest.Start(t, c)
	for _, b := range list {
		b.load(t, node.ConfigFile())
	}
	return node, list
}

func bridgeOrigin(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "max-age=60")
	if strings.HasSuffix(r.URL.Path, ".m3u8") {
		w.Header().Set("Content-Type", "application/vnd.apple.mpegurl")
		_, _ = io.WriteString(w, strings.ReplaceAll(bridgeList, "HOST", r.Header.Get("X-Forwarded-Host")))
		return
	}
	w.Header().Set("Content-Type", "video/mp4")
	_, _ = io.WriteString(w, "segment")
}

// viewer is a player that knows nothing of tokens but to keep cookies.
type viewer struct {
	client      *http.Client
	host        string
	name, value string // field that it sends for the manifest of the link
	keeps       bool   // and for all that follows
	cookies     []*http.Cookie
}

var bridgeURI = regexp.MustCompile(`URI="([^"]*)"`)

// plays follows a link to a manifest and asks for what it names.
func (v *viewer) plays(t *testing.T, link string, works bool) {
	t.Helper()
	at, err := url.Parse("http://" + v.host + link)
	if err != nil {
		t.Fatal(err)
	}
	status, field, list := v.get(t, at, true)
	if status == 302 {
		if at, err = at.Parse(field.Get("Location")); err != nil {
			t.Fatal(err)
		}
		status, field, list = v.get(t, at, false)
	}
	if status != 200 {
		t.Fatalf("the manifest: %d", status)
	}
	if cc := field.Get("Cache-Control"); works && !strings.Contains(cc, "private") && !strings.HasPrefix(at.Path, "/ect=") && len(v.cookies) == 0 && !v.keeps {
		t.Errorf("Cache-Control of a personal manifest: %q", cc)
	}
	played, refused := 0, 0
	lines := bufio.NewScanner(strings.NewReader(list))
	for lines.Scan() {
		uri := lines.Text()
		if m := bridgeURI.FindStringSubmatch(uri); m != nil {
			uri = m[1]
		} else if uri == "" || uri[0] == '#' {
			continue
		}
		to, err := at.Parse(uri)
		if err != nil {
			t.Fatalf("%s: %v", uri, err)
		}
		status, _, _ := v.get(t, to, false)
		switch outside := strings.Contains(uri, "/outside/"); {
		case status == 200 && !outside:
			played++
		case status == 403:
			refused++
		default:
			t.Errorf("%s: status %d", to, status)
		}
		v.stays(t, to)
	}
	switch {
	case works && (played != bridgeFiles-1 || refused != 1):
		t.Errorf("%d files play, %d are refused, want %d and 1, of\n%s", played, refused, bridgeFiles-1, list)
	case !works && played == bridgeFiles-1:
		t.Errorf("all files play")
	}
}

// stays holds that the same token opens nothing beside the title.
func (v *viewer) stays(t *testing.T, to *url.URL) {
	t.Helper()
	for _, beside := range []string{"/vod/titles/", "/vod/", "/vod/title%2F../other/", "/other/", "/"} {
		raw := strings.Replace(to.String(), bridgeTitle, beside, 1)
		other, err := url.Parse(raw)
		if err != nil || raw == to.String() {
			continue
		}
		if status, _, _ := v.get(t, other, false); status < 400 {
			t.Errorf("%s: status %d", raw, status)
		}
	}
}

// get asks with the cookies whose path matches, as browsers do, and keeps new ones. The
// field of the link is sent where fresh says so.
func (v *viewer) get(t *testing.T, at *url.URL, fresh bool) (status int, field http.Header, content string) {
	t.Helper()
	r := edgetest.NewRequest(t, http.MethodGet, at.String())
	if v.name != "" && (fresh || v.keeps) {
		r.Header.Set(v.name, v.value)
	}
	for _, c := range v.cookies {
		if strings.HasPrefix(at.EscapedPath(), c.Path) {
			r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
		}
	}
	answer, err := v.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close() //nolint:errcheck // read to its end
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	v.cookies = append(v.cookies, answer.Cookies()...)
	return answer.StatusCode, answer.Header, string(body)
}
