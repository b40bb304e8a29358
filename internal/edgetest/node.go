package edgetest

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// Node is a running edged with a configuration of its own. Its methods fail the
// test it was started for.
type Node struct {
	t    testing.TB
	dir  string
	conf Config
	put  places
	cert *Certificate

	mu          sync.Mutex
	http, https string // addresses of the running process; guarded by mu

	process *process
	stderr  *transcript // over all restarts
}

// process is one run of the binary.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

// Start writes the configuration, starts edged, and waits until it serves. Both
// HTTP and HTTPS are on free ports of loopback, which a restart changes; the admin
// listener is a unix socket.
func Start(t testing.TB, c Config) *Node {
	t.Helper()
	mustBuild(t)
	dir, err := os.MkdirTemp("", "edge") // t.TempDir is too long for a unix socket
	if err != nil {
		t.Fatal(err)
	}
	n := &Node{t: t, dir: dir, conf: c, cert: NewCertificate(t, dir), stderr: newTranscript()}
	n.put = places{
		http: or(c.Listen, "127.0.0.1") + ":0", https: or(c.Listen, "127.0.0.1") + ":0", admin: filepath.Join(dir, "admin.sock"),
		cert: n.cert.CertFile, key: n.cert.KeyFile,
		disk: or(c.DiskPath, filepath.Join(dir, "disk")), log: or(c.LogDir, filepath.Join(dir, "log")),
		state: or(c.StateDir, filepath.Join(dir, "state")),
	}
	for _, d := range []string{n.put.disk, n.put.log} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(n.clean)
	n.WriteConfig(c)
	n.Launch()
	return n
}

// clean ends the child whatever became of the test. A race or a panic in it fails
// the test even when no answer was wrong.
func (n *Node) clean() {
	n.kill()
	faults := []string{"DATA RACE", "panic", "fatal error", "goroutine "}
	if n.conf.StandIn != "" {
		faults = faults[:1]
	}
	for _, fault := range faults {
		if strings.Contains(n.Stderr(), fault) {
			n.t.Errorf("edged's stderr has %q", fault)
			break
		}
	}
	if n.t.Failed() {
		n.t.Logf("edged wrote to stderr:\n%s", n.Stderr())
	}
	_ = os.RemoveAll(n.dir)
}

// Launch starts the process, which must not run, and waits for its listeners.
func (n *Node) Launch() {
	n.t.Helper()
	from := n.stderr.Len()
	cmd := n.command()
	cmd.Stderr = n.stderr
	cmd.Stdout = n.stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	p := &process{cmd: cmd, done: make(chan struct{})}
	n.process = p
	go func() {
		_ = cmd.Wait()
		close(p.done)
	}()
	Eventually(n.t, "edged serves or has ended", func() bool {
		return n.listening(n.stderr.From(from)) || ended(p)
	})
	if ended(p) {
		n.t.Fatalf("edged did not start:\n%s", n.stderr.From(from))
	}
}

// command prepares a run of the binary, or of what stands in for it.
func (n *Node) command() *exec.Cmd {
	if n.conf.StandIn == "" {
		return command(mustBuild(n.t).edged, "edged", "-config", n.ConfigFile())
	}
	cmd := exec.Command(os.Args[0], "-config", n.ConfigFile())
	cmd.Env = append(os.Environ(), n.conf.StandIn)
	return cmd
}

var servingLine = regexp.MustCompile(`msg=serving address=(\S+) tls=(true|false)`)

