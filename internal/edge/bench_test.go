//go:build !race

package edge

import "testing"

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
			x := t.edge.NewExchange()
			t.fill(x, request{target: "/v/a.m4s"})
			r := x.Req
			r.Header = rawFields{
				{[]byte("Origin"), []byte("https://player.example")},
				{[]byte("Referer"), []byte("https://player.example/")},
				{[]byte("User-Agent"), []byte("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0 Safari/537.36")},
			}
			b.ReportAllocs()
			b.SetBytes(int64(c.size))
			for b.Loop() {
				once(t.edge, x, &r)
			}
		})
	}
}
