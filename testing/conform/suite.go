package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

//go:embed edged.toml
var configuration string

//go:embed suite.mjs
var lister []byte

// suite is a running suite: its origin server, and edged in front of it.
type suite struct {
	dir, work  string
	originPort int
	edgePort   int
	children   []*exec.Cmd
}

// start builds edged and starts both servers.
func (s *suite) start(ctx context.Context) error {
	var err error
	if s.originPort, err = freePort(); err != nil {
		return err
	}
	if s.edgePort, err = freePort(); err != nil {
		return err
	}
	if s.dir, err = filepath.Abs(s.dir); err != nil {
		return err
	}
	binary := filepath.Join(s.work, "edged")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/edged")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building edged: %w\n%s", err, out)
	}
	config := filepath.Join(s.work, "edged.toml")
	if err := os.WriteFile(config, fmt.Appendf(nil, configuration, s.edgePort, s.originPort), 0o600); err != nil {
		return err
	}
	if err := s.spawn(ctx, s.node("test-engine/server/server.mjs", "port", fmt.Sprint(s.originPort),
		"protocol", "http", "pidfile", filepath.Join(s.work, "server.pid")), s.originPort); err != nil {
		return fmt.Errorf("the suite's server: %w", err)
	}
	if err := s.spawn(ctx, exec.Command(binary, "-config", config), s.edgePort); err != nil {
		return fmt.Errorf("edged: %w", err)
	}
	return nil
}

// node is a script of the suite with its settings, which it takes the way npm
// hands them over.
func (s *suite) node(script string, settings ...string) *exec.Cmd {
	c := exec.Command("node", "--no-warnings", script)
	c.Dir = s.dir
	c.Env = os.Environ()
	for i := 0; i < len(settings); i += 2 {
		c.Env = append(c.Env, "npm_config_"+settings[i]+"="+settings[i+1])
	}
	return c
}

// spawn starts a child and waits until it accepts connections.
func (s *suite) spawn(ctx context.Context, c *exec.Cmd, port int) error {
	log, err := os.Create(filepath.Join(s.work, fmt.Sprintf("%d.log", port)))
	if err != nil {
		return err
	}
	defer log.Close() //nolint:errcheck // the child has its own descriptor
	c.Stdout, c.Stderr = log, log
	if err := c.Start(); err != nil {
		return err
	}
	s.children = append(s.children, c)
	if err := awaitPort(ctx, port); err != nil {
		said, _ := os.ReadFile(log.Name())
		return fmt.Errorf("%w\n%s", err, said)
	}
	return nil
}

// awaitPort tries to connect until something listens, ten seconds at most.
func awaitPort(ctx context.Context, port int) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		c, err := net.Dial("tcp", fmt.Sprintf("localhost:%d", port))
		if err == nil {
			return c.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("nothing listens on port %d", port)
		case <-tick.C:
		}
	}
}

// freePort returns a port that was free a moment ago.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close() //nolint:errcheck // it has served its purpose
	return l.Addr().(*net.TCPAddr).Port, nil
}

// client is the suite's own client, aimed at edged.
func (s *suite) client(id string) *exec.Cmd {
	return s.node("test-engine/cli.mjs", "base", fmt.Sprintf("http://127.0.0.1:%d", s.edgePort), "id", id)
}

// runOne shows what one test does.
func (s *suite) runOne(ctx context.Context, id string) error {
	c := s.client(id)
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	return s.await(ctx, c)
}

// runAll returns the suite's results as JSON. Its client tells an empty test id from
// a missing one, and wants it empty.
func (s *suite) runAll(ctx context.Context) ([]byte, error) {
	c := s.client("")
	var out, noise strings.Builder
	c.Stdout, c.Stderr = &out, &noise
	c.Env = append(c.Env, "npm_package_config_id=")
	if err := s.await(ctx, c); err != nil {
		return nil, fmt.Errorf("the suite's client: %w\n%s", err, noise.String())
	}
	text := out.String()
	start := strings.Index(text, "{")
	if start < 0 {
		return nil, errors.New("the suite's client printed no results")
	}
	return []byte(text[start:]), nil
}

// await runs a child until it ends or the context does.
func (s *suite) await(ctx context.Context, c *exec.Cmd) error {
	if err := c.Start(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.Process.Kill() })
	defer stop()
	return c.Wait()
}

// close ends the children, politely first.
func (s *suite) close() {
	for _, c := range s.children {
		_ = c.Process.Signal(syscall.SIGTERM)
		kill := time.AfterFunc(5*time.Second, func() { _ = c.Process.Kill() })
		_ = c.Wait()
		kill.Stop()
	}
}
