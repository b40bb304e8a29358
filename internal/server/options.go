package server

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"time"
)

// Options configure a [Server]. Zero values mean the default in brackets.
type Options struct {
	Handler Handler // required

	// Certificates are what HTTPS listeners offer, the first one to clients that
	// name no host or an unknown one. See [Server.SetCertificates].
	Certificates []tls.Certificate

	MaxConns        int   // open connections on all listeners; more are reset [100000]
	MaxHandshakes   int   // TLS handshakes computed at the same time [256]
	MaxHeaderBytes  int   // request line and header in bytes; more gets 431 [8192]
	MaxStreams      int   // concurrent streams of an HTTP/2 connection [128]
	TLSBufferBytes  int64 // memory for write coalescing under TLS [64 MiB]
	NotSentLowWater int   // TCP_NOTSENT_LOWAT in bytes, negative leaves it alone [see socket.go]

	HandshakeTimeout time.Duration // TLS handshake from accept to end [5s]
	HeaderTimeout    time.Duration // request header, from its first byte [10s]
	IdleTimeout      time.Duration // between two requests of a connection [75s]
	UserTimeout      time.Duration // TCP_USER_TIMEOUT: unacknowledged data [30s]
	LingerTimeout    time.Duration // reading on after a refusal, so that it arrives [1s]

	// A client that takes less than MinRate bytes/s over RateWindow while there
	// is something to send is cut. Waiting for an origin does not count.
	MinRate    int64         // [1024]
	RateWindow time.Duration // [60s]

	Log *slog.Logger // faults of ours; never anything of a request [discarded]
}

// errNoHandler is a broken construction, not a state that can arise later.
var errNoHandler = errors.New("server: Options.Handler is required")

// withDefaults returns o with every zero value replaced.
func (o Options) withDefaults() Options {
	orInt(&o.MaxConns, 100_000)
	orInt(&o.MaxHandshakes, 256)
	orInt(&o.MaxHeaderBytes, 8<<10)
	orInt(&o.MaxStreams, 128)
	orInt(&o.TLSBufferBytes, 64<<20)
	orInt(&o.NotSentLowWater, defaultNotSentLowWater)
	orInt(&o.HandshakeTimeout, 5*time.Second)
	orInt(&o.HeaderTimeout, 10*time.Second)
	orInt(&o.IdleTimeout, 75*time.Second)
	orInt(&o.UserTimeout, 30*time.Second)
	orInt(&o.LingerTimeout, time.Second)
	orInt(&o.MinRate, 1024)
	orInt(&o.RateWindow, time.Minute)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// sweepInterval is how often connections are looked at: often enough that the
// shortest limit is late by a quarter at most, and never more than every 10 ms.
func (o *Options) sweepInterval() time.Duration {
	shortest := min(o.HandshakeTimeout, o.HeaderTimeout, o.IdleTimeout, o.RateWindow)
	return max(10*time.Millisecond, min(500*time.Millisecond, shortest/4))
}

func orInt[T ~int | ~int64](p *T, d T) {
	if *p == 0 {
		*p = d
	}
}
