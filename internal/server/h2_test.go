package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"edged/cache/object"
	"edged/internal/edge"
)

// client2 returns a net/http client that speaks HTTP/2 to addr only.
func client2(t testing.TB, addr string) *http.Client {
	t.Helper()
	protocols := new(http.Protocols)
	protocols.SetHTTP2(true)
	tr := &http.Transport{
		Protocols:          protocols,
		TLSClientConfig:    &tls.Config{InsecureSkipVerify: true},
		DisableCompression: true,
	}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{
		Transport: tr, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func ask2(t testing.TB, c *http.Client, method, url string) (*http.Response, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp, string(b), err
}

// TestHTTP2Responses runs the kinds of responses of TestResponses over HTTP/2.
func TestHTTP2Responses(t *testing.T) {
	h := &fake{serve: scripted}
	s, addr := run(t, h, true)
	c := client2(t, addr)
	for _, method := range []string{"GET", "HEAD"} {
		for _, k := range "smlznuvrchbt" {
			t.Run(fmt.Sprintf("%s %c", method, k), func(t *testing.T) {
				x := &edge.Exchange{Req: edge.Request{Method: []byte(method), Target: []byte{'/', byte(k)}}}
				scripted(x)
				resp, body, err := ask2(t, c, method, "https://"+addr+"/"+string(k))
				if err != nil {
					t.Fatal(err)
				}
				if resp.ProtoMajor != 2 || resp.StatusCode != x.Resp.Status {
					t.Errorf("%s %d, want HTTP/2 %d", resp.Proto, resp.StatusCode, x.Resp.Status)
				}
				want := http.Header{}
				for _, f := range x.Resp.Header {
					if !strings.ContainsAny(f.Value, "\r\n") { // net/http leaves such fields out
						want.Add(f.Name, f.Value)
					}
				}
				if x.Resp.Size >= 0 && !bodiless(x.Resp.Status) {
					want.Set("Content-Length", fmt.Sprint(x.Resp.Size))
				}
				if _, err := http.ParseTime(resp.Header.Get("Date")); err != nil {
					t.Errorf("Date: %v", err)
				}
				resp.Header.Del("Date")
				if !reflect.DeepEqual(resp.Header, want) {
					t.Errorf("header\n got %v\nwant %v", resp.Header, want)
				}
				diff(t, body, allOf(x.Resp.Body))
			})
		}
	}
	waitFor(t, "all streams to end", func() bool { return s.Stats().OpenStreams == 0 })
}

func allOf(b edge.Body) string {
	var all strings.Builder
	for b != nil {
		span, err := b.Next()
		if err != nil {
			break
		}
		all.Write(span)
	}
	return all.String()
}

// TestHTTP2Broken checks that broken bodies and panics reset the stream, and that
// the connection lives on.
func TestHTTP2Broken(t *testing.T) {
	h := &fake{serve: scripted}
	s, addr := run(t, h, true)
	c := client2(t, addr)
	for _, target := range []string{"/e", "/d", "/o", "/w", "/q"} {
		if resp, body, err := ask2(t, c, "GET", "https://"+addr+target); err == nil {
			t.Errorf("%s: %d with whole body %q", target, resp.StatusCode, body)
		}
		all := h.deliveries()
		if d := all[len(all)-1].d; !d.Aborted {
			t.Errorf("%s: delivery %+v, want aborted", target, d)
		}
	}
	if resp, _, err := ask2(t, c, "GET", "https://"+addr+"/p"); err != nil || resp.StatusCode != 500 {
		t.Errorf("panic in Serve: %v, %v; want 500", resp, err)
	}
	if _, body, err := ask2(t, c, "GET", "https://"+addr+"/s"); err != nil || body != "small" {
		t.Errorf("after all that: %q, %v", body, err)
	}
	if st := s.Stats(); st.Panics != 2 {
		t.Errorf("%d panics, want 2", st.Panics)
	}
}

// TestHTTP2Request checks what the edge gets to see.
func TestHTTP2Request(t *testing.T) {
	type seen struct{ method, target, host, proto, x, cookies string }
	saw := make(chan seen, 1)
	framed := make(chan bool, 1)
	h := &fake{serve: func(x *edge.Exchange) {
		r := &x.Req
		saw <- seen{
			string(r.Method), string(r.Target), string(r.Host), r.Proto.String(),
			string(r.Header.Get("x-thing")), joinLines(r.Header.Append(nil, "Cookie")),
		}
		framed <- r.Framed
		if !r.Client.IsValid() || r.TLS != tls.VersionTLS13 || r.Header.Get("Nothing") != nil {
			t.Errorf("client %v, tls %x", r.Client, r.TLS)
		}
		respondWith(x, 204, 0, nil)
	}}
	_, addr := run(t, h, true)
	c := client2(t, addr)
	req, err := http.NewRequestWithContext(t.Context(), "GET", "https://"+addr+"/a/../b//c%2F?x=%00&y", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.URL.Opaque = "/a/../b//c%2F" // as it is
	req.Host = "Other.test"
	req.Header["X-Thing"] = []string{"a b", "c"}
	req.Header["Cookie"] = []string{"a=1; b"}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	want := seen{"GET", "/a/../b//c%2F?x=%00&y", "Other.test", "HTTP/2", "a b", "a=1; b"} // net/http joins cookies again
	if got := <-saw; got != want {
		t.Errorf("the edge saw\n got %+v\nwant %+v", got, want)
	}
	if <-framed {
		t.Error("a GET without content is framed")
	}
	resp, err = c.Post("https://"+addr+"/", "text/plain", strings.NewReader("content"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	<-saw
	if !<-framed {
		t.Error("a POST with content is not framed")
	}
}

// TestHTTP2Asterisk checks that net/http does not answer OPTIONS * by itself.
func TestHTTP2Asterisk(t *testing.T) {
	saw := make(chan string, 1)
	_, addr := run(t, &fake{serve: func(x *edge.Exchange) {
		saw <- string(x.Req.Target)
		respondWith(x, 405, 0, nil)
	}}, true)
	req, err := http.NewRequestWithContext(t.Context(), "OPTIONS", "https://"+addr, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.URL.Opaque = "*"
	resp, err := client2(t, addr).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got := <-saw; got != "*" || resp.StatusCode != 405 {
		t.Errorf("target %q, status %d", got, resp.StatusCode)
	}
}

// TestHTTP2Refused checks the rules that net/http does not know.
func TestHTTP2Refused(t *testing.T) {
	h := &fake{serve: ok}
	s, addr := run(t, h, true)
	c := client2(t, addr)
	for name, change := range map[string]func(*http.Request){
		"expectation": func(r *http.Request) { r.Header.Set("Expect", "a-miracle") },
		"method":      func(r *http.Request) { r.Method = "get" },
	} {
		req, err := http.NewRequestWithContext(t.Context(), "GET", "https://"+addr+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		change(req)
		resp, err := c.Do(req)
		if err != nil {
			t.Fatal(name, err)
		}
		resp.Body.Close()
		if want := map[string]int{"expectation": 417, "method": 400}[name]; resp.StatusCode != want {
			t.Errorf("%s: %d, want %d", name, resp.StatusCode, want)
		}
	}
	if n := s.Stats().Refused; n[Expectation] != 1 || n[BadMethod] != 1 {
		t.Errorf("Refused = %v", n)
	}
}

// TestHTTP2EmptyValue: the first field that is read of a stream may be empty, and is
// there all the same.
func TestHTTP2EmptyValue(t *testing.T) {
	var m mapFields
	m.reset(http.Header{"If-Range": {""}})
	if v := m.Get("If-Range"); v == nil || len(v) != 0 {
		t.Errorf("Get of an empty value: %#v", v)
	}
	if lines := m.Append(nil, "If-Range"); len(lines) != 1 || lines[0] == nil {
		t.Errorf("Append of an empty value: %#v", lines)
	}
	if v := m.Get("If-Match"); v != nil {
		t.Errorf("Get of an absent one: %#v", v)
	}
}

// TestHTTP2Streaming checks that header and spans are flushed before a wait.
func TestHTTP2Streaming(t *testing.T) {
	for _, size := range []int64{-1, 9} {
		body := newSpans("one", "two", "six")
		body.wait = make(chan struct{})
		h := &fake{serve: func(x *edge.Exchange) {
			respondWith(x, 200, size, body, object.Field{Name: "Content-Type", Value: "video/mp4"})
		}}
		_, addr := run(t, h, true)
		resp, err := client2(t, addr).Get("https://" + addr + "/")
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
		resp.Body.Close()
	}
}

// TestHTTP2SlowClient checks that a stream whose client stops reading is cut.
func TestHTTP2SlowClient(t *testing.T) {
	t.Parallel() // it waits more than it works
	body := megabytes(16)
	h := &fake{serve: func(x *edge.Exchange) { respondWith(x, 200, 16<<20, body) }, done: make(chan struct{}, 1)}
	_, addr := run(t, h, true, func(o *Options) { o.RateWindow = time.Second })
	resp, err := client2(t, addr).Get("https://" + addr + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	<-h.done // nothing was read
	if d := h.deliveries()[0].d; !d.Aborted || d.Body == 0 {
		t.Errorf("delivery %+v, want aborted", d)
	}
}

// TestHTTP2Drain checks that Shutdown lets a stream finish.
func TestHTTP2Drain(t *testing.T) {
	body := newSpans("one", "two")
	body.wait = make(chan struct{})
	h := &fake{serve: func(x *edge.Exchange) { respondWith(x, 200, 6, body) }}
	s, addr := run(t, h, true)
	resp, err := client2(t, addr).Get("https://" + addr + "/")
	if err != nil {
		t.Fatal(err)
	}
	down := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		down <- s.Shutdown(ctx)
	}()
	waitFor(t, "the drain to begin", s.draining.Load)
	close(body.wait)
	if b, err := io.ReadAll(resp.Body); err != nil || string(b) != "onetwo" {
		t.Errorf("body %q, %v", b, err)
	}
	resp.Body.Close()
	if err := <-down; err != nil {
		t.Errorf("Shutdown = %v", err)
	}
}
