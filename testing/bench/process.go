package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// patience is how long a child may take to start or to end.
const patience = time.Minute

// process is one child, bound to the core of the servers.
type process struct {
	cmd    *exec.Cmd
	output *tail
	ended  chan struct{} // closed when it has been waited for
}

// startProcess starts a child on the given core. The child and what it forks
// inherit the core from the thread that starts it. Should this process die, the
// kernel asks the child to end too.
func startProcess(core, loadCore int, env []string, name string, args ...string) (*process, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := pin(0, core); err != nil {
		return nil, err
	}
	p := &process{cmd: exec.Command(name, args...), output: &tail{}, ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	err := errors.Join(p.cmd.Start(), pin(0, loadCore))
	if p.cmd.Process == nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended does not matter; what it said is in output
		close(p.ended)
	}()
	return p, err
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// stop asks the child to end, insists after a while, and waits.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(patience):
		for _, pid := range family(p.pid()) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		<-p.ended
	}
}

// await polls ready until it succeeds, the child ends, or patience does.
func (p *process) await(ctx context.Context, ready func() error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := ready()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w\n%s", p.cmd.Path, err, p.output)
		case <-p.ended:
			return fmt.Errorf("%s ended: %s\n%s", p.cmd.Path, p.cmd.ProcessState, p.output)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// tail keeps the last few kilobytes written to it, for error messages. Only the
// goroutine of exec.Cmd writes; it is read after the child has failed.
type tail struct{ last []byte }

const tailSize = 4 << 10

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.last = append(t.last, p...)
	if over := len(t.last) - tailSize; over > 0 {
		t.last = bytes.Clone(t.last[over:])
	}
	return len(p), nil
}

// String returns what is kept.
func (t *tail) String() string { return string(t.last) }
