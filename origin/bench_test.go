package origin_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"edged/origin"
)

// plainOrigin answers each request with one write of a fixed response and
// allocates nothing, so that the figures are those of the client.
func plainOrigin(tb testing.TB, answer []byte) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer func() { _ = c.Close() }()
				buf := make([]byte, 4<<10)
				for {
					n, err := c.Read(buf)
					if err != nil || !bytes.HasSuffix(buf[:n], []byte("\r\n\r\n")) {
						return
					}
					if _, err := c.Write(answer); err != nil {
						return
					}
				}
			})
		}
	})
	tb.Cleanup(func() { _ = l.Close(); wg.Wait() })
	return "http://" + l.Addr().String()
}

// response returns a typical answer with a body of size bytes.
func response(size int, chunk bool) []byte {
	body := strings.Repeat("x", size)
	head := "HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Sun, 22 Nov 2026 10:00:00 GMT\r\nContent-Type: video/mp4\r\n" +
		"Last-Modified: Sat, 21 Nov 2026 10:00:00 GMT\r\nConnection: keep-alive\r\nETag: \"65a1-1000\"\r\nAccept-Ranges: bytes\r\n"
	if chunk {
		return fmt.Appendf(nil, "%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", head, size, body)
	}
	return fmt.Appendf(nil, "%sContent-Length: %d\r\n\r\n%s", head, size, body)
}

// pull fetches once into p and returns the length of the body.
func pull(tb testing.TB, ctx context.Context, g *origin.Group, r *origin.Request, p []byte) int { //nolint:revive // testing.TB first
	resp, err := g.Fetch(ctx, r)
	if err != nil {
		tb.Fatal(err)
	}
	total := 0
	for {
		n, err := resp.Read(p)
		total += n
		if err == io.EOF { //nolint:errorlint // the contract
			break
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	resp.Close()
	return total
}

// A fetch on a kept connection allocates the Response, the header text, the
// field list, and what context.AfterFunc needs.
func TestFetchAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for _, tt := range []struct {
		name  string
		chunk bool
		max   float64
		ctx   func() context.Context
	}{
		{"fixed", false, 3, context.Background},
		{"chunked", true, 3, context.Background},
		{"with a context that may end", false, 8, t.Context},
	} {
		g := group(t, origin.Options{MinRate: 1}, plainOrigin(t, response(4<<10, tt.chunk)))
		r, p, ctx := &origin.Request{Method: "GET", Target: "/a"}, make([]byte, 1<<20), tt.ctx()
		pull(t, ctx, g, r, p)
		if got := testing.AllocsPerRun(200, func() { pull(t, ctx, g, r, p) }); got > tt.max {
			t.Errorf("%s: %v allocations a fetch; want at most %v", tt.name, got, tt.max)
		}
	}
}

func BenchmarkFetch(b *testing.B) {
	for _, size := range []int{4 << 10, 64 << 10, 512 << 10, 1 << 20} {
		for _, chunk := range []bool{false, true} {
			b.Run(fmt.Sprintf("%dKiB/chunked=%v", size>>10, chunk), func(b *testing.B) {
				g := group(b, origin.Options{MinRate: 1}, plainOrigin(b, response(size, chunk)))
				r, p, ctx := &origin.Request{Method: "GET", Target: "/a"}, make([]byte, 1<<20), b.Context()
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					if n := pull(b, ctx, g, r, p); n != size {
						b.Fatalf("%d bytes", n)
					}
				}
			})
		}
	}
}

func BenchmarkFetchParallel(b *testing.B) {
	g := group(b, origin.Options{MinRate: 1}, plainOrigin(b, response(4<<10, false)))
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		r, p, ctx := &origin.Request{Method: "GET", Target: "/a"}, make([]byte, 64<<10), b.Context()
		for pb.Next() {
			pull(b, ctx, g, r, p)
		}
	})
}