// listening learns the addresses from what the daemon says about itself.
func (n *Node) listening(stderr string) bool {
	found := servingLine.FindAllStringSubmatch(stderr, -1)
	if len(found) < 2 {
		return false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, m := range found {
		if m[2] == "true" {
			n.https = m[1]
		} else {
			n.http = m[1]
		}
	}
	return true
}

func ended(p *process) bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// ConfigFile returns the path of the configuration.
func (n *Node) ConfigFile() string { return filepath.Join(n.dir, "edged.toml") }

// WriteConfig replaces the configuration file; Signal(SIGHUP) or a restart makes
// it count. Directories and listeners stay as they were.
func (n *Node) WriteConfig(c Config) { n.WriteConfigText(c.toml(n.put)) }

// WriteConfigText replaces the configuration file by any text.
func (n *Node) WriteConfigText(text string) {
	n.t.Helper()
	if err := os.WriteFile(n.ConfigFile(), []byte(text), 0o600); err != nil {
		n.t.Fatal(err)
	}
}

// Certificate returns what the HTTPS listener was started with.
func (n *Node) Certificate() *Certificate { return n.cert }

// RenewCertificate overwrites the certificate files with a new certificate.
func (n *Node) RenewCertificate() *Certificate { return NewCertificate(n.t, n.dir) }

// HTTPAddress returns the address of the plain listener.
func (n *Node) HTTPAddress() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.http
}

// HTTPSAddress returns the address of the TLS listener.
func (n *Node) HTTPSAddress() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.https
}

// AdminSocket returns the path of the admin listener's unix socket.
func (n *Node) AdminSocket() string { return n.put.admin }

// DiskDir returns the directory of the disk tier.
func (n *Node) DiskDir() string { return n.put.disk }

// StateDir returns the directory of what must survive a restart.
func (n *Node) StateDir() string { return n.put.state }

// LogDir returns the directory of the access log.
func (n *Node) LogDir() string { return n.put.log }

// Stderr returns all the node ever wrote to its standard error and output.
func (n *Node) Stderr() string { return n.stderr.From(0) }

// Signal sends a signal to the running process.
func (n *Node) Signal(s syscall.Signal) {
	n.t.Helper()
	if err := n.process.cmd.Process.Signal(s); err != nil {
		n.t.Fatalf("signal %v: %v", s, err)
	}
}

// Ended is closed when the running process has ended.
func (n *Node) Ended() <-chan struct{} { return n.process.done }

// Reload sends SIGHUP and waits until the node says what became of it; it returns
// what it wrote meanwhile.
func (n *Node) Reload() string {
	n.t.Helper()
	from := n.stderr.Len()
	n.Signal(syscall.SIGHUP)
	Eventually(n.t, "the configuration is reloaded or refused", func() bool {
		return strings.Contains(n.stderr.From(from), "reloaded")
	})
	return n.stderr.From(from)
}

// Stop sends SIGTERM, waits for the end and fails the test when the exit was not
// clean.
func (n *Node) Stop() {
	n.t.Helper()
	n.Signal(syscall.SIGTERM)
	Wait(n.t, n.process.done, "edged to end after SIGTERM")
	if code := n.process.cmd.ProcessState.ExitCode(); code != 0 {
		n.t.Errorf("edged ended with exit code %d after SIGTERM", code)
	}
}

// Restart stops the node as systemd would and starts it again.
func (n *Node) Restart() {
	n.t.Helper()
	n.Stop()
	n.Launch()
}

// Crash kills the process without a warning and starts it again.
func (n *Node) Crash() {
	n.t.Helper()
	n.kill()
	n.Launch()
}

// Kill9 kills the process without a warning. Launch starts it again.
func (n *Node) Kill9() { n.kill() }

func (n *Node) kill() {
	if n.process == nil {
		return
	}
	if err := n.process.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		n.t.Errorf("kill: %v", err)
	}
	<-n.process.done
}

// Files returns the content of every file below a directory, by path. A file that
// vanishes meanwhile is left out.
func Files(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	found := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return ignoreGone(err)
		}
		text, err := os.ReadFile(path)
		if err == nil {
			found[path] = text
		}
		return ignoreGone(err)
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func ignoreGone(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// AwaitStored waits until the disk tier holds these bytes somewhere. Give it the
// last bytes of a pattern: the writer works behind the request.
func (n *Node) AwaitStored(tail []byte) {
	n.t.Helper()
	Eventually(n.t, "the disk tier holds the object", func() bool {
		for _, text := range Files(n.t, n.DiskDir()) {
			if bytes.Contains(text, tail) {
				return true
			}
		}
		return false
	})
}
