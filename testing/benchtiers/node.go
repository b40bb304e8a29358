package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// node is an edged of its own, built from this source tree.
type node struct {
	program, config string // files
	address         string // host:port of plain HTTP
	admin           *http.Client
	cmd             *exec.Cmd
	output          *bytes.Buffer // of all its runs; valid after ended
	ended           chan struct{}
}

// patience is how long a node may take to start or to end.
const patience = 20 * time.Second

// edged builds the program that nodes run, once for all experiments.
type edged struct {
	once sync.Once
	path string // where to
	err  error
}

func (e *edged) build(ctx context.Context) (program string, err error) {
	e.once.Do(func() {
		out, err := exec.CommandContext(ctx, "go", "build", "-o", e.path, "edged/cmd/edged").CombinedOutput()
		if err != nil {
			e.err = fmt.Errorf("build: %w\n%s", err, out)
		}
	})
	return e.path, e.err
}

// startNode runs edged with the given tables, to which the listeners and a node name
// are added.
func startNode(ctx context.Context, b *bench, tables string) (*node, error) {
	socket, file := filepath.Join(b.dir, "admin.sock"), filepath.Join(b.dir, "edged.toml")
	program, err := b.edged.build(ctx)
	if err != nil {
		return nil, err
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	text := fmt.Sprintf("[node]\nname = \"bench\"\n[listen]\nhttp = [%q]\nadmin = %q\n%s", address, socket, tables)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	n := &node{program: program, config: file, address: address, admin: unixClient(socket), output: &bytes.Buffer{}}
	return n, n.run(ctx)
}

// run starts the process, the first time or again, and waits until it is ready.
func (n *node) run(ctx context.Context) error {
	cmd, ended := exec.Command(n.program, "-config", n.config), make(chan struct{})
	cmd.Stdout, cmd.Stderr = n.output, n.output
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	n.cmd, n.ended = cmd, ended
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() {
		_ = cmd.Wait() // what it said is in output
		close(ended)
	}()
	if err := n.awaitReady(ctx); err != nil {
		n.stop()
		return fmt.Errorf("edged does not get ready: %w\n%s", err, n.output)
	}
	return nil
}

// kill ends the process as a crash does, and waits for it.
func (n *node) kill() {
	_ = n.cmd.Process.Kill() // it may have ended already
	<-n.ended
	n.admin.CloseIdleConnections()
}

// order posts an order to the admin listener.
func (n *node) order(path, order string) error {
	req, err := http.NewRequest(http.MethodPost, "http://admin"+path, strings.NewReader(order))
	if err != nil {
		return err
	}
	req.Header.Set("X-Edged-Admin", "1")
	resp, err := n.admin.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // was only read
	if resp.StatusCode != http.StatusOK {
		why, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		return fmt.Errorf("%s answers %d: %s", path, resp.StatusCode, why)
	}
	return nil
}

// freeAddress returns a loopback address that nobody listened on just now.
func freeAddress() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return ln.Addr().String(), ln.Close()
}

func unixClient(socket string) *http.Client {
	var d net.Dialer
	return &http.Client{Timeout: patience, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return d.DialContext(ctx, "unix", socket) },
	}}
}

func (n *node) awaitReady(ctx context.Context) error {
	limit := time.After(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		resp, err := n.admin.Get("http://admin/readyz")
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
			err = fmt.Errorf("status %d", resp.StatusCode)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-n.ended:
			return errors.New("it ended")
		case <-limit:
			return err
		case <-tick.C:
		}
	}
}

// stop ends the node and waits for it.
func (n *node) stop() {
	_ = n.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-n.ended:
	case <-time.After(patience):
		_ = n.cmd.Process.Kill()
		<-n.ended
	}
	n.admin.CloseIdleConnections()
}

// resident returns the resident memory of the node's process.
func (n *node) resident() int64 { return residentOf(fmt.Sprintf("/proc/%d/statm", n.cmd.Process.Pid)) }

// memoryStatus is what the status of a node says of its memory tier.
type memoryStatus struct {
	RAM struct {
		Size      int64  `json:"size_bytes"`
		Pinned    int64  `json:"pinned_bytes"`
		Parked    int64  `json:"parked_bytes"`
		ParkedMax int64  `json:"parked_max_bytes"`
		Readers   int    `json:"parked_readers"`
		Taken     uint64 `json:"pins_taken"`
		Evicted   int64  `json:"evicted_bytes"`
		Failures  uint64 `json:"alloc_failures"`
	} `json:"ram"`
}

func (n *node) memory() (s memoryStatus, err error) {
	resp, err := n.admin.Get("http://admin/status.json")
	if err != nil {
		return s, err
	}
	defer resp.Body.Close() //nolint:errcheck // was only read
	return s, json.NewDecoder(resp.Body).Decode(&s)
}
