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
)

// headBuffer bounds the header of a response, in bytes. Bodies of 2 KiB fit in
// beside it, so that they cost one read.
const headBuffer = 4 << 10

// discardSize is how much of a body one system call throws away.
const discardSize = 1 << 20

// client is one keep-alive connection that sends a request and checks the
// response, over and over. One goroutine uses it.
type client struct {
	socket *socket
	conn   net.Conn // socket, or *tls.Conn over it
	buf    []byte
	sink   []byte
}

// dial connects to address, with TLS 1.3 when roots is not nil.
func dial(ctx context.Context, address string, mss int, host string, roots *x509.CertPool) (*client, error) {
	s, err := dialSocket(ctx, address, mss)
	if err != nil {
		return nil, err
	}
	c := &client{socket: s, conn: s, buf: make([]byte, headBuffer)}
	if roots == nil {
		c.sink = make([]byte, discardSize)
		return c, nil
	}
	c.sink = make([]byte, 64<<10)
	tc := tls.Client(s, &tls.Config{
		RootCAs: roots, ServerName: host, MinVersion: tls.VersionTLS13, NextProtos: []string{"http/1.1"},
	})
	if err := tc.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("handshake with %s: %w", address, err), s.Close())
	}
	c.conn = tc
	return c, nil
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

// skip discards n bytes of a body.
func (c *client) skip(n int) error {
	if c.conn == net.Conn(c.socket) {
		return c.socket.discard(n, c.sink)
	}
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
	h, n, err := c.ask(request)
	if err != nil {
		return 0, nil, nil, err
	}
	if n-h.size > h.length {
		return 0, nil, nil, fmt.Errorf("%d bytes after the end of a response", n-h.size-h.length)
	}
	body = make([]byte, h.length)
	got := copy(body, c.buf[h.size:n])
	_, err = io.ReadFull(c.conn, body[got:])
	return h.status, bytes.Clone(c.buf[:h.size]), body, err
}

// close ends the connection, without a farewell under TLS.
func (c *client) close() { _ = c.socket.Close() }
