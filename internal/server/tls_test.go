package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

func dialTLS(t testing.TB, addr string, protos ...string) *tls.Conn {
	t.Helper()
	c := tls.Client(dial(t, addr), &tls.Config{InsecureSkipVerify: true, NextProtos: protos, ServerName: "edge.test"})
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestHandshake checks versions, suites and protocols on offer.
func TestHandshake(t *testing.T) {
	_, addr := run(t, &fake{serve: ok}, true)
	tests := []struct {
		name  string
		conf  *tls.Config
		proto string // negotiated
		fails bool
	}{
		{"1.3 h2", &tls.Config{NextProtos: []string{"h2", "http/1.1"}}, "h2", false},
		{"1.3 h1", &tls.Config{NextProtos: []string{"http/1.1"}}, "http/1.1", false},
		{"no alpn", &tls.Config{}, "", false},
		{"1.2", &tls.Config{MaxVersion: tls.VersionTLS12, NextProtos: []string{"h2"}}, "h2", false},
		{"1.2 chacha", &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256}}, "", false},
		{"1.1", &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, "", true},
		{"1.2 cbc", &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}}, "", true},
		{"1.2 rsa key exchange", &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}}, "", true},
		{"unknown protocol", &tls.Config{NextProtos: []string{"spdy/3"}}, "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.conf.InsecureSkipVerify = true
			c := tls.Client(dial(t, addr), tt.conf)
			err := c.Handshake()
			if (err != nil) != tt.fails {
				t.Fatalf("handshake: %v, want failure %v", err, tt.fails)
			}
			if got := c.ConnectionState().NegotiatedProtocol; got != tt.proto {
				t.Errorf("protocol %q, want %q", got, tt.proto)
			}
		})
	}
}

// TestCertificateChoice checks exact names, wildcards, defaults and RSA fallback.
func TestCertificateChoice(t *testing.T) {
	_, addr := run(t, &fake{serve: ok}, true, func(o *Options) {
		o.Certificates = []tls.Certificate{
			newCert(t, "p256", time.Hour, "first.test"),
			newCert(t, "p256", time.Hour, "both.test", "*.wild.test"),
			newCert(t, "rsa", time.Hour, "both.test"),
		}
	})
	rsaOnly := []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}
	for _, tt := range []struct {
		name, sni string
		suites    []uint16
		want      string
		algorithm x509.PublicKeyAlgorithm
	}{
		{"exact", "both.test", nil, "both.test", x509.ECDSA},
		{"case", "BOTH.test", nil, "both.test", x509.ECDSA},
		{"wildcard", "a.wild.test", nil, "both.test", x509.ECDSA},
		{"wildcard is one label", "a.b.wild.test", nil, "first.test", x509.ECDSA},
		{"unknown", "x.test", nil, "first.test", x509.ECDSA},
		{"none", "", nil, "first.test", x509.ECDSA},
		{"old client", "both.test", rsaOnly, "both.test", x509.RSA},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conf := &tls.Config{InsecureSkipVerify: true, ServerName: tt.sni}
			if tt.suites != nil {
				conf.CipherSuites, conf.MaxVersion = tt.suites, tls.VersionTLS12
			}
			c := tls.Client(dial(t, addr), conf)
			if err := c.Handshake(); err != nil {
				t.Fatal(err)
			}
			leaf := c.ConnectionState().PeerCertificates[0]
			if leaf.Subject.CommonName != tt.want || leaf.PublicKeyAlgorithm != tt.algorithm {
				t.Errorf("got %s, %v", leaf.Subject.CommonName, leaf.PublicKeyAlgorithm)
			}
		})
	}
}

