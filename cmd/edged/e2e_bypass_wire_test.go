package main

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"edged/auth"
)

// wire collects attacks on the way requests are read, at the door of ect.
type wire struct {
	door              *door
	host, token, good string // good is the target with the token in front
	list              []attack
}

func (f *fort) wireAttacks() []attack {
	d := f.door("ect")
	path := d.passes(wish{})[2]
	w := &wire{door: d, host: d.hostOf("acme"), token: path.token, good: path.target(d.path)}
	w.headers()
	w.cookies()
	w.hosts()
	w.targets()
	w.methods()
	w.framing()
	w.sequences()
	w.versions()
	w.queries()
	w.paths()
	w.claims(f)
	return w.list
}

func (w *wire) add(group, what, raw string, want ...string) {
	w.list = append(w.list, attack{name: group + ": " + what, raw: raw, want: want})
}

// get is a request that ends its connection.
func (w *wire) get(target string, fields ...string) string {
	return lines(append([]string{"GET " + target + " HTTP/1.1", "Host: " + w.host, lastClose}, fields...)...)
}

func lines(l ...string) string { return strings.Join(l, "\r\n") + "\r\n\r\n" }

// headers are fields that some server somewhere listens to.
func (w *wire) headers() {
	fields := []string{
		"Authorization: Bearer " + w.token, "Proxy-Authorization: Bearer " + w.token, "ect: " + w.token, "X-Token: " + w.token, "Token: " + w.token,
		"CTA-Common-Access-Token: " + w.token, "Referer: http://" + w.host + w.good, "Set-Cookie: ect=" + w.token, "Cookie2: ect=" + w.token, "X-Cookie: ect=" + w.token,
		"Cookie-Ect: " + w.token, "X-Forwarded-Host: " + bypassPublic, "X-Host: " + bypassPublic, "Forwarded: for=127.0.0.1;host=" + bypassPublic,
		"X-Forwarded-Server: " + bypassPublic, "X-Forwarded-Proto: https", "X-Forwarded-Port: 443", "X-Forwarded-Prefix: /public", "X-HTTP-Host-Override: " + bypassPublic,
		"X-HTTP-Method-Override: OPTIONS", "X-HTTP-Method: OPTIONS", "X-Method-Override: OPTIONS", "X-Accel-Redirect: " + w.door.path, "X-Sendfile: " + w.door.path,
		"X-Accel-Internal: yes", "X-Internal: true", "X-Authenticated: true", "X-Remote-User: admin", "X-Custom-IP-Authorization: 127.0.0.1", "Via: 1.1 edged",
		"Max-Forwards: 0", "Early-Data: 1", "Purpose: prefetch", "Sec-Purpose: prefetch", "Service-Worker: script", "Connection: Host", "Connection: Cookie", "Surrogate-Capability: edge=\"ESI/1.0\"",
		"Cache-Control: no-store", "Cache-Control: max-stale=99999", "Pragma: no-cache", "Pragma: akamai-x-get-true-cache-key", "Accept-Encoding: identity;q=0", "TE: trailers", "Want-Content-Digest: sha-256=1",
		"Origin: null", "Access-Control-Request-Method: GET", "X-Purge: 1", "Fastly-Debug: 1", "X-Cache-Debug: 1", "X-Varnish: 1", "If-None-Match: W/" + bypassTag, "If-Modified-Since: Thu, 01 Jan 2099 00:00:00 GMT",
	}
	for _, f := range fields {
		w.add("header", f, w.get(w.door.path, f))
	}
	for _, name := range []string{"X-Original-URL", "X-Rewrite-URL", "X-Override-URL", "X-Original-URI", "X-Forwarded-URI", "X-Forwarded-Path", "X-Proxy-URL", "Content-Location", "Destination"} {
		w.add("header", name+" with a good target", w.get(w.door.path, name+": "+w.good))
		// The open way round: a harmless target that the field would turn into another.
		w.add("header", name+" away from a missing one", w.get("/nothing", name+": "+w.good))
	}
	bound := w.mint(func(c *auth.Claims) { c.Addresses = []netip.Prefix{netip.MustParsePrefix("198.51.100.7/32")} })
	for _, name := range []string{"X-Forwarded-For", "X-Real-IP", "True-Client-IP", "CF-Connecting-IP", "X-Client-IP", "X-Cluster-Client-IP", "Client-IP", "Fastly-Client-IP", "X-Originating-IP", "X-Remote-IP", "X-Remote-Addr"} {
		w.add("header", "address of somebody else in "+name, w.get("/ect="+bound+w.door.path, name+": 198.51.100.7"))
	}
	w.add("header", "address of somebody else in Forwarded", w.get("/ect="+bound+w.door.path, "Forwarded: for=198.51.100.7"))
	w.add("header", "PROXY protocol", "PROXY TCP4 198.51.100.7 192.0.2.1 1 2\r\n"+w.get("/ect="+bound+w.door.path))
}

