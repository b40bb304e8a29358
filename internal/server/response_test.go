package server

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"edged/cache/object"
	"edged/internal/edge"
)

// scripted answers by the last letter of the target, so that pipelines can mix
// all kinds of responses.
func scripted(x *edge.Exchange) {
	long := object.Field{Name: "X-Long", Value: strings.Repeat("v", 20<<10)}
	typed := object.Field{Name: "Content-Type", Value: "video/mp4"}
	switch t := string(x.Req.Target); t[len(t)-1] {
	case 's': // small
		respondWith(x, 200, 5, newSpans("small"), typed)
	case 'm': // two spans, gathered
		respondWith(x, 206, 60<<10, newSpans(fill(1, 30<<10), fill(2, 30<<10)), object.Field{Name: "Content-Range", Value: "bytes 0-61439/99999"})
	case 'l': // header by MSG_MORE, large writes
		respondWith(x, 200, 3<<20, newSpans(fill(3, 1<<20), fill(4, 1<<20), fill(5, 1<<20)), typed)
	case 'z':
		respondWith(x, 200, 0, newSpans(), typed)
	case 'n':
		respondWith(x, 204, -1, nil)
	case 'u': // not modified, length known
		respondWith(x, 304, 4711, nil, object.Field{Name: "ETag", Value: `"a"`})
	case 'v': // not modified, length unknown
		respondWith(x, 304, -1, nil)
	case 'r':
		respondWith(x, 416, 0, nil, object.Field{Name: "Content-Range", Value: "bytes */10"})
	case 'c': // chunked
		respondWith(x, 200, -1, newSpans("one", fill(6, 100<<10), "three"))
	case 'h': // header larger than any buffer
		respondWith(x, 200, 4, newSpans("long"), long)
	case 'b': // break in a value
		respondWith(x, 302, 0, nil, object.Field{Name: "Location", Value: "/a\r\nSet-Cookie: x\n"})
	case 't': // teapot
		respondWith(x, 418, 0, nil)
	case 'e': // the body breaks off
		respondWith(x, 200, 10, &spans{pieces: [][]byte{[]byte("12345")}, err: errCut})
	case 'd': // a chunked body breaks off
		respondWith(x, 200, -1, &spans{pieces: [][]byte{[]byte("12345")}, err: errCut})
	case 'o': // more than stated
		respondWith(x, 200, 3, newSpans("12", "345"))
	case 'w': // less than stated
		respondWith(x, 200, 10, newSpans("12"))
	case 'x':
		respondWith(x, 200, 2, newSpans("ok"))
		x.Resp.Close = true
	case 'p':
		panic("serve")
	case 'q':
		respondWith(x, 200, 5, panicking{})
	}
}

// panicking is a Body that panics after its first span.
type panicking struct{}

func (panicking) Ready() bool           { return true }
func (panicking) Next() ([]byte, error) { panic("body") }
func (panicking) Close()                {}
func (panicking) Park()                 {}
func (panicking) Resume() bool          { return true }
func (panicking) Unread(int)            {}

// fill returns n bytes that are told apart from those of other seeds.
func fill(seed byte, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = seed ^ byte(i) ^ byte(i>>8)
	}
	return string(b)
}

// reference renders what scripted decides in the plainest way: the bytes that
// must arrive whatever path they take.
func reference(method, target string, http10, last bool) string {
	x := &edge.Exchange{Req: edge.Request{Method: []byte(method), Target: []byte(target)}}
	scripted(x)
	r := &x.Resp
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", r.Status, http.StatusText(r.Status))
	for _, f := range r.Header {
		fmt.Fprintf(&b, "%s: %s\r\n", f.Name, strings.NewReplacer("\r", " ", "\n", " ").Replace(f.Value))
	}
	isChunked := r.Body != nil && r.Size < 0 && !http10
	switch {
	case r.Size >= 0 && r.Status != 204:
		fmt.Fprintf(&b, "Content-Length: %d\r\n", r.Size)
	case isChunked:
		b.WriteString("Transfer-Encoding: chunked\r\n")
	}
	switch {
	case last:
		b.WriteString("Connection: close\r\n")
	case http10:
		b.WriteString("Connection: keep-alive\r\n")
	}
	b.WriteString("\r\n")
	for r.Body != nil {
		span, err := r.Body.Next()
		if err != nil {
			break
		}
		if isChunked {
			fmt.Fprintf(&b, "%x\r\n%s\r\n", len(span), span)
		} else {
			b.Write(span)
		}
	}
	if isChunked {
		b.WriteString("0\r\n\r\n")
	}
	return b.String()
}

// exchangeBoth returns how to send raw and read the whole answer over plain TCP
// and over TLS.
func exchangeBoth(t *testing.T, f func(t *testing.T, h *fake, s *Server, dial func() net.Conn)) {
	for _, overTLS := range []bool{false, true} {
		t.Run(map[bool]string{false: "plain", true: "tls"}[overTLS], func(t *testing.T) {
			h := &fake{serve: scripted}
			s, addr := run(t, h, overTLS)
			f(t, h, s, func() net.Conn {
				if overTLS {
					return dialTLS(t, addr, "http/1.1")
				}
				return dial(t, addr)
			})
		})
	}
}

