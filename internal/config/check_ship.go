package config

import (
	"crypto/tls"
	"errors"
	"net/netip"
	"net/url"
	"strings"
)

func (l *loader) checkShip(f *source) {
	s := &l.config.Log.Ship
	if s.URL == "" {
		if *s != (Ship{}) {
			l.fail(f, "log.ship.url", "where to? Set it, or remove the rest of log.ship")
		}
		return
	}
	if l.config.Log.Dir == "" || l.config.StateDir() == "" {
		l.fail(f, "log.ship.url", "needs log.dir, and node.state to remember what was shipped")
	}
	if why := badTarget(s.URL); why != "" {
		l.fail(f, "log.ship.url", "%s", why)
	}
	if (s.S3Region == "") != (s.S3KeyID == "") || s.S3Region != "" && s.SecretFile == "" {
		l.fail(f, "log.ship.s3_region", "S3 needs all of s3_region, s3_key_id and secret_file")
	}
	l.checkShipTLS(f)
	if s.SecretFile == "" {
		return
	}
	if err := s.readSecret(f); err != nil {
		l.fail(f, "log.ship.secret_file", "%v", err)
	}
}

// checkShipTLS resolves the files that TLS to the target needs.
func (l *loader) checkShipTLS(f *source) {
	s := &l.config.Log.Ship
	if s.CAFile+s.ClientCert+s.ClientKey != "" && strings.HasPrefix(s.URL, "http:") {
		l.fail(f, "log.ship.ca_file", "ca_file, client_cert and client_key are for https")
		return
	}
	failed := len(l.errs)
	s.CAFile = l.readable(f, "log.ship.ca_file", s.CAFile)
	if (s.ClientCert == "") != (s.ClientKey == "") {
		l.fail(f, "log.ship.client_cert", "needs client_key, and client_key needs it")
		return
	}
	s.ClientCert = l.readable(f, "log.ship.client_cert", s.ClientCert)
	s.ClientKey = l.readable(f, "log.ship.client_key", s.ClientKey)
	if s.ClientKey == "" || len(l.errs) > failed {
		return
	}
	if _, err := tls.LoadX509KeyPair(s.ClientCert, s.ClientKey); err != nil {
		l.fail(f, "log.ship.client_cert", "%v", err)
	} else if err := checkPrivate(s.ClientKey); err != nil {
		l.fail(f, "log.ship.client_key", "%v", err)
	}
}

// badTarget says what is wrong with a URL, without repeating it: it may hold a secret.
func badTarget(text string) string {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return `is not a URL: write for example "https://logs.example/edge"`
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "holds a user, a query or a fragment: put secrets into secret_file"
	case u.Scheme == "http" && !isLoopbackHost(u.Hostname()):
		return "must be https: logs do not travel in the clear"
	}
	return ""
}

func isLoopbackHost(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// readSecret reads the secret file; what stands in the place of its path is not in the
// errors.
func (s *Ship) readSecret(f *source) error {
	_, text, err := f.readPrivate(s.SecretFile)
	if err != nil {
		return err
	}
	s.Secret = text
	if s.Secret == "" || strings.ContainsAny(s.Secret, "\r\n") {
		return errors.New("the file must hold one line")
	}
	return nil
}
