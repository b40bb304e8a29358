package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// headBuffer bounds the header of a response, in bytes. Bodies of 2 KiB fit in
// beside it, so that they cost one read.
const headBuffer = 8 << 10

// discardSize is how much of a body one system call throws away.
const discardSize = 1 << 20

// client is one keep-alive connection that sends a request and checks the
// response, over and over. One goroutine uses it.
type client struct {
	conn    net.Conn
	raw     syscall.RawConn // nil under TLS
	discard func(fd uintptr) bool
	left    int // bytes of the body still to come, during discard
	err     error
	buf     []byte
	sink    []byte
}

// dial connects to address, with TLS 1.3 when roots is not nil.
func dial(ctx context.Context, address, host string, roots *x509.CertPool) (*client, error) {
	d := net.Dialer{Timeout: patience, KeepAlive: -1, Control: limitSegments}
	nc, err := d.DialContext(ctx, "tcp4", address)
	if err != nil {
		return nil, err
	}
	c := &client{conn: nc, buf: make([]byte, headBuffer)}
	if roots == nil {
		c.discard = c.truncate
		c.sink = make([]byte, discardSize)
		c.raw, err = nc.(*net.TCPConn).SyscallConn()
		return c, err
	}
	c.sink = make([]byte, 64<<10)
	tc := tls.Client(nc, &tls.Config{
		RootCAs: roots, ServerName: host, MinVersion: tls.VersionTLS13, NextProtos: []string{"http/1.1"},
	})
	if err := tc.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("handshake with %s: %w", address, err), nc.Close())
	}
	c.conn = tc
	return c, nil
}

// segmentSize is the MSS of TCP over Ethernet, with timestamps, in bytes.
const segmentSize = 1448

// limitSegments makes the peer cut its stream as for Ethernet. The loopback's
// segments of 64 KiB are unlike any client's: a response of one segment and a bit
// then waits 40 ms for a delayed acknowledgement wherever a server, such as nginx
// with tcp_nopush, leaves Nagle's algorithm on.
func limitSegments(_, _ string, rc syscall.RawConn) error {
	var err error
	if control := rc.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_MAXSEG, segmentSize)
	}); control != nil {
		return control
	}
	return err
}

// expectation is what a response must be.
type expectation struct {
	length int    // bytes of the body
	mark   []byte // what its header must contain: the peer's words for a hit or a miss
}

// do sends a request and discards the body of its response, which must have the
// status 200 and be as expected.
func (c *client) do(request []byte, want expectation) error {
	h, n, err := c.ask(request)
	if err != nil {
		return err
	}
	switch {
	case h.status != 200 || h.length != want.length:
		return fmt.Errorf("status %d with %d bytes instead of 200 with %d", h.status, h.length, want.length)
	case !bytes.Contains(c.buf[:h.size], want.mark):
		return fmt.Errorf("no %q in the header of a response:\n%s", want.mark, c.buf[:h.size])
	case n-h.size > h.length:
		return fmt.Errorf("%d bytes after the end of a response", n-h.size-h.length)
	}
	return c.skip(h.length - (n - h.size))
}

// ask sends a request and reads the header of its response, and whatever of the
// body comes with it, into buf. n is how many bytes are in buf.
func (c *client) ask(request []byte) (h head, n int, err error) {
	if _, err := c.conn.Write(request); err != nil {
		return head{}, 0, err
	}
	for n < len(c.buf) {
		k, err := c.conn.Read(c.buf[n:])
		if err != nil {
			return head{}, n, fmt.Errorf("reading a header: %w", err)
		}
		n += k
		h, ok, err := parseHead(c.buf[:n])
		if ok || err != nil {
			return h, n, err
		}
	}
	return head{}, n, fmt.Errorf("a header of more than %d bytes", len(c.buf))
}

// skip discards n bytes.
func (c *client) skip(n int) error {
	if c.raw == nil {
		return c.skipTLS(n)
	}
	if c.left = n; n == 0 {
		return nil
	}
	c.err = nil
	if err := c.raw.Read(c.discard); err != nil {
		return err
	}
	return c.err
}

// truncate throws away what has come, without copying it (MSG_TRUNC on TCP, see
// tcp(7)). It returns false when there is more to wait for.
func (c *client) truncate(fd uintptr) bool {
	for c.left > 0 {
		n, _, err := unix.Recvfrom(int(fd), c.sink[:min(c.left, len(c.sink))], unix.MSG_TRUNC)
		switch {
		case err == unix.EAGAIN:
			return false
		case err == unix.EINTR:
			continue
		case err == nil && n == 0:
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			c.err = fmt.Errorf("reading a body, %d bytes short: %w", c.left, err)
			return true
		}
		c.left -= n
	}
	return true
}

func (c *client) skipTLS(n int) error {
	for n > 0 {
		k, err := c.conn.Read(c.sink[:min(n, len(c.sink))])
		if err != nil {
			return fmt.Errorf("reading a body, %d bytes short: %w", n, err)
		}
		n -= k
	}
	return nil
}

// body does a request and returns the header and the body of its response.
func (c *client) body(request []byte) (status int, header, body []byte, err error) {
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return 0, nil, nil, err
	}
	h, n, err := c.ask(request)
	if err != nil {
		return 0, nil, nil, err
	}
	body = make([]byte, h.length)
	if n-h.size > h.length {
		return 0, nil, nil, fmt.Errorf("%d bytes after the end of a response", n-h.size-h.length)
	}
	got := copy(body, c.buf[h.size:n])
	_, err = io.ReadFull(c.conn, body[got:])
	return h.status, bytes.Clone(c.buf[:h.size]), body, err
}

func (c *client) close() { _ = c.conn.Close() }
