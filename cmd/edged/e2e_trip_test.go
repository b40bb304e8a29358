package main

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"

	"edged/internal/config"
	"edged/internal/crash"
	"edged/internal/edge"
	"edged/internal/edgetest"
	"edged/internal/server"
)

// tripEnv makes the test binary run as edged whose requests break it on demand.
const tripEnv = "EDGED_TEST_TRIP"

// tripField is the request field that says where a request is to break.
const tripField = "X-Trip"

// tripMain is edged as main runs it, but for the handler.
func tripMain(args []string) int {
	if len(args) == 1 && args[0] == crash.Arg {
		return crash.Main()
	}
	c, err := config.Load(args[len(args)-1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitError
	}
	stderr := divert(os.Stderr)
	if err := runTripping(args[len(args)-1], c, stderr); err != nil {
		fmt.Fprintln(stderr, err)
		return exitError
	}
	return exitOK
}

// runTripping is run with a handler that breaks.
func runTripping(path string, c *config.Config, stderr io.Writer) error {
	level := new(slog.LevelVar)
	log := newLogger(stderr, level, c)
	p, err := build(c, log)
	if err != nil {
		return err
	}
	defer p.close()
	certificates, err := loadCertificates(c)
	if err != nil {
		return err
	}
	if p.server, err = server.New(server.Options{Handler: tripwire{p.edge}, Certificates: certificates, Log: log}); err != nil {
		return err
	}
	d := &daemon{parts: p, path: path, config: c, level: level, order: make(chan struct{}, 1)}
	return d.serve()
}

// tripwire is the edge, whose requests break where they say.
type tripwire struct{ *edge.Edge }

func (w tripwire) Serve(x *edge.Exchange) {
	where := string(x.Req.Header.Get(tripField))
	switch where {
	case "field":
		x.Req.Header = &trap{Fields: x.Req.Header, request: fmt.Sprintf("%s %s %s", x.Req.Client, x.Req.Host, x.Req.Target)}
	case "goroutine":
		go lost(x.Req.Client.Addr().Unmap(), bytes.Clone(x.Req.Target))
		select {}
	}
	w.Edge.Serve(x)
	if where == "body" && x.Resp.Body != nil {
		x.Resp.Body = brokenBody{x.Resp.Body, x.Req.Client.Addr()}
	}
}

// Refuse breaks, too: its requests have no fields that could say so.
func (w tripwire) Refuse(x *edge.Exchange, status int) {
	if status == 431 {
		panic(fmt.Errorf("refused %s: %s", x.Req.Client, x.Req.Target))
	}
	w.Edge.Refuse(x, status)
}

//go:noinline
func lost(client netip.Addr, target []byte) {
	panic(client.String() + " asked for " + string(target))
}

// trap is a header whose second reader falls over it, with the request in its hands.
type trap struct {
	edge.Fields
	request string
	reads   int
}

func (h *trap) Get(name string) []byte {
	if h.reads++; h.reads > 1 {
		panic(h.request)
	}
	return h.Fields.Get(name)
}

func (h *trap) Append(dst [][]byte, name string) [][]byte {
	panic(h.request)
}

// brokenBody has no bytes, but a viewer.
type brokenBody struct {
	edge.Body
	client netip.Addr
}

func (b brokenBody) Next() ([]byte, error) { panic(b.client) }
func (b brokenBody) Ready() bool           { return true }

// A panic while a request is served, answered, sent or refused shows the request nowhere.
func TestE2ESinksPanic(t *testing.T) {
	t.Parallel()
	inNamespace(t, markedIPv6, func(t *testing.T) {
		for _, mode := range []string{"strike", "pseudonym", "none"} {
			t.Run(mode, func(t *testing.T) {
				t.Parallel()
				s := &sinkCase{mode, "json", "[::]", []string{markedIPv4, markedIPv6}}
				s.trip(t)
			})
		}
	})
}

func (s *sinkCase) trip(t *testing.T) {
	r := newRig(t, s.config, func(c *edgetest.Config) { c.StandIn = tripEnv + "=1" })
	r.video("/vod/a.m4s", 3000)
	signed := r.sign(t, "http://"+signedHost+"/vod/a.m4s", "-sid", markSession)
	secrets := r.knockFrom(t, s.from, signed, edgetest.HTTP1) // has headers that are too long among others
	for _, from := range s.from {
		for _, p := range protocols() {
			r.stumble(t, p, from, signed, "field")
			r.stumble(t, p, from, signed, "body")
		}
	}
	sinks := r.sinks(t)
	if got := strings.Count(r.node.Stderr(), "panic while serving"); got < 2*2*len(s.from)*len(protocols()) {
		t.Errorf("%d panics are in the error log: the test provokes too few", got)
	}
	r.order(t, signed)
	r.node.Signal(syscall.SIGUSR1)
	r.awaitLog(t, ".manifest.json", "sha256")
	r.stumble(t, edgetest.HTTP1, s.from[0], signed, "goroutine")
	edgetest.Wait(t, r.node.Ended(), "the node to crash")
	edgetest.Eventually(t, "the trace is printed", func() bool { return strings.Contains(r.node.Stderr(), "cmd/edged.lost(...)") })
	r.node.Launch()
	r.get(t, "/vod/a.m4s")
	r.awaitLog(t, ".log.part", "/vod/a.m4s")
	r.node.Kill9()
	r.node.Launch()
	r.node.Stop()
	r.checkSinks(t, s, sinks, secrets)
}

// stumble makes requests that break at a place; that they have no good answer is theirs.
func (r *rig) stumble(t *testing.T, p edgetest.Protocol, from, signed, where string) {
	t.Helper()
	c := r.from(p, from)
	for _, url := range []string{openHost + "/vod/a.m4s?x=" + markQuery, signedHost + signed[len("http://"+signedHost):]} {
		resp, err := c.Do(edgetest.NewRequest(t, "GET", p.Scheme()+"://"+url, tripField, where, "Cookie", markCookie, "User-Agent", markAgent))
		if err == nil {
			_ = resp.Body.Close()
		}
	}
}
