package target_test

import (
	"testing"

	"edged/internal/target"
)

const (
	plainPath   = "/acme/vod/movie42/video/720p/segment-00042.m4s"
	escapedPath = "/acme/vod/caf%C3%A9%20noir/video/720p/segment-00042.m4s"
	playerQuery = "CMCD=bl%3D21300%2Cbr%3D3200%2Ccid%3D%22movie%22%2Csid%3D%226e2fb550%22&_HLS_msn=273&_HLS_part=2"
)

// TestAllocations holds the request path to its budget: no allocation for a
// request of a player, and none for escapes once the buffer has grown.
func TestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	raw := []byte(plainPath + "?" + playerQuery)
	escaped, capital := []byte(escapedPath), []byte("ACME.example.net:443")
	buf, out := make([]byte, 0, 256), make([]byte, 0, 256)
	policies := []target.QueryPolicy{
		{Drop: []string{"ect"}},
		{Sort: true},
		{Mode: target.Allow, Names: []string{"id"}},
	}
	for _, c := range []struct {
		name string
		run  func()
	}{
		{"plain", func() {
			_, path, _, _ := target.Split(raw)
			canonical, _, _ := target.Canonical(path, nil)
			out = target.AppendEncoded(out[:0], canonical)
		}},
		{"escaped", func() {
			canonical, grown, _ := target.Canonical(escaped, buf)
			buf, out = grown, target.AppendEncoded(out[:0], canonical)
		}},
		{"host", func() { _, buf, _ = target.Host(capital, buf) }},
		{"query", func() {
			_, _, query, _ := target.Split(raw)
			for i := range policies {
				out = policies[i].Append(out[:0], query)
			}
		}},
		{"params", func() {
			_, _, query, _ := target.Split(raw)
			n := 0
			for name := range target.Params(query) {
				n += len(name)
			}
			if n == 0 {
				panic("no pairs")
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if n := testing.AllocsPerRun(100, c.run); n != 0 {
				t.Errorf("%v allocations, want 0", n)
			}
		})
	}
}

func BenchmarkSplit(b *testing.B) {
	raw := []byte(plainPath + "?" + playerQuery)
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		target.Split(raw)
	}
}

func BenchmarkCanonical(b *testing.B) {
	for name, path := range map[string]string{"plain": plainPath, "escaped": escapedPath} {
		b.Run(name, func(b *testing.B) {
			raw, buf := []byte(path), make([]byte, 0, 256)
			b.SetBytes(int64(len(raw)))
			for b.Loop() {
				target.Canonical(raw, buf)
			}
		})
	}
}

func BenchmarkAppendEncoded(b *testing.B) {
	canonical, out := []byte(plainPath), make([]byte, 0, 256)
	b.SetBytes(int64(len(canonical)))
	for b.Loop() {
		out = target.AppendEncoded(out[:0], canonical)
	}
}

func BenchmarkQueryPolicy(b *testing.B) {
	query, out := []byte(playerQuery), make([]byte, 0, 256)
	p := target.QueryPolicy{Drop: []string{"ect"}}
	for b.Loop() {
		out = p.Append(out[:0], query)
	}
}

func BenchmarkHost(b *testing.B) {
	raw := []byte("acme.example.net:443")
	for b.Loop() {
		target.Host(raw, nil)
	}
}
