package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"edged/internal/config"
)

// defaultConfig is where the package keeps the configuration.
const defaultConfig = "/etc/edged/edged.toml"

// nodeTimeout is how long a node may take to answer: it only reads counters.
const nodeTimeout = 10 * time.Second

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 64 << 20

// nodeFlags say which running node a command speaks to.
type nodeFlags struct{ admin, config string }

func (f *nodeFlags) bind(fs *flag.FlagSet) {
	fs.StringVar(&f.admin, "admin", "", "`ADDRESS` of the admin listener: host:port, or the path of a unix socket\n(default: listen.admin of the configuration)")
	fs.StringVar(&f.config, "config", defaultConfig, "configuration `FILE` of edged")
}

// node returns the node that the flags name.
func (f *nodeFlags) node() (*node, error) {
	address := f.admin
	if address == "" {
		c, err := config.Load(f.config)
		if err != nil {
			return nil, fmt.Errorf("which node? Give -admin ADDRESS, or a configuration: %w", err)
		}
		if address = c.Listen.Admin; address == "" {
			return nil, fmt.Errorf("%s has no listen.admin: give -admin ADDRESS", f.config)
		}
	}
	return newNode(address), nil
}

// node is the admin listener of a running daemon.
type node struct {
	address string
	client  http.Client
}

func newNode(address string) *node {
	n := &node{address: address}
	network := "tcp"
	if strings.HasPrefix(address, "/") {
		network = "unix"
	}
	n.client = http.Client{Timeout: nodeTimeout, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
		DisableKeepAlives: true,
	}}
	return n
}

// ask sends a request and decodes the JSON of the answer into answer. Its raw form
// is returned too.
func (n *node) ask(method, path string, answer any) ([]byte, error) {
	return n.order(method, path, nil, answer)
}

// order is ask with a body in JSON, none when it is nil.
func (n *node) order(method, path string, body, answer any) ([]byte, error) {
	var text io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		text = bytes.NewReader(b)
	}
	host := n.address
	if strings.HasPrefix(host, "/") {
		host = "localhost"
	}
	r, err := http.NewRequest(method, "http://"+host+path, text)
	if err != nil {
		return nil, fmt.Errorf("address %q: %w", n.address, err)
	}
	r.Header.Set("X-Edged-Admin", "1")
	resp, err := n.client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("no answer from %s (is edged running?): %w", n.address, err)
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return nil, fmt.Errorf("answer of %s: %w", n.address, err)
	}
	if resp.StatusCode >= http.StatusBadRequest {
		return nil, fmt.Errorf("%s refuses: %s: %s", n.address, resp.Status, reason(raw))
	}
	if err := json.Unmarshal(raw, answer); err != nil {
		return nil, fmt.Errorf("answer of %s is not that of an edged: %w", n.address, err)
	}
	return raw, nil
}

// reason is the error that the node gave, in whatever form.
func reason(body []byte) string {
	var problem struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(body, &problem) == nil && problem.Error != "" {
		return problem.Error
	}
	return strings.TrimSpace(string(body[:min(len(body), 200)]))
}