// mint makes an ect token for the door with claims of its own.
func (w *wire) mint(edit func(*auth.Claims)) string {
	c := auth.Claims{Expires: bypassNow().Add(time.Hour).Unix(), Scopes: []string{w.door.path}}
	edit(&c)
	k := w.door.options["acme"].Keys[0]
	return mustMint(auth.MintHMAC(k.ID, k.Secret, c))
}

func (w *wire) cookies() {
	bad := flip(w.token, len(w.token)/2)
	for _, c := range []string{
		"ect=", "ect", "ECT=" + w.token, "Ect=" + w.token, "ect =" + w.token, "ect= " + w.token, `ect="` + w.token + `"`, "xect=" + w.token, "ect.x=" + w.token,
		"ect[]=" + w.token, "a=ect=" + w.token, "a=b, ect=" + w.token, "a=b,ect=" + w.token, "ect%3D" + w.token, "%65ct=" + w.token, "ect=" + w.token + "%20", "ect=" + w.token + ",x",
		"ect=" + w.token + " x", "__Host-ect=" + w.token, "__Secure-ect=" + w.token, "$Version=1, ect=" + w.token, "ect=" + bad, "ect=" + bad + "; ect=" + bad,
		strings.Repeat("ect="+bad+"; ", 4) + "ect=" + w.token, "ect=\"\\145\"", "=ect=" + w.token, "ect:" + w.token, "ect\t" + w.token, "ect==" + w.token,
	} {
		w.add("cookie", c, w.get(w.door.path, "Cookie: "+c))
	}
	w.add("cookie", "zero byte", w.get(w.door.path, "Cookie: a\x00; ect="+bad))
	w.add("cookie", "space before the colon", w.get(w.door.path, "Cookie : ect="+w.token))
	w.add("cookie", "folded", w.get(w.door.path, "Cookie: a=b;\r\n ect="+w.token))
	w.add("cookie", "folded with a tab", w.get(w.door.path, "X: y\r\n\tCookie: ect="+w.token))
	good := "Cookie: ect=" + w.token
	for what, target := range map[string]string{
		"bad in path": "/ect=" + bad + w.door.path, "bad in query": w.door.path + "?ect=" + bad, "empty in query": w.door.path + "?ect=",
		"name alone in query": w.door.path + "?ect", "another case in query": w.door.path + "?ECT=x", "escaped in query": w.door.path + "?%65ct=x", "empty in path": "/ect=" + w.door.path,
	} {
		w.add("cookie", "good, but "+what, w.get(target, good))
	}
}

