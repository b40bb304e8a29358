package main

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"edged/internal/edgetest"
)

// The header of an HTTP/2 response is written by another goroutine than the one
// that made it, often after that one has gone on to the next request. Fields of
// one response never show up in another.
func TestE2EHTTP2HeadersStayApart(t *testing.T) {
	r := newRig(t)
	const size = 50_000
	body := r.video("/apart.m4s", size)
	want(t, r.get(t, "/apart.m4s"), 200, body)
	c := r.node.Client(edgetest.HTTP2, 0)
	var all sync.WaitGroup
	for v := range 16 {
		all.Go(func() {
			for i := range 30 {
				from := (v*30 + i) * 50
				path, status := "/apart.m4s", 206
				switch i % 4 {
				case 1:
					path, status = "/%2e%2e/apart.m4s", 400
				case 2:
					path, status = fmt.Sprintf("/nothing/%d.m4s", from), 404
				}
				got := edgetest.Get(t, c, "https://"+openHost+path, "Range", fmt.Sprintf("bytes=%d-%d", from, from+9))
				want(t, got, status, nil)
				id, cs := got.Header.Get("X-Request-Id"), got.CacheStatus()
				if len(id) < 16 || !strings.HasPrefix(cs, "edged") {
					t.Errorf("X-Request-Id %q, Cache-Status %q", id, cs)
				}
				if status == 206 {
					wantField(t, got, "Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, from+9, size))
				}
				if strings.Contains(cs, "bad-target") != (status == 400) || strings.Contains(cs, "hit") && status == 400 {
					t.Errorf("status %d has Cache-Status %q", status, cs)
				}
			}
		})
	}
	all.Wait()
}
