package server

import (
	"crypto/tls"
	"errors"
	"net"
	"sync"
)

// ALPN protocol names (RFC 7301 §6).
const (
	alpnHTTP2 = "h2"
	alpnHTTP1 = "http/1.1"
)

// newTLSConfig returns the configuration of all HTTPS listeners: TLS 1.3, and
// 1.2 with forward secrecy and authenticated encryption only.
func newTLSConfig(s *Server) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
			tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
		NextProtos:         []string{alpnHTTP2, alpnHTTP1},
		GetCertificate:     s.certs.get,
		GetConfigForClient: s.admitHandshake,
	}
}

// admitHandshake waits for one of the slots that bound how many handshakes are
// computed at once. It runs when the ClientHello has come, so that a client who
// connects and says nothing takes no slot.
func (s *Server) admitHandshake(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	c, ok := hello.Conn.(*gatherer).Conn.(*conn)
	if !ok || c.admitted {
		return nil, nil
	}
	select {
	case s.slots <- struct{}{}:
	default:
		s.count.HandshakeQueued.Add(1)
		select {
		case s.slots <- struct{}{}:
		case <-s.stop:
			return nil, net.ErrClosed
		}
	}
	c.admitted = true
	return nil, nil
}

// serveTLS does the handshake and hands the connection to the server of its
// protocol. The sweeper ends a handshake that takes too long.
func (s *Server) serveTLS(c *conn) {
	under := &gatherer{Conn: c, pool: &s.gather}
	tc := tls.Server(under, s.tls)
	c.enter(phaseHandshake)
	err := tc.Handshake()
	if c.admitted {
		<-s.slots
	}
	if err != nil || !c.move(phaseHandshake, phaseNew) {
		s.count.HandshakeErrors.Add(1)
		answerPlainHTTP(err)
		_ = c.Close()
		return
	}
	s.count.Handshakes.Add(1)
	state := tc.ConnectionState()
	if state.NegotiatedProtocol == alpnHTTP2 {
		c.enter(phaseStream)
		if !s.http2Conn.give(tc) {
			_ = tc.Close()
		}
		return
	}
	_ = s.http1.ServeConn(newSession(c, tc, tlsWire{tc, under}, state.Version))
}

// answerPlainHTTP tells a client that speaks plain HTTP to an HTTPS port so.
func answerPlainHTTP(err error) {
	var re tls.RecordHeaderError
	if !errors.As(err, &re) || re.Conn == nil {
		return
	}
	switch string(re.RecordHeader[:]) {
	case "GET /", "HEAD ", "OPTIO", "POST ":
		_, _ = re.Conn.Write([]byte("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
	}
}

// handoff is the listener through which net/http gets connections whose
// handshake has chosen HTTP/2.
type handoff struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func newHandoff() *handoff {
	return &handoff{conns: make(chan net.Conn), done: make(chan struct{})}
}

// give hands nc over unless the listener is closed.
func (h *handoff) give(nc net.Conn) bool {
	select {
	case h.conns <- nc:
		return true
	case <-h.done:
		return false
	}
}

// Accept implements net.Listener.
func (h *handoff) Accept() (net.Conn, error) {
	select {
	case nc := <-h.conns:
		return nc, nil
	case <-h.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (h *handoff) Close() error {
	h.once.Do(func() { close(h.done) })
	return nil
}

// Addr implements net.Listener. The connections come from many listeners.
func (h *handoff) Addr() net.Addr { return &net.TCPAddr{} }
