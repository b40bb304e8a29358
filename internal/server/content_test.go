package server

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"edged/internal/edge"
)

// reading is a core that reads the content of requests and says how long it was.
func reading(t *testing.T) *fake {
	return &fake{serve: func(x *edge.Exchange) {
		if x.Req.Body == nil {
			respondWith(x, 204, 0, nil)
			return
		}
		b, err := io.ReadAll(x.Req.Body)
		if err != nil {
			x.Resp = edge.Response{Status: 408, Close: true}
			return
		}
		respondWith(x, 200, int64(len(b)), newSpans(string(b)))
	}}
}

func TestContentReachesTheEdge(t *testing.T) {
	long := strings.Repeat("0123456789", 30_000)
	for name, c := range map[string]struct{ head, content, want string }{
		"length":         {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n", "hello", "hello"},
		"long":           {"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 300000\r\n\r\n", long, long},
		"chunks":         {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "abcde"},
		"get has none":   {"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n", "hello", ""},
		"delete without": {"DELETE / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, addr := run(t, reading(t), false)
			conn := dial(t, addr)
			if _, err := io.WriteString(conn, c.head+c.content); err != nil {
				t.Fatal(err)
			}
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			got, err := io.ReadAll(resp.Body)
			if err != nil || string(got) != c.want {
				t.Errorf("status %d, %d bytes, want %d; %v", resp.StatusCode, len(got), len(c.want), err)
			}
		})
	}
}

// TestDrippingContentIsCut checks that content has to arrive within the time of a
// header.
func TestDrippingContentIsCut(t *testing.T) {
	_, addr := run(t, reading(t), false, func(o *Options) { o.HeaderTimeout = 100 * time.Millisecond })
	conn := dial(t, addr)
	if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\nhello"); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(conn)
	if err != nil || strings.HasPrefix(string(got), "HTTP/1.1 200") {
		t.Errorf("a client that never sends its content got %q, %v", got, err)
	}
}

func TestContentOverHTTP2(t *testing.T) {
	_, addr := run(t, reading(t), true)
	req, err := http.NewRequestWithContext(t.Context(), "POST", "https://"+addr+"/", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client2(t, addr).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got, err := io.ReadAll(resp.Body); err != nil || string(got) != "hello" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestTruncatedContentIsNotWhole checks that a client that leaves in the middle of
// its content is not taken at its word.
func TestTruncatedContentIsNotWhole(t *testing.T) {
	_, addr := run(t, reading(t), false)
	conn := dial(t, addr)
	if _, err := io.WriteString(conn, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n0123456789"); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(conn)
	if err != nil || strings.HasPrefix(string(got), "HTTP/1.1 200") {
		t.Errorf("10 of 100000 bytes were taken for the whole: %q, %v", got, err)
	}
}
