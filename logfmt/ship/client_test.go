package ship

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// authority signs certificates for tests.
type authority struct {
	t    *testing.T
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, key: newKey(t)}
	form := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, form, form, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// issue writes name.crt and name.key for a holder.
func (a *authority) issue(dir, name, holder string) (cert, key string) {
	a.t.Helper()
	own := newKey(a.t)
	form := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: holder}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, form, a.cert, own.Public(), a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(own)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, key = filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key")
	writePEM(a.t, cert, "CERTIFICATE", der)
	writePEM(a.t, key, "PRIVATE KEY", private)
	return cert, key
}

func writePEM(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A target with a certificate of an authority of its own, that wants to know who comes.
func TestClientCertificates(t *testing.T) {
	a, dir := newAuthority(t), t.TempDir()
	ca := filepath.Join(dir, "ca.pem")
	writePEM(t, ca, "CERTIFICATE", a.cert.Raw)
	identity, err := tls.LoadX509KeyPair(a.issue(dir, "server", "target"))
	if err != nil {
		t.Fatal(err)
	}
	clients := x509.NewCertPool()
	clients.AddCert(a.cert)
	var mu sync.Mutex
	var seen []string
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, r.TLS.PeerCertificates[0].Subject.CommonName)
	}))
	server.Config.ErrorLog = quiet()
	server.TLS = &tls.Config{Certificates: []tls.Certificate{identity}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients}
	server.StartTLS()
	defer server.Close()
	cert, key := a.issue(dir, "node", "edge-1")

	put := func(o ClientOptions) error {
		c, err := NewClient(o)
		if err != nil {
			return err
		}
		defer c.CloseIdleConnections()
		return (&HTTP{URL: server.URL, Client: c}).Put(t.Context(), object("a.log", "text"))
	}
	for name, c := range map[string]struct {
		o    ClientOptions
		want string
	}{
		"all":                    {ClientOptions{ca, cert, key}, ""},
		"unknown authority":      {ClientOptions{"", cert, key}, "unknown authority"},
		"no certificate":         {ClientOptions{ca, "", ""}, "certificate required"},
		"no CA file":             {ClientOptions{ca + "x", cert, key}, "CA file"},
		"CA file without one":    {ClientOptions{key, cert, key}, "holds no certificate"},
		"key of another":         {ClientOptions{ca, cert, filepath.Join(dir, "server.key")}, "client certificate"},
		"certificate that isn't": {ClientOptions{ca, dir, key}, "client certificate"},
	} {
		err := put(c.o)
		if (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}

	c, err := NewClient(ClientOptions{ca, cert, key})
	if err != nil {
		t.Fatal(err)
	}
	a.issue(dir, "node", "edge-1, renewed")
	if err := (&HTTP{URL: server.URL, Client: c}).Put(t.Context(), object("a.log", "text")); err != nil {
		t.Error(err)
	}
	c.CloseIdleConnections()
	if len(seen) != 2 || seen[0] != "edge-1" || seen[1] != "edge-1, renewed" {
		t.Errorf("the target saw %q", seen)
	}
}

// A redirect is not followed: the file, and what authorises it, would go elsewhere.
func TestClientFollowsNoRedirect(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/a.log" {
			t.Errorf("asked for %s", r.URL.Path)
		}
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	c, err := NewClient(ClientOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseIdleConnections()
	if err := (&HTTP{URL: server.URL, Client: c}).Put(t.Context(), object("a.log", "text")); err == nil || !strings.Contains(err.Error(), "307") {
		t.Errorf("a redirect: %v", err)
	}
}

// A connection that breaks in the middle of a file acknowledges nothing: the file goes
// again from its start, and counts once.
func TestBrokenOffAndAgain(t *testing.T) {
	dir, state := t.TempDir(), filepath.Join(t.TempDir(), "shipped.json")
	closedFiles(t, dir, 1)
	var mu sync.Mutex
	whole, tries := map[string]int{}, 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if tries++; tries == 1 {
			_, _ = io.CopyN(io.Discard, r.Body, r.ContentLength/2)
			panic(http.ErrAbortHandler)
		}
		if n, err := io.Copy(io.Discard, r.Body); err != nil || n != r.ContentLength {
			t.Errorf("%s: %d bytes of %d, %v", r.URL, n, r.ContentLength, err)
		}
		whole[r.URL.Path]++
	}))
	defer server.Close()
	c, err := NewClient(ClientOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseIdleConnections()
	s := New(Options{Dir: dir, State: state, Target: &HTTP{URL: server.URL, Client: c}})
	defer s.Close()
	for end := time.Now().Add(20 * time.Second); s.Stats().Files == 0; <-time.After(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never acknowledged: %+v", s.Stats())
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if st := s.Stats(); st.Files != 1 || st.Failures != 1 || tries != 3 || len(whole) != 2 {
		t.Errorf("%+v after %d tries: %v", st, tries, whole)
	}
	for name, n := range whole {
		if n != 1 {
			t.Errorf("%s went %d times", name, n)
		}
	}
}
