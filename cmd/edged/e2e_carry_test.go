package main

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"edged/auth"
	"edged/internal/demo"
	"edged/internal/edgetest"
)

// way is a site that carries tokens, and how its players begin.
type way struct {
	name    string
	carry   string
	session bool
	place   string // of the access token: path or query
	cookies bool   // players send them
	ffmpeg  bool   // knows how to play it
	// signed is where the tokens of requests for segments are.
	signed func(u *url.URL) bool
}

func inPath(u *url.URL) bool { return strings.HasPrefix(u.Path, "/ect=") && !u.Query().Has("ect") }

func inQuery(u *url.URL) bool  { return u.Query().Has("ect") && !strings.HasPrefix(u.Path, "/ect=") }
func inCookie(u *url.URL) bool { return !inPath(u) && !inQuery(u) }

func ways() []way {
	return []way{
		{"none", "none", false, "path", false, true, inPath},
		{"path", "path", false, "query", false, true, inPath},
		{"query", "query", false, "query", false, true, inQuery},
		{"cookie", "cookie", false, "query", true, true, inCookie},
		{"define", "define", false, "query", false, false, inQuery},
		{"session-path", "path", true, "path", false, true, inPath},
		{"session-query", "query", true, "query", false, true, inQuery},
		{"session-cookie", "cookie", true, "path", true, true, inCookie},
	}
}

// carrier is a node with a way of carrying in front of the demonstration's title.
type carrier struct {
	way
	base  string // of the node
	pages *httptest.Server
}

const edgeSecret = "00112233445566778899aabbccddeeff"

func newCarrier(t *testing.T, w way) *carrier {
	t.Helper()
	if testing.Short() {
		t.Skip("end-to-end tests run the real binary; not with -short")
	}
	title, err := demo.NewOrigin(demo.Title())
	if err != nil {
		t.Fatal(err)
	}
	origin := httptest.NewServer(title)
	t.Cleanup(origin.Close)
	c := &carrier{way: w, pages: httptest.NewServer(http.HandlerFunc(playerPage))}
	t.Cleanup(c.pages.Close)
	extra := fmt.Sprintf("[site.token]\nrequired = true\ncarry = %q\n", w.carry)
	if w.session {
		extra += "[site.token.session]\nkid = \"edge\"\nfor = \"1h\"\n"
	}
	extra += fmt.Sprintf("[[site.token.key]]\nkid = \"cms\"\ntype = \"hmac-sha256\"\nsecret_hex = %q\n", acmeSecret)
	extra += fmt.Sprintf("[[site.token.key]]\nkid = \"edge\"\ntype = \"hmac-sha256\"\nsecret_hex = %q\n", edgeSecret)
	extra += fmt.Sprintf("[site.cors]\norigins = [%q]\ncredentials = true\n", c.pages.URL)
	node := edgetest.Start(t, edgetest.Config{Sites: []edgetest.Site{{Account: "acme", Host: "*", Origins: []string{origin.URL}, Extra: extra}}})
	c.base = "http://" + node.HTTPAddress()
	return c
}

// url returns the URL of a manifest with an access token that lives for five minutes.
func (c *carrier) url(t *testing.T, path string) string {
	t.Helper()
	secret, err := hex.DecodeString(acmeSecret)
	if err != nil {
		t.Fatal(err)
	}
	token, err := auth.MintHMAC("cms", secret, auth.Claims{Expires: time.Now().Add(5 * time.Minute).Unix(), Scopes: []string{"/fmp4/", "/ts/"}})
	if err != nil {
		t.Fatal(err)
	}
	if c.place == "query" {
		return c.base + path + "?ect=" + token
	}
	return c.base + "/ect=" + token + path
}

// playerPage is a page with nothing but a player for the URL that it is asked with.
func playerPage(w http.ResponseWriter, r *http.Request) {
	if name, ok := strings.CutPrefix(r.URL.Path, "/vendor/"); ok && !strings.Contains(name, "/") {
		http.ServeFile(w, r, "../../internal/demo/player/vendor/"+name)
		return
	}
	w.Header().Set("Content-Type", "text/html")
	fmt.Fprint(w, `<!doctype html><link rel=icon href=data:,><video muted></video><p id=message></p><table><tbody></tbody></table><script type=module>
		const q = new URLSearchParams(location.search), video = document.querySelector('video'), cookies = q.has('cookies');
		const say = (text) => { document.getElementById('message').textContent += text + ' '; };
		if (q.get('kind') === 'hls') {
			const { default: Hls } = await import('/vendor/hls.min.js');
			const hls = new Hls({ enableWorker: false, xhrSetup: (xhr) => { xhr.withCredentials = cookies; } });
			hls.on(Hls.Events.ERROR, (_, data) => say(data.details + ' ' + (data.url ?? '')));
			hls.loadSource(q.get('url'));
			hls.attachMedia(video);
		} else {
			const { MediaPlayer } = await import('/vendor/dash.min.js');
			const player = MediaPlayer().create();
			player.updateSettings({ debug: { logLevel: 0 } });
			for (const type of ['MPD', 'MediaSegment', 'InitializationSegment', 'other']) player.setXHRWithCredentialsForType(type, cookies);
			player.on('error', (e) => say(e.error?.message ?? e.error));
			player.initialize(video, q.get('url'), false);
		}
		video.play();
	</script>`)
}

