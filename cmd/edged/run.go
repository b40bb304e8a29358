package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"edged/internal/admin"
	"edged/internal/config"
	"edged/internal/server"
)

// drainTime is how long requests under way may take to end after SIGTERM. It is
// below TimeoutStopSec of the systemd unit.
const drainTime = 30 * time.Second

// openFiles is how many descriptors the daemon asks for: connections, and some.
const openFiles = 1 << 20

// run builds the daemon and serves until a signal ends it.
func run(path string, c *config.Config, stderr io.Writer) error {
	level := new(slog.LevelVar)
	log := newLogger(stderr, level, c)
	if n, err := server.RaiseFileLimit(openFiles); err != nil {
		log.Warn("cannot raise the limit of open files", "limit", n, "err", err)
	}
	p, err := build(c, log)
	if err != nil {
		return err
	}
	defer p.close()
	d := &daemon{parts: p, path: path, config: c, level: level, order: make(chan struct{}, 1)}
	return d.serve()
}

func newLogger(w io.Writer, level *slog.LevelVar, c *config.Config) *slog.Logger {
	setLevel(level, c)
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}

func setLevel(level *slog.LevelVar, c *config.Config) {
	var l slog.Level
	if l.UnmarshalText([]byte(c.Log.Level)) == nil {
		level.Set(l)
	}
}

// daemon is the running process.
type daemon struct {
	*parts
	path   string
	config *config.Config
	level  *slog.LevelVar
	order  chan struct{} // takes an order to drain
}

// serve listens, tells systemd, and handles signals until the daemon is to stop.
func (d *daemon) serve() error {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGTERM, syscall.SIGINT)
	defer signal.Stop(signals)
	if err := d.openAdmin(d.config, d.orderDrain); err != nil {
		return err
	}
	listeners, err := d.listen()
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- d.server.Serve(listeners...) }()
	notify := newNotifier(d.log)
	defer notify.stop()
	notify.ready()
	d.setState(admin.Serving)
	d.note("start", nil, map[string]any{"version": version()})
	for _, l := range listeners {
		d.log.Info("serving", "address", l.Addr().String(), "tls", l.TLS)
	}
	for {
		select {
		case err := <-ended:
			return fmt.Errorf("serving ended: %w", err)
		case <-d.order:
			notify.stopping()
			return d.shutdown(ended)
		case s := <-signals:
			switch s {
			case syscall.SIGHUP:
				notify.reloading()
				d.reload()
				notify.ready()
				continue
			case syscall.SIGUSR1:
				go d.rotateLog() // waits for the disk; signals do not
				continue
			}
			notify.stopping()
			d.note("stop", nil, nil)
			return d.shutdown(ended)
		}
	}
}

// rotateLog closes the file of the access log: what it holds can be collected.
func (d *daemon) rotateLog() {
	if d.access == nil {
		return
	}
	if err := d.access.Rotate(); err != nil {
		d.log.Error("access log was not closed for collection", "err", err)
		return
	}
	d.log.Info("access log was closed for collection")
}

// orderDrain does what SIGTERM does. Repeating it changes nothing.
func (d *daemon) orderDrain() {
	select {
	case d.order <- struct{}{}:
	default:
	}
}

// listen opens the configured addresses, or takes the sockets systemd passed in.
func (d *daemon) listen() ([]server.Listener, error) {
	activated, err := activatedListeners()
	if err != nil || len(activated) > 0 {
		return activated, err
	}
	var all []server.Listener
	open := func(addresses []string, secure bool) error {
		for _, a := range addresses {
			l, err := server.Listen(context.Background(), a)
			if err != nil {
				return fmt.Errorf("cannot listen on %s: %w", a, err)
			}
			all = append(all, server.Listener{Listener: l, TLS: secure})
		}
		return nil
	}
	if err = open(d.config.Listen.HTTP, false); err == nil {
		err = open(d.config.Listen.HTTPS, true)
	}
	if err != nil {
		closeAll(all)
	}
	return all, err
}

func closeAll[L net.Listener](listeners []L) {
	for _, l := range listeners {
		_ = l.Close()
	}
}

// reload reads the configuration again. What needs a restart is said; what is wrong
// is refused as a whole, and the daemon goes on with what it had.
func (d *daemon) reload() {
	c, err := d.readAgain()
	d.note("reload", err, nil)
	if err != nil {
		d.log.Error("configuration is not reloaded: the old one stays in force", "err", err)
		return
	}
	setLevel(d.level, c)
	d.warnRestart(c)
	d.config = c
	d.log.Info("configuration reloaded", "sites", len(c.Sites))
}

// readAgain puts sites and certificates of the configuration in force.
func (d *daemon) readAgain() (*config.Config, error) {
	c, err := config.Load(d.path)
	if err != nil {
		return nil, err
	}
	certificates, err := loadCertificates(c)
	if err == nil && len(certificates) > 0 {
		if err = d.server.SetCertificates(certificates); err == nil {
			d.offer(certificates)
		}
	}
	if err != nil {
		return nil, err
	}
	return c, d.setSites(c)
}

// warnRestart says which changes take effect at the next start only.
func (d *daemon) warnRestart(c *config.Config) {
	old := d.config
	for _, part := range []struct {
		name     string
		was, now any
	}{
		{"listen", old.Listen, c.Listen},
		{"ram", old.RAM, c.RAM},
		{"disk", old.Disks, c.Disks},
		{"log", withoutLevel(old.Log), withoutLevel(c.Log)},
		{"usage", old.Usage, c.Usage},
		{"node", old.Node, c.Node},
	} {
		if fmt.Sprint(part.was) != fmt.Sprint(part.now) {
			d.log.Warn("a change takes effect at the next start", "table", part.name)
		}
	}
}

func withoutLevel(l config.Log) config.Log {
	l.Level = ""
	return l
}

// shutdown drains: no new connections, requests under way may end.
func (d *daemon) shutdown(ended <-chan error) error {
	d.log.Info("draining", "at most", drainTime)
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	if err := d.drain(ctx); err != nil {
		d.log.Warn("connections were cut at the end of the drain", "err", err)
	}
	<-ended
	d.log.Info("stopped")
	return nil
}
