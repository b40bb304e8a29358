package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// children are programs that tests start as processes of their own.
var children = map[string]func(args []string) error{"load": load, "starved": starved}

// child runs a child program to its end and returns what it printed.
func child(t testing.TB, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), childEnv+"="+name)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %v: %v", name, args, err)
	}
	return string(out)
}

// load makes args[2] requests one after the other to args[0]; args[1] is "tls" or
// "plain", args[3] the number of bytes of a response. It throws away what it gets
// as cheaply as it can.
func load(args []string) error {
	if len(args) != 4 {
		return errors.New("load: ADDR tls|plain REQUESTS BYTES")
	}
	n, err1 := strconv.Atoi(args[2])
	size, err2 := strconv.Atoi(args[3])
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	c, err := net.Dial("tcp", args[0])
	if err != nil {
		return err
	}
	defer c.Close()
	if args[1] == "tls" {
		c = tls.Client(c, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{alpnHTTP1}})
	}
	buf := make([]byte, 1<<20)
	for range n {
		if _, err := io.WriteString(c, playerRequest); err != nil {
			return err
		}
		if err := discard(c, size, buf); err != nil {
			return err
		}
	}
	return nil
}

// discard takes size bytes from c; from a socket without copying them (MSG_TRUNC).
func discard(c net.Conn, size int, buf []byte) error {
	tc, ok := c.(*net.TCPConn)
	for left := size; left > 0; {
		var n int
		var err error
		if ok {
			n, err = skip(tc, left)
		} else {
			n, err = c.Read(buf[:min(left, len(buf))])
		}
		if err != nil {
			return err
		}
		left -= n
	}
	return nil
}

func skip(c *net.TCPConn, most int) (n int, err error) {
	rc, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	var sysErr error
	err = rc.Read(func(fd uintptr) bool {
		r, _, e := unix.Syscall6(unix.SYS_RECVFROM, fd, 0, uintptr(most), unix.MSG_TRUNC, 0, 0)
		if e == unix.EAGAIN {
			return false
		}
		if n = int(r); e != 0 {
			sysErr = e
		} else if n == 0 {
			sysErr = io.EOF
		}
		return true
	})
	return n, errors.Join(err, sysErr)
}

// starved serves with a file limit of a few descriptors, opens more connections
// than that, and prints what became of the server.
func starved([]string) error {
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 40, Max: 40}); err != nil {
		return err
	}
	s, err := New(Options{Handler: &fake{serve: ok}})
	if err != nil {
		return err
	}
	ln, err := Listen(context.Background(), "127.0.0.1:0")
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(Listener{Listener: ln}) }()

	var held []net.Conn
	for {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			if !errors.Is(err, syscall.EMFILE) {
				return err
			}
			break
		}
		held = append(held, c)
	}
	for end := time.Now().Add(patience); s.Stats().AcceptErrors == 0; <-time.After(time.Millisecond) {
		if time.Now().After(end) {
			return errors.New("the limit was never met")
		}
	}
	for _, c := range held {
		_ = c.Close()
	}
	answer, err := plainGet(ln.Addr().String())
	if err != nil {
		return err
	}
	fmt.Printf("%q\n", answer)
	if err := s.Shutdown(context.Background()); err != nil {
		return err
	}
	if err := <-ended; !errors.Is(err, ErrClosed) {
		return err
	}
	return nil
}

// plainGet retries while descriptors are still being given back.
func plainGet(addr string) (string, error) {
	var last error
	for end := time.Now().Add(patience); time.Now().Before(end); {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			_ = c.SetDeadline(time.Now().Add(patience))
			_, _ = io.WriteString(c, "GET /alive HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
			var b []byte
			b, err = io.ReadAll(c)
			_ = c.Close()
			if err == nil && len(b) > 0 {
				return string(b), nil
			}
		}
		last = err
		<-time.After(10 * time.Millisecond)
	}
	return "", fmt.Errorf("no answer: %w", last)
}

// TestOutOfFiles runs a server into its file limit for real: it must live on and
// serve when descriptors are back.
func TestOutOfFiles(t *testing.T) {
	if out := child(t, "starved"); !strings.Contains(out, "/alive") {
		t.Errorf("afterwards the server answers %s", out)
	}
}

// TestRaiseFileLimit checks that the limit in force is reported.
func TestRaiseFileLimit(t *testing.T) {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		t.Fatal(err)
	}
	got, err := RaiseFileLimit(l.Cur)
	if err != nil || got != l.Cur {
		t.Errorf("RaiseFileLimit(%d) = %d, %v", l.Cur, got, err)
	}
	if got, err = RaiseFileLimit(l.Cur / 2); err != nil || got != l.Cur {
		t.Errorf("RaiseFileLimit(%d) = %d, %v; want %d", l.Cur/2, got, err, l.Cur)
	}
}
