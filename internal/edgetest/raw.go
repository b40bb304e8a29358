package edgetest

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// Conn is a connection to a node for requests that no library would send. Every
// read and write has a deadline of Patience.
type Conn struct {
	t  testing.TB
	c  net.Conn
	in *bufio.Reader
}

// Dial opens a plain connection.
func (n *Node) Dial() *Conn {
	n.t.Helper()
	c, err := net.Dial("tcp", n.HTTPAddress())
	return n.wrap(c, err)
}

// DialTLS opens a TLS connection that offers the given protocols by ALPN.
func (n *Node) DialTLS(protocols ...string) (*Conn, tls.ConnectionState) {
	n.t.Helper()
	return n.DialTLSWith(n.cert, protocols...)
}

// DialTLSWith is DialTLS that trusts another certificate than the first one.
func (n *Node) DialTLSWith(trusted *Certificate, protocols ...string) (*Conn, tls.ConnectionState) {
	n.t.Helper()
	c, err := tls.Dial("tcp", n.HTTPSAddress(), &tls.Config{
		RootCAs: trusted.Roots, ServerName: "any.test", NextProtos: protocols,
	})
	if err != nil {
		n.t.Fatalf("tls: %v", err)
	}
	return n.wrap(c, nil), c.ConnectionState()
}

func (n *Node) wrap(c net.Conn, err error) *Conn {
	n.t.Helper()
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { _ = c.Close() })
	return &Conn{t: n.t, c: c, in: bufio.NewReader(c)}
}

// Send writes text as it is, but that lines may end in "\n" for legibility: each
// is sent with "\r\n". SendExact changes nothing.
func (c *Conn) Send(text string) {
	c.t.Helper()
	c.SendExact(strings.ReplaceAll(text, "\n", "\r\n"))
}

// SendExact writes the bytes as they are.
func (c *Conn) SendExact(text string) {
	c.t.Helper()
	_ = c.c.SetWriteDeadline(deadline())
	if _, err := io.WriteString(c.c, text); err != nil {
		c.t.Fatalf("send: %v", err)
	}
}

// Receive reads one response to a request of the given method.
func (c *Conn) Receive(method string) *Response {
	c.t.Helper()
	_ = c.c.SetReadDeadline(deadline())
	r, err := http.ReadResponse(c.in, &http.Request{Method: method})
	if err != nil {
		c.t.Fatalf("no response: %v", err)
	}
	body, err := io.ReadAll(r.Body)
	return &Response{Response: r, Bytes: body, Err: err}
}

// ReadAll reads until the node closes the connection and returns all of it as it
// was sent.
func (c *Conn) ReadAll() string {
	c.t.Helper()
	_ = c.c.SetReadDeadline(deadline())
	b, err := io.ReadAll(c.in)
	if isTimeout(err) {
		c.t.Fatalf("the connection stays open after %q", b)
	}
	return string(b)
}

// ReadByte reads one byte.
func (c *Conn) ReadByte() (byte, error) {
	_ = c.c.SetReadDeadline(deadline())
	return c.in.ReadByte()
}

// Close ends the connection.
func (c *Conn) Close() { _ = c.c.Close() }
