package main

import (
	"context"
	"embed"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"text/template"
)

//go:embed configs
var configs embed.FS

// peer is one server under test.
type peer struct {
	name      string
	http      string // address
	https     string // "" when it has no TLS
	signs     bool   // whether it can check tokens
	spell     speller
	hit, miss string // what the header of a hit and of a miss contains
	version   string
	cert      *certificate
	mss       int // segment size of clients
	processes []*process
}

// setting is what all peers have in common, and what their configurations are
// filled in with.
type setting struct {
	Dir         string // of one peer, below root
	root        string // temporary, removed at the end
	Origin      string
	HTTP, HTTPS string
	Cert, Key   string
	RAM, Disk   int    // MiB; no disk for edged when Disk is 0
	LogDir      string // of edged; "" for no access log
	LogFormat   string
	Root        bool
	NoPush      bool // tcp_nopush in nginx
	MSS         int  // segment size of the clients, 0 for the kernel's choice
	Signer      *signer

	cert             *certificate
	serverCore       int
	loadCore         int
	PlainHost        string
	SignedHost       string
	OriginHost       string
	OriginPort       string
	edgedBinary      string
	withoutEdgedDisk bool
}

// forPeer returns the setting of one peer: a folder of its own and free ports.
func (s setting) forPeer(name string) (setting, error) {
	s.Dir = filepath.Join(s.root, name)
	if err := os.Mkdir(s.Dir, 0o755); err != nil {
		return s, err
	}
	var err error
	if s.HTTP, err = freeAddress(); err != nil {
		return s, err
	}
	s.HTTPS, err = freeAddress()
	return s, err
}

// freeAddress returns a loopback address that was free a moment ago. Its port is below
// those that kernels give away by themselves, so that nobody else gets it before the
// peer does.
func freeAddress() (address string, err error) {
	for range 100 {
		var ln net.Listener
		address = net.JoinHostPort("127.0.0.1", strconv.Itoa(10_000+rand.IntN(6000)))
		if ln, err = net.Listen("tcp4", address); err == nil {
			return address, ln.Close()
		}
	}
	return "", fmt.Errorf("free port: %w", err)
}

// render writes a configuration into the peer's folder and returns its path.
func (s *setting) render(name string) (string, error) {
	t, err := template.ParseFS(configs, "configs/"+name)
	if err != nil {
		return "", err
	}
	path := filepath.Join(s.Dir, name)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return path, t.Execute(f, s)
}

// pids are the processes whose CPU time is the peer's. Their children count too.
func (p *peer) pids() (all []int) {
	for _, c := range p.processes {
		all = append(all, c.pid())
	}
	return all
}

// stop ends the peer's processes, the last started first.
func (p *peer) stop() {
	for i := len(p.processes) - 1; i >= 0; i-- {
		p.processes[i].stop()
	}
}

// can reports whether the peer has what a case needs.
func (p *peer) can(b *bench) bool {
	return (p.https != "" || !b.tls) && (p.signs || b.signing == unsigned)
}

// mark is what the header of a hit, or of a miss, contains.
func (p *peer) mark(miss bool) []byte {
	if miss {
		return []byte(p.miss)
	}
	return []byte(p.hit)
}

// dial opens a connection for the requests of a case.
func (p *peer) dial(ctx context.Context, b *bench) (*client, error) {
	if b.tls {
		return dial(ctx, p.https, p.mss, b.host(), p.cert.roots)
	}
	return dial(ctx, p.http, p.mss, b.host(), nil)
}

// await waits until the peer accepts connections.
func (p *peer) await(ctx context.Context) error {
	return p.processes[0].await(ctx, func() error {
		c, err := dial(ctx, p.http, p.mss, plainHost, nil)
		if err == nil {
			c.close()
		}
		return err
	})
}
