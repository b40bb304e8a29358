package server

import (
	"strings"
	"testing"
	"time"

	"edged/internal/edge"
)

// TestRawRequests is the table of what fasthttp accepts and rejects, measured
// with raw sockets, and of what we make of it. It must be run on every update of
// fasthttp.
func TestRawRequests(t *testing.T) {
	const refused = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
	unmet := strings.Replace(refused, "400 Bad Request", "417 Expectation Failed", 1)
	const host = "Host: h\r\n"
	tests := []struct {
		name, raw string
		want      string  // whole answer; a second request follows each raw one
		why       Refusal // Accepted: the edge saw it
	}{
		{"two lengths", "GET / HTTP/1.1\r\n" + host + "Content-Length: 0\r\nContent-Length: 0\r\n\r\n", refused, BadSyntax},
		{"list of lengths", "GET / HTTP/1.1\r\n" + host + "Content-Length: 0, 0\r\n\r\n", refused, BadSyntax},
		{"signed length", "GET / HTTP/1.1\r\n" + host + "Content-Length: +3\r\n\r\nabc", refused, BadSyntax},
		{"obfuscated transfer encoding", "GET / HTTP/1.1\r\n" + host + "Transfer-Encoding: xchunked\r\n\r\n", refused, BadSyntax},
		{"two transfer encodings", "GET / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", refused, BadSyntax},
		{"transfer encoding on 1.0", "GET / HTTP/1.0\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", refused, BadSyntax},
		{"space before colon", "GET / HTTP/1.1\r\nHost : h\r\n\r\n", refused, BadSyntax},
		{"bare LF", "GET / HTTP/1.1\nHost: h\n\n", refused, BadField},
		{"NUL in value", "GET / HTTP/1.1\r\n" + host + "A: b\x00c\r\n\r\n", refused, BadSyntax},
		{"CR in value", "GET / HTTP/1.1\r\n" + host + "A: b\rc\r\n\r\n", refused, BadSyntax},
		{"no host", "GET / HTTP/1.1\r\nA: b\r\n\r\n", refused, BadSyntax},
		{"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", refused, BadSyntax},
		{"no colon", "GET / HTTP/1.1\r\n" + host + "nonsense\r\n\r\n", refused, BadSyntax},
		{"control byte in target", "GET /a\x01b HTTP/1.1\r\n" + host + "\r\n", refused, BadSyntax},
		{"space in name", "GET / HTTP/1.1\r\n" + host + "A B: c\r\n\r\n", refused, BadField},
		{"garbage", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", refused, BadSyntax},
		{
			"header too long", "GET / HTTP/1.1\r\n" + host + "A: " + strings.Repeat("x", 9<<10) + "\r\n\r\n",
			strings.Replace(refused, "400 Bad Request", "431 Request Header Fields Too Large", 1), HeaderTooLarge,
		},
		{
			"target too long", "GET /" + strings.Repeat("x", 9<<10) + " HTTP/1.1\r\n" + host + "\r\n",
			strings.Replace(refused, "400 Bad Request", "414 Request URI Too Long", 1), TargetTooLong,
		},
		{
			"too many fields", "GET / HTTP/1.1\r\n" + host + strings.Repeat("A: b\r\n", maxFields) + "\r\n",
			strings.Replace(refused, "400 Bad Request", "431 Request Header Fields Too Large", 1), HeaderTooLarge,
		},

		// What fasthttp lets through and we do not.
		{"length and transfer encoding", "GET / HTTP/1.1\r\n" + host + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", refused, TwoFramings},
		{"obs-fold", "GET / HTTP/1.1\r\n" + host + "A: b\r\n c\r\n\r\n", refused, FoldedField},
		{"obs-fold in host", "GET / HTTP/1.1\r\nHost: h\r\n\ti\r\n\r\n", refused, BadSyntax},
		{"HTTP/2.0", "GET / HTTP/2.0\r\n" + host + "\r\n", strings.Replace(refused, "400 Bad Request", "505 HTTP Version Not Supported", 1), BadVersion},
		{"HTTP/1.10", "GET / HTTP/1.10\r\n" + host + "\r\n", refused, BadSyntax},
		{"http/1.1", "GET / http/1.1\r\n" + host + "\r\n", refused, BadSyntax},
		{"h2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", refused, BadSyntax},
		{"lower-case method", "get / HTTP/1.1\r\n" + host + "\r\n", refused, BadMethod},
		{"odd method", "G|T / HTTP/1.1\r\n" + host + "\r\n", refused, BadMethod},
		{"connect", "CONNECT h:443 HTTP/1.1\r\n" + host + "\r\n", refused, BadMethod},
		{"fragment", "GET /a#b HTTP/1.1\r\n" + host + "\r\n", refused, Fragment},
		{"expectation", "GET / HTTP/1.1\r\n" + host + "Expect: a-miracle\r\n\r\n", unmet, Expectation},
		{"expect continue with content", "POST / HTTP/1.1\r\n" + host + "Content-Length: 3\r\nExpect: 100-continue\r\n\r\nabc", unmet, Expectation},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := &fake{serve: ok}
			s, addr := run(t, h, false)
			got := talk(t, addr, tt.raw+"GET /second HTTP/1.1\r\n"+host+"\r\n")
			if got != tt.want {
				t.Errorf("answer to %q\n got %q\nwant %q", tt.raw, got, tt.want)
			}
			if n := s.Stats().Refused[tt.why]; n != 1 {
				t.Errorf("Refused[%s] = %d, want 1; all: %v", tt.why, n, s.Stats().Refused)
			}
			if d := h.deliveries(); len(d) != 1 || d[0].d.Header == 0 || d[0].d.Aborted {
				t.Errorf("deliveries %+v, want one with a header", d)
			}
		})
	}
}

