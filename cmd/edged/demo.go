package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"text/template"
	"time"

	"edged/internal/demo"
)

// runDemo runs the demonstration until a signal ends it and returns the exit code.
//
// It takes three ports from -demo-port on: the page with the origin, the edge, and
// the status page; with 0 any three that are free.
func runDemo(f flags, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := demonstrate(ctx, f, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "edged: demo:", err)
		return exitError
	}
	return exitOK
}

// demonstrate builds everything, says where it is, and takes it down at the end of
// ctx.
func demonstrate(ctx context.Context, f flags, stdout, stderr io.Writer) (err error) {
	d, err := newDemoEdge(f.demoPort, stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	handler, err := demo.New(demo.Options{
		Key: d.key, EdgePort: port(d.edgeAddress), StatusPort: port(d.adminAddress), Version: version(), Restart: d.restart,
	})
	if err != nil {
		return err
	}
	page := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	defer page.Close()
	ended := make(chan error, 1)
	go func() { ended <- page.Serve(d.page) }()
	if err := announce(stdout, d); err != nil {
		return err
	}
	if !f.noBrowser {
		openBrowser(ctx, "http://"+d.pageAddress+"/")
	}
	select {
	case err := <-ended:
		return fmt.Errorf("serving the page ended: %w", err)
	case <-ctx.Done():
		fmt.Fprintln(stdout, "\nStopping.")
		return nil
	}
}

// demoText is what the demonstration prints when it runs. Tests and people read the
// addresses from it.
const demoText = `edged demo: a bundled title, its origin, and an edge in front of it, on this machine only.

  Player page   http://{{.Page}}/
  Status page   http://{{.Status}}/status

Signed URLs, good for {{.Hours}} hours:
{{range .Streams}}
  {{printf "%-12s" .Name}}  {{.URL}}
{{- end}}

Try, and look at Cache-Status:

  a miss, then hits    curl -sSD- -o /dev/null '{{.Example}}'
  no token: 403        curl -sSi 'http://{{.Edge}}{{.Path}}'
  a player             ffplay -autoexit '{{.Example}}'
  a URL of your own    edgectl sign -config {{.Config}} -account demo -for 1h 'http://{{.Edge}}{{.Path}}'

The edge's configuration is {{.Config}}, its access log is in {{.Log}}.
Ctrl-C ends it and removes what it made.
`

// announced fills demoText.
type announced struct {
	Page, Edge, Status, Config, Log string
	Hours                           int
	Streams                         []demo.SessionStream
	Example, Path                   string
}

func announce(w io.Writer, d *demoEdge) error {
	token, err := d.key.Token(time.Now())
	if err != nil {
		return err
	}
	a := announced{
		Page: d.pageAddress, Edge: d.edgeAddress, Status: d.adminAddress, Config: d.configPath, Log: d.logDir(),
		Hours: int(demo.TokenLifetime / time.Hour),
	}
	for _, s := range demo.Streams() {
		url := "http://" + d.edgeAddress + demo.SignedPath(token, s.Path)
		a.Streams = append(a.Streams, demo.SessionStream{ID: s.ID, Name: s.Name, Kind: s.Kind, URL: url})
	}
	a.Example, a.Path = a.Streams[0].URL, demo.Streams()[0].Path
	return template.Must(template.New("demo").Parse(demoText)).Execute(w, a)
}

// openBrowser opens a page where somebody could see it. That it cannot is no error:
// the address was printed.
func openBrowser(ctx context.Context, url string) {
	name := "xdg-open"
	switch {
	case runtime.GOOS == "darwin":
		name = "open"
	case os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "":
		return
	}
	// The browser outlives the demonstration: neither its end nor Ctrl-C is for it.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), name, url)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if cmd.Start() == nil {
		go cmd.Wait() // only to reap it
	}
}
