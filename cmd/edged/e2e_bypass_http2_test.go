package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"edged/internal/edgetest"
)

// pairs of a header block: name, value, name, value …
type block []string

// frame writes an HTTP/2 frame (RFC 9113 §4.1).
func frame(kind, flags byte, stream uint32, payload []byte) []byte {
	b := []byte{byte(len(payload) >> 16), byte(len(payload) >> 8), byte(len(payload)), kind, flags}
	return append(binary.BigEndian.AppendUint32(b, stream), payload...)
}

const (
	frameData, frameHeaders, frameReset, frameSettings, frameGoAway, frameContinuation = 0, 1, 3, 4, 7, 9

	endStream, endHeaders = 1, 4
)

// encode writes fields as literals without indexing (RFC 7541 §6.2.2), whatever is in
// them: no library would send some of these.
func (b block) encode() []byte {
	var out []byte
	text := func(s string) {
		if len(s) < 127 {
			out = append(out, byte(len(s)))
		} else {
			out = binary.AppendUvarint(append(out, 127), uint64(len(s)-127))
		}
		out = append(out, s...)
	}
	for i := 0; i < len(b); i += 2 {
		out = append(out, 0)
		text(b[i])
		text(b[i+1])
	}
	return out
}

// http2Answer is what came back on a connection: for each stream the first byte of its
// header block, which tells the common statuses apart (RFC 7541 appendix A), and all content.
type http2Answer struct {
	statuses []byte
	content  bytes.Buffer
}

// successes are the representations of 200, 204, 206 and 304.
var successes = []byte{0x88, 0x89, 0x8a, 0x8b}

func (f *fort) dialTLS(t *testing.T, name string, protocols ...string) *tls.Conn {
	t.Helper()
	c, err := tls.Dial("tcp", f.node.HTTPSAddress(), &tls.Config{
		RootCAs: f.node.Certificate().Roots, ServerName: name, NextProtos: protocols, InsecureSkipVerify: true, //nolint:gosec // any name
	})
	if err != nil {
		t.Fatalf("tls to %q: %v", name, err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(edgetest.Patience))
	return c
}

// over2 sends frames and reads until as many streams have ended as were asked.
func (f *fort) over2(t *testing.T, streams int, frames []byte) *http2Answer {
	t.Helper()
	c := f.dialTLS(t, "any.test", "h2")
	defer c.Close()
	if _, err := c.Write(append(append([]byte(http2Preface), frame(frameSettings, 0, 0, nil)...), frames...)); err != nil {
		return new(http2Answer)
	}
	a, in := new(http2Answer), bufio.NewReader(c)
	for streams > 0 {
		var head [9]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			if strings.Contains(err.Error(), "timeout") {
				t.Errorf("no answer and no end: % x", frames)
			}
			return a
		}
		payload := make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
		if _, err := io.ReadFull(in, payload); err != nil {
			return a
		}
		switch head[3] {
		case frameHeaders:
			a.statuses = append(a.statuses, payload[0])
			if bytes.ContainsAny(payload[:1], "\x20\x3f\x3e") && len(payload) > 1 { // a change of the table's size comes first
				a.statuses[len(a.statuses)-1] = payload[1]
			}
		case frameData:
			a.content.Write(payload)
		case frameGoAway:
			if len(payload) >= 8 && binary.BigEndian.Uint32(payload[4:]) != 0 {
				return a
			}
		}
		if head[3] == frameReset || (head[3] == frameHeaders || head[3] == frameData) && head[4]&endStream != 0 {
			streams--
		}
	}
	return a
}

