package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"edged/internal/edgetest"
)

// manager is a stand-in for systemd: the socket on which services report.
type manager struct {
	states chan string // one message each, watchdog messages left out
	alive  chan struct{}
}

// newManager listens and points the service that the test starts to it.
func newManager(t *testing.T) *manager {
	t.Helper()
	dir, err := os.MkdirTemp("", "notify") // t.TempDir is too long for a unix socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "socket")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	m := &manager{states: make(chan string, 100), alive: make(chan struct{}, 1)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		m.receive(c)
	}()
	t.Cleanup(func() {
		_ = c.Close()
		<-ended
	})
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", "20000")
	return m
}

func (m *manager) receive(c *net.UnixConn) {
	buf := make([]byte, 4096)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		if text := string(buf[:n]); text != "WATCHDOG=1" {
			m.states <- text
			continue
		}
		select {
		case m.alive <- struct{}{}:
		default:
		}
	}
}

// TestE2ESystemd follows what a service manager is told through start, reload, a
// reload that is refused, and stop.
func TestE2ESystemd(t *testing.T) {
	m := newManager(t)
	r := newRig(t)
	next := func(want string) {
		t.Helper()
		got := strings.TrimSpace(edgetest.Wait(t, m.states, want))
		if !regexp.MustCompile(`\A` + want + `\z`).MatchString(got) {
			t.Fatalf("systemd is told %q, want %s", got, want)
		}
	}
	next(`READY=1`)
	edgetest.Wait(t, m.alive, "WATCHDOG=1")

	const reloading = `RELOADING=1\nMONOTONIC_USEC=[1-9][0-9]*`
	r.node.Signal(syscall.SIGHUP)
	next(reloading)
	next(`READY=1`)

	r.node.WriteConfigText("[node]\nnane = 1\n")
	r.node.Signal(syscall.SIGHUP)
	next(reloading)
	next(`READY=1`)
	edgetest.Eventually(t, "an explanation of the refused reload", func() bool { // it comes through a pipe
		text := r.node.Stderr()
		return strings.Contains(text, ":2: node.nane: unknown key") && strings.Contains(text, "old one stays in force")
	})
	body := r.video("/after-reload.m4s", 3000)
	want(t, r.get(t, "/after-reload.m4s"), 200, body)

	r.node.Stop()
	next(`STOPPING=1`)
}

// The units must be good for systemd itself.
func TestUnits(t *testing.T) {
	tool, err := exec.LookPath("systemd-analyze")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("systemd-analyze is missing: install Debian package systemd")
		}
		t.Skip("systemd-analyze is missing: the units are not verified")
	}
	// A copy whose programs exist: what is verified is the rest.
	dir := t.TempDir()
	var units []string
	for _, name := range []string{"edged.service", "edged.socket", "edged-https.socket"} {
		text, err := os.ReadFile(filepath.Join("../../systemd", name))
		if err != nil {
			t.Fatal(err)
		}
		units = append(units, filepath.Join(dir, name))
		local := strings.ReplaceAll(string(text), "/usr/bin/edged", "/bin/true")
		if err := os.WriteFile(units[len(units)-1], []byte(local), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command(tool, append([]string{"verify", "--man=no"}, units...)...).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}
