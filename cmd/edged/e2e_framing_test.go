package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"edged/internal/edgetest"
)

func TestE2EFraming(t *testing.T) {
	s := newSuite(t)
	s.video("/ok.m4s", 5000)
	want(t, s.fetch(t, "/ok.m4s"), 200, nil)
	t.Run("requests", func(t *testing.T) { t.Parallel(); s.oddRequests(t) })
	t.Run("content", func(t *testing.T) { t.Parallel(); s.oddContent(t) })
	t.Run("connections", func(t *testing.T) { t.Parallel(); s.oddConnections(t) })
	t.Run("in pieces", func(t *testing.T) { t.Parallel(); s.inPieces(t) })
	t.Run("early close", func(t *testing.T) { t.Parallel(); s.earlyClose(t) })
	t.Run("origins", func(t *testing.T) { t.Parallel(); s.oddAnswers(t) })
	t.Run("origins that are to be refused", func(t *testing.T) { t.Parallel(); s.brokenAnswers(t) })
}

// oddRequests: one raw request each, with its answer. Behind it comes a second one,
// which must be answered if and only if the first leaves the connection open.
func (s *suite) oddRequests(t *testing.T) {
	const line, host = "GET /ok.m4s HTTP/1.1\r\n", "Host: " + openHost + "\r\n"
	for _, c := range []struct {
		name, request string
		status        int
		open          bool // the connection goes on
	}{
		// What is odd but allowed.
		{"empty line first", "\r\n" + line + host + "\r\n", 200, true}, // RFC 9112 §2.2
		{"space around values", line + "Host: \t " + openHost + " \t \r\nRange:bytes=0-\r\n\r\n", 206, true},
		{"empty value", line + host + "X-Empty:\r\n\r\n", 200, true},
		{"obs-text", line + host + "X-Text: caf\xc3\xa9\xff\r\n\r\n", 200, true}, // RFC 9110 §5.5
		{"tab inside a value", line + host + "X-Tab: a\tb\r\n\r\n", 200, true},
		{"odd field names", line + host + "x!#$%&'*+-.^_`|~9: 1\r\n\r\n", 200, true},
		{"close among options", line + host + "Connection: foo, Close\r\n\r\n", 200, false}, // RFC 9110 §7.6.1, RFC 9112 §9.6
		{"close on another line", line + host + "Connection: foo\r\nConnection: close\r\n\r\n", 200, false},
		{"keep-alive", line + host + "Connection: keep-alive\r\n\r\n", 200, true},
		{"Upgrade is not taken", line + host + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n", 200, true},
		{"TE", line + host + "Connection: TE\r\nTE: trailers, gzip\r\n\r\n", 200, true},
		{"higher minor version", "GET /ok.m4s HTTP/1.9\r\n" + host + "\r\n", 200, false},     // RFC 9110 §2.5
		{"Expect without content", line + host + "Expect: 100-continue\r\n\r\n", 200, false}, // RFC 9110 §10.1.1
		{"Expect of HTTP/1.0", "GET /ok.m4s HTTP/1.0\r\n" + host + "Expect: 100-continue\r\nConnection: keep-alive\r\n\r\n", 200, false},
		{"absolute-form", "GET http://" + openHost + "/ok.m4s HTTP/1.1\r\nHost: else.test\r\n\r\n", 200, true},
		{"absolute-form, port", "GET http://" + openHost + ":80/ok.m4s HTTP/1.1\r\n" + host + "\r\n", 200, true},
		{"asterisk", "OPTIONS * HTTP/1.1\r\n" + host + "\r\n", 204, true}, // RFC 9112 §3.2.4
		{"100 fields", line + host + strings.Repeat("X-Many: 1\r\n", 100) + "\r\n", 200, true},

		// What is refused, and ends the connection.
		{"framing, but no content", line + host + "Content-Length: 0\r\n\r\n", 400, false}, // our choice: no client does that
		{"bare LF", "GET /ok.m4s HTTP/1.1\nHost: " + openHost + "\n\n", 400, false},
		{"bare LF in the header", line + host + "X: 1\n\r\n", 400, false},
		{"bare CR in a value", line + host + "X: a\rb\r\n\r\n", 400, false}, // RFC 9112 §2.2
		{"bare CR ends a line", line + host + "X: a\rContent-Length: 3\r\n\r\n", 400, false},
		{"NUL in a value", line + host + "X: a\x00b\r\n\r\n", 400, false},
		{"NUL in a name", line + host + "X\x00: a\r\n\r\n", 400, false},
		{"DEL in a value", line + host + "X: a\x7fb\r\n\r\n", 400, false},
		{"control in a value", line + host + "X: a\x01b\r\n\r\n", 400, false},
		{"NUL in the target", "GET /ok\x00.m4s HTTP/1.1\r\n" + host + "\r\n", 400, false},
		{"space before the colon", line + host + "X : a\r\n\r\n", 400, false}, // RFC 9112 §5.1
		{"space before the first field", line + " " + host + "\r\n", 400, false},
		{"folded", line + host + "X: a\r\n b\r\n\r\n", 400, false},
		{"folded by a tab", line + host + "X: a\r\n\tb\r\n\r\n", 400, false},
		{"folded Host", line + "Host:\r\n " + openHost + "\r\n\r\n", 400, false},
		{"no name", line + host + ": a\r\n\r\n", 400, false},
		{"no colon", line + host + "X\r\n\r\n", 400, false},
		{"name with a slash", line + host + "a/b: c\r\n\r\n", 400, false},
		{"name beyond ASCII", line + host + "caf\xc3\xa9: c\r\n\r\n", 400, false},
		{"two spaces", "GET  /ok.m4s HTTP/1.1\r\n" + host + "\r\n", 400, false},
		{"tabs in the line", "GET\t/ok.m4s\tHTTP/1.1\r\n" + host + "\r\n", 400, false},
		{"space at the end", "GET /ok.m4s HTTP/1.1 \r\n" + host + "\r\n", 400, false},
		{"space first", " GET /ok.m4s HTTP/1.1\r\n" + host + "\r\n", 400, false},
		{"space in the target", "GET /ok.m4s /x HTTP/1.1\r\n" + host + "\r\n", 400, false},
		{"HTTP/0.9", "GET /ok.m4s\r\n", 400, false},
		{"HTTP/0.9 with a header", "GET /ok.m4s\r\n" + host + "\r\n", 400, false},
		{"HTTP/2.0", "GET /ok.m4s HTTP/2.0\r\n" + host + "\r\n", 505, false}, // RFC 9110 §15.6.6
		{"HTTP/3", "GET /ok.m4s HTTP/3\r\n" + host + "\r\n", 400, false},
		{"HTTP/1", "GET /ok.m4s HTTP/1\r\n" + host + "\r\n", 400, false},
		{"HTTP/1.10", "GET /ok.m4s HTTP/1.10\r\n" + host + "\r\n", 400, false},
		{"http/1.1", "GET /ok.m4s http/1.1\r\n" + host + "\r\n", 400, false},
		{"preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, false}, // RFC 9113 §3.4
		{"TLS", "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\r\n\r\n", 400, false},
		{"no Host", line + "\r\n", 400, false}, // RFC 9112 §3.2
		{"no Host with absolute-form", "GET http://" + openHost + "/ok.m4s HTTP/1.1\r\n\r\n", 400, false},
		{"empty Host with absolute-form", "GET http://" + openHost + "/ok.m4s HTTP/1.1\r\nHost:\r\n\r\n", 400, false},
		{"two Hosts", line + host + host + "\r\n", 400, false},
		{"two Hosts with absolute-form", "GET http://" + openHost + "/ok.m4s HTTP/1.1\r\n" + host + host + "\r\n", 400, false},
		{"Host with a list", line + "Host: " + openHost + ", " + openHost + "\r\n\r\n", 400, false},
		{"Host with a bad port", line + "Host: " + openHost + ":80x\r\n\r\n", 400, false},
		{"Host with a slash", line + "Host: " + openHost + "/a\r\n\r\n", 400, false},
		{"bad Host with absolute-form", "GET http://" + openHost + "/ok.m4s HTTP/1.1\r\nHost: a b\r\n\r\n", 400, false},
		{"absolute-form with a user", "GET http://me@" + openHost + "/ok.m4s HTTP/1.1\r\n" + host + "\r\n", 400, false},
		{"asterisk for GET", "GET * HTTP/1.1\r\n" + host + "\r\n", 400, false},
		{"authority-form", "GET " + openHost + ":80 HTTP/1.1\r\n" + host + "\r\n", 400, false},
		{"CONNECT", "CONNECT " + openHost + ":80 HTTP/1.1\r\n" + host + "\r\n", 400, false},
		{"200 fields", line + host + strings.Repeat("X-Many: 1\r\n", 200) + "\r\n", 431, false},
		{"a long field", line + host + "X: " + strings.Repeat("x", 70<<10) + "\r\n\r\n", 431, false},
		{"a long name", line + host + strings.Repeat("x", 70<<10) + ": 1\r\n\r\n", 431, false},
		{"a long target", "GET /" + strings.Repeat("x", 70<<10) + " HTTP/1.1\r\n" + host + "\r\n", 414, false}, // RFC 9112 §3
		{"other expectation", line + host + "Expect: tea\r\n\r\n", 417, false},
		{"two expectations", line + host + "Expect: 100-continue, tea\r\n\r\n", 417, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := s.node.Dial()
			conn.SendExact(c.request + "GET /next.m4s HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n")
			got := conn.Receive("GET")
			if got.StatusCode != c.status || got.Err != nil {
				t.Errorf("status %d, want %d; %v", got.StatusCode, c.status, got.Err)
			}
			if got.Close == c.open {
				t.Errorf("the answer says that the connection goes on: %v, want %v", !got.Close, c.open)
			}
			rest := conn.ReadAll()
			if answered := strings.HasPrefix(rest, "HTTP/1.1 404 "); answered != c.open || !answered && rest != "" {
				t.Errorf("after it came %.60q", rest)
			}
		})
	}
}

// oddContent: requests with content, where a site lets their method through. What
// follows on the connection is never taken for a request of its own unless the framing
// was beyond doubt.
func (s *suite) oddContent(t *testing.T) {
	const smuggled = "GET /smuggled-content.m4s HTTP/1.1\r\nHost: " + openHost + "\r\n\r\n"
	s.origin.Handle("/upload", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err == nil {
			w.Header().Set("X-Content", fmt.Sprintf("%q", b))
		}
		w.WriteHeader(201)
	}))
	for _, c := range []struct {
		name, host, rest string
		status           int
		content          string // what the origin got, when it was asked
	}{
		{"length", forwardHost, "Content-Length: 5\r\n\r\nhello", 201, "hello"},
		{"length 0", forwardHost, "Content-Length: 0\r\n\r\n", 201, ""},
		{"chunked", forwardHost, "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 201, "hello"},
		{"Chunked", forwardHost, "Transfer-Encoding: Chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", 201, "hello"},
		{"chunk extensions", forwardHost, "Transfer-Encoding: chunked\r\n\r\n5;a=b;c=\"d\"\r\nhello\r\n0;x\r\n\r\n", 201, "hello"},
		{"leading zeros", forwardHost, "Transfer-Encoding: chunked\r\n\r\n0005\r\nhello\r\n000\r\n\r\n", 201, "hello"},
		{"upper hex", forwardHost, "Transfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n", 201, "0123456789"},
		{"trailers", forwardHost, "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Trailer: 1\r\n\r\n", 201, "hello"},
		{"expectation", forwardHost, "Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello", 417, ""},

		{"both", forwardHost, "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, ""},
		{"both, the other way", forwardHost, "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n", 400, ""},
		{"two lengths", forwardHost, "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", 400, ""},
		{"two equal lengths", forwardHost, "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400, ""},
		{"list of lengths", forwardHost, "Content-Length: 5, 5\r\n\r\nhello", 400, ""},
		{"signed length", forwardHost, "Content-Length: +5\r\n\r\nhello", 400, ""},
		{"negative length", forwardHost, "Content-Length: -5\r\n\r\nhello", 400, ""},
		{"length in hex", forwardHost, "Content-Length: 0x5\r\n\r\nhello", 400, ""},
		{"length with a space", forwardHost, "Content-Length: 5 0\r\n\r\nhello", 400, ""},
		{"length that is empty", forwardHost, "Content-Length:\r\n\r\nhello", 400, ""},
		{"length beyond int64", forwardHost, "Content-Length: 18446744073709551621\r\n\r\nhello", 400, ""},
		{"quoted length", forwardHost, "Content-Length: \"5\"\r\n\r\nhello", 400, ""},
		{"space before the colon", forwardHost, "Content-Length : 5\r\n\r\nhello", 400, ""},
		{"unknown coding", forwardHost, "Transfer-Encoding: gzip\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 400, ""},
		{"coding before chunked", forwardHost, "Transfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 400, ""},
		{"chunked twice", forwardHost, "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400, ""},
		{"chunked on two lines", forwardHost, "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, ""},
		{"chunked not last", forwardHost, "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400, ""},
		{"identity", forwardHost, "Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello", 400, ""},
		{"xchunked", forwardHost, "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400, ""},
		{"vertical tab", forwardHost, "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400, ""},
		{"empty coding", forwardHost, "Transfer-Encoding:\r\n\r\n0\r\n\r\n", 400, ""},
		{"quoted coding", forwardHost, "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", 400, ""},
		{"chunk size signed", forwardHost, "Transfer-Encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n", 400, ""},
		{"chunk size with 0x", forwardHost, "Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n", 400, ""},
		{"chunk size too large", forwardHost, "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff5\r\nhello\r\n0\r\n\r\n", 400, ""},
		{"chunk without its end", forwardHost, "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloX0\r\n\r\n", 400, ""},
		{"chunk size ends in LF", forwardHost, "Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n", 400, ""},
		{"chunk ends in LF", forwardHost, "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\n0\r\n\r\n", 400, ""},
		{"LF in an extension", forwardHost, "Transfer-Encoding: chunked\r\n\r\n5;a\nb\r\nhello\r\n0\r\n\r\n", 400, ""},
		{"chunked in HTTP/1.0", forwardHost, "HTTP/1.0", 400, ""},

		{"of a method that is not let through", openHost, "Content-Length: 5\r\n\r\nhello", 400, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			request := "POST /upload HTTP/1.1\r\nHost: " + c.host + "\r\n" + c.rest
			if c.rest == "HTTP/1.0" { // RFC 9112 §6.1
				request = "POST /upload HTTP/1.0\r\nHost: " + c.host + "\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
			}
			conn := s.node.Dial()
			conn.SendExact(request + smuggled)
			got := conn.Receive("POST")
			if got.StatusCode != c.status && (c.status != 400 || got.StatusCode != 408 && got.StatusCode != 501) {
				t.Errorf("status %d, want %d", got.StatusCode, c.status)
			}
			if c.status == 201 && got.Header.Get("X-Content") != fmt.Sprintf("%q", c.content) {
				t.Errorf("the origin got %s, want %q", got.Header.Get("X-Content"), c.content)
			}
			if c.status != 201 && got.Header.Get("X-Content") != "" {
				t.Errorf("the origin was asked and got %s", got.Header.Get("X-Content"))
			}
			if rest := conn.ReadAll(); rest != "" {
				t.Errorf("after it came %.60q", rest)
			}
		})
	}
	s.wantFetches(t, "/smuggled-content.m4s", 0)
}

// oddConnections: how connections end, and that answers stay in step.
func (s *suite) oddConnections(t *testing.T) {
	const host = "\nHost: " + openHost + "\n"
	t.Run("HTTP/1.0", func(t *testing.T) {
		for fields, closes := range map[string]bool{"": true, "Connection: keep-alive\n": false, "Connection: Keep-Alive, foo\n": false, "Connection: close\n": true, "Connection: keep-alive, close\n": true} {
			c := s.node.Dial()
			c.Send("GET /ok.m4s HTTP/1.0" + host + fields + "\n" + "GET /ok.m4s HTTP/1.0" + host + "\n")
			for range map[bool]int{true: 1, false: 2}[closes] {
				if got := c.Receive("GET"); got.StatusCode != 200 || len(got.Bytes) != 5000 {
					t.Errorf("%q: status %d with %d bytes", fields, got.StatusCode, len(got.Bytes))
				}
			}
			if rest := c.ReadAll(); rest != "" {
				t.Errorf("%q: after it came %.60q", fields, rest)
			}
		}
	})
	t.Run("pipelined", func(t *testing.T) {
		c := s.node.Dial()
		var all strings.Builder
		for i := range 60 {
			method := []string{"GET", "HEAD", "OPTIONS", "DELETE"}[i%4]
			fmt.Fprintf(&all, "%s /ok.m4s HTTP/1.1%sRange: bytes=%d-%d\n\n", method, host, i, i+9)
		}
		c.Send(all.String())
		for i := range 60 {
			method := []string{"GET", "HEAD", "OPTIONS", "DELETE"}[i%4]
			got := c.Receive(method)
			if status := []int{206, 200, 204, 405}[i%4]; got.StatusCode != status || got.Err != nil {
				t.Fatalf("answer %d: status %d, want %d; %v", i, got.StatusCode, status, got.Err)
			}
			if i%4 == 0 {
				wantField(t, got, "Content-Range", fmt.Sprintf("bytes %d-%d/5000", i, i+9))
			}
		}
	})
	t.Run("a miss holds the next one up", func(t *testing.T) {
		gate, body := edgetest.NewGate(t), edgetest.Pattern("slow", 3000)
		s.origin.Handle("/slow-first.m4s", edgetest.After(gate, edgetest.Serve(body, videoFields()...)))
		c := s.node.Dial()
		c.Send("GET /slow-first.m4s HTTP/1.1" + host + "\n" + "GET /ok.m4s HTTP/1.1" + host + "\n")
		edgetest.Eventually(t, "the origin is asked", func() bool { return s.origin.Count("/slow-first.m4s") > 0 })
		gate.Open()
		if got := c.Receive("GET"); string(got.Bytes) != string(body) {
			t.Errorf("the first answer has %d bytes", len(got.Bytes))
		}
		if got := c.Receive("GET"); len(got.Bytes) != 5000 {
			t.Errorf("the second answer has %d bytes", len(got.Bytes))
		}
	})
	t.Run("half closed", func(t *testing.T) { // what was asked before is answered
		c := s.node.Dial()
		c.Send("GET /ok.m4s HTTP/1.1" + host + "Connection: close\n\n")
		if got := c.Receive("GET"); got.StatusCode != 200 || len(got.Bytes) != 5000 {
			t.Errorf("status %d, %d bytes", got.StatusCode, len(got.Bytes))
		}
	})
}

// inPieces: how bytes are cut into packets means nothing.
func (s *suite) inPieces(t *testing.T) {
	request := "\r\nGET /ok.m4s?x=" + strings.Repeat("y", 50) + " HTTP/1.1\r\nHost: " + openHost + "\r\nRange: bytes=5-9\r\nX: " + strings.Repeat("z", 40) + "\r\n\r\n"
	for _, step := range []int{1, 2, 7} {
		c := s.node.Dial()
		for range 2 {
			for i := 0; i < len(request); i += step {
				c.SendExact(request[i:min(len(request), i+step)])
			}
			if got := c.Receive("GET"); got.StatusCode != 206 || len(got.Bytes) != 5 {
				t.Errorf("in pieces of %d: status %d, %d bytes", step, got.StatusCode, len(got.Bytes))
			}
		}
	}
	request = "POST /upload-pieces HTTP/1.1\r\nHost: " + forwardHost + "\r\nTransfer-Encoding: chunked\r\n\r\n5;ext=1\r\nhello\r\n1\r\n!\r\n0\r\n\r\n"
	s.origin.Handle("/upload-pieces", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }))
	c := s.node.Dial()
	for i := range request {
		c.SendExact(request[i : i+1])
	}
	if got := c.Receive("POST"); got.StatusCode != 200 || string(got.Bytes) != "hello!" {
		t.Errorf("an upload byte by byte: status %d, %q", got.StatusCode, got.Bytes)
	}
}

// earlyClose: clients that leave in the middle of whatever cost nobody else anything.
func (s *suite) earlyClose(t *testing.T) {
	request := "GET /early-close.m4s HTTP/1.1\r\nHost: " + openHost + "\r\nRange: bytes=0-\r\n\r\n"
	body := s.video("/early-close.m4s", 2<<20)
	for i := 0; i < len(request); i += 9 {
		c := s.node.Dial()
		c.SendExact(request[:i])
		c.Close()
	}
	for range 10 {
		c := s.node.Dial()
		c.SendExact(request)
		if _, err := c.ReadByte(); err != nil {
			t.Error(err)
		}
		c.Close()
	}
	for _, p := range protocols() {
		want(t, s.ask(t, p, "GET", openHost, "/early-close.m4s"), 200, body)
	}
}

// oddAnswers: what an origin may send although few do, and what viewers get of it.
func (s *suite) oddAnswers(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\n"
	for _, c := range []struct {
		name, answer string
		status       int
		body         string
	}{
		{"no reason", "HTTP/1.1 200 \r\nCache-Control: max-age=60\r\nContent-Length: 2\r\n\r\nhi", 200, "hi"},
		{"no space either", "HTTP/1.1 200\r\nCache-Control: max-age=60\r\nContent-Length: 2\r\n\r\nhi", 200, "hi"},
		{"HTTP/1.0, until the end", "HTTP/1.0 200 OK\r\nCache-Control: max-age=60\r\n\r\nhi", 200, "hi"},
		{"HTTP/1.1, until the end", ok + "\r\nhi", 200, "hi"},
		{"bare LF", "HTTP/1.1 200 OK\nCache-Control: max-age=60\nContent-Length: 2\n\nhi", 200, "hi"},
		{"100 before", "HTTP/1.1 100 Continue\r\n\r\n" + ok + "Content-Length: 2\r\n\r\nhi", 200, "hi"},
		{"102 and 103 before", "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + ok + "Content-Length: 2\r\n\r\nhi", 200, "hi"},
		{"unknown 1xx before", "HTTP/1.1 199 Odd\r\nX-A: 1\r\n\r\n" + ok + "Content-Length: 2\r\n\r\nhi", 200, "hi"},
		{"chunk extensions", ok + "Transfer-Encoding: chunked\r\n\r\n2;a=\"b;c\"\r\nhi\r\n0\r\n\r\n", 200, "hi"},
		{"trailers", ok + "Trailer: X-T\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-T: 1\r\nCache-Control: no-store\r\n\r\n", 200, "hi"},
		{"length with zeros", ok + "Content-Length: 0002\r\n\r\nhi", 200, "hi"},
		{"204 with a length", "HTTP/1.1 204 No Content\r\nCache-Control: max-age=60\r\nContent-Length: 2\r\n\r\nhi", 204, ""},
		{"204 chunked", "HTTP/1.1 204 No Content\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", 204, ""},
		{"205 with a body", "HTTP/1.1 205 Reset Content\r\nCache-Control: max-age=60\r\nContent-Length: 2\r\n\r\nhi", 205, ""}, // RFC 9110 §15.3.6
		{"unknown 2xx", "HTTP/1.1 299 Odd\r\nCache-Control: max-age=60\r\nContent-Length: 2\r\n\r\nhi", 299, "hi"},
		{"unknown 4xx", "HTTP/1.1 499 Odd\r\nContent-Length: 2\r\n\r\nhi", 499, "hi"},
		{"space before a colon", ok + "X : 1\r\nContent-Length: 2\r\n\r\nhi", 200, "hi"}, // removed: RFC 9112 §5.1
	} {
		t.Run(c.name, func(t *testing.T) {
			path := "/odd-answer/" + slug(c.name) + ".bin"
			s.origin.Handle(path, edgetest.Raw(c.answer))
			for _, p := range protocols() {
				got := s.ask(t, p, "GET", openHost, path)
				want(t, got, c.status, []byte(c.body))
				for _, name := range []string{"Trailer", "X-T", "Keep-Alive", "Link", "X-A"} {
					wantNo(t, got, name)
				}
				if c.status == 204 {
					wantNo(t, got, "Content-Length")
				}
				want(t, s.ask(t, p, "HEAD", openHost, path), c.status, []byte{})
			}
			s.inStep(t, path, c.status, c.body)
		})
	}
}

// inStep holds that an answer leaves a connection of HTTP/1.1 and of HTTP/1.0 in
// step.
func (s *suite) inStep(t *testing.T, path string, status int, body string) {
	t.Helper()
	for _, version := range []string{"1.1", "1.0"} {
		c := s.node.Dial()
		c.Send("GET " + path + " HTTP/" + version + "\nHost: " + openHost + "\nConnection: keep-alive\n\n")
		got := c.Receive("GET")
		if got.StatusCode != status || string(got.Bytes) != body {
			t.Errorf("HTTP/%s: status %d, %q", version, got.StatusCode, got.Bytes)
		}
		if got.Close {
			continue
		}
		c.Send("GET /ok.m4s HTTP/1.1\nHost: " + openHost + "\n\n")
		if next := c.Receive("GET"); next.StatusCode != 200 || len(next.Bytes) != 5000 {
			t.Errorf("HTTP/%s: the next answer has status %d, %d bytes", version, next.StatusCode, len(next.Bytes))
		}
	}
}

// brokenAnswers: two parsers could read these in two ways; nobody gets to see them,
// and nothing is kept.
func (s *suite) brokenAnswers(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\n"
	for name, answer := range map[string]string{
		"list of lengths":          ok + "Content-Length: 2, 2\r\n\r\nhi",
		"two equal lengths":        ok + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi",
		"signed length":            ok + "Content-Length: +2\r\n\r\nhi",
		"empty length":             ok + "Content-Length:\r\n\r\nhi",
		"length in hex":            ok + "Content-Length: 0x2\r\n\r\nhi",
		"length beyond int64":      ok + "Content-Length: 18446744073709551618\r\n\r\nhi",
		"gzip, chunked":            ok + "Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
		"identity":                 ok + "Transfer-Encoding: identity\r\n\r\nhi",
		"chunked twice":            ok + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"chunked in HTTP/1.0":      "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
		"folded":                   ok + "X: a\r\n b\r\nContent-Length: 2\r\n\r\nhi",
		"NUL":                      ok + "X: a\x00b\r\nContent-Length: 2\r\n\r\nhi",
		"bare CR":                  ok + "X: a\rY: b\r\nContent-Length: 2\r\n\r\nhi",
		"no colon":                 ok + "nonsense\r\nContent-Length: 2\r\n\r\nhi",
		"101":                      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nhi",
		"HTTP/2.0":                 "HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nhi",
		"HTTP/0.9":                 "hi",
		"status of two digits":     "HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nhi",
		"status of four digits":    "HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nhi",
		"status 600":               "HTTP/1.1 600 OK\r\nContent-Length: 2\r\n\r\nhi",
		"endless interim":          strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 100),
		"header of a megabyte":     ok + "X: " + strings.Repeat("x", 1<<20) + "\r\n\r\n",
		"thousands of field lines": ok + strings.Repeat("X: 1\r\n", 5000) + "\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			path := "/broken-answer/" + slug(name) + ".m4s"
			s.origin.Handle(path, edgetest.Raw(answer))
			failed(t, s.fetch(t, path), 502)
			body := s.video(path, 100)
			want(t, s.fetch(t, path), 200, body, "stored")
		})
	}
	for name, answer := range map[string]string{ // the header is out before the fault shows
		"chunk size":        ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n+2\r\nhi\r\n0\r\n\r\n",
		"chunk too long":    ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nhi!\r\n0\r\n\r\n",
		"no last chunk":     ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n",
		"no end of trailer": ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX: 1\r\n",
		"too short":         ok + "Content-Length: 5\r\n\r\nhi",
	} {
		t.Run(name, func(t *testing.T) {
			path := "/broken-body/" + slug(name) + ".m4s"
			for _, p := range protocols() {
				s.origin.Handle(path, edgetest.Raw(answer))
				if got := s.ask(t, p, "GET", openHost, path); got.StatusCode == 200 && got.Err == nil {
					t.Errorf("%s: %q looks whole", p, got.Bytes)
				}
			}
			body := s.video(path, 100)
			edgetest.Eventually(t, "the broken one is gone", func() bool { return s.fetch(t, path).StatusCode == 200 })
			want(t, s.fetch(t, path), 200, body, "hit")
		})
	}
}
