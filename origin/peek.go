package origin

import (
	"net"
	"syscall"
)

// peeker looks at what lies unread in a socket without waiting. Its closure is
// made once a connection: a look costs one system call and no allocation.
type peeker struct {
	raw    syscall.RawConn
	look   func(fd uintptr)
	buf    [1]byte
	secure bool
	quiet  bool
}

// newPeeker returns a peeker for nc, nil when nc has no file descriptor.
func newPeeker(nc net.Conn, secure bool) *peeker {
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	p := &peeker{raw: raw, secure: secure}
	p.look = p.peek
	return p
}

// peek sets quiet for the socket fd. On TLS unread bytes may be a session
// ticket, so only the end of the connection counts there.
func (p *peeker) peek(fd uintptr) {
	n, _, err := syscall.Recvfrom(int(fd), p.buf[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	p.quiet = err == syscall.EAGAIN || p.secure && n > 0 //nolint:errorlint // a bare errno
}

// usable reports whether an idle connection is open and silent. Bytes that
// nobody asked for would be taken for the answer to the next request.
func (p *peeker) usable() bool {
	if p == nil {
		return true
	}
	p.quiet = false
	err := p.raw.Control(p.look)
	return err == nil && p.quiet
}
