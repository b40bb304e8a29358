package crash

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// Marks of a viewer that faults are called with.
var (
	markedIPv4 = netip.MustParseAddr("127.91.92.193")
	markedIPv6 = netip.MustParseAddr("2001:db8:77:dead:beef:cafe:1234:5678")
)

// marks are what would give them away, or a token, in text and in words of memory.
var marks = []string{
	"127.91.92.193", "7f5b5cc1", "2001:db8", "beefcafe", "20010db80077dead", "token77", "6e656b6f74", /* "token" in a word */
	"0x", "/redact", "\t/",
}

// TestMain makes the test binary the watcher, or a program that crashes.
func TestMain(m *testing.M) {
	switch {
	case len(os.Args) == 2 && os.Args[1] == Arg:
		os.Exit(Main())
	case os.Getenv("CRASH") != "":
		crashNow(os.Getenv("CRASH"))
	default:
		os.Exit(m.Run())
	}
}

// crashNow ends the process by a fault of this kind.
func crashNow(kind string) {
	stderr, err := Divert(func(*os.File, error) {})
	if err != nil {
		fmt.Println(err)
		os.Exit(100)
	}
	fmt.Fprintln(stderr, "said before")
	if kind == "none" {
		fmt.Fprintln(os.Stderr, "http: TLS handshake error from 127.91.92.193:4711: EOF")
		fmt.Fprintln(os.Stderr, "token77()")
		os.Exit(0)
	}
	done := make(chan bool)
	go func() {
		fault(kind, markedIPv4, markedIPv6, [8]byte([]byte("token77!")))
		close(done)
	}()
	<-done
}

//go:noinline
func fault(kind string, a, b netip.Addr, token [8]byte) {
	switch kind {
	case "string":
		panic("no " + a.String() + "\ngoroutine 1 [token77]:\nmain.token77()\n\t/redact/token77.go:1")
	case "error":
		panic(fmt.Errorf("%w of %s", errors.New("token77"), b))
	case "value":
		panic(a)
	case "text":
		panic(secret("token77"))
	case "nil":
		var p *int
		*p = int(token[0])
	case "index":
		fmt.Println(token[len(kind)+int(token[0])])
	case "repanic":
		defer func() { panic(fmt.Sprint("again: ", recover())) }()
		panic(a.String())
	case "fatal":
		new(sync.Mutex).Unlock()
	case "stack":
		deeper(a, b, token)
	case "abort":
		_ = syscall.Kill(os.Getpid(), syscall.SIGABRT)
		select {}
	case "method":
		var p *netip.Addr
		fmt.Println(p.Is4(), a, b, token)
	}
}

type secret string

//go:noinline
func deeper(a, b netip.Addr, token [8]byte) int {
	if token[0] == 0 {
		return 0
	}
	return deeper(a, b, token) + len(token)
}

// A process that crashes says where, with a code that is not zero, and nothing of what
// it was doing for whom.
func TestCrashHasNoValues(t *testing.T) {
	for _, c := range []struct{ kind, says string }{
		{"string", "panic: (its value is left out)"},
		{"error", "panic: (its value is left out)"},
		{"value", "panic: (its value is left out)"},
		{"text", "panic: (its value is left out)"},
		{"nil", "panic: runtime error: invalid memory address or nil pointer dereference"},
		{"index", "panic: runtime error: index out of range"},
		{"repanic", "panic: (its value is left out)"},
		{"fatal", "fatal error: sync: unlock of unlocked mutex"},
		{"stack", "fatal error: stack overflow"},
		{"abort", "SIGABRT: abort"},
		{"method", "[signal SIGSEGV: segmentation violation]"},
	} {
		for _, level := range []string{"", "all", "system"} {
			t.Run(strings.TrimSpace(c.kind+" "+level), func(t *testing.T) {
				t.Parallel()
				code, out := crashing(t, c.kind, level)
				if code != 2 || !strings.HasPrefix(out, "said before\n") || !strings.Contains(out, c.says) {
					t.Errorf("exit code %d, want 2 and %q:\n%s", code, c.says, out)
				}
				if !strings.Contains(out, "crash.fault(...)\n\tcrash_test.go:") && c.kind != "stack" && c.kind != "abort" {
					t.Errorf("the trace does not say where:\n%s", out)
				}
				wantNoMarks(t, out)
			})
		}
	}
}

