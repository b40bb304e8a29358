package origin_test

import (
	"crypto/tls"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"edged/origin"
)

// secure starts an HTTPS origin that answers with the server name it was asked
// for, and returns it with a file that holds its certificate.
func secure(t *testing.T) (url, caFile string) {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.TLS.ServerName+strings.Repeat("x", 100000))
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	s.StartTLS()
	t.Cleanup(s.Close)
	caFile = filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(caFile, block, 0o600); err != nil {
		t.Fatal(err)
	}
	return s.URL, caFile
}

func TestHTTPS(t *testing.T) {
	url, ca := secure(t)
	tests := []struct {
		name string
		o    origin.Options
		want origin.Kind
		sni  string
	}{
		{"unknown authority", origin.Options{}, origin.KindTLS, ""},
		{"CA file", origin.Options{TLS: origin.TLSOptions{CAFile: ca, ServerName: "example.com"}}, origin.KindNone, "example.com"},
		{"name of the host override", origin.Options{Host: "example.com:8443", TLS: origin.TLSOptions{CAFile: ca}}, origin.KindNone, "example.com"},
		{"wrong name", origin.Options{TLS: origin.TLSOptions{CAFile: ca, ServerName: "other.test"}}, origin.KindTLS, ""},
		{"not verified", origin.Options{TLS: origin.TLSOptions{InsecureSkipVerify: true, ServerName: "other.test"}}, origin.KindNone, "other.test"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := group(t, tt.o, url)
			for range 3 {
				_, body, err := get(t.Context(), g, "/a")
				if got := kind(t, err); got != tt.want {
					t.Fatalf("error %v; want %v", err, tt.want)
				}
				if err == nil && (len(body) != len(tt.sni)+100000 || !strings.HasPrefix(body, tt.sni)) {
					t.Errorf("%d bytes beginning %.20q", len(body), body)
				}
			}
			if st := g.Stats()[0]; tt.want == origin.KindNone && (st.Connects != 1 || st.Reused != 2) {
				t.Errorf("stats %+v; want one connection used three times", st)
			}
		})
	}
}

func TestHandshakeTimeout(t *testing.T) {
	h := start(t, func(p *peer) { p.gone() })
	g := group(t, origin.Options{TLSTimeout: 30 * time.Millisecond}, strings.Replace(h.URL, "http:", "https:", 1))
	_, _, err := get(t.Context(), g, "/a")
	if kind(t, err) != origin.KindTimeout || !strings.Contains(err.Error(), "tls handshake timeout") {
		t.Errorf("error %v; want tls handshake timeout", err)
	}
	if g.Stats()[0].Up {
		t.Error("origin without TLS is still up")
	}
}

// A cut TLS connection is as short as a cut plain one.
func TestTruncatedHTTPS(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = rw.WriteString("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello")
		_ = rw.Flush()
		_ = c.(*tls.Conn).NetConn().(*net.TCPConn).Close()
	}))
	t.Cleanup(s.Close)
	g := group(t, origin.Options{TLS: origin.TLSOptions{InsecureSkipVerify: true}}, s.URL)
	_, body, err := get(t.Context(), g, "/a")
	if kind(t, err) != origin.KindClosed || body != "hello" {
		t.Errorf("%q, %v; want closed", body, err)
	}
}
