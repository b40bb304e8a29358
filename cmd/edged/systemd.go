package main

import (
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/activation"
	sd "github.com/coreos/go-systemd/v22/daemon"

	"edged/internal/server"
)

// notifier tells systemd how the service is. Without systemd it does nothing.
type notifier struct {
	log  *slog.Logger
	quit chan struct{}
	done sync.WaitGroup
}

// newNotifier starts the watchdog if the unit asks for one.
func newNotifier(log *slog.Logger) *notifier {
	n := &notifier{log: log, quit: make(chan struct{})}
	if interval, err := sd.SdWatchdogEnabled(false); err == nil && interval > 0 {
		n.done.Go(func() { n.watchdog(interval / 2) })
	}
	return n
}

func (n *notifier) send(state string) {
	if _, err := sd.SdNotify(false, state); err != nil {
		n.log.Warn("systemd cannot be notified", "err", err)
	}
}

func (n *notifier) ready()    { n.send(sd.SdNotifyReady) }
func (n *notifier) stopping() { n.send(sd.SdNotifyStopping) }

// reloading carries the time at which the reload began, as Type=notify-reload
// demands.
func (n *notifier) reloading() {
	n.send(sd.SdNotifyReloading + "\n" + sd.SdNotifyMonotonicUsec())
}

// watchdog says every interval that the process is alive.
func (n *notifier) watchdog(interval time.Duration) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-n.quit:
			return
		case <-tick.C:
			n.send(sd.SdNotifyWatchdog)
		}
	}
}

func (n *notifier) stop() {
	close(n.quit)
	n.done.Wait()
}

// activatedListeners returns the sockets that systemd opened for us, if any. Their
// FileDescriptorName begins with "https" or "http".
func activatedListeners() ([]server.Listener, error) {
	named, err := activation.ListenersWithNames()
	if err != nil {
		return nil, fmt.Errorf("socket activation: %w", err)
	}
	var all []server.Listener
	for name, listeners := range named {
		for _, l := range listeners {
			if l == net.Listener(nil) {
				continue
			}
			all = append(all, server.Listener{Listener: l, TLS: strings.HasPrefix(name, "https")})
		}
	}
	return all, nil
}