const http2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// http2 sends header blocks of every kind to the door of ect.
func (f *fort) http2(t *testing.T) (goods, bads int) {
	d := f.door("ect")
	host, token, path := d.hostOf("acme"), d.passes(wish{})[2].token, d.path
	ask := func(more ...string) block {
		return append(block{":method", "GET", ":scheme", "https", ":authority", host, ":path", path}, more...)
	}
	at := func(target string, more ...string) block {
		b := ask(more...)
		b[7] = target
		return b
	}
	good := at("/ect=" + token + path)
	for what, b := range map[string]block{
		"path": good, "query": at(path + "?ect=" + token), "cookie": ask("cookie", "ect="+token), "crumbs": ask("cookie", "a=b", "cookie", "ect="+token, "cookie", "c=d"),
		"host field": append(block{":method", "GET", ":scheme", "https", ":path", "/ect=" + token + path}, "host", host),
	} {
		a := f.over2(t, 1, frame(frameHeaders, endStream|endHeaders, 1, b.encode()))
		if len(a.statuses) != 1 || a.statuses[0] != 0x88 || strings.Count(a.content.String(), bypassMark) != 1 {
			t.Errorf("HTTP/2, legitimate, %s: % x with %d bytes", what, a.statuses, a.content.Len())
		}
		goods++
	}
	for what, frames := range http2Attacks(host, token, path, d.hostOf("bolt"), ask, at) {
		bads++
		a := f.over2(t, 1, frames)
		if len(a.statuses) > 0 && bytes.ContainsRune(successes, rune(a.statuses[0])) || strings.Contains(a.content.String(), bypassMark) {
			t.Errorf("HTTP/2, %s: % x with content %.100q", what, a.statuses, a.content.String())
		}
	}
	// Streams of one connection have nothing in common.
	bads += 2
	for _, order := range [][2]block{{good, ask()}, {ask(), good}} {
		a := f.over2(t, 2, append(frame(frameHeaders, endStream|endHeaders, 1, order[0].encode()), frame(frameHeaders, endStream|endHeaders, 3, order[1].encode())...))
		if n := bytes.Count(a.statuses, []byte{0x88}); n != 1 || strings.Count(a.content.String(), bypassMark) != 1 {
			t.Errorf("HTTP/2, a good and a bad stream: % x with the mark %d times", a.statuses, strings.Count(a.content.String(), bypassMark))
		}
	}
	return goods, bads
}

