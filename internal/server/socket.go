package server

import (
	"context"
	"fmt"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// defaultNotSentLowWater is how many bytes the kernel holds unsent for one
// client before it tells us to wait. It bounds kernel memory for slow clients.
const defaultNotSentLowWater = 256 << 10

// Listen opens a TCP listener for [Server.Serve]. Multipath TCP is off, because
// its sockets lack options we set; keep-alive probes are off, because idle and
// stalled clients are found by the sweeper and TCP_USER_TIMEOUT.
func Listen(ctx context.Context, addr string) (net.Listener, error) {
	lc := net.ListenConfig{KeepAlive: -1}
	lc.SetMultipathTCP(false)
	ln, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("server: listen on %s: %w", addr, err)
	}
	return ln, nil
}

// tune sets the TCP options of an accepted connection. Go sets TCP_NODELAY
// already. Failures are ignored: each option is an improvement, none a need.
func tune(c *conn, notSent int, userTimeout time.Duration) {
	if _, ok := c.Conn.(*net.TCPConn); !ok || c.out.rc == nil {
		return
	}
	_ = c.out.rc.Control(func(fd uintptr) {
		if notSent > 0 {
			c.out.file.notSent = notSent
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, notSent)
		}
		if userTimeout > 0 {
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(userTimeout.Milliseconds()))
		}
	})
}

// RaiseFileLimit raises the soft limit of open files (RLIMIT_NOFILE) to the hard
// one, and both to want if the process may. It returns the limit in force.
func RaiseFileLimit(want uint64) (uint64, error) {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return 0, fmt.Errorf("server: read file limit: %w", err)
	}
	if l.Cur >= want {
		return l.Cur, nil
	}
	if l.Max < want {
		if unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: want, Max: want}) == nil {
			return want, nil
		}
	}
	if l.Cur < l.Max {
		l.Cur = l.Max
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
			return 0, fmt.Errorf("server: raise file limit to %d: %w", l.Max, err)
		}
	}
	return l.Cur, nil
}