// TestSetCertificates swaps certificates under a running server and refuses
// unusable ones without a change.
func TestSetCertificates(t *testing.T) {
	s, addr := run(t, &fake{serve: ok}, true)
	offered := func() string {
		return dialTLS(t, addr).ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	kept := dialTLS(t, addr, "http/1.1")
	if err := s.SetCertificates([]tls.Certificate{newCert(t, "p256", time.Hour, "new.test")}); err != nil {
		t.Fatal(err)
	}
	if got := offered(); got != "new.test" {
		t.Errorf("after the swap %q is offered", got)
	}
	if got, err := read(t, kept, "GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"); err != nil || !strings.HasSuffix(got, "/x") {
		t.Errorf("older connection: %q, %v", got, err)
	}
	wrongKey := newCert(t, "p256", time.Hour, "bad.test")
	wrongKey.PrivateKey = newCert(t, "p256", time.Hour, "bad.test").PrivateKey
	good := newCert(t, "p256", time.Hour, "good.test")
	for name, certs := range map[string][]tls.Certificate{
		"none":      nil,
		"no chain":  {good, {PrivateKey: good.PrivateKey}},
		"garbage":   {{Certificate: [][]byte{{1, 2}}, PrivateKey: good.PrivateKey}},
		"no key":    {{Certificate: good.Certificate}},
		"wrong key": {wrongKey, good},
		"expired":   {good, newCert(t, "p256", -time.Hour, "old.test")},
	} {
		if err := s.SetCertificates(certs); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if got := offered(); got != "new.test" {
		t.Errorf("after refused swaps %q is offered", got)
	}
	if list := s.Certificates(); len(list) != 1 || list[0].Names[0] != "new.test" || time.Until(list[0].NotAfter) > time.Hour {
		t.Errorf("Certificates() = %+v", list)
	}
}

// TestServeNeedsCertificates checks the mistake of an HTTPS listener without any.
func TestServeNeedsCertificates(t *testing.T) {
	s, err := New(Options{Handler: &fake{serve: ok}})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if err := s.Serve(Listener{Listener: ln, TLS: true}); err == nil || errors.Is(err, ErrClosed) {
		t.Errorf("Serve = %v", err)
	}
	if _, err := New(Options{}); err == nil {
		t.Error("New without Handler: no error")
	}
}

// TestPlainHTTPOnTLS checks that the commonest mistake of a client is named.
func TestPlainHTTPOnTLS(t *testing.T) {
	s, addr := run(t, &fake{serve: ok}, true)
	c := dial(t, addr)
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	b, _ := io.ReadAll(c)
	if !strings.HasPrefix(string(b), "HTTP/1.1 400 ") {
		t.Errorf("answer %q", b)
	}
	waitFor(t, "the count", func() bool { return s.Stats().HandshakeErrors == 1 })
}

// TestHandshakeLimits checks that silent clients neither stay nor keep others out.
func TestHandshakeLimits(t *testing.T) {
	t.Parallel() // it waits more than it works
	s, addr := run(t, &fake{serve: ok}, true, func(o *Options) {
		o.MaxHandshakes, o.HandshakeTimeout = 1, 5*time.Second // a slow machine takes that long for none
	})
	silent := make([]net.Conn, 20)
	for i := range silent {
		silent[i] = dial(t, addr)
	}
	got, err := read(t, dialTLS(t, addr, "http/1.1"), "GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
	if err != nil || !strings.HasSuffix(got, "/x") {
		t.Errorf("beside silent clients: %q, %v", got, err)
	}
	for _, c := range silent {
		if _, err := io.ReadAll(c); err != nil {
			t.Errorf("silent client: %v, want a clean end", err)
		}
	}
	if n := s.Stats().CutHandshake; n != 20 {
		t.Errorf("CutHandshake = %d, want 20", n)
	}
}

// TestHandshakesQueue checks that with one slot many handshakes succeed in turn.
func TestHandshakesQueue(t *testing.T) {
	s, addr := run(t, &fake{serve: ok}, true, func(o *Options) { o.MaxHandshakes = 1 })
	const n = 20
	errs := make(chan error, n)
	for range n {
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
			c, err := d.DialContext(ctx, "tcp", addr)
			if err == nil {
				err = c.Close()
			}
			errs <- err
		}()
	}
	for range n {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	waitFor(t, "all handshakes", func() bool { return s.Stats().Handshakes == n && len(s.slots) == 0 })
}

// TestGatherPool checks that the limit of lent buffers costs speed only.
func TestGatherPool(t *testing.T) {
	h := &fake{serve: scripted}
	s, addr := run(t, h, true, func(o *Options) { o.TLSBufferBytes = 1 })
	got, err := read(t, dialTLS(t, addr, "http/1.1"), "GET /l HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
	diff(t, got, reference("GET", "/l", false, true))
	if n := s.gather.lent.Load(); n != 0 {
		t.Errorf("%d bytes are still lent", n)
	}
}
