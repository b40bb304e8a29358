package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

var (
	errInterrupted = errors.New("bench: interrupted")
	errStalled     = errors.New("bench: no progress")
)

// socket is a TCP connection that never sleeps: where it would have to wait, it
// lets other goroutines run and tries again.
//
// A generator that sleeps must be woken by the server's core for nearly every
// response, and the faster it is the more often. On a virtual machine such a wake
// costs the server more than all the rest of a small response (measured: 64
// instead of 18 µs), which is a property of the generator and not of the server.
//
// One goroutine uses it; interrupt may come from any.
type socket struct {
	fd      int
	stopped atomic.Bool
	remote  net.Addr
	local   net.Addr
}

// newSocket takes over the descriptor of tc.
func newSocket(tc *net.TCPConn) (*socket, error) {
	s := &socket{fd: -1, remote: tc.RemoteAddr(), local: tc.LocalAddr()}
	rc, err := tc.SyscallConn()
	if err == nil {
		var dup error
		err = rc.Control(func(fd uintptr) { s.fd, dup = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0) })
		err = errors.Join(err, dup)
	}
	return s, errors.Join(err, tc.Close())
}

// dialSocket connects to address. With an mss above 0 the server has to cut its
// stream into segments of that size. The loopback's own, of 64 KiB, are unlike any
// client's: on them a response of one segment and a bit has been seen to wait
// 40 ms for nothing when nginx had tcp_nopush on.
func dialSocket(ctx context.Context, address string, mss int) (*socket, error) {
	d := net.Dialer{Timeout: patience, KeepAlive: -1}
	if mss > 0 {
		d.Control = func(_, _ string, rc syscall.RawConn) error {
			var err error
			control := rc.Control(func(fd uintptr) {
				err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG, mss)
			})
			return errors.Join(control, err)
		}
	}
	nc, err := d.DialContext(ctx, "tcp4", address)
	if err != nil {
		return nil, err
	}
	tc, ok := nc.(*net.TCPConn)
	if !ok {
		return nil, fmt.Errorf("bench: a connection of type %T", nc)
	}
	return newSocket(tc)
}

// spin makes a system call again and again until it does not have to wait. With
// patient set it waits for ever, as a server for the next request.
func (s *socket) spin(patient bool, call func() (int, error)) (int, error) {
	var began time.Time
	for tries := 0; ; tries++ {
		n, err := call()
		if err != unix.EAGAIN && err != unix.EINTR {
			return n, err
		}
		if s.stopped.Load() {
			return 0, errInterrupted
		}
		if tries%4096 == 4095 && !patient {
			if now := time.Now(); began.IsZero() {
				began = now
			} else if now.Sub(began) > patience {
				return 0, errStalled
			}
		}
		runtime.Gosched()
	}
}

// Read implements net.Conn.
func (s *socket) Read(p []byte) (int, error) { return s.read(p, false) }

// read is Read; patient is for the first bytes of a request.
func (s *socket) read(p []byte, patient bool) (int, error) {
	n, err := s.spin(patient, func() (int, error) { return unix.Read(s.fd, p) })
	if n == 0 && err == nil {
		err = io.EOF
	}
	return max(n, 0), err
}

// Write implements net.Conn.
func (s *socket) Write(p []byte) (int, error) { return s.send(p, 0) }

// send writes p whole, with flags for send(2).
func (s *socket) send(p []byte, flags int) (sent int, err error) {
	for sent < len(p) {
		n, err := s.spin(false, func() (int, error) {
			return unix.SendmsgN(s.fd, p[sent:], nil, nil, flags|unix.MSG_NOSIGNAL)
		})
		if err != nil {
			return sent, err
		}
		sent += n
	}
	return sent, nil
}

// discard throws n bytes away without copying them (MSG_TRUNC on TCP, tcp(7)).
// sink is what the kernel is told to be the place for them.
func (s *socket) discard(n int, sink []byte) error {
	for n > 0 {
		k, err := s.spin(false, func() (int, error) {
			k, _, err := unix.Recvfrom(s.fd, sink[:min(n, len(sink))], unix.MSG_TRUNC)
			return k, err
		})
		if err == nil && k == 0 {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return fmt.Errorf("reading a body, %d bytes short: %w", n, err)
		}
		n -= k
	}
	return nil
}

// interrupt makes the pending and all further waits fail.
func (s *socket) interrupt() { s.stopped.Store(true) }

// Close implements net.Conn. Only the goroutine that uses the socket may call it.
func (s *socket) Close() error { return unix.Close(s.fd) }

// The rest of net.Conn. Waits are bounded by patience instead of deadlines.
func (s *socket) LocalAddr() net.Addr              { return s.local }
func (s *socket) RemoteAddr() net.Addr             { return s.remote }
func (s *socket) SetDeadline(time.Time) error      { return nil }
func (s *socket) SetReadDeadline(time.Time) error  { return nil }
func (s *socket) SetWriteDeadline(time.Time) error { return nil }