func (w *wire) hosts() {
	for _, h := range []string{
		strings.ToUpper(w.host), w.host + ".", w.host + ":80", w.host + ":", w.host + ":65535", w.host + "..", "." + w.host, "*", "*.test", "*." + w.host, w.host + ":99999", w.host + ":80:80", w.host + "/x",
		w.host + "#x", w.host + "?x", w.host + "@" + bypassPublic, bypassPublic + "@" + w.host, bypassPublic + " " + w.host, bypassPublic + "," + w.host, w.host + "%00", w.host + "\x00", w.host + "%2e",
		"[::1]", "127.0.0.1", "localhost", "", " ", "http://" + w.host, w.host + `\`, `"` + w.host + `"`, strings.Repeat("a", 300) + ".test", "xn--" + w.host, w.host + ":+80",
	} {
		w.add("host", fmt.Sprintf("%q", h), lines("GET "+w.door.path+" HTTP/1.1", "Host: "+h, lastClose))
	}
	// A good token for one site is none for any other, nor for one that needs none.
	w.add("host", "of the other account", lines("GET "+w.good+" HTTP/1.1", "Host: "+w.door.hostOf("bolt"), lastClose))
	w.add("host", "of another scheme", lines("GET "+w.good+" HTTP/1.1", "Host: edgeauth.acme.test", lastClose))
	w.add("host", "open site, protected path", lines("GET "+w.door.path+" HTTP/1.1", "Host: "+bypassPublic, lastClose), "200")
	w.add("host", "open authority, protected field", lines("GET http://"+bypassPublic+w.door.path+" HTTP/1.1", "Host: "+w.host, lastClose), "200")
	w.add("host", "protected authority, open field", lines("GET http://"+w.host+w.door.path+" HTTP/1.1", "Host: "+bypassPublic, lastClose))
	for what, request := range map[string]string{
		"none": lines("GET "+w.good+" HTTP/1.1", lastClose), "two": lines("GET "+w.good+" HTTP/1.1", "Host: "+w.host, "Host: "+w.host, lastClose),
		"two, open first": lines("GET "+w.door.path+" HTTP/1.1", "Host: "+bypassPublic, "Host: "+w.host, lastClose), "two, open last": lines("GET "+w.door.path+" HTTP/1.1", "Host: "+w.host, "Host: "+bypassPublic, lastClose),
		"folded": "GET " + w.door.path + " HTTP/1.1\r\nHost: " + bypassPublic + "\r\n " + w.host + "\r\n\r\n", "space before the colon": lines("GET "+w.door.path+" HTTP/1.1", "Host : "+bypassPublic, "Host: "+w.host, lastClose),
		"indented": "GET " + w.door.path + " HTTP/1.1\r\n Host: " + bypassPublic + "\r\nHost: " + w.host + "\r\n\r\n", "other name in two cases": lines("GET "+w.good+" HTTP/1.1", "Host: "+w.host, "hOST: "+bypassPublic, lastClose),
	} {
		w.add("host", what, request)
	}
}

// targets are the other forms of RFC 9112 §3.2, with and without a token.
func (w *wire) targets() {
	for _, t := range []string{
		"*", "http://" + w.host, "http://" + w.host + w.door.path, "https://" + w.host + w.door.path, "HTTP://" + strings.ToUpper(w.host) + w.door.path, "http://" + w.host + ":80" + w.door.path, "http://" + w.host + "." + w.door.path,
		"http://user@" + w.host + w.door.path, "http://" + w.host + ":80@" + bypassPublic + w.door.path, "http://" + bypassPublic + "#@" + w.host + w.door.path, "http://" + w.host + "%2f" + bypassPublic + w.door.path,
		"http://" + w.host + `\@` + bypassPublic + w.door.path, "http:/" + w.door.path, "http://" + w.door.path, "http:" + w.door.path, "//" + w.host + w.door.path, "///" + w.host + w.door.path, `/\` + w.host + w.door.path, w.host + w.door.path,
		w.host + ":80", "ftp://" + w.host + w.door.path, "file://" + w.door.path, "ect:" + w.door.path, "javascript:" + w.door.path, strings.TrimPrefix(w.door.path, "/"), "?" + w.door.path, "#" + w.door.path, w.door.path + "#", w.door.path + "#?ect=" + w.token,
		"http://" + w.host + w.door.path + "#x", "/..http://" + w.host + w.door.path, "http://" + w.host + "/../" + w.door.path, "http://" + w.host + "/%2e%2e" + w.door.path, w.door.path + "\x00", w.door.path + "\x7f", w.door.path + "\xc2\xa0", "\x00" + w.door.path,
		"/%" + w.door.path, "/%zz" + w.door.path, "/%0a" + w.door.path, w.door.path + "%", w.door.path + "%a", "%2f" + w.door.path[1:], "/" + strings.Repeat("a/", 9000), w.door.path + "?" + strings.Repeat("x", 70_000),
	} {
		w.add("target", fmt.Sprintf("%.60q", t), w.get(t))
	}
	for _, t := range []string{
		w.good + "#x", w.good + "\x00", "http://" + bypassPublic + ".evil" + w.good, "http://" + w.door.hostOf("bolt") + w.good, "*" + w.good, "http://" + w.host + "/x" + w.good, "//" + w.host + w.good, "http://user@" + w.host + w.good, "ftp://" + w.host + w.good,
	} {
		w.add("target", fmt.Sprintf("with a token %.20q", t), w.get(t))
	}
}

func (w *wire) methods() {
	for _, m := range []string{
		"HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "TRACK", "CONNECT", "PROPFIND", "PURGE", "BAN", "REFRESH", "COPY", "MOVE", "SEARCH", "QUERY", "DEBUG", "M-SEARCH", "GETS", "G", "get", "Get", "gET",
		"GET\x00", "G\tET", "GET,GET", "\"GET\"", "-", "PRI", "OPTIONSX", "SOURCE",
	} {
		w.add("method", fmt.Sprintf("%q", m), lines(m+" "+w.door.path+" HTTP/1.1", "Host: "+w.host, lastClose))
	}
	for _, m := range []string{"POST", "PUT", "DELETE", "TRACE", "PURGE", "CONNECT", "get", "PROPFIND"} { // not even with a token
		w.add("method", m+" with a token", lines(m+" "+w.good+" HTTP/1.1", "Host: "+w.host, lastClose))
	}
	onlyHead := w.mint(func(c *auth.Claims) { c.Methods = []string{"HEAD"} })
	w.add("method", "GET with a token for HEAD", w.get("/ect="+onlyHead+w.door.path))
	w.add("method", "GET said to be HEAD", w.get("/ect="+onlyHead+w.door.path, "X-HTTP-Method-Override: HEAD"))
	w.add("method", "OPTIONS", lines("OPTIONS "+w.door.path+" HTTP/1.1", "Host: "+w.host, "Range: bytes=0-9", lastClose), "204")
	w.add("method", "OPTIONS for nothing cached", lines("OPTIONS /vod/cold.mp4 HTTP/1.1", "Host: "+w.host, "Origin: https://page.example", "Access-Control-Request-Method: GET", lastClose), "204")
	w.add("method", "OPTIONS with a way out", lines("OPTIONS /vod/../x HTTP/1.1", "Host: "+w.host, "Access-Control-Request-Method: GET", lastClose), "204")
}

// framing hides a request in what another reader may take for content.
func (w *wire) framing() {
	hidden := lines("GET "+w.door.path+" HTTP/1.1", "Host: "+w.host, lastClose)
	for _, target := range []string{w.good, w.door.path} {
		what := map[bool]string{true: "good", false: "bad"}[target == w.good]
		head := "GET " + target + " HTTP/1.1\r\nHost: " + w.host + "\r\n"
		for _, framing := range []string{
			"Content-Length: 5\r\n\r\nhello", "Content-Length: 0\r\n\r\n", fmt.Sprintf("Content-Length: %d\r\n\r\n", len(hidden)), "Content-Length: 3, 3\r\n\r\nabc", "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
			"Content-Length: -1\r\n\r\n", "Content-Length: +3\r\n\r\nabc", "Content-Length: 0x3\r\n\r\nabc", "Content-Length: 1e1\r\n\r\nabc", "Content-Length: 99999999999999999999\r\n\r\n", "Content-Length:\r\n\r\n", "Content-Length : 3\r\n\r\nabc",
			"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "Transfer-Encoding: identity\r\n\r\n", "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
			"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n", "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", "Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n", "Transfer-Encoding\r\n : chunked\r\n\r\n0\r\n\r\n",
			"X: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", "tRANSFER-eNCODING: cHUNKED\r\n\r\n0\r\n\r\n", "Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
			"Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", " X: y\r\n\r\n", "X\r\n\r\n", ": y\r\n\r\n", "X y: z\r\n\r\n", "X: a\x00b\r\n\r\n", "X: a\rb\r\n\r\n", "X(: y\r\n\r\n",
		} {
			w.add("framing", fmt.Sprintf("%s, %q", what, framing), head+framing+hidden)
		}
	}
}

// sequences reuse one connection.
func (w *wire) sequences() {
	get := func(target string, fields ...string) string {
		return lines(append([]string{"GET " + target + " HTTP/1.1", "Host: " + w.host}, fields...)...)
	}
	end := w.get(w.door.path)
	cookie, query := "Cookie: ect="+w.token, w.door.path+"?ect="+w.token
	seq := func(what string, goods int, want, raw string) {
		w.list = append(w.list, attack{"sequence: " + what, raw, strings.Fields(want), goods})
	}
	seq("five bad ones", 0, "403 403 403 403 403", strings.Repeat(get(w.door.path), 4)+end)
	seq("cookie only in the first", 1, "200 403", get(w.door.path, cookie)+end)
	seq("query only in the first", 1, "200 403", get(query)+end)
	seq("path, then HEAD without", 1, "200 403", get(w.good)+lines("HEAD "+w.door.path+" HTTP/1.1", "Host: "+w.host, lastClose))
	seq("304, then without", 0, "304 403", get(w.good, "If-None-Match: "+bypassTag)+w.get(w.door.path, "If-None-Match: "+bypassTag))
	seq("range, then without", 1, "206 403", get(w.good, "Range: bytes=0-99")+w.get(w.door.path, "Range: bytes=0-99"))
	seq("416, then without", 0, "416 403", get(w.good, "Range: bytes=99999-")+w.get(w.door.path, "Range: bytes=99999-"))
	seq("OPTIONS, then GET", 0, "204 403", lines("OPTIONS "+w.good+" HTTP/1.1", "Host: "+w.host)+end)
	seq("open site, then protected", 0, "200 403", lines("GET / HTTP/1.1", "Host: "+bypassPublic)+end)
	seq("protected, then the other account's", 1, "200 403", get(w.good)+lines("GET "+w.good+" HTTP/1.1", "Host: "+w.door.hostOf("bolt"), lastClose))
	seq("405, then without", 0, "405 403", lines("DELETE "+w.good+" HTTP/1.1", "Host: "+w.host)+end)
	seq("421, then without", 0, "421 403", lines("GET "+w.good+" HTTP/1.1", "Host: nobody.test")+end)
	seq("good, bad, good, bad", 2, "200 403 200 403", get(w.good)+get(w.door.path)+get(query)+end)
	seq("bad target ends it", 0, "400", get("/%2e%2e"+w.good)+get(w.good)+end)
	seq("good, then half a request", 1, "200", get(w.good, lastClose)+"GET "+w.door.path+" HTT")
	seq("HTTP/1.2 is served as 1.1", 1, "200", strings.Replace(get(w.good, lastClose), "HTTP/1.1", "HTTP/1.2", 1))
	seq("nothing to expect, which closes", 1, "200", get(w.good, "Expect: 100-continue")+end)
	seq("close is honoured", 1, "200", get(w.good, lastClose)+end)
	seq("empty lines between", 1, "200 403", get(w.good)+"\r\n"+end)
	seq("keep-alive of HTTP/1.0", 1, "200 403", lines("GET "+w.good+" HTTP/1.0", "Host: "+w.host, "Connection: keep-alive")+end)
	seq("token of another file, then the file", 0, "403 403", get("/ect="+w.mint(func(c *auth.Claims) { c.Scopes = []string{"/vod/title/seg-9.mp4"} })+w.door.path)+end)
}

func (w *wire) versions() {
	host := "\r\nHost: " + w.host + "\r\n\r\n"
	for _, line := range []string{
		"GET " + w.door.path + " HTTP/1.0", "GET " + w.good + " HTTP/2.0", "GET " + w.door.path + " HTTP/1.2", "GET " + w.good + " HTTP/1.10", "GET " + w.good + " HTTP/0.9", "GET " + w.good + " HTTP/1", "GET " + w.good + " http/1.1",
		"GET " + w.good + " HTTPS/1.1", "GET " + w.good + " HTTP/1.1 x", "GET  " + w.good + "  HTTP/1.1", "GET\t" + w.good + "\tHTTP/1.1", " GET " + w.good + " HTTP/1.1", "GET " + w.good + " HTTP/1.1 ", "GET " + w.good, "GET", "", "\x00",
		"GET " + w.good + " x HTTP/1.1", "GET " + w.good + "\x0bHTTP/1.1",
	} {
		w.add("version", fmt.Sprintf("%q", strings.Replace(line, w.token, "…", 1)), line+host)
	}
	w.add("version", "HTTP/0.9", "GET "+w.door.path+"\r\n\r\n")
	w.add("version", "HTTP/1.0 without a host", "GET "+w.good+" HTTP/1.0\r\n\r\n")
	w.add("version", "HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
	upgrade := []string{"Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA"}
	w.add("version", "h2c upgrade", w.get(w.door.path, append(upgrade, "Connection: Upgrade, HTTP2-Settings")...))
	w.add("version", "h2c upgrade, then frames", w.get(w.door.path, append(upgrade, "Connection: Upgrade")...)+"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	w.add("version", "websocket", w.get(w.door.path, "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="))
	w.add("version", "TLS on the plain port", "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00\r\n\r\n")
	w.add("version", "bare line feeds", strings.ReplaceAll(w.get(w.door.path), "\r\n", "\n"))
	w.add("version", "bare carriage returns", strings.ReplaceAll(w.get(w.door.path), "\r\n", "\r")+"\r\n\r\n")
}

func (w *wire) queries() {
	for _, q := range []string{
		"ect=" + w.token + ";ect=" + w.token, "ect=" + w.token + "?x", "ect=" + w.token + "%26x=1", "ect=" + w.token + "+", "ect=+" + w.token, "ect=%20" + w.token, "+ect=" + w.token, "%20ect=" + w.token, "ect%20=" + w.token,
		"ect%00=" + w.token, "ect%3d" + w.token, "ect[0]=" + w.token, "ect.=" + w.token, "?ect=" + w.token, "x=?ect=" + w.token, "x;ect=" + w.token, ";ect=" + w.token, "x=1%26ect=" + w.token, "a[ect]=" + w.token, "EcT=" + w.token, "%45ct=" + w.token,
		"e%63t=" + w.token, "ec%74=" + w.token, "%65%63%74=" + w.token, "ect=" + w.token + "&ECT=", "ect=" + w.token + "&%65ct=", "ect=" + w.token + "&ect", "ect&ect=" + w.token, "ect=&ect=" + w.token, "ect=x&ect=" + w.token, "ect=%" + w.token, "ect=" + w.token + "%",
		"ect==" + w.token, "ect=" + strings.ReplaceAll(w.token, ".", "%2e"), "ect=" + strings.ReplaceAll(w.token, ".", "%2E"), "token=" + w.token, "t=" + w.token, "\x65ct" + w.token,
	} {
		w.add("query", strings.ReplaceAll(q, w.token, "…"), w.get(w.door.path+"?"+q))
	}
}

func (w *wire) paths() {
	p := w.door.path
	for _, t := range []string{
		"/x/ect=T" + p, "/ect=T/ect=T" + p, "/ect=T/ect=" + p, "/ect=" + p, "/ECT=T" + p, "/Ect=T" + p, "/ect%3DT" + p, "/%65ct=T" + p, "/ect=T%2F" + p[1:], "/ect=T;x" + p, "/ect=T;" + p, "/;/ect=T" + p, "/./ect=T" + p, "/x/../ect=T" + p,
		"/ect=T/.." + p, "/ect=T/." + p, "/ect=T//" + p[1:], "//ect=T" + p, `/ect=T\` + p[1:], "/ect=T%00" + p, "/ect=T%20" + p, "/ect=T%0a" + p, "/ect=T," + p, "/ect==T" + p, "/ect:T" + p, "/ect/T" + p, "/ect=T.x" + p, p + "/ect=T", p + ";ect=T",
		"/vod/ect=T/title/seg-1.mp4", "/ect=T&x=1" + p, "/ect=T?" + p[1:], "/ect=T", "/ect=T/", "/ect=T%3F" + p, "/ect=%2E" + p, "/ect=T/ect=T/ect=T/ect=T/ect=T" + p, "/%2fect=T" + p, "/ect=T..;" + p,
	} {
		w.add("path", t, w.get(strings.ReplaceAll(t, "T", w.token)))
	}
	w.add("path", "and query", w.get(w.good+"?ect="+w.token))
	w.add("path", "and an empty query token", w.get(w.good+"?ect="))
	w.add("path", "and another case in the query", w.get(w.good+"?ECT="+w.token))
}

// claims are tokens signed with the right key that must not open the door, and such
// as are right but for one thing of their form.
func (w *wire) claims(f *fort) {
	end := bypassNow().Add(time.Hour).Unix()
	right := fmt.Sprintf("exp=%d\np=%s\n", end, w.door.path)
	k := w.door.options["acme"].Keys[0]
	send := func(what, token string) { w.add("claims", what, w.get("/ect="+token+w.door.path)) }
	seal := func(head string) string {
		h := hmac.New(sha256.New, k.Secret)
		h.Write([]byte(head))
		return head + "." + base64.RawURLEncoding.EncodeToString(h.Sum(nil))
	}
	sign := func(payload string) string {
		return seal("h1." + k.ID + "." + base64.RawURLEncoding.EncodeToString([]byte(payload)))
	}
	payloads := map[string]string{
		"empty": "", "no end": "p=" + w.door.path + "\n", "no scope": fmt.Sprintf("exp=%d\n", end), "two ends": fmt.Sprintf("exp=%d\n", end) + right, "unknown claim": right + "admin=1\n", "no newline at the end": strings.TrimSuffix(right, "\n"),
		"carriage returns": strings.ReplaceAll(right, "\n", "\r\n"), "zero byte": right + "x-a=\x00\n", "empty line": right + "\n", "line without a value": right + "sid\n", "end of eleven digits": strings.Replace(right, "exp=", "exp=1", 1),
		"end in milliseconds": fmt.Sprintf("exp=%d000\np=%s\n", end, w.door.path), "negative end": fmt.Sprintf("exp=-%d\np=%s\n", end, w.door.path), "end of zero": "exp=0\np=/\n", "end in words": "exp=never\np=/\n", "end with a sign": fmt.Sprintf("exp=+%d\np=/\n", end),
		"end as a fraction": fmt.Sprintf("exp=%d.5\np=/\n", end), "end with a space": fmt.Sprintf("exp= %d\np=/\n", end), "name in another case": fmt.Sprintf("EXP=%d\np=/\n", end), "scope without a slash": fmt.Sprintf("exp=%d\np=vod/\n", end),
		"scope of another": fmt.Sprintf("exp=%d\np=/vod/other/\n", end), "scope that begins alike": fmt.Sprintf("exp=%d\np=/vod/tit\n", end), "scope without its slash": fmt.Sprintf("exp=%d\np=/vod/title\n", end), "wildcard": fmt.Sprintf("exp=%d\np=/vod/*\n", end),
		"scope with dots": fmt.Sprintf("exp=%d\np=/vod/x/../\n", end), "escaped scope": fmt.Sprintf("exp=%d\np=/vod%%2Ftitle/\n", end), "empty scope": fmt.Sprintf("exp=%d\np=\n", end), "five scopes": right + "p=/a\np=/b\np=/c\np=/d\n",
		"another address": right + "ip=198.51.100.0/24\n", "no address at all": right + "ip=\n", "bad address": right + "ip=127.0.0.1/33\n", "another country": right + "geo=NL\n", "two methods claims": right + "m=GET\nm=HEAD\n",
		"not yet": right + fmt.Sprintf("nbf=%d\n", end), "two sessions": right + "sid=a\nsid=b\n", "bad rate": right + "lim=-1\n", "duplicate in another case": right + "Exp=1\n",
	}
	for what, payload := range payloads {
		send(what, sign(payload))
	}
	parts := strings.Split(w.token, ".")
	join := func(p ...string) string { return strings.Join(p, ".") }
	for what, token := range map[string]string{
		"version of the other algorithm": seal(join("d1", k.ID, parts[2])), "unknown version": seal(join("h2", k.ID, parts[2])), "no version": seal(join("", k.ID, parts[2])), "version none": join("none", k.ID, parts[2], ""), "no signature": join("h1", k.ID, parts[2], ""),
		"three parts": join("h1", k.ID, parts[2]), "six parts": w.token + ".x.y", "unknown kid": seal(join("h1", "nobody", parts[2])), "no kid": seal(join("h1", "", parts[2])), "kid in another case": seal(join("h1", strings.ToUpper(k.ID), parts[2])),
		"kid that is a path": seal(join("h1", "..%2f", parts[2])), "payload padded": seal(join("h1", k.ID, parts[2]+"=")), "payload with a stray bit": seal(join("h1", k.ID, strayBit(parts[2]))), "signature with a stray bit": join(parts[0], parts[1], parts[2], strayBit(parts[3])),
		"signature padded": w.token + "=", "signature cut": w.token[:len(w.token)-8], "signature twice": w.token + parts[3], "signature in hexadecimal": join(parts[0], parts[1], parts[2], fmt.Sprintf("%x", mustMint(base64.RawURLEncoding.DecodeString(parts[3])))),
		"standard alphabet": strings.NewReplacer("-", "+", "_", "%2F").Replace(w.token) + "+", "over 2 KiB": sign(right + "x-a=" + strings.Repeat("a", 2000) + "\n"), "over 16 KiB": sign(right + "x-a=" + strings.Repeat("a", 16000) + "\n"),
		"other account's key": w.door.passes(wish{account: "bolt"})[2].token,
	} {
		send(what, token)
	}
	// The public half of an Ed25519 key is no secret of HMAC.
	signer := f.door("ect-ed25519")
	public := signer.key["acme"].private.Public().(ed25519.PublicKey)
	head := "h1.acme-ect-ed25519." + base64.RawURLEncoding.EncodeToString([]byte(right))
	h := hmac.New(sha256.New, public)
	h.Write([]byte(head))
	w.add("claims", "public key as a secret", strings.Replace(w.get("/ect="+head+"."+base64.RawURLEncoding.EncodeToString(h.Sum(nil))+w.door.path), w.host, signer.hostOf("acme"), 1))
}

// strayBit sets a bit behind the last whole byte of base64 without padding.
func strayBit(text string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, text[len(text)-1])
	return text[:len(text)-1] + string(alphabet[last^1])
}