// http2Attacks are frames of one stream each.
func http2Attacks(host, token, path, other string, ask func(...string) block, at func(string, ...string) block) map[string][]byte {
	all := map[string][]byte{}
	whole := func(what string, b block) { all[what] = frame(frameHeaders, endStream|endHeaders, 1, b.encode()) }
	whole("without a token", ask())
	for _, target := range []string{
		"*", "", "x", path[1:], "//" + host + path, "http://" + host + path, "https://" + host + "/ect=" + token + "/.." + path, "/ect=" + token + "/../.." + path, "/x/ect=" + token + path, "/ECT=" + token + path, "/%65ct=" + token + path,
		"/ect=" + token + "/vod/%2e%2e/other.mp4", "/ect=" + token + "/vod/%252e%252e/other.mp4", "/ect=" + token + path + "%00", "/ect=" + token + path + "#x", path + "#?ect=" + token, path + "?ect=" + token + "&ect=" + token, path + "?ECT=" + token,
		path + " HTTP/1.1\r\nCookie: ect=" + token, path + "\r\nCookie: ect=" + token, path + "\x00", path + "\x7f", path + "?ect=" + token + " x", "/ect=" + token + path + "x", `\` + path, path + ";ect=" + token, "/ect=" + flip(token, len(token)-1) + path, "/ect=" + token + "//" + path[1:],
	} {
		whole("path "+strings.ReplaceAll(target, token, "…"), at(target))
	}
	for what, more := range map[string][]string{
		"x-original-url": {"x-original-url", "/ect=" + token + path}, "x-rewrite-url": {"x-rewrite-url", "/ect=" + token + path}, "x-forwarded-host": {"x-forwarded-host", bypassPublic}, "authorization": {"authorization", "Bearer " + token},
		"range": {"range", "bytes=0-0"}, "validator": {"if-none-match", bypassTag}, "date": {"if-modified-since", bypassDate}, "capital name": {"Cookie", "ect=" + token}, "name with a space": {"cookie ", "ect=" + token}, "name with a colon": {"cookie:", "ect=" + token},
		"line break in a value": {"x-a", "b\r\ncookie: ect=" + token}, "zero byte in a value": {"cookie", "a\x00; ect=" + token}, "connection": {"connection", "cookie", "cookie", "ect=" + token}, "transfer-encoding": {"transfer-encoding", "chunked", "cookie", "ect=" + token},
		"upgrade": {"upgrade", "h2c"}, "te": {"te", "gzip", "cookie", "ect=" + token}, "content-length": {"content-length", "5", "cookie", "ect=" + token}, "two lengths": {"content-length", "0", "content-length", "1", "cookie", "ect=" + token},
		"cookie in another case": {"cookie", "ECT=" + token}, "crumb cut": {"cookie", "ec", "cookie", "t=" + token}, "five cookies": {"cookie", strings.Repeat("ect=x; ", 4) + "ect=" + token}, "pseudo-field at the end": {"cookie", "ect=" + token, ":path", path},
		"second path": {":path", "/ect=" + token + path}, "second authority": {":authority", bypassPublic}, "unknown pseudo-field": {":token", token}, ":status": {":status", "200"}, "host disagrees": {"host", bypassPublic}, "two hosts": {"host", host, "host", bypassPublic},
		"expect": {"expect", "100-continue"},
	} {
		whole(what, ask(more...))
	}
	for what, b := range map[string]block{
		"other account": {":method", "GET", ":scheme", "https", ":authority", other, ":path", "/ect=" + token + path}, "no authority": {":method", "GET", ":scheme", "https", ":path", "/ect=" + token + path}, "no path": {":method", "GET", ":scheme", "https", ":authority", host},
		"no method": {":scheme", "https", ":authority", host, ":path", "/ect=" + token + path}, "no scheme": {":method", "GET", ":authority", host, ":path", "/ect=" + token + path}, "authority with a user": {":method", "GET", ":scheme", "https", ":authority", "x@" + host, ":path", "/ect=" + token + path},
		"authority with a path": {":method", "GET", ":scheme", "https", ":authority", host + "/ect=" + token, ":path", path}, "authority in capitals": {":method", "GET", ":scheme", "https", ":authority", strings.ToUpper(host), ":path", path},
		"authority unlike host": {":method", "GET", ":scheme", "https", ":authority", other, ":path", "/ect=" + token + path, "host", host}, "lower-case method": {":method", "get", ":scheme", "https", ":authority", host, ":path", "/ect=" + token + path}, "HEAD": {":method", "HEAD", ":scheme", "https", ":authority", host, ":path", path},
		"POST": {":method", "POST", ":scheme", "https", ":authority", host, ":path", "/ect=" + token + path}, "CONNECT": {":method", "CONNECT", ":authority", host}, "extended CONNECT": {":method", "CONNECT", ":protocol", "websocket", ":scheme", "https", ":authority", host, ":path", path},
		"fields before pseudo-fields": {"cookie", "ect=" + token, ":method", "GET", ":scheme", "https", ":authority", host, ":path", path}, "method with a target in it": {":method", "GET /ect=" + token + path + " HTTP/1.1", ":scheme", "https", ":authority", host, ":path", path},
		"scheme with a target in it": {":method", "GET", ":scheme", "https://" + host + "/ect=" + token, ":authority", host, ":path", path},
	} {
		whole(what, b)
	}
	b := ask().encode()
	all["continuation"] = append(frame(frameHeaders, endStream, 1, b[:20]), frame(frameContinuation, endHeaders, 1, b[20:])...)
	all["content"] = append(frame(frameHeaders, endHeaders, 1, at("/ect="+token+path).encode()), frame(frameData, endStream, 1, []byte("hello"))...)
	all["cookie in trailers"] = append(frame(frameHeaders, endHeaders, 1, ask().encode()), frame(frameHeaders, endStream|endHeaders, 1, block{"cookie", "ect=" + token}.encode())...)
	all["stream zero"] = frame(frameHeaders, endStream|endHeaders, 0, b)
	all["even stream"] = frame(frameHeaders, endStream|endHeaders, 2, at("/ect="+token+path).encode())
	all["index of nothing"] = frame(frameHeaders, endStream|endHeaders, 1, append(b, 0xff, 0x7f))
	return all
}

// tls plays the name of the handshake against that of the request.
func (f *fort) tls(t *testing.T) (goods, bads int) {
	d := f.door("ect")
	host, path, pass := d.hostOf("acme"), d.path, d.passes(wish{})[2]
	names := []string{host, bypassPublic, d.hostOf("bolt"), "any.test", strings.ToUpper(host), "edgeauth.acme.test"}
	for _, name := range names {
		for what, raw := range map[string]string{
			"no token": lines("GET "+path+" HTTP/1.1", "Host: "+host, lastClose), "other site": pass.on(d.hostOf("bolt"), "GET", path, lastClose), "absolute": lines("GET https://"+host+path+" HTTP/1.1", "Host: "+name, lastClose),
		} {
			c := f.dialTLS(t, name, "http/1.1")
			_, _ = io.WriteString(c, raw)
			got, err := io.ReadAll(c)
			if err != nil && len(got) == 0 {
				t.Errorf("TLS to %s, %s: %v", name, what, err)
			}
			(&attack{name: fmt.Sprintf("TLS to %s, %s", name, what), raw: raw}).judge(t, string(got))
			bads++
		}
		c := f.dialTLS(t, name, "http/1.1")
		_, _ = io.WriteString(c, pass.raw(d, http.MethodGet, path, lastClose))
		got, _ := io.ReadAll(c)
		(&attack{name: "TLS to " + name + " with a token", want: []string{"200"}, goods: 1}).judge(t, string(got))
		goods++
	}
	return goods, bads
}