// TestRefusedInPipeline checks that a good request is answered before a bad one
// that came in the same packet is refused.
func TestRefusedInPipeline(t *testing.T) {
	for name, bad := range map[string]string{
		"by fasthttp": "GET / HTTP/1.1\r\nHost : h\r\n\r\n",
		"by us":       "get / HTTP/1.1\r\nHost: h\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			_, addr := run(t, &fake{serve: ok}, false)
			got := talk(t, addr, "GET /good HTTP/1.1\r\nHost: h\r\n\r\n"+bad+"GET /third HTTP/1.1\r\nHost: h\r\n\r\n")
			want := "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n/goodHTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
			if got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// TestFramedRequests checks that a request with content reaches the edge marked,
// that its content is never taken for a request, and that the connection ends.
func TestFramedRequests(t *testing.T) {
	for name, raw := range map[string]string{
		"get with content":  "GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: 28\r\n\r\nGET /evil HTTP/1.1\r\nHost: h\r\n\r\n",
		"get with length 0": "GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\nGET /evil HTTP/1.1\r\nHost: h\r\n\r\n",
		"get with chunks":   "GET /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /evil HTTP/1.1\r\nHost: h\r\n\r\n",
		"identity":          "GET /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: identity\r\n\r\nGET /evil HTTP/1.1\r\nHost: h\r\n\r\n",
		"large content":     "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("x", 100000),
		"content not there": "GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n",
		"multipart":         "POST /a HTTP/1.1\r\nHost: h\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 9\r\n\r\n123456789",
	} {
		t.Run(name, func(t *testing.T) {
			framed := make(chan bool, 2)
			h := &fake{serve: func(x *edge.Exchange) {
				framed <- x.Req.Framed
				respondWith(x, 400, 0, nil)
			}}
			_, addr := run(t, h, false)
			got := talk(t, addr, raw)
			if want := "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if len(framed) != 1 || !<-framed {
				t.Error("the edge did not see exactly one framed request")
			}
		})
	}
}

// TestRequestFields checks what the edge gets to see.
func TestRequestFields(t *testing.T) {
	type seen struct {
		method, target, host, proto, x, cookies string
		told                                    bool // an absent field from an empty one
	}
	saw := make(chan seen, 1)
	h := &fake{serve: func(x *edge.Exchange) {
		r := &x.Req
		saw <- seen{
			string(r.Method), string(r.Target), string(r.Host), r.Proto.String(),
			string(r.Header.Get("X-THING")), joinLines(r.Header.Append(nil, "cookie")),
			r.Header.Get("Nothing") == nil && r.Header.Get("Empty") != nil,
		}
		respondWith(x, 204, 0, nil)
	}}
	_, addr := run(t, h, false)
	tests := []struct {
		name, raw string
		want      seen
	}{
		{
			"origin form", "GET /a/../b//c%2F?x=%00&y HTTP/1.1\r\nhost: H:80\r\nx-thing:  a b \r\nCookie: b=2; a\r\nCOOKIE: c=\"x\"\r\nEmpty:\r\nConnection: close\r\n\r\n",
			seen{"GET", "/a/../b//c%2F?x=%00&y", "H:80", "HTTP/1.1", "a b", `b=2; a|c="x"`, true},
		},
		{
			"absolute form", "GET http://other/x HTTP/1.1\r\nHost: h\r\nEmpty: \r\nConnection: close\r\n\r\n",
			seen{"GET", "http://other/x", "h", "HTTP/1.1", "", "", true},
		},
		{
			"1.0 without host", "HEAD /x HTTP/1.0\r\nEmpty: \t \r\n\r\n",
			seen{"HEAD", "/x", "", "HTTP/1.0", "", "", true},
		},
		{
			"asterisk", "OPTIONS * HTTP/1.1\r\nHost: h\r\nEmpty:\r\nConnection: close\r\n\r\n",
			seen{"OPTIONS", "*", "h", "HTTP/1.1", "", "", true},
		},
		{
			"unknown method", "BREW /pot HTTP/1.1\r\nHost: h\r\nEmpty:\r\nConnection: close\r\n\r\n",
			seen{"BREW", "/pot", "h", "HTTP/1.1", "", "", true},
		},
		{
			"empty lines first", "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\nEmpty:\r\nConnection: close\r\n\r\n",
			seen{"GET", "/", "h", "HTTP/1.1", "", "", true},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if answer := talk(t, addr, tt.raw); !strings.HasPrefix(answer, "HTTP/1.1 204 ") {
				t.Fatalf("answer %q", answer)
			}
			if got := <-saw; got != tt.want {
				t.Errorf("the edge saw\n got %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

func joinLines(lines [][]byte) string {
	var s []string
	for _, l := range lines {
		s = append(s, string(l))
	}
	return strings.Join(s, "|")
}

// TestClientLeavesInHeader checks that half a request is nobody's request.
func TestClientLeavesInHeader(t *testing.T) {
	h := &fake{serve: ok}
	s, addr := run(t, h, false)
	c := dial(t, addr)
	_, _ = c.Write([]byte("GET / HTTP/1.1\r\nHos"))
	c.Close()
	waitFor(t, "the connection to go", func() bool { st := s.Stats(); return st.Accepted == 1 && st.Open == 0 })
	if d := h.deliveries(); len(d) != 0 {
		t.Errorf("deliveries %+v, want none", d)
	}
}

// waitFor polls a condition that another goroutine brings about; there is no
// event to wait for at the far end of a socket.
func waitFor(t testing.TB, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); time.Now().Before(end); <-tick.C {
		if done() {
			return
		}
	}
	t.Fatalf("waited too long for %s", what)
}
