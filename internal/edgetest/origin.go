package edgetest

import (
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// Origin is an HTTP/1.1 server on loopback that answers each path as it was told,
// and everything else with 404. It keeps a copy of every request.
type Origin struct {
	URL string // base URL without a trailing slash

	t      testing.TB
	server *httptest.Server

	mu       sync.Mutex
	handlers map[string]http.Handler // by path; guarded by mu
	asked    []Asked                 // in order of arrival; guarded by mu
}

// Asked is a request as it came in.
type Asked struct {
	Method string
	Target string // path and query as sent
	Path   string // decoded
	Host   string
	Header http.Header
}

// NewOrigin starts an origin that ends with the test.
func NewOrigin(t testing.TB) *Origin {
	t.Helper()
	o := &Origin{t: t, handlers: map[string]http.Handler{}}
	o.server = httptest.NewServer(o)
	o.URL = o.server.URL
	t.Cleanup(o.close)
	return o
}

// Handle makes h answer path (decoded, without query) from now on.
func (o *Origin) Handle(path string, h http.Handler) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.handlers[path] = h
}

// Down ends the origin: connections are cut, new ones refused. Until the test ends,
// nobody else gets its port.
func (o *Origin) Down() {
	o.t.Helper()
	o.close()
	occupy(o.t, o.server.Listener.Addr().(*net.TCPAddr).Port)
}

func (o *Origin) close() {
	o.server.CloseClientConnections()
	o.server.Close()
}

// ServeHTTP implements http.Handler.
func (o *Origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	o.asked = append(o.asked, Asked{
		Method: r.Method, Target: r.RequestURI, Path: r.URL.Path, Host: r.Host, Header: r.Header.Clone(),
	})
	h := o.handlers[r.URL.Path]
	o.mu.Unlock()
	if h == nil {
		h = http.NotFoundHandler()
	}
	h.ServeHTTP(w, r)
}

// Asked returns the requests for a path, in order of arrival.
func (o *Origin) Asked(path string) []Asked {
	o.mu.Lock()
	defer o.mu.Unlock()
	var found []Asked
	for _, a := range o.asked {
		if a.Path == path {
			found = append(found, a)
		}
	}
	return found
}

// Count returns how often a path was asked for.
func (o *Origin) Count(path string) int { return len(o.Asked(path)) }

// Everything returns all requests, in order of arrival.
func (o *Origin) Everything() []Asked {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]Asked(nil), o.asked...)
}
