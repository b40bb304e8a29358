//go:build !race

package edge

import (
	"testing"

	"edged/logfmt"
)

// BenchmarkHit is one hit from Serve to Finish, log record included: what the edge
// itself costs beside the adapter and the kernel.
func BenchmarkHit(b *testing.B) {
	for _, c := range []struct {
		name string
		size int
	}{{"2KiB", 2 << 10}, {"64KiB", 64 << 10}} {
		b.Run(c.name, func(b *testing.B) {
			t := newBench(b, ok(pattern(c.size), "video/mp4"))
			t.want(t.get("/v/a.m4s"), 200)
			t.edge.log = &discardLog{buf: make([]byte, 4096)}
			x, r := t.browser("/v/a.m4s")
			b.ReportAllocs()
			b.SetBytes(int64(c.size))
			for b.Loop() {
				once(t.edge, x, &r)
			}
		})
	}
}

// BenchmarkGather has the log's part of the request path: what is gathered for a
// record, without what the log then does with it.
func BenchmarkGather(b *testing.B) {
	for _, c := range []struct {
		name string
		log  Log
	}{{"off", nil}, {"on", new(countingLog)}} {
		b.Run(c.name, func(b *testing.B) {
			t := newBench(b, ok(pattern(2<<10), "video/mp4"))
			t.want(t.get("/v/a.m4s"), 200)
			t.edge.log = c.log
			x, r := t.browser("/v/a.m4s")
			for b.Loop() {
				once(t.edge, x, &r)
			}
		})
	}
}

// countingLog takes records and looks at nothing but their number.
type countingLog struct{ records int }

func (l *countingLog) Write(*logfmt.Record) { l.records++ }

// browser returns an exchange, and the request of a player in a page that asks for
// target, as an adapter hands it over.
func (b *bench) browser(target string) (*Exchange, Request) {
	x := b.edge.NewExchange()
	b.fill(x, request{target: target})
	r := x.Req
	r.Arrived = b.edge.now().UnixNano()
	r.Header = rawFields{
		{[]byte("Origin"), []byte("https://player.example")},
		{[]byte("Referer"), []byte("https://player.example/")},
		{[]byte("User-Agent"), []byte("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0 Safari/537.36")},
	}
	return x, r
}