func read(t testing.TB, c net.Conn, raw string) (string, error) {
	t.Helper()
	go io.WriteString(c, raw) // the answer may be larger than what fits in flight
	b, err := io.ReadAll(c)
	return dateLine.ReplaceAllString(string(b), ""), err
}

// TestResponses compares every kind of response, in every place of a pipeline,
// with the reference byte for byte.
func TestResponses(t *testing.T) {
	type ask struct{ method, target string }
	pipelines := map[string][]ask{}
	for _, k := range "smlznuvrchbtx" {
		for _, m := range []string{"GET", "HEAD"} {
			pipelines[m+" "+string(k)] = []ask{{m, "/" + string(k)}}
		}
	}
	pipelines["mixed"] = []ask{
		{"GET", "/s"},
		{"HEAD", "/l"},
		{"GET", "/l"},
		{"GET", "/u"},
		{"GET", "/m"},
		{"GET", "/n"},
		{"GET", "/h"},
		{"HEAD", "/c"},
		{"GET", "/c"},
		{"GET", "/z"},
		{"GET", "/r"},
		{"OPTIONS", "/n"},
		{"GET", "/v"},
		{"GET", "/s"},
	}
	pipelines["small"] = []ask{{"GET", "/s"}, {"GET", "/s"}, {"GET", "/s"}, {"GET", "/s"}}
	exchangeBoth(t, func(t *testing.T, h *fake, _ *Server, dial func() net.Conn) {
		for name, asks := range pipelines {
			t.Run(name, func(t *testing.T) {
				var raw, want strings.Builder
				for i, a := range asks {
					last := i == len(asks)-1
					fmt.Fprintf(&raw, "%s %s HTTP/1.1\r\nHost: h\r\n", a.method, a.target)
					if last {
						raw.WriteString("Connection: close\r\n")
					}
					raw.WriteString("\r\n")
					want.WriteString(reference(a.method, a.target, false, last))
				}
				got, err := read(t, dial(), raw.String())
				if err != nil {
					t.Fatal(err)
				}
				diff(t, got, want.String())
			})
		}
	})
}

func diff(t *testing.T, got, want string) {
	t.Helper()
	if got == want {
		return
	}
	i := 0
	for i < len(got) && i < len(want) && got[i] == want[i] {
		i++
	}
	clip := func(s string) string { return s[max(0, i-80):min(len(s), i+160)] }
	t.Errorf("%d bytes, want %d; they differ at %d\n got …%q\nwant …%q", len(got), len(want), i, clip(got), clip(want))
}

// TestHTTP10 checks keep-alive and close-delimited bodies for old clients.
func TestHTTP10(t *testing.T) {
	exchangeBoth(t, func(t *testing.T, _ *fake, _ *Server, dial func() net.Conn) {
		tests := []struct{ name, raw, want string }{
			{"closes", "GET /s HTTP/1.0\r\n\r\n", reference("GET", "/s", true, true)},
			{
				"kept", "GET /s HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /m HTTP/1.0\r\n\r\n",
				reference("GET", "/s", true, false) + reference("GET", "/m", true, true),
			},
			{
				"unknown length", "GET /c HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /s HTTP/1.0\r\n\r\n",
				reference("GET", "/c", true, true),
			},
			{"head of unknown length", "HEAD /c HTTP/1.0\r\n\r\n", reference("HEAD", "/c", true, true)},
		}
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				got, err := read(t, dial(), tt.raw)
				if err != nil {
					t.Fatal(err)
				}
				diff(t, got, tt.want)
			})
		}
	})
}

// TestBrokenBodies checks that no broken body ever looks whole, and that nothing
// follows it.
func TestBrokenBodies(t *testing.T) {
	exchangeBoth(t, func(t *testing.T, h *fake, _ *Server, dial func() net.Conn) {
		for _, tt := range []struct{ name, target, version string }{
			{"error", "/e", "1.1"},
			{"error in chunks", "/d", "1.1"},
			{"too long", "/o", "1.1"},
			{"too short", "/w", "1.1"},
			{"error in 1.0", "/d", "1.0"},
			{"panic", "/q", "1.1"},
		} {
			t.Run(tt.name, func(t *testing.T) {
				got, err := read(t, dial(), "GET "+tt.target+" HTTP/"+tt.version+"\r\nHost: h\r\n\r\nGET /s HTTP/1.1\r\nHost: h\r\n\r\n")
				if err == nil {
					t.Errorf("the connection ended cleanly after %q", got)
				}
				if strings.Contains(got, "small") || strings.Contains(got, "\r\n0\r\n\r\n") {
					t.Errorf("answer %q looks whole", got)
				}
				all := h.deliveries()
				if last := all[len(all)-1]; !last.d.Aborted {
					t.Errorf("delivery %+v, want aborted", last)
				}
			})
		}
	})
}

