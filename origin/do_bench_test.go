package origin_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
)

// BenchmarkHostClientDo is the same fetch through fasthttp's own Do with a
// streamed body: what BenchmarkFetch has to be no dearer than.
func BenchmarkHostClientDo(b *testing.B) {
	for _, size := range []int{4 << 10, 64 << 10, 512 << 10, 1 << 20} {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			url := plainOrigin(b, response(size, false))
			hc := &fasthttp.HostClient{
				Addr: strings.TrimPrefix(url, "http://"), MaxIdemponentCallAttempts: 1, ReadBufferSize: 64 << 10,
				Dial:               func(addr string) (net.Conn, error) { return net.Dial("tcp", addr) },
				StreamResponseBody: true, DisablePathNormalizing: true, NoDefaultUserAgentHeader: true, ConnPoolStrategy: fasthttp.LIFO,
			}
			b.Cleanup(hc.CloseIdleConnections)
			p := make([]byte, 1<<20)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if n := pullDo(b, hc, url, p); n != size {
					b.Fatalf("%d bytes", n)
				}
			}
		})
	}
}

// pullDo fetches url once into p and copies the header out, as pull does.
func pullDo(b *testing.B, hc *fasthttp.HostClient, url string, p []byte) int {
	b.Helper()
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	req.SetRequestURI(url + "/a")
	if err := hc.Do(req, resp); err != nil {
		b.Fatal(err)
	}
	fields := make([][2]string, 0, resp.Header.Len())
	for k, v := range resp.Header.All() {
		fields = append(fields, [2]string{string(k), string(v)})
	}
	total := 0
	for {
		n, err := resp.BodyStream().Read(p)
		total += n
		if err == io.EOF { //nolint:errorlint // the contract
			break
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	_ = resp.CloseBodyStream()
	return total
}
