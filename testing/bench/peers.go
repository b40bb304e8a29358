package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// startEdged starts the daemon with one core's worth of scheduler.
func startEdged(ctx context.Context, s setting) (*peer, error) {
	s, err := s.forPeer("edged")
	if err != nil {
		return nil, err
	}
	s.LogDir = filepath.Join(s.Dir, "log")
	return edgedPeer(ctx, s, "edged")
}

// startSilent starts the daemon without an access log.
func startSilent(ctx context.Context, s setting) (*peer, error) {
	s, err := s.forPeer("edged-nolog")
	if err != nil {
		return nil, err
	}
	return edgedPeer(ctx, s, "no log")
}

func edgedPeer(ctx context.Context, s setting, name string) (*peer, error) {
	if s.withoutEdgedDisk {
		s.Disk = 0
	}
	for _, dir := range []string{"log", "disk"} {
		if err := os.Mkdir(filepath.Join(s.Dir, dir), 0o755); err != nil {
			return nil, err
		}
	}
	config, err := s.render("edged.toml")
	if err != nil {
		return nil, err
	}
	p := &peer{
		name: name, http: s.HTTP, https: s.HTTPS, signs: true, spell: spellECT,
		hit: "Cache-Status: edged; hit", miss: "Cache-Status: edged; fwd=uri-miss", cert: s.cert, mss: s.MSS,
		version: firstLine(exec.CommandContext(ctx, s.edgedBinary, "-version")),
	}
	return p, p.start(ctx, &s, []string{"GOMAXPROCS=1"}, s.edgedBinary, "-config", config)
}

// startNginx starts nginx with one worker.
func startNginx(ctx context.Context, s setting) (*peer, error) {
	binary, err := lookSbin("nginx")
	if err != nil {
		return nil, err
	}
	if s, err = s.forPeer("nginx"); err != nil {
		return nil, err
	}
	config, err := s.render("nginx.conf")
	if err != nil {
		return nil, err
	}
	p := &peer{
		name: "nginx", http: s.HTTP, https: s.HTTPS, signs: true, spell: spellSecureLink,
		hit: "X-Cache-Status: HIT", miss: "X-Cache-Status: MISS", cert: s.cert, mss: s.MSS,
		version: firstLine(exec.CommandContext(ctx, binary, "-v")),
	}
	return p, p.start(ctx, &s, nil, binary, "-p", s.Dir, "-e", filepath.Join(s.Dir, "error.log"), "-c", config)
}

// startVarnish starts Varnish and, because it has no access log of its own,
// varnishncsa, whose CPU time counts too.
func startVarnish(ctx context.Context, s setting) (*peer, error) {
	binary, err := lookSbin("varnishd")
	if err != nil {
		return nil, err
	}
	if s, err = s.forPeer("varnish"); err != nil {
		return nil, err
	}
	if s.OriginHost, s.OriginPort, err = net.SplitHostPort(s.Origin); err != nil {
		return nil, err
	}
	vcl, err := s.render("varnish.vcl")
	if err != nil {
		return nil, err
	}
	p := &peer{
		name: "varnish", http: s.HTTP, mss: s.MSS, hit: "X-Cache-Status: HIT", miss: "X-Cache-Status: MISS",
		version: firstLine(exec.CommandContext(ctx, binary, "-V")),
	}
	work := filepath.Join(s.Dir, "work")
	err = p.start(ctx, &s, nil, binary, "-F", "-j", "none", "-n", work, "-a", s.HTTP, "-f", vcl,
		"-T", "none", "-s", fmt.Sprintf("malloc,%dm", s.RAM))
	if err != nil {
		return p, err
	}
	logger, err := startProcess(s.serverCore, s.loadCore, nil, "varnishncsa", "-n", work, "-w", filepath.Join(s.Dir, "access.log"))
	if err != nil {
		return p, err
	}
	p.processes = append(p.processes, logger)
	return p, nil
}

// start starts the peer's first process and waits until it serves.
func (p *peer) start(ctx context.Context, s *setting, env []string, name string, args ...string) error {
	c, err := startProcess(s.serverCore, s.loadCore, env, name, args...)
	if c != nil {
		p.processes = append(p.processes, c)
	}
	if err != nil {
		return err
	}
	return p.await(ctx)
}

// lookSbin finds a daemon even where sbin is not in PATH.
func lookSbin(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	path, err := exec.LookPath("/usr/sbin/" + name)
	if err != nil {
		return "", fmt.Errorf("%s is not installed: apt-get install %s", name, strings.TrimSuffix(name, "d"))
	}
	return path, nil
}

// firstLine is the first line that a command prints, on whatever stream.
func firstLine(cmd *exec.Cmd) string {
	out, _ := cmd.CombinedOutput() // a version is decoration
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return line
}
