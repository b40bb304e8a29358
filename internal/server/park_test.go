package server

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"edged/internal/edge"
)

// parkable is a body of n MiB in pieces of about a quarter that gives every span away
// as soon as its client is not ready.
func parkable(n int) (*spans, string) {
	body, whole := &spans{taker: true}, strings.Builder{}
	for i := range 4 * n {
		piece := fill(byte(i), 1<<18-i)
		body.pieces = append(body.pieces, []byte(piece))
		whole.WriteString(piece)
	}
	return body, whole.String()
}

// TestSpansThatAreTakenBack checks that bodies arrive whole when every wait for the
// client costs the span, on every wire and in every framing.
func TestSpansThatAreTakenBack(t *testing.T) {
	const size = 24 // MiB: more than the kernel takes for a socket
	for _, wire := range []string{"plain", "tls", "tls without buffers", "http2"} {
		for _, sized := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s sized %v", wire, sized), func(t *testing.T) {
				body, want := parkable(size)
				length := int64(-1)
				if sized {
					length = int64(len(want))
				}
				h := &fake{done: make(chan struct{}, 1), serve: func(x *edge.Exchange) { respondWith(x, 200, length, body) }}
				_, addr := run(t, h, wire != "plain", func(o *Options) {
					if wire == "tls without buffers" {
						o.TLSBufferBytes = 1
					}
				})
				got, err := io.ReadAll(open(t, wire, addr))
				if err != nil {
					t.Fatal(err)
				}
				diff(t, string(got), want)
				<-h.done
				if d := h.deliveries()[0].d; d.Body != int64(len(want)) || d.Aborted {
					t.Errorf("delivery %+v, want %d bytes of body", d, len(want))
				}
				if body.taken == 0 {
					t.Error("no span was ever taken: the test shows nothing")
				}
			})
		}
	}
}

// open asks for a body and returns it unread.
func open(t *testing.T, wire, addr string) io.Reader {
	t.Helper()
	if wire == "http2" {
		resp, err := client2(t, addr).Get("https://" + addr + "/")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		return resp.Body
	}
	var c net.Conn
	if c = dial(t, addr); wire != "plain" {
		c = dialTLS(t, addr, "http/1.1")
	}
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp.Body
}

// TestSpansThatCannotComeBack checks that a body is cut when what was taken is gone.
func TestSpansThatCannotComeBack(t *testing.T) {
	for _, overTLS := range []bool{false, true} {
		t.Run(fmt.Sprintf("tls %v", overTLS), func(t *testing.T) {
			body, whole := parkable(8)
			body.lose = true
			h := &fake{done: make(chan struct{}, 1), serve: func(x *edge.Exchange) { respondWith(x, 200, int64(len(whole)), body) }}
			_, addr := run(t, h, overTLS)
			wire := "plain"
			if overTLS {
				wire = "tls"
			}
			got, err := io.ReadAll(open(t, wire, addr))
			if err == nil {
				t.Errorf("%d bytes of %d ended cleanly", len(got), len(whole))
			}
			<-h.done
			if d := h.deliveries()[0].d; !d.Aborted || d.Body >= int64(len(whole)) {
				t.Errorf("delivery %+v, want aborted", d)
			}
		})
	}
}
