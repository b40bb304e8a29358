package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	cases      string
	rounds     int
	seconds    float64
	conns      int
	varnish    bool
	nolog      bool
	logformat  string
	disk       bool
	ram        int
	store      int
	serverCore int
	loadCore   int
	mss        int
	nopush     bool
	edged      string
	json       string
	cpuprofile string
	dir        string
}

func parseFlags(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.StringVar(&o.cases, "cases", "", "comma-separated cases (default all: "+strings.Join(names(cases()), ",")+")")
	f.IntVar(&o.rounds, "rounds", 3, "timed windows of each server and case; medians are shown")
	f.Float64Var(&o.seconds, "seconds", 3, "length of a window")
	f.IntVar(&o.conns, "conns", 32, "keep-alive connections")
	f.BoolVar(&o.varnish, "varnish", false, "run Varnish too (no TLS, no signed cases)")
	f.BoolVar(&o.nolog, "nolog", false, "compare edged with an edged that writes no access log, and with nobody else")
	f.StringVar(&o.logformat, "logformat", "w3c", "log.format of edged: w3c, json or binary")
	f.BoolVar(&o.disk, "disk", true, "give edged a disk tier beside its RAM, as nginx has a cache directory")
	f.IntVar(&o.ram, "ram", 1024, "MiB of RAM for edged and Varnish")
	f.IntVar(&o.store, "store", 2048, "MiB of disk for edged and nginx")
	f.IntVar(&o.serverCore, "servercore", 0, "core of the servers")
	f.IntVar(&o.loadCore, "loadcore", 1, "core of the load generator and the origin")
	f.IntVar(&o.mss, "mss", 1448, "TCP segment size of the clients in bytes, as over Ethernet; 0 for the loopback's own")
	f.BoolVar(&o.nopush, "nopush", false, "tcp_nopush on in nginx: here it costs nginx more than it saves")
	f.StringVar(&o.edged, "edged", "", "daemon to run instead of one built from this module")
	f.StringVar(&o.json, "json", "", "write the results to this file too")
	f.StringVar(&o.cpuprofile, "cpuprofile", "", "write a perf record of edged for each case into this folder")
	f.StringVar(&o.dir, "dir", "", "folder for caches and logs (default the system's for temporary files)")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if o.rounds < 1 || o.seconds <= 0 || o.conns < 1 || f.NArg() > 0 {
		return o, errors.New("rounds, seconds and conns must be above 0, and there are no arguments")
	}
	return o, nil
}

func main() {
	o, err := parseFlags(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	if err == nil {
		err = run(ctx, o)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run does the whole comparison. Whatever it started has ended when it returns.
func run(ctx context.Context, o options) error {
	chosen, err := choose(cases(), o.cases)
	if err != nil {
		return err
	}
	if o.serverCore == o.loadCore || max(o.serverCore, o.loadCore) >= runtime.NumCPU() {
		return fmt.Errorf("cores %d and %d: two different ones of %d are needed", o.serverCore, o.loadCore, runtime.NumCPU())
	}
	root, err := os.MkdirTemp(o.dir, "edged-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(root)
	binary := o.edged
	if binary == "" {
		binary = filepath.Join(root, "edged.bin")
		if err := build(ctx, binary); err != nil {
			return err
		}
	}
	if err := pinThreads(o.loadCore); err != nil {
		return err
	}
	runtime.GOMAXPROCS(1) // the goroutines of the load take turns without the kernel's help
	origin, err := startOrigin()
	if err != nil {
		return err
	}
	defer origin.stop()
	r := &runner{options: o, origin: origin, next: &atomic.Int64{}}
	defer r.stop()
	if err := r.start(ctx, root, binary); err != nil {
		return err
	}
	return r.all(ctx, chosen)
}

// build compiles the daemon. It is run from anywhere inside the module.
func build(ctx context.Context, binary string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", binary, "edged/cmd/edged")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build edged: %w\n%s", err, out)
	}
	return nil
}

// window is the length of a round's timed part.
func (o *options) window() time.Duration {
	return time.Duration(o.seconds * float64(time.Second))
}
