package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// profile records where edged's CPU time goes in one more round of a case, with
// perf: the daemon has no profiling endpoint that could be left open.
func profile(ctx context.Context, l *load, dir string, window time.Duration) error {
	perf, err := exec.LookPath("perf")
	if err != nil {
		return fmt.Errorf("perf is not installed: apt-get install linux-perf")
	}
	data := filepath.Join(dir, l.bench.name+".perf.data")
	cmd := exec.CommandContext(ctx, perf, "record", "-q", "-e", "cpu-clock", "-F", "999", "-g", "-o", data,
		"-p", strconv.Itoa(l.peer.pids()[0]), "--", "sleep", strconv.FormatFloat((settle+window).Seconds(), 'f', 1, 64))
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		return err
	}
	_, err = l.run(ctx, window)
	if wait := cmd.Wait(); err == nil && wait != nil {
		err = fmt.Errorf("perf record: %w", wait)
	}
	if err == nil {
		fmt.Fprintf(os.Stderr, "profile: perf report --no-children -i %s\n", data)
	}
	return err
}
