package crash

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// Arg is the argument of a process that is to run [Main].
const Arg = "crash-watch"

// Divert starts the watcher and makes the pipe to it the standard error of the
// process. It returns what was standard error before. ended is called, on a goroutine
// of its own, when the watcher ends although the process has not: from then on a crash
// prints nothing. After an error everything is as it was.
func Divert(ended func(stderr *os.File, err error)) (stderr *os.File, err error) {
	// A pipe of package os does not block, and the runtime would lose what it prints.
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return nil, fmt.Errorf("crash: pipe: %w", err)
	}
	defer unix.Close(pipe[1]) //nolint:errcheck // standard error has it by then
	in := os.NewFile(uintptr(pipe[0]), "crash watcher")
	defer in.Close() //nolint:errcheck // the watcher has it by then
	saved, err := unix.FcntlInt(2, unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, fmt.Errorf("crash: standard error: %w", err)
	}
	stderr = os.NewFile(uintptr(saved), "stderr")
	watcher, err := start(in, stderr)
	if err == nil {
		if err = unix.Dup3(pipe[1], 2, 0); err != nil {
			_ = watcher.Process.Kill()
			_ = watcher.Wait()
		}
	}
	if err != nil {
		_ = stderr.Close()
		return nil, fmt.Errorf("crash: %w", err)
	}
	go func() { ended(stderr, watcher.Wait()) }() // for as long as the process lives
	return stderr, nil
}

// start runs this program once more, as the watcher.
func start(in, out *os.File) (*exec.Cmd, error) {
	// Sockets that the service manager passed in must not live on in the watcher. A
	// kernel that cannot do this (before 5.11) costs no more than that.
	_ = unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	cmd := exec.Command("/proc/self/exe", Arg)
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), "GOTRACEBACK=none", "GOMAXPROCS=1", "GOMEMLIMIT=8MiB")
	cmd.Stdin, cmd.Stderr = in, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd, cmd.Start()
}

// Main is the watcher: it redacts what it reads until the process that started it has
// ended, and returns the exit code.
func Main() int {
	// What is sent to the whole service or terminal must not end it before the other.
	signal.Ignore(syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGABRT, syscall.SIGUSR1, syscall.SIGPIPE)
	if err := Redact(os.Stderr, os.Stdin); err != nil {
		return 1
	}
	return 0
}
