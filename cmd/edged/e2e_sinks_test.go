package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"edged/internal/edgetest"
)

// Marks: what must not be found again in anything that the process writes or shows.
// Each is made of a word that nothing else has.
const (
	markedIPv4  = "127.91.92.193" // source address of clients; 127.91.92.000 may be shown
	markedIPv6  = "2001:db8:77:dead:beef:cafe:1234:5678"
	markQuery   = "markquery77"
	markCookie  = "markcookie77"
	markAgent   = "MarkAgent77"
	markPage    = "markpage77"
	markMethod  = "MARKMETHOD77"
	markHost    = "markhost77"
	markField   = "markfield77"
	markSession = "marksession77"
	markPath    = "markpath77" // of targets that were refused before their token was cut out
)

// markedTexts are the texts that would give the marked addresses away: as a whole, in
// part, and as the words of memory that a stack trace prints. No number that somebody
// counted or measured can look like one of them.
func markedTexts() map[string]string {
	return map[string]string{
		"IPv4": markedIPv4, "IPv4 in hex": "7f5b5cc1", "IPv4 in hex, mapped": "7f5b:5cc1", "IPv4 in hex, turned": "c15c5b7f", "IPv4 as a number": "2136693953",
		"host part of IPv4": ".92.193", "IPv4 in bytes": "\x7f\x5b\x5c\xc1",
		"IPv6": markedIPv6, "host part of IPv6": "dead:beef", "IPv6 in hex": "beefcafe12345678", "upper half of IPv6 in hex": "20010db80077dead",
		"IPv6 in hex, turned": "78563412fecaefbe", "IPv6 in bytes": "\xbe\xef\xca\xfe\x12\x34\x56\x78",
	}
}

// sinkCase is one way to run a node and to come to it.
type sinkCase struct {
	mode, format string
	listen       string   // address of its listeners
	from         []string // addresses of clients
}

// No mark is in any file, page, metric or stream, for each address mode but "full".
func TestE2ESinks(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"strike", "pseudonym", "none", "full"} {
		for _, format := range []string{"w3c", "json", "binary"} {
			(&sinkCase{mode, format, "127.0.0.1", []string{markedIPv4}}).start(t)
		}
	}
}

// The same for IPv6, and for IPv4 on a listener of both, where the kernel hands
// addresses over as mapped ones. It takes a loopback with an address more.
func TestE2ESinksIPv6(t *testing.T) {
	t.Parallel()
	inNamespace(t, markedIPv6, func(t *testing.T) {
		for _, c := range [][2]string{{"strike", "json"}, {"strike", "binary"}, {"pseudonym", "w3c"}, {"none", "binary"}, {"full", "json"}} {
			(&sinkCase{c[0], c[1], "[::]", []string{markedIPv4, markedIPv6}}).start(t)
		}
	})
}

func (s *sinkCase) start(t *testing.T) {
	t.Run(s.mode+" "+s.format, func(t *testing.T) {
		t.Parallel()
		s.run(t)
	})
}

func (s *sinkCase) run(t *testing.T) {
	r := newRig(t, s.config)
	r.video("/vod/a.m4s", 3000)
	r.origin.Handle("/vod/cut.m4s", edgetest.Truncate(edgetest.Pattern("cut", 3000), 1000, videoFields()...))
	r.origin.Handle("/vod/odd.m4s", edgetest.Raw("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"))
	r.origin.Handle("/vod/sick.m4s", edgetest.Answer(503, []byte("sick")))
	signed := r.sign(t, "http://"+signedHost+"/vod/a.m4s", "-sid", markSession)
	secrets := r.knockFrom(t, s.from, signed, protocols()...)
	sinks := r.sinks(t)
	r.node.Signal(syscall.SIGUSR1)
	r.awaitLog(t, ".manifest.json", "sha256")
	r.order(t, signed)
	r.knockFrom(t, s.from, signed, edgetest.HTTP1)
	r.awaitLog(t, ".log.part", "/vod/a.m4s")
	for name, text := range edgetest.Files(t, r.node.LogDir()) {
		sinks["before the kill: "+name] = text
	}
	r.node.Kill9() // what a killed process leaves counts too
	r.node.Launch()
	maps.Copy(sinks, r.sinks(t))
	r.node.Stop()
	r.checkSinks(t, s, sinks, secrets)
}

func (s *sinkCase) config(c *edgetest.Config) {
	c.Listen, c.LogFormat, c.LogExtra = s.listen, s.format, fmt.Sprintf("address = %q\n", s.mode)
	c.Sites = append(c.Sites, edgetest.Site{Account: "acme", Host: deadHost, Origins: []string{"http://127.0.0.1:1"}})
}

// deadHost is of a site whose origin takes no connections.
const deadHost = "dead.test"

