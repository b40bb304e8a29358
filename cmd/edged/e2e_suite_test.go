package main

import (
	"net/http"
	"strings"
	"testing"

	"edged/internal/edgetest"
)

// The suites of this folder hold edged to the RFCs case by case, through its real
// listeners: each case names the section it comes from.

// Hosts of the sites that suites have beside the usual ones.
const (
	wishHost    = "wish.test"    // obeys Cache-Control of clients
	forwardHost = "forward.test" // hands request fields on, and unsafe methods
	cookieHost  = "cookie.test"  // keeps cookies, hands the origin's 5xx on
)

// suite is a rig with one client for each protocol, so that cases share connections.
type suite struct {
	*rig
	clients map[edgetest.Protocol]*http.Client
}

// protocols are what cases are tried over.
func protocols() []edgetest.Protocol {
	return []edgetest.Protocol{edgetest.HTTP1, edgetest.HTTP1TLS, edgetest.HTTP2}
}

func newSuite(t *testing.T) *suite {
	t.Helper()
	t.Parallel()
	r := newRig(t, func(c *edgetest.Config) {
		c.Disk = "none"
		origins := c.Sites[0].Origins
		c.Sites = append(c.Sites,
			edgetest.Site{Account: "acme", Host: wishHost, Origins: origins, Extra: "client_directives = true"},
			edgetest.Site{
				Account: "acme", Host: forwardHost, Origins: origins,
				Extra: `forward_headers = ["Accept-Language", "Accept-Encoding", "X-Tenant", "Authorization"]` + "\n" + `methods = ["POST", "PUT", "DELETE"]`,
			},
			edgetest.Site{Account: "acme", Host: cookieHost, Origins: origins, Extra: `cookies = "keep"` + "\n[site.origin]\n" + `errors = "pass"` + "\nconnect_timeout = \"1m\"\nfirst_byte_timeout = \"1m\""})
	})
	s := &suite{rig: r, clients: map[edgetest.Protocol]*http.Client{}}
	for _, p := range protocols() {
		s.clients[p] = r.node.Client(p, 0)
	}
	return s
}

// ask sends a request to a host of the node.
func (s *suite) ask(t *testing.T, p edgetest.Protocol, method, host, path string, fields ...string) *edgetest.Response {
	t.Helper()
	return edgetest.Do(t, s.clients[p], method, p.Scheme()+"://"+host+path, fields...)
}

// fetch asks the open site over HTTP/1.1.
func (s *suite) fetch(t *testing.T, path string, fields ...string) *edgetest.Response {
	t.Helper()
	return s.ask(t, edgetest.HTTP1, "GET", openHost, path, fields...)
}

// slug makes a path of a case's name.
func slug(name string) string {
	return strings.Map(func(c rune) rune {
		if 'a' <= c && c <= 'z' || '0' <= c && c <= '9' {
			return c
		}
		return '-'
	}, strings.ToLower(name))
}
