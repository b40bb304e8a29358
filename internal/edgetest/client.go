package edgetest

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// Protocol is how a client talks to a node.
type Protocol uint8

// The protocols.
const (
	HTTP1    Protocol = iota // plain HTTP/1.1
	HTTP1TLS                 // HTTP/1.1 over TLS, by ALPN
	HTTP2                    // HTTP/2 over TLS, by ALPN
)

// String returns a name for subtests.
func (p Protocol) String() string { return [...]string{"http1", "http1-tls", "http2"}[p] }

// Scheme returns the scheme of URLs.
func (p Protocol) Scheme() string {
	if p == HTTP1 {
		return "http"
	}
	return "https"
}

// Client returns a client whose every connection goes to this node, whatever host
// the URL names. It follows no redirects, asks for no compression, and has
// connections of its own, at most perHost when that is not 0.
func (n *Node) Client(p Protocol, perHost int) *http.Client {
	tr := &http.Transport{
		DisableCompression: true, MaxConnsPerHost: perHost, MaxIdleConnsPerHost: 1000,
		TLSClientConfig: &tls.Config{RootCAs: n.cert.Roots},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			address := n.HTTPAddress()
			if p != HTTP1 {
				address = n.HTTPSAddress()
			}
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}
	tr.Protocols = new(http.Protocols)
	tr.Protocols.SetHTTP1(p != HTTP2)
	tr.Protocols.SetHTTP2(p == HTTP2)
	if p == HTTP1TLS {
		tr.TLSClientConfig.NextProtos = []string{"http/1.1"}
	}
	n.t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{
		Transport: tr, Timeout: 2 * Patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Admin returns a client of the admin listener; URLs may name any host.
func (n *Node) Admin() *http.Client {
	tr := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", n.AdminSocket())
	}}
	n.t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: Patience}
}

// Response is an answer with its whole body.
type Response struct {
	*http.Response
	Bytes []byte // body
	Err   error  // what broke the body off, nil when it was whole
}

// CacheStatus returns the Cache-Status field.
func (r *Response) CacheStatus() string { return r.Header.Get("Cache-Status") }

// Do sends a request with header fields given as name, value, … and reads the
// answer. It fails the test when there is none.
func Do(t testing.TB, c *http.Client, method, url string, fields ...string) *Response {
	t.Helper()
	r, err := c.Do(NewRequest(t, method, url, fields...))
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	return &Response{Response: r, Bytes: body, Err: err}
}

// Get is Do with GET.
func Get(t testing.TB, c *http.Client, url string, fields ...string) *Response {
	t.Helper()
	return Do(t, c, http.MethodGet, url, fields...)
}

// NewRequest makes a request that ends with the test.
func NewRequest(t testing.TB, method, url string, fields ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	setFields(r.Header, fields)
	return r
}

// deadline is when I/O that must succeed is given up.
func deadline() time.Time { return time.Now().Add(Patience) }
