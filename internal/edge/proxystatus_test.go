package edge

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"testing"

	"edged/cache"
	"edged/origin"
)

func TestErrorTypesOfFetches(t *testing.T) {
	failure := func(k origin.Kind, p origin.Phase, err error) error {
		return fmt.Errorf("wrapped: %w", &origin.Error{Kind: k, Phase: p, Err: err})
	}
	timeout := fmt.Errorf("late: %w", origin.ErrTimeout)
	for _, c := range []struct {
		err  error
		want string
	}{
		{failure(origin.KindConnect, origin.PhaseConnect, syscall.ECONNREFUSED), "connection_refused"},
		{failure(origin.KindConnect, origin.PhaseConnect, syscall.EHOSTUNREACH), "destination_unavailable"},
		{failure(origin.KindConnect, origin.PhaseConnect, &net.DNSError{IsNotFound: true}), "dns_error"},
		{failure(origin.KindConnect, origin.PhaseConnect, &net.DNSError{IsTimeout: true}), "dns_timeout"},
		{failure(origin.KindTimeout, origin.PhaseConnect, timeout), "connection_timeout"},
		{failure(origin.KindTimeout, origin.PhaseQueue, timeout), "connection_limit_reached"},
		{failure(origin.KindTLS, origin.PhaseTLS, &tls.CertificateVerificationError{Err: x509.HostnameError{Certificate: &x509.Certificate{}}}), "tls_certificate_error"},
		{failure(origin.KindTLS, origin.PhaseTLS, tls.AlertError(40)), "tls_alert_received"},
		{failure(origin.KindTLS, origin.PhaseTLS, syscall.ECONNRESET), "tls_protocol_error"},
		{failure(origin.KindTimeout, origin.PhaseHeader, timeout), "http_response_timeout"},
		{failure(origin.KindClosed, origin.PhaseHeader, syscall.ECONNRESET), "connection_terminated"},
		{failure(origin.KindClosed, origin.PhaseBody, syscall.ECONNRESET), "http_response_incomplete"},
		{failure(origin.KindProtocol, origin.PhaseHeader, origin.ErrProtocol), "http_protocol_error"},
		{failure(origin.KindLoop, origin.PhaseRequest, origin.ErrLoop), "proxy_loop_detected"},
		{cache.ErrNoMemory, "proxy_internal_error"},
		{context.Canceled, "proxy_internal_error"},
		{origin.ErrProtocol, "http_protocol_error"},
	} {
		if got := faultOf(c.err, 0); got.kind != c.want {
			t.Errorf("%v: %q, want %q", c.err, got.kind, c.want)
		}
	}
}

func TestGeneratedErrorsSayWhoFailed(t *testing.T) {
	b := newBench(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/broken" {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			conn.Close()
			return
		}
		w.WriteHeader(http.StatusInternalServerError)
	})
	for _, c := range []struct {
		request request
		status  int
		want    string
	}{
		{request{target: "/a"}, 502, "edged; received-status=500"},
		{request{target: "/broken"}, 502, "edged; error=connection_terminated"},
		{request{target: "/a", method: "PUT"}, 405, "edged; error=http_request_error"},
		{request{target: "/a/../b"}, 400, "edged; error=http_request_error"},
	} {
		a := b.do(c.request)
		if b.want(a, c.status); a.header.Get("Proxy-Status") != c.want {
			t.Errorf("%s %s: Proxy-Status %q, want %q", c.request.method, c.request.target, a.header.Get("Proxy-Status"), c.want)
		}
	}
	b.origin.Close()
	if a := b.get("/c"); a.header.Get("Proxy-Status") != "edged; error=connection_refused" {
		t.Errorf("no origin: Proxy-Status %q", a.header.Get("Proxy-Status"))
	}
}
