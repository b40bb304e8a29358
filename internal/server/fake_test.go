package server

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"edged/cache/object"
	"edged/internal/edge"
)

// fake is a Handler with a function for a core and a memory of what happened.
type fake struct {
	serve func(x *edge.Exchange)

	mu        sync.Mutex
	exchanges int
	finished  []finished
	refused   []int
	panicked  int
	done      chan struct{} // gets a value for every Finish, when not nil
}

type finished struct {
	target string
	d      edge.Delivery
}

func (f *fake) NewExchange() *edge.Exchange {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.exchanges++
	return &edge.Exchange{}
}

func (f *fake) Serve(x *edge.Exchange) { f.serve(x) }

func (f *fake) Refuse(x *edge.Exchange, status int) {
	f.mu.Lock()
	f.refused = append(f.refused, status)
	f.mu.Unlock()
	x.Resp = edge.Response{Status: status, Close: true}
}

func (f *fake) Panicked(x *edge.Exchange) {
	f.mu.Lock()
	f.panicked++
	f.mu.Unlock()
	x.Resp = edge.Response{Status: 500, Close: true}
}

func (f *fake) Finish(x *edge.Exchange, d edge.Delivery) {
	f.mu.Lock()
	f.finished = append(f.finished, finished{string(x.Req.Target), d})
	f.mu.Unlock()
	x.Req, x.Resp = edge.Request{}, edge.Response{}
	if f.done != nil {
		f.done <- struct{}{}
	}
}

func (f *fake) deliveries() []finished {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]finished(nil), f.finished...)
}

// spans is a Body in memory. It hands out its pieces, then err or io.EOF.
type spans struct {
	pieces [][]byte
	err    error
	wait   chan struct{} // when not nil, a receive is due before each piece
	closed int

	span  []byte // handed out last
	taker bool   // a parked span is always given away
	taken int    // how often that was
	lose  bool   // what was given away does not come back
}

func newSpans(pieces ...string) *spans {
	s := &spans{}
	for _, p := range pieces {
		s.pieces = append(s.pieces, []byte(p))
	}
	return s
}

// megabytes returns a body of n MiB.
func megabytes(n int) *spans {
	s, piece := &spans{}, make([]byte, 1<<20)
	for range n {
		s.pieces = append(s.pieces, piece)
	}
	return s
}

func (s *spans) Ready() bool { return s.wait == nil }
func (s *spans) Close()      { s.closed++ }

func (s *spans) Next() ([]byte, error) {
	if s.wait != nil {
		<-s.wait
	}
	if len(s.pieces) == 0 {
		if s.err != nil {
			return nil, s.err
		}
		return nil, io.EOF
	}
	p := s.pieces[0]
	s.pieces = s.pieces[1:]
	if s.span = p; s.taker {
		s.span = bytes.Clone(p)
	}
	return s.span, nil
}

func (s *spans) Park() {}

func (s *spans) Resume() bool {
	if s.taker {
		s.taken++
		s.span = bytes.Clone(s.span) // to be given again, in another place
	}
	return !s.taker
}

func (s *spans) Unread(n int) {
	if s.lose && n > 0 {
		s.pieces, s.err = nil, errCut
	} else if n > 0 {
		s.pieces = append([][]byte{s.span[len(s.span)-n:]}, s.pieces...)
	}
}

var errCut = errors.New("the origin broke off")

// respondWith fills a response as the edge would: nothing follows HEAD, 204, 304.
func respondWith(x *edge.Exchange, status int, size int64, body edge.Body, fields ...object.Field) {
	x.Resp = edge.Response{Status: status, Header: fields, Size: size}
	if string(x.Req.Method) != "HEAD" && !bodiless(status) && size != 0 {
		x.Resp.Body = body
	}
}

// ok answers 200 with the request target as body.
func ok(x *edge.Exchange) {
	respondWith(x, 200, int64(len(x.Req.Target)), newSpans(string(x.Req.Target)))
}

// patience is how long a test waits for what must happen: far beyond what a loaded
// machine needs.
const patience = time.Minute

// run starts a Server for handler on loopback and returns it with its address.
func run(t testing.TB, h Handler, overTLS bool, change ...func(*Options)) (*Server, string) {
	t.Helper()
	o := Options{Handler: h, Log: slog.New(slog.DiscardHandler)}
	if overTLS {
		o.Certificates = []tls.Certificate{newCert(t, "p256", time.Hour, "edge.test", "*.wild.test")}
	}
	for _, c := range change {
		c(&o)
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(Listener{Listener: ln, TLS: overTLS}) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = s.Shutdown(ctx)
		if err := <-ended; !errors.Is(err, ErrClosed) {
			t.Errorf("Serve = %v, want ErrClosed", err)
		}
	})
	return s, ln.Addr().String()
}

// dial connects with a deadline for everything.
func dial(t testing.TB, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c
}

var dateLine = regexp.MustCompile(`Date: [A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT\r\n`)

// talk sends raw and returns all that comes until the server closes, without
// Date, which every response must have.
func talk(t testing.TB, addr, raw string) string {
	t.Helper()
	c := dial(t, addr)
	if _, err := io.WriteString(c, raw); err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(c)
	if err != nil {
		t.Fatalf("after %q: %v", b, err)
	}
	return undated(t, string(b))
}

func undated(t testing.TB, s string) string {
	t.Helper()
	if got, want := len(dateLine.FindAllString(s, -1)), strings.Count(s, "HTTP/1.1 "); got != want {
		t.Errorf("%d Date fields in %d responses: %q", got, want, s)
	}
	return dateLine.ReplaceAllString(s, "")
}

// get makes one request on a kept connection and returns status and body.
func get(t testing.TB, c net.Conn, br *bufio.Reader, target string) (int, string) {
	t.Helper()
	if _, err := io.WriteString(c, "GET "+target+" HTTP/1.1\r\nHost: h\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(br, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// newCert makes a self-signed certificate; kind is "p256" or "rsa".
func newCert(t testing.TB, kind string, valid time.Duration, names ...string) tls.Certificate {
	t.Helper()
	var pub, key any
	switch kind {
	case "p256":
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		pub, key = &k.PublicKey, k
	case "rsa":
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		pub, key = &k.PublicKey, k
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: names[0]},
		DNSNames: names, NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(valid),
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, pub, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
