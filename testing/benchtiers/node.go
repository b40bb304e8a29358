package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// node is an edged of its own, built from this source tree.
type node struct {
	address string // host:port of plain HTTP
	admin   *http.Client
	cmd     *exec.Cmd
	output  *bytes.Buffer // valid after ended
	ended   chan struct{}
}

// patience is how long a node may take to start or to end.
const patience = 20 * time.Second

// startNode builds edged into dir and runs it with the given tables, to which the
// listeners and a node name are added.
func startNode(ctx context.Context, dir, tables string) (*node, error) {
	program, socket, file := filepath.Join(dir, "edged"), filepath.Join(dir, "admin.sock"), filepath.Join(dir, "edged.toml")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "edged/cmd/edged")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build: %w\n%s", err, out)
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	text := fmt.Sprintf("[node]\nname = \"bench\"\n[listen]\nhttp = [%q]\nadmin = %q\n%s", address, socket, tables)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	n := &node{address: address, admin: unixClient(socket), output: &bytes.Buffer{}, ended: make(chan struct{})}
	n.cmd = exec.Command(program, "-config", file)
	n.cmd.Stdout, n.cmd.Stderr = n.output, n.output
	n.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := n.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = n.cmd.Wait() // what it said is in output
		close(n.ended)
	}()
	if err := n.awaitReady(ctx); err != nil {
		n.stop()
		return nil, fmt.Errorf("edged does not get ready: %w\n%s", err, n.output)
	}
	return n, nil
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
