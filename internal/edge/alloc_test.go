//go:build !race

package edge

import (
	"io"
	"testing"
	"time"

	"edged/logfmt"
)

// discardLog takes records as the real writer does, without allocating.
type discardLog struct{ buf []byte }

func (d *discardLog) Write(r *logfmt.Record) {
	d.buf = logfmt.Append(d.buf[:0], logfmt.W3C, logfmt.Strike, r)
}

// rawFields is a request header that allocates nothing, like those of the adapters.
type rawFields [][2][]byte

func (f rawFields) Get(name string) []byte {
	for i := range f {
		if string(f[i][0]) == name {
			return f[i][1]
		}
	}
	return nil
}

func (f rawFields) Append(dst [][]byte, name string) [][]byte {
	if v := f.Get(name); v != nil {
		dst = append(dst, v)
	}
	return dst
}

// once serves the request that x.Req holds, as an adapter would.
func once(e *Edge, x *Exchange, r *Request) (n int64) {
	x.Req = *r
	e.Serve(x)
	if x.Resp.Body != nil {
		for {
			span, err := x.Resp.Body.Next()
			if err == io.EOF {
				break
			}
			n += int64(len(span))
		}
	}
	e.Finish(x, Delivery{Body: n, Took: time.Microsecond})
	return n
}

func TestHitAllocatesNothing(t *testing.T) {
	sign, mint := signing(t)
	for _, c := range []struct {
		name   string
		change []func(*Site)
		prefix string
		header rawFields
	}{
		{name: "open"},
		{name: "signed", change: []func(*Site){sign}, prefix: "/ect=" + mint("/v/")},
		{name: "range", header: rawFields{{[]byte("Range"), []byte("bytes=100-199")}}},
		{name: "conditional", header: rawFields{{[]byte("If-None-Match"), []byte(`"70000"`)}}},
		{name: "browser", header: rawFields{
			{[]byte("Origin"), []byte("https://player.example")},
			{[]byte("Referer"), []byte("https://player.example/")},
			{[]byte("User-Agent"), []byte("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0 Safari/537.36")},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, ok(pattern(70_000), "video/mp4"), c.change...)
			target := c.prefix + "/v/a.m4s"
			b.want(b.get(target), 200)
			b.edge.log = &discardLog{buf: make([]byte, 4096)}
			x := b.edge.NewExchange()
			b.fill(x, request{target: target})
			r := x.Req
			r.Header = c.header
			if allocs := testing.AllocsPerRun(200, func() { once(b.edge, x, &r) }); allocs != 0 {
				t.Errorf("%v allocations a hit, want 0", allocs)
			}
		})
	}
}
