package edgetest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
)

// binaries are the compiled commands: open files whose names are gone, so that
// nothing is left behind however the test process ends.
type binaries struct{ edged, edgectl *os.File }

// built compiles the commands at the first call. It is written once, by that call.
var built = sync.OnceValues(compile)

func compile() (b binaries, err error) {
	if os.Getenv(sharedEnv) != "" {
		syscall.CloseOnExec(3)
		syscall.CloseOnExec(4)
		return binaries{os.NewFile(3, "edged"), os.NewFile(4, "edgectl")}, nil
	}
	dir, err := os.MkdirTemp("", "edgetest-")
	if err != nil {
		return b, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	args := []string{"build", "-o", dir + "/"}
	if RaceEnabled {
		args = append(args, "-race")
	}
	cmd := exec.Command("go", append(args, "edged/cmd/edged", "edged/cmd/edgectl")...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return b, fmt.Errorf("go build: %w\n%s", err, out)
	}
	if b.edged, err = os.Open(filepath.Join(dir, "edged")); err != nil {
		return b, err
	}
	b.edgectl, err = os.Open(filepath.Join(dir, "edgectl"))
	return b, err
}

// sharedEnv tells a test process that descriptors 3 and 4 are the binaries.
const sharedEnv = "EDGETEST_SHARED"

// Share lets cmd, which is to run the same test binary again, use the binaries of this
// process instead of building its own. It takes the descriptors 3 and 4.
func Share(t testing.TB, cmd *exec.Cmd) {
	t.Helper()
	b := mustBuild(t)
	cmd.ExtraFiles = []*os.File{b.edged, b.edgectl}
	cmd.Env = append(cmd.Environ(), sharedEnv+"=1")
}

// command prepares a run of an open executable, which the kernel finds by its
// descriptor in this process.
func command(f *os.File, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), f.Fd()), args...)
	cmd.Args[0] = name
	// Without this a program with the race detector sleeps a second before it ends.
	cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
	return cmd
}

func mustBuild(t testing.TB) binaries {
	t.Helper()
	b, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Edgectl runs the real edgectl and returns what it printed to standard output; it
// fails the test when the command does.
func Edgectl(t testing.TB, args ...string) string {
	t.Helper()
	cmd := command(mustBuild(t).edgectl, "edgectl", args...)
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("edgectl %q: %v\n%s", args, err, exit.Stderr)
		}
		t.Fatalf("edgectl %q: %v", args, err)
	}
	return string(out)
}

// Edged runs the real edged to its end, as for -check, and returns its exit code
// and all it printed.
func Edged(t testing.TB, args ...string) (code int, output string) {
	t.Helper()
	return run(t, command(mustBuild(t).edged, "edged", args...))
}

// EdgectlCode is Edgectl for a command that may fail. It returns the exit code and all
// that was printed.
func EdgectlCode(t testing.TB, args ...string) (code int, output string) {
	t.Helper()
	return run(t, command(mustBuild(t).edgectl, "edgectl", args...))
}

func run(t testing.TB, cmd *exec.Cmd) (code int, output string) {
	t.Helper()
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%q: %v", cmd.Args, err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}
