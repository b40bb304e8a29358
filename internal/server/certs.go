package server

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
)

// certStore finds the certificate for a server name. It is replaced as a whole,
// so that a handshake sees either the old set or the new one.
type certStore struct{ set atomic.Pointer[certSet] }

// certSet is immutable.
type certSet struct {
	all    []*tls.Certificate            // in the order given; never empty
	byName map[string][]*tls.Certificate // lower case; "*.example.net" for wildcards
}

// SetCertificates replaces the certificates for all handshakes that begin from
// now on. It changes nothing when any of them is unusable: without a chain, with
// a key that is not its own, not valid yet, or no longer. The first is offered to
// clients that send no server name or an unknown one; where several fit a name,
// the first that the client supports is taken (ECDSA before RSA, say).
func (s *Server) SetCertificates(certs []tls.Certificate) error {
	set, err := newCertSet(certs, time.Now())
	if err != nil {
		return err
	}
	s.certs.set.Store(set)
	return nil
}

// Certificate describes a certificate in use.
type Certificate struct {
	Names    []string // DNS names, as in the certificate
	NotAfter time.Time
}

// Certificates lists what is offered now, for status pages and alarms.
func (s *Server) Certificates() []Certificate {
	set := s.certs.set.Load()
	if set == nil {
		return nil
	}
	list := make([]Certificate, len(set.all))
	for i, c := range set.all {
		list[i] = Certificate{Names: c.Leaf.DNSNames, NotAfter: c.Leaf.NotAfter}
	}
	return list
}

func newCertSet(certs []tls.Certificate, now time.Time) (*certSet, error) {
	if len(certs) == 0 {
		return nil, errors.New("server: no certificates")
	}
	set := &certSet{byName: map[string][]*tls.Certificate{}}
	var errs []error
	for i := range certs {
		c := certs[i]
		if err := checkCertificate(&c, now); err != nil {
			errs = append(errs, fmt.Errorf("server: certificate %d: %w", i+1, err))
			continue
		}
		set.add(&c)
	}
	return set, errors.Join(errs...)
}

func (s *certSet) add(c *tls.Certificate) {
	s.all = append(s.all, c)
	for _, n := range c.Leaf.DNSNames {
		n = strings.ToLower(n)
		s.byName[n] = append(s.byName[n], c)
	}
}

// checkCertificate fills c.Leaf and returns why c cannot be served.
func checkCertificate(c *tls.Certificate, now time.Time) error {
	if len(c.Certificate) == 0 {
		return errors.New("no chain")
	}
	leaf, err := x509.ParseCertificate(c.Certificate[0])
	if err != nil {
		return fmt.Errorf("parse: %w", err)
	}
	c.Leaf = leaf
	signer, ok := c.PrivateKey.(crypto.Signer)
	if !ok {
		return errors.New("no private key")
	}
	pub, err := x509.MarshalPKIXPublicKey(signer.Public())
	if err != nil || !bytes.Equal(pub, leaf.RawSubjectPublicKeyInfo) {
		return errors.New("the key does not belong to it")
	}
	if now.Before(leaf.NotBefore) || now.After(leaf.NotAfter) {
		return fmt.Errorf("valid from %s to %s only",
			leaf.NotBefore.UTC().Format(time.RFC3339), leaf.NotAfter.UTC().Format(time.RFC3339))
	}
	return nil
}

func (s *certStore) empty() bool { return s.set.Load() == nil }

// get implements tls.Config.GetCertificate.
func (s *certStore) get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	set := s.set.Load()
	if set == nil {
		return nil, errors.New("server: no certificates")
	}
	fit := set.named(hello.ServerName)
	for _, c := range fit {
		if hello.SupportsCertificate(c) == nil {
			return c, nil
		}
	}
	return fit[0], nil
}

// named returns the certificates for a server name, never none.
func (s *certSet) named(name string) []*tls.Certificate {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if fit := s.byName[name]; fit != nil {
		return fit
	}
	if _, parent, ok := strings.Cut(name, "."); ok {
		if fit := s.byName["*."+parent]; fit != nil {
			return fit
		}
	}
	return s.all
}