// checkSinks looks for marks in what was shown, and in everything the node has on disk.
func (r *rig) checkSinks(t *testing.T, s *sinkCase, sinks map[string][]byte, secrets map[string]string) {
	t.Helper()
	maps.Copy(sinks, edgetest.Files(t, r.node.LogDir()))
	maps.Copy(sinks, edgetest.Files(t, r.node.StateDir()))
	sinks["standard error and output"] = []byte(r.node.Stderr())
	if !strings.Contains(r.node.Stderr(), "maybe_lost=") {
		t.Error("the start after a kill does not say what may be lost")
	}
	all := bytes.Join(slices.Collect(maps.Values(sinks)), nil)
	for _, from := range s.from {
		full := []byte(from)
		if s.format == "binary" {
			full = netip.MustParseAddr(from).AsSlice()
		}
		if bytes.Contains(all, full) != (s.mode == "full") {
			t.Errorf("requests of %s left no trace at all, or the wrong one", from)
		}
	}
	for _, name := range []string{"revocations.log", ".usage", ".manifest.json"} {
		if !hasName(sinks, name) {
			t.Errorf("there is no %s: the test looks in the wrong places", name)
		}
	}
	if s.mode == "full" {
		return
	}
	search(t, sinks, secrets)
	disk := edgetest.Files(t, r.node.DiskDir())
	if !hasName(disk, "purges") {
		t.Error("the disk tier has no log of purges")
	}
	// The parameters that count are part of the key that an object is stored under.
	delete(secrets, "query")
	search(t, disk, secrets)
}

func hasName(files map[string][]byte, ending string) bool {
	for name := range files {
		if strings.HasSuffix(name, ending) {
			return true
		}
	}
	return false
}

// search fails the test when a mark is found, in any case of letters.
func search(t *testing.T, sinks map[string][]byte, secrets map[string]string) {
	t.Helper()
	for name, text := range sinks {
		lower := bytes.ToLower(text)
		for what, mark := range secrets {
			for _, in := range [][]byte{text, lower} {
				if i := bytes.Index(in, []byte(mark)); i >= 0 {
					t.Errorf("%s holds the %s: …%q…", name, what, in[max(0, i-60):min(len(in), i+60)])
					break
				}
			}
			if low := strings.ToLower(mark); low != mark && bytes.Contains(lower, []byte(low)) {
				t.Errorf("%s holds the %s in other letters", name, what)
			}
		}
	}
}

// awaitLog waits until a file of the log directory has this ending and this text.
func (r *rig) awaitLog(t *testing.T, ending, text string) {
	t.Helper()
	edgetest.Eventually(t, "a file "+ending+" is in the log directory", func() bool {
		for name, content := range edgetest.Files(t, r.node.LogDir()) {
			if strings.HasSuffix(name, ending) && bytes.Contains(content, []byte(text)) {
				return true
			}
		}
		return false
	})
}

// order has an operator withdraw and purge what was asked for.
func (r *rig) order(t *testing.T, signed string) {
	t.Helper()
	conf := r.node.ConfigFile()
	edgetest.Edgectl(t, "revoke", "-config", conf, "-url", signed)
	edgetest.Edgectl(t, "revoke", "-config", conf, "-account", "acme", "-session", markSession)
	edgetest.Edgectl(t, "purge", "-config", conf, "-url", "http://"+openHost+"/vod/a.m4s?x="+markQuery)
	edgetest.Edgectl(t, "purge", "-config", conf, "-prefix", "http://"+openHost+"/"+markPath)
}

// knockFrom sends marks through every path: answers, refusals and errors, over some
// protocols and from every address. It returns the marks.
func (r *rig) knockFrom(t *testing.T, addresses []string, signed string, over ...edgetest.Protocol) map[string]string {
	t.Helper()
	token := signed[strings.Index(signed, "ect=")+4:]
	token = token[:strings.IndexByte(token, '/')]
	for _, address := range addresses {
		r.knock(t, address, signed[len("http://"+signedHost):], token, over)
		r.knockRaw(t, address, signed[len("http://"+signedHost):])
	}
	secrets := map[string]string{
		"query": markQuery, "cookie": markCookie, "agent": markAgent,
		"referrer": markPage, "method": markMethod, "unknown host": markHost, "field": markField, "session": markSession,
		"refused target": markPath, "token": token, "token's head": token[:24], "token's tail": token[len(token)-24:], "signing key": acmeSecret,
	}
	maps.Copy(secrets, markedTexts())
	return secrets
}

