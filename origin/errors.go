package origin

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// Kind says in one word why a fetch failed. The words are stable: metrics use them.
type Kind uint8

// The kinds of failure.
const (
	KindNone     Kind = iota
	KindConnect       // no connection: refused, unreachable, no such host
	KindTLS           // handshake refused or certificate not trusted
	KindTimeout       // one of the limits of Options passed
	KindClosed        // the connection ended before the response did
	KindProtocol      // the answer is not HTTP/1, or its framing is ambiguous
	KindLoop          // the request has been here before (RFC 8586)
	KindCanceled      // the caller's context ended, by cancel or deadline

	// NumKinds is the number of kinds, KindNone included.
	NumKinds = iota
)

// String returns the word for k.
func (k Kind) String() string {
	return [...]string{"none", "connect", "tls", "timeout", "closed", "protocol", "loop", "canceled"}[k]
}

// Sentinels for errors.Is, one a kind.
var (
	ErrConnect  = errors.New("origin: no connection")
	ErrTLS      = errors.New("origin: tls handshake failed")
	ErrTimeout  = errors.New("origin: timeout")
	ErrClosed   = errors.New("origin: connection closed early")
	ErrProtocol = errors.New("origin: protocol error")
	ErrLoop     = errors.New("origin: request loop")
	ErrCanceled = errors.New("origin: canceled")
)

// sentinel returns the exported error of k, nil for KindNone.
func (k Kind) sentinel() error {
	return [...]error{nil, ErrConnect, ErrTLS, ErrTimeout, ErrClosed, ErrProtocol, ErrLoop, ErrCanceled}[k]
}

// Phase is how far a fetch had come.
type Phase uint8

// The phases of a fetch, in order.
const (
	PhaseRequest Phase = iota // checking the request, nothing was sent
	PhaseQueue                // waiting for one of MaxConns connections
	PhaseConnect              // name look-up and TCP connect
	PhaseTLS                  // TLS handshake
	PhaseHeader               // request written, final response header awaited
	PhaseBody                 // reading the body
)

// String returns the word for p.
func (p Phase) String() string {
	return [...]string{"request", "queue", "connect", "tls", "header", "body"}[p]
}

// Error is every error of Fetch and Read but io.EOF. errors.Is finds the
// sentinel of its kind, the cause, and io.ErrUnexpectedEOF when the response was
// cut short. Its text never holds a request target.
type Error struct {
	Kind   Kind
	Phase  Phase
	Origin string // URL of the origin as configured, "" when none was asked
	Err    error  // cause, never nil

	stale bool // an idle connection was closed before a byte of the answer
}

// Error implements error.
func (e *Error) Error() string {
	return fmt.Sprintf("origin: %s: %s in %s phase: %v", e.Origin, e.Kind, e.Phase, e.Err)
}

// Unwrap returns the sentinel of the kind and the cause.
func (e *Error) Unwrap() []error { return []error{e.Kind.sentinel(), e.Err} }

// limitError says which limit ended a wait.
type limitError string

// The limits. limitQueue and limitTotal are the node's own, no origin is to
// blame for them.
const (
	limitQueue   limitError = "no free connection"
	limitConnect limitError = "connect timeout"
	limitTLS     limitError = "tls handshake timeout"
	limitHeader  limitError = "first byte timeout"
	limitIdle    limitError = "idle timeout"
	limitRate    limitError = "below the minimum rate"
	limitTotal   limitError = "total timeout"
)

// Error implements error.
func (l limitError) Error() string { return string(l) }

// Timeout marks l as a timeout in the sense of net.Error.
func (l limitError) Timeout() bool { return true }

// protocolError is a violation of HTTP/1 by the origin.
type protocolError string

// Error implements error.
func (e protocolError) Error() string { return string(e) }

// errDown stands for an attempt that was not made.
type errDown time.Duration

// Error implements error.
func (e errDown) Error() string {
	return fmt.Sprintf("failed before, asked again in %v at the earliest", time.Duration(e).Round(time.Millisecond))
}

// kindOf sorts a cause that came up in phase.
func kindOf(phase Phase, err error) Kind {
	var limit limitError
	var proto protocolError
	switch {
	case errors.As(err, &limit):
		return KindTimeout
	case errors.As(err, &proto):
		return KindProtocol
	case phase == PhaseConnect:
		return KindConnect
	case phase == PhaseTLS:
		return KindTLS
	}
	return KindClosed
}

// cut makes the end of the connection in the middle of a response look like
// what it is: io.ErrUnexpectedEOF, with the cause behind it.
func cut(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF { //nolint:errorlint // readers return these bare
		return io.ErrUnexpectedEOF
	}
	return fmt.Errorf("%w: %w", io.ErrUnexpectedEOF, err)
}

// timedOut reports whether a socket deadline ended the call.
func timedOut(err error) bool {
	return err != nil && errors.Is(err, os.ErrDeadlineExceeded)
}
