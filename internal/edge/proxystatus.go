package edge

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strconv"
	"syscall"

	"edged/cache"
	"edged/origin"
)

// fault says which side of the edge broke an exchange, for Proxy-Status
// (RFC 9209). The zero fault is none.
type fault struct {
	kind     string // error type registered by RFC 9209 §2.3, "" for none
	received int    // status of the origin's answer, 0 when there was none
}

// faultOf sorts a failed fetch.
func faultOf(err error, received int) fault {
	if errors.Is(err, errOriginStatus) {
		return fault{received: received} // the RFC has no type for an answer that is an error
	}
	return fault{errorType(err), received}
}

// errorType names a failure of a fetch by the phase it happened in.
func errorType(err error) string {
	var failure *origin.Error
	switch {
	case errors.Is(err, origin.ErrLoop):
		return "proxy_loop_detected"
	case errors.Is(err, cache.ErrNoMemory), errors.Is(err, context.Canceled), errors.Is(err, errPanic):
		return "proxy_internal_error"
	case !errors.As(err, &failure):
		return "http_protocol_error"
	}
	switch failure.Phase {
	case origin.PhaseQueue:
		return "connection_limit_reached"
	case origin.PhaseConnect:
		return connectType(failure)
	case origin.PhaseTLS:
		return tlsType(failure)
	}
	switch failure.Kind {
	case origin.KindTimeout:
		return "http_response_timeout"
	case origin.KindClosed:
		if failure.Phase == origin.PhaseBody {
			return "http_response_incomplete"
		}
		return "connection_terminated"
	}
	return "http_protocol_error"
}

func connectType(err error) string {
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && dns.IsTimeout:
		return "dns_timeout"
	case errors.As(err, &dns):
		return "dns_error"
	case errors.Is(err, origin.ErrTimeout):
		return "connection_timeout"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection_refused"
	}
	return "destination_unavailable"
}

func tlsType(err error) string {
	var certificate *tls.CertificateVerificationError
	var alert tls.AlertError
	switch {
	case errors.Is(err, origin.ErrTimeout):
		return "connection_timeout"
	case errors.As(err, &certificate):
		return "tls_certificate_error"
	case errors.As(err, &alert):
		return "tls_alert_received"
	}
	return "tls_protocol_error"
}

// proxyStatus appends the field to a generated response that reports an error.
// What the client did wrong is not told apart: denials all look alike.
func (x *Exchange) proxyStatus(status int) {
	kind := x.fault.kind
	switch {
	case kind != "" || x.fault.received != 0:
	case status == 403:
		kind = "http_request_denied"
	case status >= 500:
		kind = "proxy_internal_error"
	default:
		kind = "http_request_error"
	}
	x.field("Proxy-Status", x.value(func(b []byte) []byte {
		b = append(b, "edged"...)
		if kind != "" {
			b = append(append(b, "; error="...), kind...)
		}
		if x.fault.received != 0 {
			b = strconv.AppendInt(append(b, "; received-status="...), int64(x.fault.received), 10)
		}
		return b
	}))
}
