package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// runner has the peers and takes them through the cases.
type runner struct {
	options options
	origin  *origin
	signer  *signer
	peers   []*peer       // edged first
	next    *atomic.Int64 // numbers the objects of misses over the whole run
}

// start starts the peers one after the other.
func (r *runner) start(ctx context.Context, root, binary string) (err error) {
	if r.signer, err = newSigner(); err != nil {
		return err
	}
	cert, err := newCertificate(root)
	if err != nil {
		return err
	}
	o := &r.options
	s := setting{
		root: root, Origin: r.origin.address(), Cert: cert.cert, Key: cert.key, cert: cert,
		RAM: o.ram, Disk: o.store, Root: os.Getuid() == 0, Signer: r.signer,
		MSS: o.mss, LogFormat: o.logformat, NoPush: o.nopush, PlainHost: plainHost, SignedHost: signedHost,
		serverCore: o.serverCore, loadCore: o.loadCore, edgedBinary: binary, withoutEdgedDisk: !o.disk,
	}
	starters := []func(context.Context, setting) (*peer, error){startEdged, startNginx}
	if o.nolog {
		starters = []func(context.Context, setting) (*peer, error){startEdged, startSilent}
	}
	if o.varnish {
		starters = append(starters, startVarnish)
	}
	for _, start := range starters {
		p, err := start(ctx, s)
		if p != nil {
			r.peers = append(r.peers, p)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *runner) stop() {
	for _, p := range r.peers {
		p.stop()
	}
}

// all runs the cases and reports. What was measured before an error is shown.
func (r *runner) all(ctx context.Context, chosen []bench) error {
	var results []result
	var failed error
	for i := range chosen {
		fmt.Fprintf(os.Stderr, "%s …\n", chosen[i].name)
		res, err := r.one(ctx, &chosen[i])
		if err != nil {
			failed = err
			break
		}
		results = append(results, res)
	}
	fmt.Printf("%s, congestion control %s, %d connections, medians of %d windows of %v\n",
		processor(), congestionControl(), r.options.conns, r.options.rounds, r.options.window())
	if err := printTable(os.Stdout, results); err != nil {
		return err
	}
	if r.options.json != "" && failed == nil {
		failed = writeJSON(r.options.json, r.document(results))
	}
	return failed
}

// one runs the rounds of a case, the peers in turns.
func (r *runner) one(ctx context.Context, b *bench) (result, error) {
	res := result{Case: b.name, Size: b.size}
	var loads []*load
	for _, p := range r.peers {
		if !p.can(b) {
			continue
		}
		plan, err := newPlan(b, r.signer, p.spell, r.next)
		if err != nil {
			return res, err
		}
		if err := verify(ctx, r.origin, p, b, plan); err != nil {
			return res, err
		}
		loads = append(loads, &load{peer: p, bench: b, plan: plan, conns: r.options.conns})
		res.Peers = append(res.Peers, rounds{Peer: p.name})
	}
	for range r.options.rounds {
		for i, l := range loads {
			s, err := l.run(ctx, r.options.window())
			if err != nil {
				return res, err
			}
			res.Peers[i].Samples = append(res.Peers[i].Samples, s)
		}
	}
	res.summarise()
	if dir := r.options.cpuprofile; dir != "" {
		return res, profile(ctx, loads[0], dir, r.options.window())
	}
	return res, nil
}

func (r *runner) document(results []result) document {
	versions := map[string]string{}
	for _, p := range r.peers {
		versions[p.name] = p.version
	}
	o := &r.options
	return document{
		Time: time.Now().UTC(), Machine: processor(), Versions: versions, Results: results,
		Options: map[string]any{
			"rounds": o.rounds, "seconds": o.seconds, "connections": o.conns,
			"congestion_control": congestionControl(), "edged_disk": o.disk, "mss": o.mss, "nopush": o.nopush, "ram_mib": o.ram, "store_mib": o.store,
		},
	}
}

// congestionControl is the kernel's default, which every server here gets. One
// that paces, such as bbr, sets a timer for each burst and can hide all the rest.
func congestionControl() string {
	b, _ := os.ReadFile("/proc/sys/net/ipv4/tcp_congestion_control") // "" where there is no IPv4
	return strings.TrimSpace(string(b))
}

// processor is the model name of the machine's processor.
func processor() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if key, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.HasPrefix(key, "model name") {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