// TestE2ECarryFFmpeg plays the title through each way of carrying, all of it.
func TestE2ECarryFFmpeg(t *testing.T) {
	t.Parallel()
	ffmpeg := need(t, "ffmpeg")
	for _, w := range ways() {
		if !w.ffmpeg {
			continue
		}
		t.Run(w.name, func(t *testing.T) {
			c := newCarrier(t, w)
			for _, s := range demo.Streams() {
				at, options := c.url(t, s.Path), []string(nil)
				if w.cookies { // ffmpeg takes those without a Domain from its command line only
					options = []string{"-headers", "Cookie: " + cookieFrom(t, at) + "\r\n"}
					at = c.base + s.Path
				}
				lines := string(frames(t, ffmpeg, at, options...))
				if n := strings.Count(lines, "\n0,"); n != 14*25 {
					t.Errorf("%s: %d frames of video, want %d", s.ID, n, 14*25)
				}
			}
		})
	}
}

// cookieFrom asks for a manifest and returns the cookie that comes with the answer.
func cookieFrom(t *testing.T, manifest string) string {
	t.Helper()
	answer, err := http.DefaultTransport.RoundTrip(edgetest.NewRequest(t, http.MethodGet, manifest))
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	cookies := answer.Cookies()
	if len(cookies) == 0 {
		t.Fatalf("status %d without a cookie", answer.StatusCode)
	}
	for _, k := range cookies {
		if k.Name != "ect" || !k.Secure || !k.HttpOnly || !k.Partitioned || k.SameSite != http.SameSiteNoneMode || k.MaxAge < 60 {
			t.Errorf("cookie %+v", k)
		}
	}
	return cookies[0].Name + "=" + cookies[0].Value
}

// TestE2ECarryBrowser plays the title with hls.js and dash.js through each way.
func TestE2ECarryBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("a minute of playback")
	}
	browser := startBrowser(t)
	for _, w := range ways() {
		t.Run(w.name, func(t *testing.T) {
			c := newCarrier(t, w)
			for _, s := range demo.Streams() {
				c.plays(t, newTab(t, browser, hostOf(t, c.base), hostOf(t, c.pages.URL)), s)
			}
		})
	}
}

// plays plays one stream in a tab, and holds that segments were asked for with the token
// where this way has it.
func (c *carrier) plays(t *testing.T, b *tab, s demo.Stream) {
	t.Helper()
	var segments []string
	err := chromedp.Listen(b.ctx, func(event any) {
		if e, ok := event.(*network.EventResponseReceived); ok && e.Response.Status == 200 {
			b.mu.Lock()
			defer b.mu.Unlock()
			segments = append(segments, e.Response.URL)
		}
	})
	b.check(t, err)
	query := url.Values{"kind": {s.Kind}, "url": {c.url(t, s.Path)}}
	if c.cookies {
		query.Set("cookies", "1")
	}
	b.do(t, chromedp.Navigate(c.pages.URL+"/?"+query.Encode()))
	_, err = chromedp.Run(b.ctx, chromedp.Poll[bool](`document.querySelector('video').currentTime > 1`, chromedp.WithPollingTimeout(patience)))
	b.check(t, err)
	b.mu.Lock()
	defer b.mu.Unlock()
	segments = slices.DeleteFunc(segments, func(u string) bool {
		return !strings.HasPrefix(u, c.base) || !strings.Contains(u, "seg-")
	})
	if len(segments) < 2 {
		t.Errorf("%s: segments %q", s.ID, segments)
	}
	for _, text := range segments {
		if u, err := url.Parse(text); err != nil || !c.signed(u) {
			t.Errorf("%s: the token of %s is elsewhere", s.ID, text)
		}
	}
	for _, wrong := range b.wrong {
		t.Errorf("%s: %s", s.ID, wrong)
	}
}
