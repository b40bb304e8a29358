package admin

import (
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browser starts a Chromium without a memory, and skips the test where there is none.
func browser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("no chromium")
		}
		t.Skip("no chromium: the status page is not looked at")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-sync", true),
		chromedp.WSURLReadTimeout(2*time.Minute),
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

// serveFixed serves the fixed status with a history over TCP and returns its address.
func serveFixed(t *testing.T, s *Server) string {
	t.Helper()
	l, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		if err := s.Serve(l); err != nil {
			t.Error(err)
		}
	}()
	return "http://" + l.Addr().String()
}

// fillHistory makes five minutes up.
func fillHistory(h *history) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range samples {
		x := float64(i)
		h.ring[i] = rates{
			Requests:     900 + 250*math.Sin(x/19) + 60*math.Sin(x*1.7),
			Bits:         13.4e9 + 3.9e9*math.Sin(x/21+0.4) + 0.7e9*math.Sin(x*1.3),
			HitRatio:     ratio(0.968 - 0.05*math.Exp(-(x-80)*(x-80)/90) + 0.006*math.Sin(x)),
			ByteHitRatio: ratio(0.981 - 0.12*math.Exp(-(x-80)*(x-80)/140) + 0.004*math.Sin(x*1.1)),
		}
	}
	h.n = samples
	h.at = noon
}

// complaints notes what the browser finds fault with.
type complaints struct {
	mu   sync.Mutex
	list []string
}

func (c *complaints) watch(event any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		c.list = append(c.list, "exception: "+e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		c.list = append(c.list, fmt.Sprintf("console: %s %s", e.Type, e.Args[0].Value))
	case *log.EventEntryAdded:
		c.list = append(c.list, "log: "+e.Entry.Text+" "+e.Entry.URL)
	}
}

// differences are the numbers and drawings that the script makes otherwise than the
// server.
const differences = `(async () => {
	const html = await (await fetch("/status", {headers: {Accept: "text/html"}})).text();
	const made = new DOMParser().parseFromString(html, "text/html");
	const all = (doc) => [...doc.querySelectorAll("[data-v], [data-spark], [data-bar], #time, #health")].map((n) => n.outerHTML);
	const here = all(document);
	return all(made).map((text, i) => text === here[i] ? "" : text + " here: " + here[i]).filter((text) => text);
})()`

// The page in a browser: it loads everything under its own policy, refreshes itself,
// and looks as the pictures in artefacts show.
func TestPageInBrowser(t *testing.T) {
	s := fixedAdmin(t)
	fillHistory(&s.history)
	address := serveFixed(t, s)
	ctx := browser(t)
	var wrong complaints
	if err := chromedp.Listen(ctx, wrong.watch); err != nil {
		t.Fatal(err)
	}
	for _, look := range []look{
		{"light", "light", 1280, 900, false},
		{"dark", "dark", 1280, 900, false},
		{"phone", "light", 390, 844, true},
		{"phone-dark", "dark", 390, 844, true},
	} {
		t.Run(look.name, func(t *testing.T) { look.take(ctx, t, address) })
	}
	wrong.mu.Lock()
	defer wrong.mu.Unlock()
	for _, c := range wrong.list {
		t.Errorf("the browser complains: %s", c)
	}
}

// look is one way to look at the page.
type look struct {
	name, scheme  string
	width, height int64
	phone         bool
}

func (l look) take(ctx context.Context, t *testing.T, address string) {
	_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: l.scheme}},
	})
	if err != nil {
		t.Fatal(err)
	}
	err = chromedp.Do(ctx,
		chromedp.EmulateViewport(l.width, l.height, func(p *emulation.SetDeviceMetricsOverrideParams, _ *emulation.SetTouchEmulationEnabledParams) {
			p.Mobile, p.DeviceScaleFactor = l.phone, 1.5
		}),
		chromedp.Navigate(address+"/status"))
	if err != nil {
		t.Fatal(err)
	}
	evaluate[bool](ctx, t, `new Promise((done) => { const wait = () => document.body.dataset.refreshed ? done(true) : setTimeout(wait, 20); wait(); })`)
	for _, d := range evaluate[[]string](ctx, t, differences) {
		t.Errorf("the script does not draw as the server does: %s", d)
	}
	if over := evaluate[int](ctx, t, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); over > 0 {
		t.Errorf("the page is %d pixels wider than the window", over)
	}
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	savePicture(t, "status-"+l.name+".png", picture)
}

// evaluate returns what an expression of the page is, or will be.
func evaluate[T any](ctx context.Context, t *testing.T, expression string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func savePicture(t *testing.T, name string, b []byte) {
	t.Helper()
	dir := filepath.Join("..", "..", "artefacts")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
		t.Fatal(err)
	}
}