// What a library prints by itself is not passed on; that it did is said once.
func TestNoTraceNoText(t *testing.T) {
	code, out := crashing(t, "none", "")
	if code != 0 || strings.Count(out, "left out") != 1 || !strings.HasPrefix(out, "said before\n") {
		t.Errorf("exit code %d: %q", code, out)
	}
	wantNoMarks(t, out)
}

func crashing(t *testing.T, kind, level string) (code int, stderr string) {
	t.Helper()
	var said bytes.Buffer
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "CRASH="+kind, "GOTRACEBACK="+level, "GORACE=atexit_sleep_ms=0")
	cmd.Stdout, cmd.Stderr = t.Output(), &said
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), said.String()
}

func wantNoMarks(t *testing.T, out string) {
	t.Helper()
	for _, mark := range marks {
		if i := strings.Index(strings.ToLower(out), mark); i >= 0 {
			t.Errorf("%q came through: …%s…", mark, out[max(0, i-80):min(len(out), i+40)])
		}
	}
}

func TestRedactShapes(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"goroutine 7 gp=0xc0000061c0 m=3 mp=0xc00007f008 [IO wait, 3 minutes]:", "goroutine 7 [IO wait, 3 minutes]:"},
		{"edged/internal/edge.(*Edge).Serve(0xc000123456, {0x7f5b5cc1, 0x10, ...})", "edged/internal/edge.(*Edge).Serve(...)"},
		{"main.f[...](0x1?, _)", "main.f[...](...)"},
		{"edged/cache.(*shard[...]).get.func1.2(...)", "edged/cache.(*shard[...]).get.func1.2(...)"},
		{"\t/build/edged/cache/fill.go:77 +0x1d", "\tfill.go:77"},
		{"created by edged/cache.(*Cache).Join in goroutine 12", "created by edged/cache.(*Cache).Join"},
		{"[signal SIGBUS: bus error code=0x2 addr=0x7f5b5cc1 pc=0x4b5c]", "[signal SIGBUS: bus error]"},
		{"rax    0x7f5b5cc1", ""},
		{"main.f(token77)", ""},
		{"/path with/blank.go:1", ""},
		{strings.Repeat("a", 3*maxLine) + "()", ""},
		{"  main.racy()", "main.racy(...)"},
	} {
		var out strings.Builder
		if err := Redact(&out, strings.NewReader("goroutine 1 [running]:\n"+c.in+"\n")); err != nil {
			t.Fatal(err)
		}
		got := strings.TrimSuffix(strings.TrimPrefix(out.String(), "goroutine 1 [running]:\n"), "\n")
		if got != c.want {
			t.Errorf("%.100q becomes %q, want %q", c.in, got, c.want)
		}
	}
}

// A trace of all viewers has an end, and what comes after it is still read.
func TestRedactIsBounded(t *testing.T) {
	in := strings.NewReader(strings.Repeat("goroutine 1 [running]:\n", 3*maxLines))
	var out strings.Builder
	if err := Redact(&out, in); err != nil || strings.Count(out.String(), "\n") != maxLines+1 || in.Len() != 0 {
		t.Errorf("%v: %d lines were passed on, %d bytes not read", err, strings.Count(out.String(), "\n"), in.Len())
	}
}

// Whatever is printed, no number of memory comes through, and nothing outside a trace.
func FuzzRedact(f *testing.F) {
	f.Add("panic: a\n\tb\n\ngoroutine 1 [running]:\nmain.f(0x1)\n\t/a/b.go:1 +0x1\n")
	f.Add("fatal error: x\n[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x1]\n")
	f.Add("WARNING: DATA RACE\nWrite at 0x00c by goroutine 7:\n  main.f()\n      /a.go:1 +0x1\n")
	number := regexp.MustCompile(`0x[0-9a-f]{5,}`)
	f.Fuzz(func(t *testing.T, text string) {
		var out, again strings.Builder
		if err := Redact(&out, strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			if number.MatchString(line) && !strings.HasSuffix(line, "(...)\n") && !strings.Contains(line, ".go:") && !strings.HasPrefix(line, "fatal error") &&
				!strings.HasPrefix(line, "created by") && !strings.HasPrefix(line, "goroutine") && !strings.HasPrefix(line, "panic: runtime error") {
				t.Errorf("%q has a number of memory", line)
			}
		}
		if err := Redact(&again, strings.NewReader(out.String())); err != nil || strings.Count(again.String(), "\n") > strings.Count(out.String(), "\n") {
			t.Errorf("%q grows to %q: %v", out.String(), again.String(), err)
		}
	})
}