// knock sends requests that a library would send.
func (r *rig) knock(t *testing.T, address, path, token string, over []edgetest.Protocol) {
	t.Helper()
	fields := []string{
		"User-Agent", markAgent + "/1 (" + markAgent + ")", "Referer", "https://page.example/" + markPage + "?" + markPage, "Cookie", "id=" + markCookie,
		"X-Forwarded-For", address, "Authorization", "Bearer " + markField, "CMCD-Session", `sid="` + markSession + `"`, "Origin", "https://" + markPage + ".example",
	}
	for _, p := range over {
		c := r.from(p, address)
		for _, target := range []string{
			openHost + "/vod/a.m4s?x=" + markQuery, signedHost + path + "?x=" + markQuery, signedHost + "/vod/a.m4s?ect=" + token,
			signedHost + tamper(path), signedHost + "/vod/a.m4s?ect=" + token + "&ect=" + token, signedHost + "/ect=" + token + path,
			openHost + "/vod/%2e%2e/" + markPath, openHost + "/vod%00" + markPath, openHost + "/nothing?x=" + markQuery,
			otherHost + path, markHost + ".test/", openHost + "/vod/a.m4s?CMCD=sid%3D%22" + markSession + "%22%2Cbr%3D77",
		} {
			url := p.Scheme() + "://" + target
			for _, more := range [][]string{nil, {"Range", "bytes=5-9"}, {"Range", "bytes=99999-"}, {"If-None-Match", `"v1"`}} {
				edgetest.Do(t, c, "GET", url, append(slices.Clone(fields), more...)...)
			}
			for _, method := range []string{"HEAD", "OPTIONS", "DELETE", markMethod} {
				edgetest.Do(t, c, method, url, fields...)
			}
		}
		for _, sick := range []string{openHost + "/vod/cut.m4s?x=", openHost + "/vod/odd.m4s?x=", openHost + "/vod/sick.m4s?x=", deadHost + "/vod/a.m4s?x="} {
			resp, err := c.Do(edgetest.NewRequest(t, "GET", p.Scheme()+"://"+sick+markQuery, fields...))
			if err == nil {
				_, _ = io.Copy(io.Discard, resp.Body) // ends early or not at all
				_ = resp.Body.Close()
			}
		}
	}
}

// knockRaw sends what no library would send, on the plain and on the TLS listener.
func (r *rig) knockRaw(t *testing.T, address, path string) {
	t.Helper()
	for _, raw := range []string{
		"GET " + path + " HTTP/1.1\r\nHost: " + signedHost + "\r\nBad Field: " + markField + "\r\n\r\n",
		"GET /" + markPath + " " + markQuery + " HTTP/9.9\r\n\r\n",
		"GET /" + markPath + " HTTP/1.1\r\nHost: " + openHost + "\r\n" + markField + "\r\n\r\n",
		"GET /vod/a.m4s HTTP/1.1\r\nHost: " + openHost + "\r\nContent-Length: 5\r\nTransfer-Encoding: " + markField + "\r\n\r\n",
		"GET /vod/a.m4s HTTP/1.1\r\nHost: " + openHost + "\r\nX: " + strings.Repeat(markField, 4000) + "\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + markField,
		"POST http://" + markHost + "/" + markPath + " HTTP/1.1\r\nHost: " + markHost + "\r\nConnection: close\r\n\r\n",
	} {
		for _, p := range []edgetest.Protocol{edgetest.HTTP1, edgetest.HTTP1TLS} { // to TLS it is no handshake
			c, err := r.dial(t.Context(), p, address)
			if err != nil {
				t.Fatal(err)
			}
			_ = c.SetDeadline(time.Now().Add(edgetest.Patience))
			_, _ = io.WriteString(c, raw)
			_, _ = io.Copy(io.Discard, c) // the node closes
			_ = c.Close()
		}
	}
}

// from returns a client that connects from an address of its own.
func (r *rig) from(p edgetest.Protocol, address string) *http.Client {
	c := r.node.Client(p, 1)
	c.Transport.(*http.Transport).DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return r.dial(ctx, p, address)
	}
	return c
}

// dial connects to the node from an address, over IPv4 or IPv6 as that is.
func (r *rig) dial(ctx context.Context, p edgetest.Protocol, from string) (net.Conn, error) {
	to := r.node.HTTPAddress()
	if p != edgetest.HTTP1 {
		to = r.node.HTTPSAddress()
	}
	_, port, err := net.SplitHostPort(to)
	if err != nil {
		return nil, err
	}
	loopback := "127.0.0.1"
	if strings.Contains(from, ":") {
		loopback = "::1"
	}
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: time.Minute}
	return d.DialContext(ctx, "tcp", net.JoinHostPort(loopback, port))
}

// sinks returns what the node shows: its status page, JSON, metrics and health, and
// what the tools make of that.
func (r *rig) sinks(t *testing.T) map[string][]byte {
	t.Helper()
	found := map[string][]byte{}
	for _, path := range []string{"/status", "/status.json", "/metrics", "/healthz", "/readyz"} {
		for _, accept := range []string{"text/html", "application/json", "application/openmetrics-text"} {
			req := edgetest.NewRequest(t, "GET", "http://admin"+path, "Accept", accept)
			resp, err := r.node.Admin().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(resp.Body)
			if err != nil || resp.Body.Close() != nil {
				t.Fatal(err)
			}
			found[path+" as "+accept] = text
		}
	}
	for _, args := range []string{"status", "status -json", "usage", "usage -format json", "privacy report"} {
		_, text := edgetest.EdgectlCode(t, append(strings.Fields(args), "-config", r.node.ConfigFile())...) // 1 says that an origin is down
		found["edgectl "+args] = []byte(text)
	}
	return found
}
