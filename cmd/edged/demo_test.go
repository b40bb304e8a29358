package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"edged/internal/demo"
)

// need skips the test where a tool is missing, and fails it where CI promises all
// of them.
func need(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is not installed", name)
	}
	t.Skipf("%s is not installed", name)
	return ""
}

// output collects what the demonstration prints and tells when it is ready.
type output struct {
	mu    sync.Mutex
	text  strings.Builder
	ready chan struct{}
	once  sync.Once
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Write(p)
	if strings.Contains(o.text.String(), "Ctrl-C") {
		o.once.Do(func() { close(o.ready) })
	}
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// after returns the word that follows a label in the output.
func (o *output) after(t *testing.T, label string) string {
	t.Helper()
	_, rest, ok := strings.Cut(o.String(), "\n  "+label)
	fields := strings.Fields(rest)
	if !ok || len(fields) == 0 {
		t.Fatalf("the demonstration does not print %q:\n%s", label, o)
	}
	return fields[0]
}

// startDemo runs edged -demo on free ports until the test ends, and checks that it
// ends well.
func startDemo(t *testing.T) *output {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out, complaints := &output{ready: make(chan struct{})}, &output{ready: make(chan struct{})}
	ended := make(chan error, 1)
	go func() { ended <- demonstrate(ctx, flags{noBrowser: true}, out, complaints) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the demonstration ended with %v", err)
		}
		if s := complaints.String(); s != "" {
			t.Errorf("the demonstration complained:\n%s", s)
		}
	})
	select {
	case <-out.ready:
	case err := <-ended:
		ended <- err
		t.Fatalf("the demonstration did not start: %v", err)
	}
	return out
}

// get fetches a URL and returns the response with its body read.
func get(t *testing.T, url string) (*http.Response, []byte) {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatalf("%s: %v", url, err)
	}
	return r, body
}

// originURL is where the origin itself serves a stream.
func originURL(t *testing.T, out *output, s demo.Stream) string {
	t.Helper()
	return strings.TrimSuffix(out.after(t, "Player page"), "/") + demo.OriginPath + s.Path
}

func TestDemoTiers(t *testing.T) {
	out := startDemo(t)
	page := strings.TrimSuffix(out.after(t, "Player page"), "/")
	segment := strings.Replace(out.after(t, "HLS TS"), "master.m3u8", "seg-360p-00.ts", 1)
	_, want := get(t, page+demo.OriginPath+"/ts/seg-360p-00.ts")
	ask := func(detail string) {
		t.Helper()
		r, body := get(t, segment)
		if s := r.Header.Get("Cache-Status"); r.StatusCode != 200 || !strings.HasSuffix(s, "detail="+detail) {
			t.Errorf("status %d, Cache-Status %q, want 200 from %s", r.StatusCode, s, detail)
		}
		if !bytes.Equal(body, want) {
			t.Errorf("from %s: %d bytes that differ from the origin's %d", detail, len(body), len(want))
		}
	}
	ask("origin")
	ask("ram")
	restartDemo(t, out)
	ask("disk")
	ask("ram")
}

// TestDemoStatus holds that the status page is there, before and after a restart of
// the edge.
func TestDemoStatus(t *testing.T) {
	out := startDemo(t)
	for _, state := range []string{"first", "restarted"} {
		get(t, out.after(t, "HLS TS"))
		r, body := get(t, out.after(t, "Status page"))
		if r.StatusCode != http.StatusOK || !bytes.Contains(body, []byte("demo")) {
			t.Errorf("%s: status %d, want 200 and a page about demo: %.300s", state, r.StatusCode, body)
		}
		restartDemo(t, out)
	}
}

// restartDemo restarts the edge as the button on the page does.
func restartDemo(t *testing.T, out *output) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, out.after(t, "Player page")+"restart", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Requested-With", "edged-demo")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusNoContent {
		t.Fatalf("restart: status %d", answer.StatusCode)
	}
}

func TestDemoWithoutToken(t *testing.T) {
	out := startDemo(t)
	url := out.after(t, "HLS TS")
	start, end := strings.Index(url, "/ect="), strings.Index(url, "/ts/")
	for name, u := range map[string]string{
		"none":    url[:start] + url[end:],
		"altered": url[:end-1] + "!" + url[end:],
	} {
		if r, _ := get(t, u); r.StatusCode != http.StatusForbidden {
			t.Errorf("token %s: status %d, want 403", name, r.StatusCode)
		}
	}
	if r, _ := get(t, strings.Replace(url, "127.0.0.1", "localhost", 1)); r.StatusCode != http.StatusOK {
		t.Errorf("as localhost: status %d, want 200", r.StatusCode)
	}
}

// TestDemoSignal holds that Ctrl-C ends the demonstration with exit code 0 and that
// nothing of it stays.
func TestDemoSignal(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	out := &output{ready: make(chan struct{})}
	code := make(chan int, 1)
	go func() { code <- runDemo(flags{noBrowser: true}, out, out) }()
	<-out.ready
	if err := syscall.Kill(os.Getpid(), syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if c := <-code; c != exitOK {
		t.Errorf("exit code %d, want %d:\n%s", c, exitOK, out)
	}
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "edged-demo-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestDemoPortTaken(t *testing.T) {
	l, err := listenLoopback(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var stderr bytes.Buffer
	if code := runDemo(flags{noBrowser: true, demoPort: port(l.Addr().String())}, io.Discard, &stderr); code != exitError {
		t.Errorf("exit code %d, want %d", code, exitError)
	}
	if !strings.Contains(stderr.String(), "choose another -demo-port") {
		t.Errorf("no advice in %q", &stderr)
	}
}

// TestDemoFrames holds that what a player decodes behind the edge is what it decodes
// at the origin, picture for picture, cold and warm.
func TestDemoFrames(t *testing.T) {
	ffmpeg := need(t, "ffmpeg")
	out := startDemo(t)
	for _, s := range demo.Streams() {
		t.Run(s.ID, func(t *testing.T) {
			want := frames(t, ffmpeg, originURL(t, out, s))
			if n := bytes.Count(want, []byte("\n0,")); n != 14*25 {
				t.Errorf("%d frames of the first video at the origin, want %d", n, 14*25)
			}
			for _, state := range []string{"cold", "warm"} {
				if got := frames(t, ffmpeg, out.after(t, s.Name)); !bytes.Equal(got, want) {
					t.Errorf("%s edge: frames differ from the origin's\ngot  %.600s\nwant %.600s", state, got, want)
				}
			}
		})
	}
}

// frames returns a line with a checksum for each decoded frame of the first video
// and the first audio. Options are for the input.
func frames(t *testing.T, ffmpeg, url string, options ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	args := append([]string{"-nostdin", "-v", "error"}, options...)
	cmd := exec.CommandContext(ctx, ffmpeg, append(args, "-i", url, "-map", "0:v:0", "-map", "0:a:0", "-f", "framemd5", "-")...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	lines, err := cmd.Output()
	if err != nil {
		t.Fatalf("ffmpeg %s: %v\n%s", url, err, &stderr)
	}
	return lines
}
