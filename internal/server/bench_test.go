package server

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// BenchmarkResponse measures the server's CPU time for one response on a kept
// connection (cpu-us/op: user and system time of this process; the client is
// another one). It shows the cost of sockets, parsing and adapter; it says
// nothing about the edge, about many connections, or about a real network, where
// segmentation and interrupts cost more than on loopback.
func BenchmarkResponse(b *testing.B) {
	for _, wire := range []string{"plain", "tls"} {
		for _, size := range []int64{2 << 10, 64 << 10, 512 << 10, 4 << 20} {
			b.Run(fmt.Sprintf("%s/%dKiB", wire, size>>10), func(b *testing.B) {
				_, addr := run(b, newSteady(size), wire == "tls")
				c := dial(b, addr)
				if wire == "tls" {
					c = dialTLS(b, addr, alpnHTTP1)
				}
				bytes := strconv.Itoa(newRequester(b, c, size).response)
				b.SetBytes(size)
				b.ResetTimer()
				before := cpuTime(b)
				child(b, "load", addr, wire, strconv.Itoa(b.N), bytes)
				b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/float64(b.N), "cpu-us/op")
			})
		}
	}
}

// cpuTime returns what this process has used, without its children.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkHead is the cost of rendering a header of ten fields.
func BenchmarkHead(b *testing.B) {
	h := newSteady(2 << 10)
	x := h.NewExchange()
	x.Resp.Header, x.Resp.Status, x.Resp.Size, x.Resp.Body = h.header, 200, h.size, &h.body
	o := &headOptions{framing: sized, date: "Sun, 06 Nov 1994 08:49:37 GMT"}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = appendHead(buf[:0], &x.Resp, o)
	}
}

// BenchmarkFields is the cost of indexing a player's header and of four look-ups.
func BenchmarkFields(b *testing.B) {
	_, raw, _ := strings.Cut(playerRequest, "\r\n")
	block := []byte(raw)
	var f fields
	b.ReportAllocs()
	for b.Loop() {
		if f.parse(block) != Accepted {
			b.Fatal("refused")
		}
		for _, name := range []string{"Range", "If-None-Match", "Cookie", "Origin"} {
			_ = f.Get(name)
		}
	}
}
