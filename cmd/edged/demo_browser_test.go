package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"edged/internal/demo"
)

// patience is how long a player or a browser gets for what takes seconds: a machine
// without a GPU and with other things to do decodes no faster than it can.
const patience = 2 * time.Minute

// startBrowser starts a headless Chromium that talks to nobody by itself.
func startBrowser(t *testing.T) context.Context {
	t.Helper()
	path := need(t, "chromium")
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-sync", true),
		chromedp.WindowSize(1280, 900), chromedp.WSURLReadTimeout(patience),
	)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("chromium does not start: %v", err)
	}
	return ctx
}

// tab is a page of the browser with what went wrong in it.
type tab struct {
	ctx context.Context

	mu    sync.Mutex
	wrong []string
}

// newTab opens a tab. Requests to other places than hosts, errors on the console and
// exceptions are noted.
func newTab(t *testing.T, browser context.Context, hosts ...string) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	b := &tab{ctx: ctx}
	b.do(t)
	if err := chromedp.Listen(ctx, func(event any) { b.watch(event, hosts) }); err != nil {
		t.Fatal(err)
	}
	return b
}

// watch notes what should not happen in a tab.
func (b *tab) watch(event any, hosts []string) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.note("exception: %s", e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			b.note("console: %s", e.Args[0].Value)
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			b.note("log: %s %s", e.Entry.Text, e.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		u, err := url.Parse(e.Request.URL)
		if err != nil || strings.HasPrefix(u.Scheme, "http") && !slices.Contains(hosts, u.Host) {
			b.note("request to elsewhere: %s", e.Request.URL)
		}
	}
}

func (b *tab) note(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wrong = append(b.wrong, fmt.Sprintf(format, args...))
}

// do runs steps in the tab, and fails the test with what the page says.
func (b *tab) do(t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	b.check(t, chromedp.Do(b.ctx, steps...))
}

func (b *tab) check(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	message, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.getElementById('message').textContent + ' at ' +
		document.querySelector('video').currentTime + ' s: ' + document.querySelector('tbody').innerText`))
	b.mu.Lock()
	defer b.mu.Unlock()
	t.Fatalf("%v; the page says %q, the browser %q", err, message, b.wrong)
}

// read evaluates an expression in the page.
func read[T any](t *testing.T, b *tab, expression string) T {
	t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	b.check(t, err)
	return v
}

// plays waits until the given play has shown some seconds of moving picture and as
// many requests.
func (b *tab) plays(t *testing.T, play int, seconds float64, rows int) []row {
	t.Helper()
	table := fmt.Sprintf(`[...document.querySelectorAll('tbody[data-play="%d"] tr[data-source]')]`, play)
	_, err := chromedp.Run(b.ctx, chromedp.Poll[bool](fmt.Sprintf(
		`%s.length >= %d && document.querySelector('video').currentTime >= %g`, table, rows, seconds), chromedp.WithPollingTimeout(patience)))
	b.check(t, err)
	return read[[]row](t, b, table+`.reverse().map(({cells, dataset}) => ({
		name: cells[0].textContent, class: cells[1].textContent, source: dataset.source,
		time: cells[3].textContent, size: cells[4].textContent}))`)
}

// row is a line of the page's table.
type row struct {
	Name   string `json:"name"`
	Class  string `json:"class"`
	Source string `json:"source"`
	Time   string `json:"time"`
	Size   string `json:"size"`
}

// firsts returns where each object came from when it was asked for the first time.
func firsts(rows []row) map[string]string {
	m := map[string]string{}
	for _, r := range rows {
		if _, ok := m[r.Name]; !ok {
			m[r.Name] = r.Source
		}
	}
	return m
}

// expectSource holds that rows of objects in known (all if nil) came from a tier the
// first time, and that the browser could measure each.
func expectSource(t *testing.T, rows []row, known map[string]string, want string) {
	t.Helper()
	seen := 0
	for name, source := range firsts(rows) {
		if _, ok := known[name]; !ok && known != nil {
			continue
		}
		seen++
		if source != want {
			t.Errorf("%s came from %s, want %s", name, source, want)
		}
	}
	if seen < 3 { // manifests and a segment: on a slow machine the player soon takes another rendition
		t.Errorf("only %d objects to judge by in %v", seen, rows)
	}
	for _, r := range rows {
		if !strings.HasSuffix(r.Time, " ms") || !strings.HasSuffix(r.Size, "B") {
			t.Errorf("row without time or size: %+v", r)
		}
	}
}

// screenshot keeps what the page looks like in artefacts/ at the top of the
// repository.
func (b *tab) screenshot(t *testing.T, name string) {
	t.Helper()
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	b.check(t, err)
	dir := filepath.Join("..", "..", "artefacts")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "demo-"+name+".png"), png, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestDemoPage plays each stream in Chromium: from the origin first, from RAM the
// second time, from disk after a restart.
func TestDemoPage(t *testing.T) {
	if testing.Short() {
		t.Skip("a minute of playback")
	}
	browser := startBrowser(t)
	for _, s := range demo.Streams() {
		t.Run(s.ID, func(t *testing.T) {
			out := startDemo(t)
			page, edge := out.after(t, "Player page"), out.after(t, s.Name)
			b := newTab(t, browser, hostOf(t, page), hostOf(t, edge))
			b.do(t, chromedp.Navigate(page+"?stream="+s.ID))
			first := b.plays(t, 1, 2.5, 6)
			expectSource(t, first, nil, "origin")
			b.do(t, chromedp.Click(chromedp.CSS("#again")))
			second := b.plays(t, 2, 2, 5)
			expectSource(t, second, firsts(first), "ram")
			b.screenshot(t, s.ID)
			b.do(t, chromedp.Click(chromedp.CSS("#restart")))
			third := b.plays(t, 3, 2, 5)
			expectSource(t, third, firsts(first), "disk")
			b.mu.Lock()
			defer b.mu.Unlock()
			for _, w := range b.wrong {
				t.Error(w)
			}
		})
	}
}

// TestDemoPageLooks keeps pictures of the page in the dark and at the width of a
// phone, where nothing may stick out.
func TestDemoPageLooks(t *testing.T) {
	if testing.Short() {
		t.Skip("seconds of playback")
	}
	browser, out := startBrowser(t), startDemo(t)
	page := out.after(t, "Player page")
	for _, look := range []struct {
		name, scheme  string
		width, height int64
	}{{"dark", "dark", 1280, 900}, {"phone", "light", 360, 780}} {
		t.Run(look.name, func(t *testing.T) {
			b := newTab(t, browser, hostOf(t, page), hostOf(t, out.after(t, "DASH")))
			media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: look.scheme}}}
			_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, media)
			b.check(t, err)
			b.do(t, chromedp.EmulateViewport(look.width, look.height), chromedp.Navigate(page+"?stream=dash"))
			b.plays(t, 1, 1.5, 6)
			wide := read[int64](t, b, `document.documentElement.scrollWidth`)
			if wide > look.width {
				t.Errorf("the page is %d pixels wide on a screen of %d", wide, look.width)
			}
			b.screenshot(t, look.name)
		})
	}
}

func hostOf(t *testing.T, text string) string {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}
