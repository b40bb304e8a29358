package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
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

// No mark is in any file, page, metric or stream, for each address mode but "full".
func TestE2ESinks(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"strike", "pseudonym", "none", "full"} {
		for _, format := range []string{"w3c", "json"} {
			t.Run(mode+" "+format, func(t *testing.T) {
				t.Parallel()
				testSinks(t, mode, format)
			})
		}
	}
}

func testSinks(t *testing.T, mode, format string) {
	r := newRig(t, func(c *edgetest.Config) {
		c.LogFormat, c.LogExtra = format, fmt.Sprintf("address = %q\n", mode)
	})
	r.video("/vod/a.m4s", 3000)
	signed := r.sign(t, "http://"+signedHost+"/vod/a.m4s", "-sid", markSession)
	secrets := r.knock(t, signed)
	sinks := r.sinks(t)
	r.node.Signal(syscall.SIGUSR1)
	r.awaitLog(t, ".manifest.json")
	r.knock(t, signed)
	r.awaitLog(t, ".log.part")
	r.node.Kill9() // what a killed process leaves counts too
	r.node.Launch()
	r.node.Stop()
	maps.Copy(sinks, edgetest.Files(t, r.node.LogDir()))
	sinks["stderr"] = []byte(r.node.Stderr())
	all := bytes.Join(slices.Collect(maps.Values(sinks)), nil)
	if !strings.Contains(r.node.Stderr(), "maybe_lost=") {
		t.Error("the start after a kill does not say what may be lost")
	}
	if !bytes.Contains(all, []byte("/vod/a.m4s")) || bytes.Contains(all, []byte(markedIPv4)) != (mode == "full") {
		t.Errorf("requests of %s left no trace at all, or the wrong one", markedIPv4)
	}
	if mode == "full" {
		return
	}
	for name, text := range sinks {
		for what, mark := range secrets {
			if i := bytes.Index(bytes.ToLower(text), []byte(strings.ToLower(mark))); i >= 0 {
				t.Errorf("%s holds the %s: …%s…", name, what, text[max(0, i-60):min(len(text), i+60)])
			}
		}
	}
}

// awaitLog waits until a file of the log directory has this ending.
func (r *rig) awaitLog(t *testing.T, ending string) {
	t.Helper()
	edgetest.Eventually(t, "a file "+ending+" is in the log directory", func() bool {
		for name := range edgetest.Files(t, r.node.LogDir()) {
			if strings.HasSuffix(name, ending) {
				return true
			}
		}
		return false
	})
}

// knock sends marks through every path: answers, refusals and errors, over every
// protocol. It returns the marks.
func (r *rig) knock(t *testing.T, signed string) map[string]string {
	t.Helper()
	token := signed[strings.Index(signed, "ect=")+4:]
	token = token[:strings.IndexByte(token, '/')]
	path := signed[len("http://"+signedHost):]
	fields := []string{
		"User-Agent", markAgent + "/1 (" + markAgent + ")", "Referer", "https://page.example/" + markPage + "?" + markPage, "Cookie", "id=" + markCookie,
		"X-Forwarded-For", markedIPv4, "Authorization", "Bearer " + markField, "CMCD-Session", `sid="` + markSession + `"`, "Origin", "https://" + markPage + ".example",
	}
	for _, p := range []edgetest.Protocol{edgetest.HTTP1, edgetest.HTTP1TLS, edgetest.HTTP2} {
		c := from(r.node.Client(p, 1), markedIPv4)
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
	}
	for _, raw := range []string{
		"GET " + path + " HTTP/1.1\nHost: " + signedHost + "\nBad Field: " + markField + "\n\n",
		"GET /" + markPath + " " + markQuery + " HTTP/9.9\r\n\r\n",
		"GET /" + markPath + " HTTP/1.1\r\nHost: " + openHost + "\r\n" + markField + "\r\n\r\n",
		"GET /vod/a.m4s HTTP/1.1\r\nHost: " + openHost + "\r\nContent-Length: 5\r\nTransfer-Encoding: " + markField + "\r\n\r\n",
		"GET /vod/a.m4s HTTP/1.1\r\nHost: " + openHost + "\r\nX: " + strings.Repeat(markField, 4000) + "\r\n\r\n",
	} {
		conn := r.node.Dial()
		conn.Send(raw)
		conn.ReadAll()
	}
	return map[string]string{
		"address": markedIPv4, "address in hex": "7f5b5cc1", "query": markQuery, "cookie": markCookie, "agent": markAgent,
		"referrer": markPage, "method": markMethod, "unknown host": markHost, "field": markField, "session": markSession,
		"refused target": markPath, "token": token, "token's head": token[:24], "token's tail": token[len(token)-24:], "signing key": acmeSecret,
	}
}

// from makes a client connect from an address of its own.
func from(c *http.Client, address string) *http.Client {
	tr := c.Transport.(*http.Transport)
	dial := tr.DialContext
	tr.DialContext = func(ctx context.Context, network, to string) (net.Conn, error) {
		probe, err := dial(ctx, network, to) // tells the node's own address
		if err != nil {
			return nil, err
		}
		node := probe.RemoteAddr().String()
		if err := probe.Close(); err != nil {
			return nil, err
		}
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}, Timeout: time.Minute}
		return d.DialContext(ctx, "tcp", node)
	}
	return c
}

// sinks returns what the node shows: its status page, JSON, metrics and health.
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
	return found
}