// TestPanicInServe checks that a panic costs one request and one connection.
func TestPanicInServe(t *testing.T) {
	exchangeBoth(t, func(t *testing.T, h *fake, s *Server, dial func() net.Conn) {
		got, err := read(t, dial(), "GET /p HTTP/1.1\r\nHost: h\r\n\r\nGET /s HTTP/1.1\r\nHost: h\r\n\r\n")
		if err != nil {
			t.Fatal(err)
		}
		diff(t, got, "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		if n := s.Stats().Panics; n != 1 {
			t.Errorf("Panics = %d, want 1", n)
		}
		if d := h.deliveries(); len(d) != 1 {
			t.Errorf("deliveries %+v, want one", d)
		}
	})
}

// TestDeliveryAccount checks the numbers that billing comes from.
func TestDeliveryAccount(t *testing.T) {
	exchangeBoth(t, func(t *testing.T, h *fake, _ *Server, dial func() net.Conn) {
		for _, tt := range []struct {
			target string
			body   int64
		}{{"/s", 5}, {"/m", 60 << 10}, {"/l", 3 << 20}, {"/z", 0}, {"/c", 100<<10 + 8}, {"/u", 0}} {
			c := dial()
			br := bufio.NewReader(c)
			if _, err := io.WriteString(c, "GET "+tt.target+" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			n, err := io.Copy(io.Discard, br)
			if err != nil {
				t.Fatal(err)
			}
			all := h.deliveries()
			d := all[len(all)-1].d
			if d.Body != tt.body || d.Body+d.Header != n || d.Aborted || d.FirstByte <= 0 {
				t.Errorf("%s: delivery %+v, want body %d and %d bytes together", tt.target, d, tt.body, n)
			}
		}
	})
}

// TestExchangeReuse checks that a connection has one Exchange and that a body is
// closed before its Exchange is finished.
func TestExchangeReuse(t *testing.T) {
	var bodies []*spans
	h := &fake{}
	h.serve = func(x *edge.Exchange) {
		b := newSpans("x")
		bodies = append(bodies, b)
		respondWith(x, 200, 1, b)
	}
	_, addr := run(t, h, false)
	c := dial(t, addr)
	br := bufio.NewReader(c)
	for range 5 {
		if _, body := get(t, c, br, "/"); body != "x" {
			t.Fatalf("body %q", body)
		}
	}
	waitFor(t, "the last Finish", func() bool { return len(h.deliveries()) == 5 })
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.exchanges != 1 {
		t.Errorf("%d exchanges for one connection", h.exchanges)
	}
	for i, b := range bodies {
		if b.closed == 0 {
			t.Errorf("body %d was not closed", i)
		}
	}
}

// TestStreaming checks that spans go out as they come: the client reads one
// before the next exists.
func TestStreaming(t *testing.T) {
	for _, size := range []int64{-1, 9} {
		for _, overTLS := range []bool{false, true} {
			t.Run(fmt.Sprintf("size %d tls %v", size, overTLS), func(t *testing.T) {
				body := newSpans("one", "two", "six")
				body.wait = make(chan struct{})
				h := &fake{serve: func(x *edge.Exchange) { respondWith(x, 200, size, body) }}
				_, addr := run(t, h, overTLS)
				c := dial(t, addr)
				if overTLS {
					c = dialTLS(t, addr, "http/1.1")
				}
				br := bufio.NewReader(c)
				fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
				resp, err := http.ReadResponse(br, nil) // before any span
				if err != nil {
					t.Fatal(err)
				}
				for _, want := range []string{"one", "two", "six"} {
					body.wait <- struct{}{}
					got := make([]byte, 3)
					if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != want {
						t.Fatalf("read %q, %v; want %q", got, err, want)
					}
				}
				close(body.wait)
				if rest, err := io.ReadAll(resp.Body); err != nil || len(rest) != 0 {
					t.Errorf("rest %q, %v", rest, err)
				}
			})
		}
	}
}

// TestClientLeavesInBody checks that a client's leaving ends the delivery and
// closes the body.
func TestClientLeavesInBody(t *testing.T) {
	exchange := func(t *testing.T, overTLS bool) {
		body := megabytes(64)
		h := &fake{serve: func(x *edge.Exchange) { respondWith(x, 200, 64<<20, body) }, done: make(chan struct{}, 1)}
		_, addr := run(t, h, overTLS)
		c := dial(t, addr)
		if overTLS {
			c = dialTLS(t, addr, "http/1.1")
		}
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
		if _, err := io.ReadFull(c, make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
		c.Close()
		<-h.done
		d := h.deliveries()[0].d
		if !d.Aborted || d.Body < 1<<19 || d.Body >= 64<<20 || body.closed == 0 {
			t.Errorf("delivery %+v, body closed %d times", d, body.closed)
		}
	}
	t.Run("plain", func(t *testing.T) { exchange(t, false) })
	t.Run("tls", func(t *testing.T) { exchange(t, true) })
}
