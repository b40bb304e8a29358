package origin

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"
)

// Options describe the origins of one site. Zero durations and counts take the
// Default named beside them.
type Options struct {
	// URLs of the origins in order of preference: scheme, host, optional port
	// and an optional path that is put before every target.
	URLs []string
	// Node is this node's name: pseudonym in Via, id in CDN-Loop.
	Node string
	// Host overrides the Host field, which otherwise is the host of the URL.
	Host string

	ConnectTimeout   time.Duration // TCP connect; also the wait for a free connection (DefaultConnectTimeout)
	TLSTimeout       time.Duration // TLS handshake (ConnectTimeout)
	FirstByteTimeout time.Duration // from the request until the final header is complete (DefaultFirstByteTimeout)
	HoldTimeout      time.Duration // instead of FirstByteTimeout when Request.Hold (DefaultHoldTimeout)
	IdleTimeout      time.Duration // one read of the body without a byte (DefaultIdleTimeout)
	TotalTimeout     time.Duration // the whole fetch, all origins and the body, but not the time between reads (DefaultTotalTimeout)

	// MinRate is the rate in bytes a second that the body must keep over each
	// RateWindow of waiting for the origin; 0 turns it off. Time that the caller
	// spends between reads does not count. A live stream arrives no faster than it
	// is made: stay below its slowest rendition.
	MinRate    int64
	RateWindow time.Duration // DefaultRateWindow

	MaxConns      int           // connections an origin, idle ones included (DefaultMaxConns)
	KeepAliveIdle time.Duration // an unused connection is closed after this (DefaultKeepAliveIdle)

	TLS TLSOptions
}

// TLSOptions are for https origins.
type TLSOptions struct {
	CAFile             string // PEM file of authorities trusted beside those of the system
	ServerName         string // name sent and verified; default is the host of the URL, or of Host when that is an address
	InsecureSkipVerify bool   // accept any certificate: for tests only
}

// Defaults of Options.
const (
	DefaultConnectTimeout   = 2 * time.Second
	DefaultFirstByteTimeout = 10 * time.Second
	DefaultHoldTimeout      = 30 * time.Second
	DefaultIdleTimeout      = 10 * time.Second
	DefaultTotalTimeout     = time.Hour
	DefaultRateWindow       = 10 * time.Second
	DefaultMaxConns         = 512
	DefaultKeepAliveIdle    = 30 * time.Second
)

// withDefaults returns o with zero values replaced, or what is wrong with it.
func (o Options) withDefaults() (Options, error) {
	for _, d := range []struct {
		name  string
		value *time.Duration
		unset time.Duration
	}{
		{"connect timeout", &o.ConnectTimeout, DefaultConnectTimeout},
		{"tls timeout", &o.TLSTimeout, 0},
		{"first byte timeout", &o.FirstByteTimeout, DefaultFirstByteTimeout},
		{"hold timeout", &o.HoldTimeout, DefaultHoldTimeout},
		{"idle timeout", &o.IdleTimeout, DefaultIdleTimeout},
		{"total timeout", &o.TotalTimeout, DefaultTotalTimeout},
		{"rate window", &o.RateWindow, DefaultRateWindow},
		{"keep-alive idle time", &o.KeepAliveIdle, DefaultKeepAliveIdle},
	} {
		if *d.value < 0 {
			return o, fmt.Errorf("origin: %s must not be negative", d.name)
		}
		if *d.value == 0 {
			*d.value = d.unset
		}
	}
	if o.TLSTimeout == 0 {
		o.TLSTimeout = o.ConnectTimeout
	}
	if o.MaxConns == 0 {
		o.MaxConns = DefaultMaxConns
	}
	return o, o.check()
}

// check validates what has no default.
func (o *Options) check() error {
	switch {
	case len(o.URLs) == 0:
		return errors.New("origin: no URL")
	case !isToken(o.Node):
		return fmt.Errorf("origin: node name %q must consist of letters, digits and -._", o.Node)
	case o.Host != "" && !isGraphic(o.Host):
		return fmt.Errorf("origin: host %q must be a host name, optionally with a port", o.Host)
	case o.MinRate < 0 || o.MaxConns < 0:
		return errors.New("origin: minimum rate and connections must not be negative")
	}
	return nil
}

// endpoint is one parsed URL of Options.URLs.
type endpoint struct {
	name   string // as configured, for errors and metrics
	addr   string // host:port to dial
	host   string // value of the Host field
	prefix string // path before each target, without a final '/'
	tls    *tls.Config
}

// endpoint parses one URL. roots is nil for those of the system.
func (o *Options) endpoint(raw string, roots *x509.CertPool) (endpoint, error) {
	u, err := url.Parse(raw)
	if err != nil {
		// Without the URL, which url.Error quotes: it may hold a password.
		return endpoint{}, fmt.Errorf("origin: malformed URL: %w", errors.Unwrap(err))
	}
	port := map[string]string{"http": "80", "https": "443"}[u.Scheme]
	switch {
	case port == "" || u.Hostname() == "" || !isGraphic(u.Host):
		return endpoint{}, fmt.Errorf("origin: %q must look like https://host or http://host:port", u.Redacted())
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return endpoint{}, fmt.Errorf("origin: %q must not have a user, query or fragment", u.Redacted())
	}
	e := endpoint{name: raw, host: u.Host, prefix: strings.TrimSuffix(u.EscapedPath(), "/")}
	if p := u.Port(); p != "" {
		port = p
	}
	e.addr = net.JoinHostPort(u.Hostname(), port)
	if o.Host != "" {
		e.host = o.Host
	}
	if u.Scheme == "https" {
		e.tls = o.tlsConfig(u.Hostname(), roots)
	}
	return e, nil
}

// tlsConfig returns the client configuration for an origin called host.
func (o *Options) tlsConfig(host string, roots *x509.CertPool) *tls.Config {
	name := o.TLS.ServerName
	if name == "" {
		name = host
		if _, err := netip.ParseAddr(host); err == nil && o.Host != "" {
			name = hostOnly(o.Host)
		}
	}
	return &tls.Config{
		ServerName:         name,
		RootCAs:            roots,
		MinVersion:         tls.VersionTLS12,
		NextProtos:         []string{"http/1.1"},
		ClientSessionCache: tls.NewLRUClientSessionCache(32),
		InsecureSkipVerify: o.TLS.InsecureSkipVerify, //nolint:gosec // explicit option, documented as for tests
	}
}

// roots returns the system's authorities and those of the CA file, or nil when
// there is no such file.
func (o *TLSOptions) roots() (*x509.CertPool, error) {
	if o.CAFile == "" {
		return nil, nil //nolint:nilnil // nil is crypto/tls's word for the system's roots
	}
	pem, err := os.ReadFile(o.CAFile)
	if err != nil {
		return nil, fmt.Errorf("origin: CA file: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("origin: CA file %s holds no certificate", o.CAFile)
	}
	return pool, nil
}

// hostOnly cuts the port from a Host value.
func hostOnly(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		return h
	}
	return strings.Trim(host, "[]")
}
