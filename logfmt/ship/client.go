package ship

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
)

// ClientOptions say whom a client trusts, and who it is. All files are PEM.
type ClientOptions struct {
	CAFile string // authorities beside the system's, "" for these alone
	// CertFile and KeyFile are the client's own certificate, both or none. They are read
	// at every handshake, so that a renewed one counts without a restart.
	CertFile, KeyFile string
}

// NewClient returns a client for targets. It follows no redirect: where files go is
// the operator's to say.
func NewClient(o ClientOptions) (*http.Client, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if err := o.trust(conf); err != nil {
		return nil, err
	}
	if o.CertFile != "" {
		own := func() (*tls.Certificate, error) {
			c, err := tls.LoadX509KeyPair(o.CertFile, o.KeyFile)
			if err != nil {
				return nil, fmt.Errorf("ship: client certificate: %w", err)
			}
			return &c, nil
		}
		if _, err := own(); err != nil {
			return nil, err
		}
		conf.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return own() }
	}
	tr := http.DefaultTransport.(*http.Transport).Clone() // has the limits of a dial and a handshake
	tr.TLSClientConfig = conf
	return &http.Client{
		Transport:     tr,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// trust adds the authorities of the CA file to those of the system.
func (o *ClientOptions) trust(conf *tls.Config) error {
	if o.CAFile == "" {
		return nil
	}
	text, err := os.ReadFile(o.CAFile)
	if err != nil {
		return fmt.Errorf("ship: CA file: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(text) {
		return fmt.Errorf("ship: CA file %s holds no certificate", o.CAFile)
	}
	conf.RootCAs = pool
	return nil
}
