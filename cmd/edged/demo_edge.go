package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"text/template"
	"time"

	"edged/internal/admin"
	"edged/internal/config"
	"edged/internal/demo"
	"edged/internal/server"
)

// demoDrainTime is how long requests may take to end when the demonstration does.
const demoDrainTime = 2 * time.Second

// demoConfig is the configuration of the demonstration's edge: an ordinary one, in a
// file, so that it can be read, copied, and given to edgectl.
const demoConfig = `# The edge of edged -demo.
[node]
name = "demo"

[listen]
http = ["{{.Edge}}"]
admin = "{{.Admin}}"

[ram]
size = "64MiB"

[[disk]]
path = {{printf "%q" .Disk}}
size = "256MiB"

[log]
dir = {{printf "%q" .Log}}
level = "warn"

[[site]]
account = "demo"
hosts = ["*"]
origins = ["{{.Origin}}"]

[site.token]
required = true

[[site.token.key]]
kid = "{{.Key.ID}}"
type = "hmac-sha256"
secret_hex = "{{.Secret}}"
`

// demoEdge is the edge of the demonstration, which can be restarted, with all that
// outlives a restart: folder, key, configuration and the page's socket.
type demoEdge struct {
	dir        string // removed by close
	configPath string
	config     *config.Config
	key        demo.Key
	log        *slog.Logger
	page       net.Listener

	pageAddress, edgeAddress, adminAddress string

	mu    sync.Mutex // held while the edge starts or stops
	parts *parts     // nil while it does not run
	ended chan error // what Serve of parts.server returned
}

// newDemoEdge starts an edge on loopback: first is the port of the page, the edge
// has the next one and the status page the one after; 0 takes any.
func newDemoEdge(first int, stderr io.Writer) (d *demoEdge, err error) {
	d = &demoEdge{key: demo.NewKey(), log: slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close())
		}
	}()
	if d.dir, err = os.MkdirTemp("", "edged-demo-"); err != nil {
		return d, err
	}
	if d.page, err = listenLoopback(first, 0); err != nil {
		return d, err
	}
	l, err := listenLoopback(first, 1)
	if err != nil {
		return d, err
	}
	d.pageAddress, d.edgeAddress = d.page.Addr().String(), l.Addr().String()
	if d.adminAddress, err = freeLoopback(first, 2); err == nil {
		err = d.configure()
	}
	if err != nil {
		_ = l.Close()
		return d, err
	}
	return d, d.start(l)
}

// listenLoopback listens on the port that is offset behind first, or on any.
func listenLoopback(first, offset int) (net.Listener, error) {
	if first != 0 {
		first += offset
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(first))
	l, err := server.Listen(context.Background(), address)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w; choose another -demo-port, or 0 for free ones", address, err)
	}
	return l, nil
}

// freeLoopback finds an address for a listener that is opened later, by its address.
func freeLoopback(first, offset int) (string, error) {
	l, err := listenLoopback(first, offset)
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// port is the port of an address.
func port(address string) int {
	_, text, _ := net.SplitHostPort(address)
	n, _ := strconv.Atoi(text) // a listener's own address: it is a number
	return n
}

func (d *demoEdge) logDir() string { return filepath.Join(d.dir, "log") }

// configure writes the configuration file and loads it as any other.
func (d *demoEdge) configure() error {
	d.configPath = filepath.Join(d.dir, "edged.toml")
	f, err := os.OpenFile(d.configPath, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = template.Must(template.New("config").Parse(demoConfig)).Execute(f, map[string]any{
		"Edge": d.edgeAddress, "Admin": d.adminAddress, "Origin": "http://" + d.pageAddress + demo.OriginPath,
		"Disk": filepath.Join(d.dir, "disk"), "Log": d.logDir(),
		"Key": d.key, "Secret": hex.EncodeToString(d.key.Secret),
	})
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	d.config, err = config.Load(d.configPath)
	return err
}

// start builds the edge and serves on l, which it owns.
func (d *demoEdge) start(l net.Listener) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.startLocked(l)
}

func (d *demoEdge) startLocked(l net.Listener) error {
	p, err := build(d.config, d.log)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	if err := p.openAdmin(d.config, nil); err != nil {
		p.close()
		return errors.Join(err, l.Close())
	}
	d.parts, d.ended = p, make(chan error, 1)
	p.setState(admin.Serving)
	go func(ended chan<- error) { ended <- p.server.Serve(server.Listener{Listener: l}) }(d.ended)
	return nil
}

// restart ends the edge and starts it again on the same address: RAM is lost, the
// disk is recovered.
func (d *demoEdge) restart() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stopLocked()
	l, err := server.Listen(context.Background(), d.edgeAddress)
	if err != nil {
		return err
	}
	return d.startLocked(l)
}

// stopLocked drains and closes the edge if it runs.
func (d *demoEdge) stopLocked() {
	if d.parts == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), demoDrainTime)
	defer cancel()
	if err := d.parts.drain(ctx); err != nil {
		d.log.Debug("connections were cut", "err", err)
	}
	<-d.ended
	d.parts.close()
	d.parts = nil
}

// close ends the edge and removes the folder.
func (d *demoEdge) close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stopLocked()
	if d.page != nil {
		_ = d.page.Close()
	}
	if d.dir == "" {
		return nil
	}
	return os.RemoveAll(d.dir)
}
